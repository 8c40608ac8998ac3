//! What a body is, as its headers say it: events, or CloudEvents in one of their forms.

use std::borrow::Cow;

use axum::http::{HeaderMap, header};

use crate::answer::Rejection;

/// Prefix of the headers of a CloudEvent in binary mode (CloudEvents HTTP binding 1.0, section 3.1).
const CONTEXT: &str = "ce-";

/// The form of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Form {
    /// One event, an array, or one per line.
    Events,
    /// One CloudEvent in structured mode.
    CloudEvent,
    /// An array of CloudEvents in structured mode.
    CloudEvents,
    /// The data of one CloudEvent in binary mode, and its context: names without their prefix.
    CloudEventData(Vec<(String, String)>),
}

impl Form {
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, Rejection> {
        let content_type = service::guard::media_type(content_type(headers));
        if let Some(format) = content_type.strip_prefix("application/cloudevents") {
            return match format {
                "+json" => Ok(Self::CloudEvent),
                "-batch+json" => Ok(Self::CloudEvents),
                _ => Err(Rejection::UnsupportedCloudEvents),
            };
        }
        let context = headers.iter().filter_map(|(name, value)| {
            name.as_str().strip_prefix(CONTEXT).map(|name| (name, value.as_bytes()))
        });
        let mut attributes = Vec::new();
        for (name, value) in context {
            let Some(value) = percent_decoded(value) else {
                return Err(Rejection::BrokenContext { name: name.to_owned() });
            };
            attributes.push((name.to_owned(), value));
        }
        Ok(if attributes.is_empty() { Self::Events } else { Self::CloudEventData(attributes) })
    }

    /// Whether the body may hold several events.
    pub(crate) const fn is_split(&self) -> bool {
        matches!(self, Self::Events | Self::CloudEvents)
    }
}

/// The content type; one that is absent or not text decides nothing, the body itself does.
pub(crate) fn content_type(headers: &HeaderMap) -> &str {
    let value = headers.get(header::CONTENT_TYPE);
    value.and_then(|value| value.to_str().ok()).unwrap_or("")
}

/// The value of a header of a CloudEvent: UTF-8, of which what HTTP does not carry is
/// percent-encoded. `None` if it is not UTF-8.
fn percent_decoded(value: &[u8]) -> Option<String> {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some((byte, after)) = rest.split_first() {
        let digits = after.split_first_chunk::<2>().filter(|_| *byte == b'%');
        let encoded = digits.and_then(|(digits, after)| {
            let text = std::str::from_utf8(digits).ok()?;
            let byte = text.bytes().all(|b| b.is_ascii_hexdigit());
            let byte = byte.then(|| u8::from_str_radix(text, 16).ok()).flatten()?;
            Some((byte, after))
        });
        let (byte, after) = encoded.unwrap_or((*byte, after));
        bytes.push(byte);
        rest = after;
    }
    String::from_utf8(bytes).ok()
}

/// The context of a CloudEvent as decoding takes it.
pub(crate) fn borrowed(
    context: &[(String, String)],
) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    context.iter().map(|(name, value)| (Cow::Borrowed(&**name), Cow::Borrowed(&**value)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderName, HeaderValue};

    fn form(headers: &[(&str, &[u8])]) -> Result<Form, Rejection> {
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| {
                let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
                (name, HeaderValue::from_bytes(value).unwrap())
            })
            .collect();
        Form::of(&headers)
    }

    #[test]
    fn headers_say_what_a_body_is() {
        let own = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        assert_eq!(form(&[]), Ok(Form::Events));
        assert_eq!(form(&[("content-type", b"application/json")]), Ok(Form::Events));
        let structured = ("content-type", &b"Application/CloudEvents+JSON; charset=utf-8"[..]);
        assert_eq!(form(&[structured, ("ce-id", b"1")]), Ok(Form::CloudEvent));
        let batch = ("content-type", &b"application/cloudevents-batch+json"[..]);
        assert_eq!(form(&[batch]), Ok(Form::CloudEvents));
        let avro = ("content-type", &b"application/cloudevents+avro"[..]);
        assert_eq!(form(&[avro]), Err(Rejection::UnsupportedCloudEvents));
        assert_eq!(
            form(&[("Ce-Id", b"1"), ("ce-source", b"/caf%C3%A9%2")]),
            Ok(Form::CloudEventData(own(&[("id", "1"), ("source", "/caf\u{e9}%2")])))
        );
        let broken = Rejection::BrokenContext { name: "id".to_owned() };
        assert_eq!(form(&[("ce-id", b"%ff")]), Err(broken.clone()));
        assert_eq!(form(&[("ce-id", b"\xff")]), Err(broken));
    }
}
