//! Avro object container files (Avro 1.11, "Object container files"), read block by block.
//!
//! Total: lengths are checked against bounds before anything is allocated.

use std::io::{BufRead, Read};

use event::{Decoder, Event, Fault, Limits};
use flate2::read::DeflateDecoder;
use thiserror::Error;

/// The first bytes of a container.
pub(super) const MAGIC: &[u8] = b"Obj\x01";
/// Largest block, bytes, compressed and decompressed.
const BLOCK_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Largest header, bytes.
const HEADER_BYTES_MAX: usize = 1024 * 1024;

/// Why a container cannot be read.
#[derive(Debug, Error)]
pub(super) enum ContainerError {
    /// The bytes are no container, or not all of one.
    #[error("not a whole Avro object container: {0}")]
    Form(&'static str),
    /// It is compressed in a way that is not supported.
    #[error("codec of the Avro container is not supported; `null` and `deflate` are")]
    Codec,
    /// The schema is no record schema.
    #[error("schema of the Avro container: {0}")]
    Schema(String),
    /// Reading failed.
    #[error("{0}")]
    Read(#[from] std::io::Error),
}

/// Reads a container, and calls `each` with the number of each event, from 1, and the event or its
/// fault.
pub(super) fn read(
    mut bytes: Box<dyn BufRead + Send>,
    limits: Limits,
    each: &mut dyn FnMut(u64, Result<&Event<'_>, &Fault>),
) -> Result<(), ContainerError> {
    let mut magic = [0; 4];
    bytes.read_exact(&mut magic)?;
    let Header { schema, is_deflated, sync } = header(&mut bytes)?;
    let datums = Decoder::new(limits).datums(&schema).map_err(ContainerError::Schema)?;
    let mut number = 0;
    while !bytes.fill_buf()?.is_empty() {
        let count = long(&mut bytes)?;
        let stored = block(&mut bytes, BLOCK_BYTES_MAX)?;
        let mut end = [0; 16];
        bytes.read_exact(&mut end)?;
        if end != sync {
            return Err(ContainerError::Form("a block without its sync marker"));
        }
        let plain = if is_deflated { inflated(&stored)? } else { stored };
        let mut data = &plain[..];
        for _ in 0..count {
            number += 1;
            let before = data.len();
            match datums.next(&mut data) {
                Ok(event) => each(number, Ok(&event)),
                Err(fault) => each(number, Err(&fault)),
            }
            if data.len() == before {
                // Where the next event begins is not known any more.
                return Err(ContainerError::Form("a block with a broken event"));
            }
        }
        if !data.is_empty() {
            return Err(ContainerError::Form("bytes after the events of a block"));
        }
    }
    Ok(())
}

struct Header {
    schema: String,
    is_deflated: bool,
    sync: [u8; 16],
}

fn header(bytes: &mut dyn BufRead) -> Result<Header, ContainerError> {
    let (mut schema, mut is_deflated) = (None, false);
    let mut length = 0;
    loop {
        let mut count = long(bytes)?;
        if count == 0 {
            break;
        }
        if count < 0 {
            // The size of the block follows a negative count.
            let _size = long(bytes)?;
            count = count.checked_neg().ok_or(ContainerError::Form("a count out of range"))?;
        }
        for _ in 0..count {
            let key = block(bytes, HEADER_BYTES_MAX)?;
            let value = block(bytes, HEADER_BYTES_MAX)?;
            length += key.len() + value.len() + 1;
            if length > HEADER_BYTES_MAX {
                return Err(ContainerError::Form("a header of more than 1 MiB"));
            }
            match &*key {
                b"avro.schema" => {
                    let text = String::from_utf8(value);
                    schema = Some(text.map_err(|_| ContainerError::Form("a schema not in UTF-8"))?);
                }
                b"avro.codec" => {
                    is_deflated = match &*value {
                        b"deflate" => true,
                        b"null" => false,
                        _ => return Err(ContainerError::Codec),
                    };
                }
                _ => {}
            }
        }
    }
    let mut sync = [0; 16];
    bytes.read_exact(&mut sync)?;
    let schema = schema.ok_or(ContainerError::Form("no schema"))?;
    Ok(Header { schema, is_deflated, sync })
}

/// Bytes behind their length.
fn block(bytes: &mut dyn BufRead, bytes_max: usize) -> Result<Vec<u8>, ContainerError> {
    let length = usize::try_from(long(bytes)?).ok().filter(|length| *length <= bytes_max);
    let length = length.ok_or(ContainerError::Form("a length out of range"))?;
    let mut read = Vec::new();
    let limit = service::metrics::count(length);
    bytes.take(limit).read_to_end(&mut read)?;
    if read.len() < length {
        return Err(ContainerError::Form("it ends within a block"));
    }
    Ok(read)
}

fn inflated(stored: &[u8]) -> Result<Vec<u8>, ContainerError> {
    let mut plain = Vec::new();
    let limit = service::metrics::count(BLOCK_BYTES_MAX) + 1;
    DeflateDecoder::new(stored).take(limit).read_to_end(&mut plain)?;
    if plain.len() > BLOCK_BYTES_MAX {
        return Err(ContainerError::Form("a block of more than 64 MiB"));
    }
    Ok(plain)
}

/// A zig-zag variable-length integer.
fn long(bytes: &mut dyn BufRead) -> Result<i64, ContainerError> {
    let mut raw = 0_u64;
    for shift in (0..64).step_by(7) {
        let mut byte = [0];
        bytes.read_exact(&mut byte)?;
        let [byte] = byte;
        if shift == 63 && byte > 1 {
            break;
        }
        raw |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok((raw >> 1).cast_signed() ^ -(raw & 1).cast_signed());
        }
    }
    Err(ContainerError::Form("an integer of more than 64 bits"))
}
