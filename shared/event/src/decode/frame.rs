//! Which encoding a record has: from its headers and the first bytes of its value.

use std::borrow::Cow;

use super::{Fault, Reason, json};
use crate::encode::SINGLE_OBJECT_MARKER;
use crate::record::Headers;
use crate::schema_key::SchemaKey;

/// The header in which newer serializers of schema registries keep the schema's identity.
pub(super) const SCHEMA_ID_HEADER: &str = "__value_schema_id";

/// Encodings by the names of `quarantine.encoding`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    SchemaIdHeader,
    Confluent,
    SingleObject,
    CloudEvents,
    Json,
    Unknown,
}

impl Encoding {
    pub(super) const fn name(self) -> Option<&'static str> {
        match self {
            Self::SchemaIdHeader => Some("schema_id_header"),
            Self::Confluent => Some("confluent"),
            Self::SingleObject => Some("avro_single_object"),
            Self::CloudEvents => Some("cloudevents"),
            Self::Json => Some("json"),
            Self::Unknown => None,
        }
    }
}

/// A value with its frame taken off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Body<'a> {
    /// A datum, and the schema that it was written with.
    Datum {
        key: SchemaKey,
        datum: &'a [u8],
    },
    /// A schema id header of a form that is not known.
    BadHeader,
    StructuredCloudEvent,
    BinaryCloudEvent,
    /// Several CloudEvents in one record.
    CloudEventBatch,
    /// A CloudEvent of binary mode whose data is not a JSON object.
    OtherCloudEvent,
    Json,
    Unknown,
}

impl Body<'_> {
    pub(super) const fn encoding(&self) -> Encoding {
        match self {
            // Only the header knows GUIDs; a plain id is said to be Confluent's either way.
            Self::Datum { key: SchemaKey::Guid(_), .. } | Self::BadHeader => {
                Encoding::SchemaIdHeader
            }
            Self::Datum { key: SchemaKey::Id(_), .. } => Encoding::Confluent,
            Self::Datum { key: SchemaKey::Fingerprint(_), .. } => Encoding::SingleObject,
            Self::StructuredCloudEvent
            | Self::BinaryCloudEvent
            | Self::CloudEventBatch
            | Self::OtherCloudEvent => Encoding::CloudEvents,
            Self::Json => Encoding::Json,
            Self::Unknown => Encoding::Unknown,
        }
    }
}

/// Takes the frame off a value.
pub(super) fn body<'a>(value: &'a [u8], headers: Headers<'_>) -> Body<'a> {
    let mut is_cloud_event = false;
    // Most records have no headers at all.
    if !headers.encoded().is_empty() {
        if let Some(id) = headers.last(SCHEMA_ID_HEADER) {
            return key_of_header(id)
                .map_or(Body::BadHeader, |key| Body::Datum { key, datum: value });
        }
        let content_type = headers.last("content-type").unwrap_or_default();
        let content_type = content_type.to_ascii_lowercase();
        if content_type.starts_with(b"application/cloudevents+json") {
            return Body::StructuredCloudEvent;
        }
        if content_type.starts_with(b"application/cloudevents-batch") {
            return Body::CloudEventBatch;
        }
        is_cloud_event = headers.iter().any(|(name, _)| context_name(name).is_some());
    }
    if let Some((0, after)) = value.split_first()
        && let Some((id, datum)) = after.split_first_chunk()
    {
        return Body::Datum { key: SchemaKey::Id(u32::from_be_bytes(*id)), datum };
    }
    if let Some(after) = value.strip_prefix(&SINGLE_OBJECT_MARKER)
        && let Some((fingerprint, datum)) = after.split_first_chunk()
    {
        let key = SchemaKey::Fingerprint(u64::from_le_bytes(*fingerprint));
        return Body::Datum { key, datum };
    }
    let text = value.strip_prefix(json::MARK).unwrap_or(value);
    if text.trim_ascii_start().first() != Some(&b'{') {
        return if is_cloud_event { Body::OtherCloudEvent } else { Body::Unknown };
    }
    if is_cloud_event { Body::BinaryCloudEvent } else { Body::Json }
}

fn key_of_header(id: &[u8]) -> Option<SchemaKey> {
    match id {
        [1, guid @ ..] if guid.len() == 16 => guid.first_chunk().copied().map(SchemaKey::Guid),
        [0, id @ ..] if id.len() == 4 => plain(id),
        id if id.len() == 4 => plain(id),
        _ => None,
    }
}

fn plain(id: &[u8]) -> Option<SchemaKey> {
    id.first_chunk().map(|id| SchemaKey::Id(u32::from_be_bytes(*id)))
}

/// The name of a context attribute in a header of a CloudEvent: `ce_` before it is Kafka's spelling,
/// `ce-` that of HTTP, which bridges pass on.
pub(super) fn context_name(header: &str) -> Option<Cow<'_, str>> {
    let (prefix, name) = header.split_at_checked(3)?;
    if !prefix.eq_ignore_ascii_case("ce_") && !prefix.eq_ignore_ascii_case("ce-") {
        return None;
    }
    let is_lower = !name.bytes().any(|byte| byte.is_ascii_uppercase());
    Some(if is_lower { Cow::Borrowed(name) } else { Cow::Owned(name.to_ascii_lowercase()) })
}

/// Names, without their prefix, and values of the context of a CloudEvent.
type Context<'a> = Vec<(Cow<'a, str>, Cow<'a, str>)>;

/// The context of a CloudEvent in binary mode.
pub(super) fn cloud_event_context<'a>(headers: Headers<'a>) -> Result<Context<'a>, Fault> {
    let context =
        headers.iter().filter_map(|(name, value)| Some((name, context_name(name)?, value?)));
    context
        .map(|(header, name, value)| match std::str::from_utf8(value) {
            Ok(value) => Ok((name, Cow::Borrowed(value))),
            Err(_) => Err(Fault {
                reason: Reason::InvalidUtf8,
                pointer: header.to_owned(),
                detail: "a header that is not UTF-8".into(),
            }),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{BatchBuilder, TimestampType, TopicPartition};

    fn with_headers<T>(headers: &[(&str, &[u8])], then: impl FnOnce(Headers<'_>) -> T) -> T {
        let mut builder = BatchBuilder::new(TopicPartition::new("t", 0));
        let headers = headers.iter().map(|(name, value)| (name.as_bytes(), Some(*value)));
        builder.push(0, 0, TimestampType::None, None, None, headers);
        let batch = builder.build();
        let record = batch.records().next().unwrap();
        then(record.headers)
    }

    #[test]
    fn the_schema_id_header_goes_before_everything_in_the_value() {
        let mut guid = vec![1];
        guid.extend_from_slice(&[9; 16]);
        for (header, key) in [
            (&guid[..], Some(SchemaKey::Guid([9; 16]))),
            (&[0, 0, 1, 2], Some(SchemaKey::Id(258))),
            (&[0, 0, 0, 1, 2], Some(SchemaKey::Id(258))),
            (&[2, 0, 0, 1, 2], None),
            (&[], None),
        ] {
            let body = with_headers(&[(SCHEMA_ID_HEADER, header)], |headers| body(b"{}", headers));
            assert_eq!(body, key.map_or(Body::BadHeader, |key| Body::Datum { key, datum: b"{}" }));
        }
    }

    #[test]
    fn the_first_bytes_tell_the_encoding() {
        let of = |value: &'static [u8]| body(value, Headers::default()).encoding();
        assert_eq!(of(&[0, 0, 0, 0, 7]), Encoding::Confluent);
        assert_eq!(of(&[0, 0, 0, 0]), Encoding::Unknown);
        assert_eq!(of(&[0xc3, 1, 0, 0, 0, 0, 0, 0, 0, 0]), Encoding::SingleObject);
        assert_eq!(of(&[0xc3, 1, 0, 0, 0, 0, 0, 0, 0]), Encoding::Unknown);
        assert_eq!(of(b" \r\n\t{"), Encoding::Json);
        assert_eq!(of(b"[{}]"), Encoding::Unknown);
        assert_eq!(of(b"\xef\xbb\xbf {}"), Encoding::Json);
        assert_eq!(of(b"\xef\xbb\xbf[]"), Encoding::Unknown);
    }

    #[test]
    fn cloud_events_are_told_by_their_headers() {
        let structured = [("content-type", &b"application/cloudevents+json; charset=utf-8"[..])];
        assert_eq!(with_headers(&structured, |h| body(b"{}", h)), Body::StructuredCloudEvent);
        for name in ["ce_id", "ce-id", "CE-Id"] {
            let binary = [(name, &b"1"[..])];
            assert_eq!(with_headers(&binary, |h| body(b"{}", h)), Body::BinaryCloudEvent);
            assert_eq!(with_headers(&binary, |h| body(b"text", h)), Body::OtherCloudEvent);
        }
        let batch = [("content-type", &b"application/cloudevents-batch+json"[..])];
        assert_eq!(with_headers(&batch, |h| body(b"[]", h)), Body::CloudEventBatch);
    }
}
