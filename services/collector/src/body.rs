//! Reads and decompresses request bodies within limits.

use std::io::Read as _;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use service::body::BodyError;

use crate::answer::Rejection;
use crate::budget::Share;

/// Compression of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compression {
    None,
    Gzip,
}

impl Compression {
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, Rejection> {
        let Some(encoding) = headers.get(header::CONTENT_ENCODING) else { return Ok(Self::None) };
        match encoding.as_bytes().to_ascii_lowercase().trim_ascii() {
            b"" | b"identity" => Ok(Self::None),
            b"gzip" | b"x-gzip" => Ok(Self::Gzip),
            _ => Err(Rejection::UnsupportedEncoding),
        }
    }
}

/// Reads a body of at most `bytes_max` bytes within `wait`, reserving each chunk in the budget.
pub(crate) async fn read(
    body: Body,
    headers: &HeaderMap,
    bytes_max: usize,
    wait: Duration,
    share: &mut Share,
) -> Result<Bytes, Rejection> {
    let read = service::body::read(body, headers, bytes_max, wait, |bytes| share.grow(bytes));
    read.await.map_err(|error| match error {
        BodyError::TooLarge => Rejection::BodyTooLarge { bytes_max },
        BodyError::NoRoom => Rejection::Backpressure,
        BodyError::Timeout => Rejection::BodyTimeout,
        BodyError::Broken => Rejection::BrokenBody,
    })
}

/// The body without its compression, at most `bytes_max` bytes.
pub(crate) fn plain(
    body: &Bytes,
    compression: Compression,
    bytes_max: usize,
    share: &mut Share,
) -> Result<Bytes, Rejection> {
    match compression {
        Compression::None => Ok(body.clone()),
        Compression::Gzip => gunzip(body, bytes_max, share),
    }
}

/// Decompresses a body to at most `bytes_max` bytes, in steps, so that a decompression bomb costs no
/// more memory than the limit.
pub(crate) fn gunzip(
    compressed: &[u8],
    bytes_max: usize,
    share: &mut Share,
) -> Result<Bytes, Rejection> {
    const STEP_BYTES: u64 = 256 * 1024;
    let mut decoder = MultiGzDecoder::new(compressed);
    let mut plain = Vec::new();
    loop {
        let before = plain.len();
        let read = decoder.by_ref().take(STEP_BYTES).read_to_end(&mut plain);
        read.map_err(|_broken| Rejection::BrokenGzip)?;
        let grown = plain.len() - before;
        if plain.len() > bytes_max {
            return Err(Rejection::BodyTooLarge { bytes_max });
        }
        if grown == 0 {
            return Ok(plain.into());
        }
        if !share.grow(grown) {
            return Err(Rejection::Backpressure);
        }
    }
}
