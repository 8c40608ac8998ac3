//! What a value looks like that begins like none of the accepted encodings: whoever sent it finds the
//! cause at once.

/// Beginnings by which formats are known, the longer before the shorter.
const BEGINNINGS: [(&[u8], &str); 17] = [
    (
        b"Obj\x01",
        "an Avro object container file; send single objects or registry frames, or use `emit`",
    ),
    (b"\xc3\x01", "an Avro single object that ends within its header"),
    (b"\x1f\x8b", "gzip; set the producer's `compression.type` instead of compressing values"),
    (
        b"\x28\xb5\x2f\xfd",
        "zstd; set the producer's `compression.type` instead of compressing values",
    ),
    (
        b"\x04\x22\x4d\x18",
        "LZ4; set the producer's `compression.type` instead of compressing values",
    ),
    (b"\x78\x9c", "zlib; set the producer's `compression.type` instead of compressing values"),
    (b"\x78\x01", "zlib; set the producer's `compression.type` instead of compressing values"),
    (b"PK\x03\x04", "a zip file"),
    (b"PAR1", "a Parquet file"),
    (b"\xff\xfe", "UTF-16 text; events are UTF-8"),
    (b"\xfe\xff", "UTF-16 text; events are UTF-8"),
    (b"\xef\xbb\xbf", "a byte order mark without an object after it"),
    (b"\xac\xed\x00\x05", "a serialized Java object; events are JSON or Avro"),
    (b"\x80\x04\x95", "a Python pickle; events are JSON or Avro"),
    (b"eyJ", "JSON in base64; send the JSON itself"),
    (b"<", "XML; events are JSON or Avro"),
    (b"---", "YAML; events are JSON or Avro"),
];

/// What a value that is not empty looks like.
#[cold]
pub(super) fn like(value: &[u8]) -> String {
    let what = guess(value);
    format!("begins like none of the accepted encodings; it looks like {what}")
}

fn guess(value: &[u8]) -> &'static str {
    let known = BEGINNINGS.iter().find(|(begin, _)| value.starts_with(begin));
    if let Some((_, what)) = known {
        return what;
    }
    // A field of a message whose length fits.
    if let [0x0a, length, rest @ ..] = value
        && rest.len() >= usize::from(*length)
        && *length >= 3
    {
        return "Protobuf; events are JSON or Avro";
    }
    // Every other byte of a small text in UTF-16 is zero.
    let (odd, even): (Vec<_>, Vec<_>) =
        value.iter().take(64).enumerate().partition(|(at, _)| at % 2 == 1);
    let are_zero = |half: &[(usize, &u8)]| {
        !half.is_empty()
            && half.iter().filter(|(_, byte)| **byte == 0).count() * 8 >= half.len() * 7
    };
    let are_text = |half: &[(usize, &u8)]| half.iter().all(|(_, byte)| **byte != 0);
    if (are_zero(&odd) && are_text(&even)) || (are_zero(&even) && are_text(&odd)) {
        return "UTF-16 text without a byte order mark; events are UTF-8";
    }
    let text = value.trim_ascii_start();
    match text.first() {
        None => "white space",
        Some(b'[') => "a JSON array; send one event per record",
        Some(b'"') => "JSON text within a JSON text: it was encoded twice",
        Some(b'0'..=b'9' | b'-') => "a number; an event is an object",
        Some(b't' | b'f' | b'n') if [&b"true"[..], b"false", b"null"].contains(&text) => {
            "a JSON value; an event is an object"
        }
        Some(0) => "a frame of a schema registry that ends within its header",
        Some(0x08 | 0x12) => "Protobuf; events are JSON or Avro",
        Some(0x80..=0x8f | 0xde | 0xdf) => "MessagePack; events are JSON or Avro",
        Some(0xa0..=0xbf) => "CBOR; events are JSON or Avro",
        Some(_) if std::str::from_utf8(value).is_ok() => "plain text; an event is a JSON object",
        Some(_) => "binary data",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_send_by_mistake_is_named() {
        for (value, what) in [
            (&b"[{}]"[..], "a JSON array"),
            (b" \n[1]", "a JSON array"),
            (b"\x1f\x8b\x08\0", "gzip"),
            (b"\xff\xfe{\0", "UTF-16"),
            (b"{\0\"\0a\0\"\0:\0", "UTF-16"),
            (b"\0{\0\"\0a\0\"\0:", "UTF-16"),
            (b"Obj\x01\x04", "an Avro object container"),
            (b"\"{}\"", "encoded twice"),
            (b"eyJraW5kIjoi", "JSON in base64"),
            (b"\0\0\0", "a frame of a schema registry"),
            (b"\xc3\x01abc", "an Avro single object"),
            (b"\x0a\x05hello", "Protobuf"),
            (b"\x82\xa4kind", "MessagePack"),
            (b"\xa2dkind", "CBOR"),
            (b"null", "a JSON value"),
            (b"17", "a number"),
            (b"nonsense", "plain text"),
            (b"  ", "white space"),
            (b"\xef\xbb\xbf[]", "a byte order mark"),
            (b"\x93\xff\x00\x01\x02\x03\x04\x05", "binary data"),
            (b"<event/>", "XML"),
        ] {
            assert!(like(value).contains(what), "{value:?}: {}", like(value));
        }
    }
}
