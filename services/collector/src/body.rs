//! Reads and decompresses request bodies within limits.

use std::io::Read as _;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use http_body_util::BodyExt as _;

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
///
/// A body of up to twice the limit is read to its end and discarded: most clients send the whole body
/// before they read the response, and would see a broken connection instead of it.
pub(crate) async fn read(
    body: Body,
    headers: &HeaderMap,
    bytes_max: usize,
    wait: Duration,
    share: &mut Share,
) -> Result<Bytes, Rejection> {
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length / 2 > bytes_max) {
        return Err(Rejection::BodyTooLarge { bytes_max });
    }
    let mut rejection = None;
    let read = tokio::time::timeout(wait, chunks(body, bytes_max, share, &mut rejection)).await;
    match (rejection, read) {
        (Some(rejection), _) => Err(rejection),
        (None, Ok(read)) => read,
        (None, Err(_elapsed)) => Err(Rejection::BodyTimeout),
    }
}

/// Sets `rejection` as soon as it is known, and reads on to at most twice the limit.
async fn chunks(
    mut body: Body,
    bytes_max: usize,
    share: &mut Share,
    rejection: &mut Option<Rejection>,
) -> Result<Bytes, Rejection> {
    let mut length = 0_usize;
    let mut first = Bytes::new();
    let mut all = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_broken| Rejection::BrokenBody)?;
        let Ok(chunk) = frame.into_data() else { continue };
        length += chunk.len();
        if length > bytes_max {
            *rejection = Some(Rejection::BodyTooLarge { bytes_max });
        } else if !share.grow(chunk.len()) {
            *rejection = Some(Rejection::Backpressure);
        }
        if rejection.is_some() {
            if length / 2 > bytes_max {
                break;
            }
            (first, all) = (Bytes::new(), Vec::new());
        } else if first.is_empty() {
            // Most bodies are a single chunk, which is not copied.
            first = chunk;
        } else {
            if all.is_empty() {
                all.extend_from_slice(&first);
            }
            all.extend_from_slice(&chunk);
        }
    }
    Ok(if all.is_empty() { first } else { all.into() })
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
