//! Compares what an entry holds with what it must hold, piece by piece.

use std::io::{BufRead, BufReader, Read};

use segment::fault::{Distrust, Fault};

use crate::zip::refused;

/// Characters of a line that are shown.
const SHOWN_MAX: usize = 200;

/// An entry that is compared.
#[derive(Debug)]
pub(crate) struct Same<R> {
    from: BufReader<R>,
    name: String,
    line: u64,
}

impl<R: Read> Same<R> {
    pub(crate) fn new(name: &str, from: R) -> Self {
        Self { from: BufReader::with_capacity(64 * 1024, from), name: name.to_owned(), line: 1 }
    }

    /// The next bytes must be those of this text.
    pub(crate) fn expect(&mut self, text: &str) -> Result<(), Distrust> {
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            let found = self.from.fill_buf().map_err(refused)?;
            let count = found.len().min(rest.len());
            let (wanted, after) = rest.split_at(count);
            let same = found.get(..count) == Some(wanted) && count > 0;
            if !same {
                let at = wanted.iter().zip(found).take_while(|(a, b)| a == b).count();
                let found = show(found.get(at..).unwrap_or_default());
                return Err(self.fault(&show(rest.get(at..).unwrap_or_default()), &found));
            }
            self.line += wanted.iter().filter(|byte| **byte == b'\n').count() as u64;
            rest = after;
            self.from.consume(count);
        }
        Ok(())
    }

    /// Nothing must follow.
    pub(crate) fn end(mut self) -> Result<(), Distrust> {
        let found = self.from.fill_buf().map_err(refused)?;
        if found.is_empty() {
            return Ok(());
        }
        let found = show(found);
        Err(self.fault("the end", &found))
    }

    fn fault(&self, expected: &str, found: &str) -> Distrust {
        let place = format!("line {} of {}", self.line, self.name);
        Fault::new("printed numbers", place, expected, found).into()
    }
}

/// The rest of a line.
fn show(bytes: &[u8]) -> String {
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    if bytes.is_empty() {
        return "the end".to_owned();
    }
    format!("`{}`", String::from_utf8_lossy(line).chars().take(SHOWN_MAX).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_difference_is_named() {
        let same = |pieces: &[&str], found: &str| {
            let mut same = Same::new("p", found.as_bytes());
            pieces.iter().try_for_each(|piece| same.expect(piece)).and_then(|()| same.end())
        };
        assert_eq!(same(&["a\n", "b\n"], "a\nb\n"), Ok(()));
        for (found, expected) in [("a\nc\n", "`b`"), ("a\n", "`b`"), ("a\nb\nc", "the end")] {
            match same(&["a\n", "b\n"], found) {
                Err(Distrust::Failed(fault)) => {
                    assert_eq!(fault.expected, expected);
                    assert!(fault.place.starts_with("line "), "{fault}");
                }
                other => panic!("{other:?}"),
            }
        }
    }
}
