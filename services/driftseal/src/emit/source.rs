//! Reads files in pieces: lines of NDJSON, values of JSON. Gzip is recognised by its first bytes,
//! whatever the file name.
//!
//! Memory is bounded: a piece has at most [`PIECE_BYTES_MAX`] bytes; a longer one is skipped and
//! reported.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;

/// Longest line or JSON value that is read, bytes; a longer one is skipped and reported as rejected.
pub const PIECE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Bytes after which a line is known to be too long.
const LINE_BYTES: u64 = PIECE_BYTES_MAX as u64 + 1;

/// One piece.
#[derive(Debug, PartialEq, Eq)]
pub struct Piece {
    /// Line of the file on which it begins, from 1.
    pub line: u64,
    /// Its bytes; an error if it is too long or truncated.
    pub bytes: Result<Vec<u8>, String>,
}

/// The decompressed bytes of a file.
///
/// # Errors
///
/// If the file cannot be opened.
pub fn open(path: &Path) -> io::Result<Box<dyn BufRead + Send>> {
    decompress(File::open(path)?)
}

/// The decompressed bytes of what is open, without a byte order mark.
///
/// # Errors
///
/// If reading fails.
pub fn decompress(bytes: impl Read + Send + 'static) -> io::Result<Box<dyn BufRead + Send>> {
    let mut reader = BufReader::with_capacity(256 * 1024, bytes);
    let mut reader: Box<dyn BufRead + Send> = if reader.fill_buf()?.starts_with(&[0x1f, 0x8b]) {
        Box::new(BufReader::with_capacity(256 * 1024, MultiGzDecoder::new(reader)))
    } else {
        Box::new(reader)
    };
    let begin = reader.fill_buf()?;
    if begin.starts_with(&[0xff, 0xfe]) || begin.starts_with(&[0xfe, 0xff]) {
        return Err(io::Error::other("the file is UTF-16; events are UTF-8"));
    }
    if begin.starts_with(MARK) {
        reader.consume(MARK.len());
    }
    Ok(reader)
}

/// The byte order mark of UTF-8, which some editors and libraries write before a text.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// Consumes white space; returns the next byte without consuming it.
///
/// # Errors
///
/// If reading fails.
pub fn first_byte(reader: &mut dyn BufRead, line: &mut u64) -> io::Result<Option<u8>> {
    loop {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() {
            return Ok(None);
        }
        let blank = buffer.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        let Some((white, rest)) = buffer.split_at_checked(blank) else {
            unreachable!("the count is of bytes of the buffer")
        };
        *line += newlines(white);
        let found = rest.first().copied();
        reader.consume(blank);
        if found.is_some() {
            return Ok(found);
        }
    }
}

fn newlines(bytes: &[u8]) -> u64 {
    bytes.iter().map(|byte| u64::from(*byte == b'\n')).sum()
}

/// The lines of a file that are not blank, trimmed.
#[derive(Debug)]
pub struct Lines<R> {
    reader: R,
    line: u64,
}

impl<R: BufRead> Lines<R> {
    /// Lines from here; the next line has number `line`.
    pub const fn new(reader: R, line: u64) -> Self {
        Self { reader, line }
    }

    /// The next line.
    ///
    /// # Errors
    ///
    /// If reading fails.
    pub fn next_piece(&mut self) -> io::Result<Option<Piece>> {
        loop {
            let mut bytes = Vec::new();
            let read = (&mut self.reader).take(LINE_BYTES).read_until(b'\n', &mut bytes)?;
            if read == 0 {
                return Ok(None);
            }
            let line = self.line;
            self.line += 1;
            if bytes.last() != Some(&b'\n') && bytes.len() > PIECE_BYTES_MAX {
                self.skip_line()?;
                return Ok(Some(Piece { line, bytes: Err(too_long()) }));
            }
            let trimmed = bytes.trim_ascii();
            if !trimmed.is_empty() {
                return Ok(Some(Piece { line, bytes: Ok(trimmed.to_vec()) }));
            }
        }
    }

    fn skip_line(&mut self) -> io::Result<()> {
        loop {
            let buffer = self.reader.fill_buf()?;
            let (used, done) = match buffer.iter().position(|byte| *byte == b'\n') {
                Some(at) => (at + 1, true),
                None => (buffer.len(), buffer.is_empty()),
            };
            self.reader.consume(used);
            if done {
                return Ok(());
            }
        }
    }
}

fn too_long() -> String {
    format!("the record is longer than {PIECE_BYTES_MAX} bytes")
}

/// The elements of a JSON array, or JSON values one after the other, each as its bytes. The
/// values themselves are not checked here: only braces, brackets and strings are followed.
#[derive(Debug)]
pub struct Values<R> {
    reader: R,
    line: u64,
    in_array: bool,
    started: bool,
}

impl<R: BufRead> Values<R> {
    /// Values from here; `line` is the line here.
    pub const fn new(reader: R, line: u64) -> Self {
        Self { reader, line, in_array: false, started: false }
    }

    /// The next value.
    ///
    /// # Errors
    ///
    /// If reading fails.
    pub fn next_piece(&mut self) -> io::Result<Option<Piece>> {
        loop {
            let Some(byte) = first_byte(&mut self.reader, &mut self.line)? else { return Ok(None) };
            let separator = match byte {
                b'[' if !self.started => {
                    self.in_array = true;
                    true
                }
                b',' | b']' if self.in_array => {
                    self.in_array = byte == b',';
                    true
                }
                _ => false,
            };
            self.started = true;
            if !separator {
                return self.value().map(Some);
            }
            self.reader.consume(1);
        }
    }

    fn value(&mut self) -> io::Result<Piece> {
        let line = self.line;
        let mut scan = Scan::default();
        let mut bytes = Vec::new();
        let mut too_large = false;
        loop {
            let buffer = self.reader.fill_buf()?;
            if buffer.is_empty() {
                let bytes = match (scan.depth, too_large) {
                    (_, true) => Err(too_long()),
                    (0, false) => Ok(bytes),
                    (_, false) => Err("the file ends inside a JSON value".into()),
                };
                return Ok(Piece { line, bytes });
            }
            let taken = scan.take(buffer);
            let Some(part) = buffer.get(..taken.count) else {
                unreachable!("the count is of bytes of the buffer")
            };
            self.line += newlines(part);
            if bytes.len() + part.len() > PIECE_BYTES_MAX {
                too_large = true;
                bytes.clear();
            }
            if !too_large {
                bytes.extend_from_slice(part);
            }
            self.reader.consume(taken.count);
            if taken.complete {
                let bytes = if too_large { Err(too_long()) } else { Ok(bytes) };
                return Ok(Piece { line, bytes });
            }
        }
    }
}

/// The state of a scan within a value.
#[derive(Debug, Default)]
struct Scan {
    depth: usize,
    in_string: bool,
    escaped: bool,
    began: bool,
}

#[derive(Debug)]
struct Taken {
    count: usize,
    complete: bool,
}

impl Scan {
    /// The number of bytes of the buffer that belong to the value.
    fn take(&mut self, buffer: &[u8]) -> Taken {
        for (at, byte) in buffer.iter().enumerate() {
            if self.in_string {
                match byte {
                    _ if self.escaped => self.escaped = false,
                    b'\\' => self.escaped = true,
                    b'"' => {
                        self.in_string = false;
                        if self.depth == 0 {
                            return Taken { count: at + 1, complete: true };
                        }
                    }
                    _ => {}
                }
                continue;
            }
            match byte {
                b'"' => self.in_string = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' if self.depth > 0 => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        return Taken { count: at + 1, complete: true };
                    }
                }
                // A stray separator at the start is an (invalid) value of its own.
                b',' | b']' | b'}' if !self.began && self.depth == 0 => {
                    return Taken { count: at + 1, complete: true };
                }
                b',' | b']' | b'}' if self.depth == 0 => {
                    return Taken { count: at, complete: true };
                }
                byte if self.depth == 0 && byte.is_ascii_whitespace() => {
                    return Taken { count: at, complete: true };
                }
                _ => {}
            }
            self.began = true;
        }
        Taken { count: buffer.len(), complete: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn values(text: &str, chunk: usize) -> Vec<(u64, Result<String, String>)> {
        let mut values = Values::new(BufReader::with_capacity(chunk.max(1), text.as_bytes()), 1);
        let mut found = Vec::new();
        while let Some(piece) = values.next_piece().unwrap() {
            found.push((piece.line, piece.bytes.map(|bytes| String::from_utf8(bytes).unwrap())));
        }
        found
    }

    #[test]
    fn an_array_and_values_in_a_row_are_split_with_their_lines() {
        let expected = [
            (1, Ok("{\"a\":[1,{\"b\":\"}],\\\"\"}]}".to_owned())),
            (2, Ok("\"x,y\"".to_owned())),
            (2, Ok("3".to_owned())),
            (4, Ok("[]".to_owned())),
        ];
        let array = "[{\"a\":[1,{\"b\":\"}],\\\"\"}]},\n \"x,y\",3,\n\n[] ]\n";
        let row = "{\"a\":[1,{\"b\":\"}],\\\"\"}]}\n \"x,y\" 3 \n\n[]\n";
        for chunk in [1, 2, 7, 4_096] {
            assert_eq!(values(array, chunk), expected);
            assert_eq!(values(row, chunk), expected);
        }
    }

    #[test]
    fn a_value_that_does_not_end_is_said_so() {
        let found = values("[{\"a\":1},\n{\"b\":", 3);
        assert_eq!(found[0], (1, Ok("{\"a\":1}".into())));
        assert_eq!(found[1], (2, Err("the file ends inside a JSON value".into())));
    }

    #[test]
    fn a_line_that_is_too_long_is_skipped_and_the_next_is_read() {
        let mut text = vec![b'x'; PIECE_BYTES_MAX + 5];
        text.extend_from_slice(b"\n\n{}\n");
        let mut lines = Lines::new(text.as_slice(), 1);
        let long = lines.next_piece().unwrap().unwrap();
        assert_eq!((long.line, long.bytes.is_err()), (1, true));
        let next = lines.next_piece().unwrap().unwrap();
        assert_eq!((next.line, next.bytes), (3, Ok(b"{}".to_vec())));
        assert_eq!(lines.next_piece().unwrap(), None);
    }

    #[test]
    fn gzip_is_recognised_by_its_bytes() {
        use std::io::Write;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("no-ending");
        let mut gzip = flate2::write::GzEncoder::new(
            File::create(&path).unwrap(),
            flate2::Compression::fast(),
        );
        gzip.write_all(b"hello").unwrap();
        gzip.finish().unwrap();
        let mut text = String::new();
        open(&path).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "hello");
    }

    proptest! {
        #[test]
        fn any_bytes_end_and_lose_no_line(text in "[\\[\\]{},\": \n\\\\a]{0,40}", chunk in 1_usize..9) {
            let found = values(&text, chunk);
            prop_assert!(found.len() <= text.len());
            prop_assert_eq!(found, values(&text, 4_096));
        }
    }
}
