//! Splits a body into events: one object, an array, or one object per line.

use std::fmt;

use serde::de::{DeserializeSeed, Error as _, SeqAccess, Visitor};
use serde_json::value::RawValue;
use service::guard::is_json_lines;

use crate::answer::Rejection;

/// The exact bytes of each event; the decoder decides whether they are one.
///
/// - `application/x-ndjson` (or `jsonl`): every line that is not blank.
/// - A body that begins with `[`: the elements of the array, which must be valid JSON as a whole.
/// - Several lines of which the first is a complete JSON value: every line that is not blank.
/// - Anything else: one event.
pub(crate) fn split<'b>(
    body: &'b [u8],
    content_type: &str,
    events_max: usize,
) -> Result<Vec<&'b [u8]>, Rejection> {
    let body = without_mark(body.trim_ascii());
    let items = if body.is_empty() {
        Vec::new()
    } else if is_json_lines(content_type)
        || (body.first() == Some(&b'{') && begins_with_a_line(body))
    {
        lines(body, events_max)?
    } else if body.first() == Some(&b'[') {
        elements(body, events_max)?
    } else {
        vec![body]
    };
    if items.is_empty() { Err(Rejection::EmptyBody) } else { Ok(items) }
}

/// A body without the byte order mark that some editors and libraries write before it.
fn without_mark(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xef\xbb\xbf").map_or(body, <[u8]>::trim_ascii)
}

/// Whether there are several lines and the first is a complete JSON value, which is not the case for
/// one pretty-printed object.
fn begins_with_a_line(body: &[u8]) -> bool {
    let mut lines = body.splitn(2, |byte| *byte == b'\n');
    match (lines.next(), lines.next()) {
        (Some(first), Some(_)) => serde_json::from_slice::<&RawValue>(first).is_ok(),
        _ => false,
    }
}

fn lines(body: &[u8], events_max: usize) -> Result<Vec<&[u8]>, Rejection> {
    let mut items = Vec::new();
    for line in body.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii) {
        if !line.is_empty() {
            if items.len() == events_max {
                return Err(Rejection::TooManyEvents { events_max });
            }
            items.push(line);
        }
    }
    Ok(items)
}

fn elements(body: &[u8], events_max: usize) -> Result<Vec<&[u8]>, Rejection> {
    let mut items = Vec::new();
    let mut too_many = false;
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let elements = Elements { items: &mut items, events_max, too_many: &mut too_many };
    let read = elements.deserialize(&mut deserializer).and_then(|()| deserializer.end());
    if too_many {
        return Err(Rejection::TooManyEvents { events_max });
    }
    read.map_err(|error| Rejection::InvalidJson { line: error.line(), column: error.column() })?;
    Ok(items)
}

struct Elements<'i, 'b> {
    items: &'i mut Vec<&'b [u8]>,
    events_max: usize,
    too_many: &'i mut bool,
}

impl<'b> DeserializeSeed<'b> for Elements<'_, 'b> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'b>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'b> Visitor<'b> for Elements<'_, 'b> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an array of events")
    }

    fn visit_seq<A: SeqAccess<'b>>(self, mut elements: A) -> Result<(), A::Error> {
        while let Some(raw) = elements.next_element::<&'b RawValue>()? {
            if self.items.len() == self.events_max {
                *self.too_many = true;
                return Err(A::Error::custom("too many events"));
            }
            self.items.push(raw.get().as_bytes());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of<'b>(body: &'b str, content_type: &str) -> Result<Vec<&'b str>, Rejection> {
        let items = split(body.as_bytes(), content_type, 3)?;
        Ok(items.into_iter().map(|item| std::str::from_utf8(item).unwrap()).collect())
    }

    #[test]
    fn the_bytes_of_each_event_are_exact() {
        for (body, content_type, items) in [
            ("\u{feff}{\"a\":1}\n{\"b\":2}", "", vec!["{\"a\":1}", "{\"b\":2}"]),
            ("\u{feff}[{\"a\":1},{}]", "", vec!["{\"a\":1}", "{}"]),
            ("\u{feff}{\"a\":1}", "application/x-ndjson", vec!["{\"a\":1}"]),
            (" {\"a\" : 1}\n", "application/json", vec!["{\"a\" : 1}"]),
            ("{\n\"a\": {}\n}", "", vec!["{\n\"a\": {}\n}"]),
            ("[ {\"a\" : 1} , 2,\n[3] ]", "", vec!["{\"a\" : 1}", "2", "[3]"]),
            ("{\"a\":1}\r\n\n{broken\n", "", vec!["{\"a\":1}", "{broken"]),
            ("broken}\n{}\n", "application/x-ndjson; charset=utf-8", vec!["broken}", "{}"]),
            ("[1]\n[2]", "application/jsonl", vec!["[1]", "[2]"]),
            ("nonsense", "text/plain", vec!["nonsense"]),
        ] {
            assert_eq!(of(body, content_type), Ok(items), "{body}");
        }
    }

    #[test]
    fn a_body_without_events_with_too_many_or_of_broken_framing_is_refused() {
        for empty in ["", " \n ", "[]", "[ ]"] {
            assert_eq!(of(empty, ""), Err(Rejection::EmptyBody));
        }
        assert_eq!(of("\n\n", "application/x-ndjson"), Err(Rejection::EmptyBody));
        for many in ["[1,2,3,4", "{}\n{}\n{}\n{}"] {
            assert_eq!(of(many, ""), Err(Rejection::TooManyEvents { events_max: 3 }));
        }
        assert_eq!(of("[{},{]", ""), Err(Rejection::InvalidJson { line: 1, column: 6 }));
        assert!(matches!(of("[1] 2", ""), Err(Rejection::InvalidJson { .. })));
    }
}
