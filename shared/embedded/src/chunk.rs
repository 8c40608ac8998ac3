//! The encoding of consecutive records of a partition.
//!
//! A chunk is `u8` version (1), `u32` number of records, then each record: `i64` timestamp, `i32`
//! length (-1 for null) and bytes of the key, the same of the value, `u32` number of headers, and
//! for each `u32` length and bytes of the name, `i32` length (-1) and bytes of the value. Integers
//! are big-endian. The offset of a record is the first offset of the chunk plus the record's index.

use ports::Outgoing;

const VERSION: u8 = 1;

/// Size of the header, bytes.
const HEAD: usize = 5;

/// Builds a chunk.
#[derive(Debug)]
pub(crate) struct ChunkBuilder {
    bytes: Vec<u8>,
    count: u32,
}

impl ChunkBuilder {
    pub(crate) fn new() -> Self {
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(&0_u32.to_be_bytes());
        Self { bytes, count: 0 }
    }

    pub(crate) fn push(&mut self, record: &Outgoing, timestamp_ms: i64) {
        self.count += 1;
        self.bytes.extend_from_slice(&timestamp_ms.to_be_bytes());
        self.put_nullable(record.key.as_deref());
        self.put_nullable(record.value.as_deref());
        self.put_length(record.headers.len());
        for (name, value) in &record.headers {
            self.put_length(name.len());
            self.bytes.extend_from_slice(name.as_bytes());
            self.put_nullable(value.as_deref());
        }
    }

    fn put_nullable(&mut self, value: Option<&[u8]>) {
        match value {
            None => self.bytes.extend_from_slice(&(-1_i32).to_be_bytes()),
            Some(value) => {
                self.put_length(value.len());
                self.bytes.extend_from_slice(value);
            }
        }
    }

    /// Appends a length, which is read as an `i32` or a `u32`.
    fn put_length(&mut self, length: usize) {
        let Ok(length) = i32::try_from(length) else {
            unreachable!("records are limited to `Options::RECORD_BYTES_BOUND`")
        };
        self.bytes.extend_from_slice(&length.to_be_bytes());
    }

    pub(crate) const fn len(&self) -> u32 {
        self.count
    }

    pub(crate) const fn size_bytes(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn build(mut self) -> Vec<u8> {
        let Some((head, _)) = self.bytes.split_first_chunk_mut::<HEAD>() else {
            unreachable!("a chunk is created with its header")
        };
        let [_, count @ ..] = head;
        *count = self.count.to_be_bytes();
        self.bytes
    }
}

/// The bytes are not a chunk as [`ChunkBuilder`] builds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Damaged;

/// A record in a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ChunkRecord<'a> {
    pub(crate) timestamp_ms: i64,
    pub(crate) key: Option<&'a [u8]>,
    pub(crate) value: Option<&'a [u8]>,
    /// Encoded headers, checked by [`take_record`].
    headers: &'a [u8],
}

impl<'a> ChunkRecord<'a> {
    /// Name and value of each header.
    pub(crate) fn headers(&self) -> impl Iterator<Item = (&'a str, Option<&'a [u8]>)> + use<'a> {
        let mut rest = self.headers;
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let Ok(header) = take_header(&mut rest) else {
                unreachable!("headers were checked when the record was read")
            };
            Some(header)
        })
    }

    /// Size in a batch, bytes.
    pub(crate) fn size_bytes(&self) -> usize {
        let of = |bytes: Option<&[u8]>| bytes.map_or(0, <[u8]>::len);
        of(self.key) + of(self.value) + self.headers.len()
    }
}

/// Number of records of a chunk.
pub(crate) fn count(chunk: &[u8]) -> Result<u32, Damaged> {
    let mut rest = chunk;
    if take::<1>(&mut rest)? != [VERSION] {
        return Err(Damaged);
    }
    Ok(u32::from_be_bytes(take(&mut rest)?))
}

/// The records of a chunk, in order. Bytes after the last one make the chunk damaged too.
pub(crate) fn records(
    chunk: &[u8],
) -> Result<impl Iterator<Item = Result<ChunkRecord<'_>, Damaged>>, Damaged> {
    let count = count(chunk)?;
    let mut rest = chunk.get(HEAD..).ok_or(Damaged)?;
    if count == 0 && !rest.is_empty() {
        return Err(Damaged);
    }
    Ok((1..=count).map(move |number| {
        let record = take_record(&mut rest)?;
        if number == count && !rest.is_empty() { Err(Damaged) } else { Ok(record) }
    }))
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], Damaged> {
    let (taken, after) = rest.split_first_chunk::<N>().ok_or(Damaged)?;
    *rest = after;
    Ok(*taken)
}

fn take_bytes<'a>(rest: &mut &'a [u8], len: usize) -> Result<&'a [u8], Damaged> {
    let (taken, after) = rest.split_at_checked(len).ok_or(Damaged)?;
    *rest = after;
    Ok(taken)
}

fn take_nullable<'a>(rest: &mut &'a [u8]) -> Result<Option<&'a [u8]>, Damaged> {
    match i32::from_be_bytes(take(rest)?) {
        -1 => Ok(None),
        len => take_bytes(rest, usize::try_from(len).map_err(|_| Damaged)?).map(Some),
    }
}

fn take_header<'a>(rest: &mut &'a [u8]) -> Result<(&'a str, Option<&'a [u8]>), Damaged> {
    let len = u32::from_be_bytes(take(rest)?);
    let name = take_bytes(rest, usize::try_from(len).map_err(|_| Damaged)?)?;
    let name = std::str::from_utf8(name).map_err(|_| Damaged)?;
    Ok((name, take_nullable(rest)?))
}

fn take_record<'a>(rest: &mut &'a [u8]) -> Result<ChunkRecord<'a>, Damaged> {
    let timestamp_ms = i64::from_be_bytes(take(rest)?);
    let key = take_nullable(rest)?;
    let value = take_nullable(rest)?;
    let count = u32::from_be_bytes(take(rest)?);
    let before = *rest;
    for _ in 0..count {
        take_header(rest)?;
    }
    let headers = take_bytes(&mut &*before, before.len() - rest.len())?;
    Ok(ChunkRecord { timestamp_ms, key, value, headers })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn nullable() -> impl Strategy<Value = Option<Vec<u8>>> {
        proptest::option::of(proptest::collection::vec(any::<u8>(), 0..20))
    }

    fn outgoing() -> impl Strategy<Value = Outgoing> {
        let headers = proptest::collection::vec((".{0,5}", nullable()), 0..4);
        (nullable(), nullable(), headers).prop_map(|(key, value, headers)| Outgoing {
            topic: "t".into(),
            partition: None,
            key,
            value,
            headers,
        })
    }

    proptest! {
        #[test]
        fn a_chunk_gives_back_what_was_pushed(
            pushed in proptest::collection::vec((outgoing(), any::<i64>()), 0..8),
        ) {
            let mut builder = ChunkBuilder::new();
            for (record, timestamp_ms) in &pushed {
                builder.push(record, *timestamp_ms);
            }
            let bytes = builder.build();
            prop_assert_eq!(count(&bytes).map(|count| count as usize), Ok(pushed.len()));
            let longer = [bytes.as_slice(), &[0]].concat();
            let is_read = records(&longer).is_ok_and(|mut records| records.all(|r| r.is_ok()));
            prop_assert!(!is_read, "bytes after the last record");
            let held: Vec<_> = records(&bytes).unwrap().map(Result::unwrap).collect();
            prop_assert_eq!(held.len(), pushed.len());
            for (held, (record, timestamp_ms)) in held.iter().zip(&pushed) {
                prop_assert_eq!(held.timestamp_ms, *timestamp_ms);
                prop_assert_eq!(held.key, record.key.as_deref());
                prop_assert_eq!(held.value, record.value.as_deref());
                let headers: Vec<_> = held
                    .headers()
                    .map(|(name, value)| (name.to_owned(), value.map(<[u8]>::to_vec)))
                    .collect();
                prop_assert_eq!(&headers, &record.headers);
            }
        }

        #[test]
        fn any_bytes_are_records_or_damaged(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(records) = records(&bytes) {
                for record in records.take(1_000) {
                    prop_assert!(record.map_or(0, |record| record.headers().count()) <= 200);
                }
            }
        }
    }
}
