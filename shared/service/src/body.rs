//! Reads the body of a request within limits.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, header};
use http_body_util::BodyExt as _;

/// Why a body was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyError {
    /// It is larger than the limit.
    TooLarge,
    /// There is no memory for it now.
    NoRoom,
    /// It did not arrive in time.
    Timeout,
    /// It broke off.
    Broken,
}

/// Reads a body of at most `bytes_max` bytes within `wait`; `reserve` is asked for the bytes of each
/// chunk that is kept.
///
/// A body of up to twice the limit is read to its end and discarded: most clients send the whole body
/// before they read the response, and would see a broken connection instead of it.
///
/// # Errors
///
/// Why it was not read.
pub async fn read(
    body: Body,
    headers: &HeaderMap,
    bytes_max: usize,
    wait: Duration,
    reserve: impl FnMut(usize) -> bool,
) -> Result<Bytes, BodyError> {
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length / 2 > bytes_max) {
        return Err(BodyError::TooLarge);
    }
    let mut refused = None;
    let read = tokio::time::timeout(wait, chunks(body, bytes_max, reserve, &mut refused)).await;
    match (refused, read) {
        (Some(refused), _) => Err(refused),
        (None, Ok(read)) => read,
        (None, Err(_elapsed)) => Err(BodyError::Timeout),
    }
}

/// Sets `refused` as soon as it is known, and reads on to at most twice the limit.
async fn chunks(
    mut body: Body,
    bytes_max: usize,
    mut reserve: impl FnMut(usize) -> bool,
    refused: &mut Option<BodyError>,
) -> Result<Bytes, BodyError> {
    let mut length = 0_usize;
    let mut first = Bytes::new();
    let mut all = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_broken| BodyError::Broken)?;
        let Ok(chunk) = frame.into_data() else { continue };
        length += chunk.len();
        if length > bytes_max {
            *refused = Some(BodyError::TooLarge);
        } else if !reserve(chunk.len()) {
            *refused = Some(BodyError::NoRoom);
        }
        if refused.is_some() {
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

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Context, Poll};

    use hyper::body::{Body as HttpBody, Frame};

    use super::*;

    const LIMIT: usize = 10;

    /// A body in chunks that counts the bytes taken from it.
    struct Chunks(VecDeque<&'static [u8]>, Arc<AtomicUsize>);

    impl HttpBody for Chunks {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            let chunk = self.0.pop_front();
            self.1.fetch_add(chunk.map_or(0, <[u8]>::len), Ordering::SeqCst);
            Poll::Ready(chunk.map(|chunk| Ok(Frame::data(Bytes::from_static(chunk)))))
        }
    }

    /// What is read of chunks when there is room for so many bytes, and how many bytes were taken.
    fn of(chunks: &[&'static [u8]], room: usize) -> (Result<Vec<u8>, BodyError>, usize) {
        let taken = Arc::new(AtomicUsize::new(0));
        let body = Body::new(Chunks(chunks.iter().copied().collect(), Arc::clone(&taken)));
        let mut left = room;
        let reserve = |bytes: usize| {
            let fits = bytes <= left;
            left -= bytes.min(left);
            fits
        };
        let wait = Duration::from_secs(10);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let read = runtime.block_on(read(body, &HeaderMap::new(), LIMIT, wait, reserve));
        (read.map(Vec::from), taken.load(Ordering::SeqCst))
    }

    #[test]
    fn a_body_within_the_limit_is_read() {
        assert_eq!(of(&[], 99), (Ok(vec![]), 0));
        assert_eq!(of(&[b"0123456789"], 99), (Ok(b"0123456789".to_vec()), 10));
        assert_eq!(of(&[b"01", b"23", b"45"], 99), (Ok(b"012345".to_vec()), 6));
    }

    #[test]
    fn what_is_too_large_is_read_to_its_end_up_to_twice_the_limit() {
        let ten: &[u8] = b"0123456789";
        assert_eq!(of(&[ten, b"x", b"yz"], 99), (Err(BodyError::TooLarge), 13));
        assert_eq!(of(&[ten, ten, b"xy", ten, ten], 99), (Err(BodyError::TooLarge), 22));
    }

    #[test]
    fn where_there_is_no_room_the_rest_is_read_too() {
        assert_eq!(of(&[b"012", b"345", b"67"], 4), (Err(BodyError::NoRoom), 8));
    }

    #[test]
    fn what_announces_more_than_twice_the_limit_is_not_read() {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_LENGTH, "22".parse().unwrap());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let (body, wait) = (Body::from("x"), Duration::from_secs(10));
        let read = runtime.block_on(read(body, &headers, LIMIT, wait, |_| true));
        assert_eq!(read, Err(BodyError::TooLarge));
    }
}
