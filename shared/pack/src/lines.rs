//! Texts of lines, each of which ends in a newline, read one at a time.

use std::io::{BufRead, BufReader, Read, Write};

use segment::fault::{Distrust, Fault};

use crate::zip::refused;

/// Most bytes of a line: the census or the proof of one segment.
pub(crate) const LINE_BYTES_MAX: u64 = 32 * 1024 * 1024;

/// The text of bytes.
pub(crate) fn text<'t>(place: &str, bytes: &'t [u8]) -> Result<&'t str, Fault> {
    std::str::from_utf8(bytes)
        .map_err(|error| Fault::new("text", place, "UTF-8", error.to_string()))
}

/// Reads the lines of an entry.
#[derive(Debug)]
pub(crate) struct Lines<R> {
    from: BufReader<R>,
    name: String,
    line: u64,
}

impl<R: Read> Lines<R> {
    pub(crate) fn new(name: &str, from: R) -> Self {
        Self { from: BufReader::with_capacity(64 * 1024, from), name: name.to_owned(), line: 0 }
    }

    /// Where the last line is that was read.
    pub(crate) fn place(&self) -> String {
        format!("line {} of {}", self.line, self.name)
    }

    /// The next line, without its newline.
    pub(crate) fn next(&mut self) -> Result<Option<String>, Distrust> {
        let mut line = Vec::new();
        let mut limited = (&mut self.from).take(LINE_BYTES_MAX + 1);
        limited.read_until(b'\n', &mut line).map_err(refused)?;
        if line.is_empty() {
            return Ok(None);
        }
        self.line += 1;
        if line.pop() != Some(b'\n') {
            let expected = format!("a newline within {LINE_BYTES_MAX} bytes");
            return Err(Fault::new("lines", self.place(), expected, "none").into());
        }
        text(&self.place(), &line)?;
        match String::from_utf8(line) {
            Ok(line) => Ok(Some(line)),
            Err(_) => unreachable!("it was found to be UTF-8"),
        }
    }
}

/// Writes a line with its newline.
///
/// # Panics
///
/// A line that holds a newline: nobody could read back which lines these were.
pub(crate) fn put(to: &mut dyn Write, line: &str) -> std::io::Result<()> {
    assert!(!line.contains('\n'), "a line of a pack holds a newline");
    if line.len() as u64 >= LINE_BYTES_MAX {
        return Err(std::io::Error::other(format!("a line would need {LINE_BYTES_MAX} bytes")));
    }
    to.write_all(line.as_bytes())?;
    to.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(bytes: &[u8]) -> Result<Vec<String>, Distrust> {
        let mut lines = Lines::new("p", bytes);
        let mut all = Vec::new();
        while let Some(line) = lines.next()? {
            all.push(line);
        }
        Ok(all)
    }

    #[test]
    fn lines_survive_their_text() {
        let mut bytes = Vec::new();
        for line in ["a", "", "b"] {
            put(&mut bytes, line).unwrap();
        }
        assert_eq!(all(&bytes).unwrap(), ["a", "", "b"]);
        assert_eq!(all(b"").unwrap(), Vec::<String>::new());
        for (bytes, step) in [(&b"a"[..], "lines"), (b"\xff\n", "text")] {
            match all(bytes) {
                Err(Distrust::Failed(fault)) => assert_eq!(fault.step, step),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    #[should_panic(expected = "newline")]
    fn a_line_with_a_newline_is_never_written() {
        put(&mut Vec::new(), "a\nb").unwrap();
    }
}
