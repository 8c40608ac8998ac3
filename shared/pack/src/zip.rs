//! Zip files of one exact form, of any size, written and read in bounded memory.
//!
//! Parquet is stored, everything else is deflated; there are no times, comments or descriptors, and
//! nothing between or behind the entries. So every ordinary zip program opens the file, and whoever
//! reads it may rebuild all headers and compare. What remains to choose is how a content was
//! deflated: two files with the same entries may differ there, and only there.

mod form;
mod read;
mod source;
mod write;

pub(crate) use self::read::{Entry, EntryReader, Zip};
pub(crate) use self::source::refused;
pub use self::source::{PackBytes, Seekable};
pub(crate) use self::write::ZipWriter;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io::{self, Read, Seek, SeekFrom, Write};

    use super::*;

    /// A file that holds no zeros.
    #[derive(Debug, Default)]
    struct Sparse {
        at: u64,
        size: u64,
        parts: BTreeMap<u64, Vec<u8>>,
    }

    impl Write for Sparse {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if bytes.iter().any(|byte| *byte != 0) {
                self.parts.insert(self.at, bytes.to_vec());
            }
            self.at += bytes.len() as u64;
            self.size = self.size.max(self.at);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Read for Sparse {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let end = self.size.min(self.at + into.len() as u64);
            let size = usize::try_from(end - self.at).unwrap();
            into[..size].fill(0);
            for (start, part) in self.parts.range(..end) {
                for (offset, byte) in (*start..).zip(part).filter(|(offset, _)| *offset < end) {
                    if let Some(place) = offset.checked_sub(self.at) {
                        into[usize::try_from(place).unwrap()] = *byte;
                    }
                }
            }
            self.at = end;
            Ok(size)
        }
    }

    impl Seek for Sparse {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            self.at = match to {
                SeekFrom::Start(at) => at,
                SeekFrom::End(by) => self.size.checked_add_signed(by).unwrap(),
                SeekFrom::Current(by) => self.at.checked_add_signed(by).unwrap(),
            };
            Ok(self.at)
        }
    }

    #[test]
    fn a_file_beyond_4_gib_is_written_and_read_back() {
        let zeros = vec![0; 1 << 28];
        let mut zip = ZipWriter::new(Sparse::default());
        for number in 0..17 {
            zip.store(format!("events/{number:05}.parquet"), &zeros).unwrap();
        }
        let text = b"what lies beyond";
        zip.deflate::<io::Error>("pack.json".into(), |to| to.write_all(text)).unwrap();
        zip.store("SHA256SUMS".into(), text).unwrap();
        let file = zip.finish().unwrap();
        assert!(file.size > 17 << 28);

        let source = Seekable::new(file).unwrap();
        let zip = Zip::open(&source).unwrap();
        assert_eq!(zip.entries.len(), 19);
        for entry in &zip.entries {
            let mut content = Hole::default();
            io::copy(&mut zip.read(entry), &mut content).unwrap();
            let is_zero = entry.name.ends_with(".parquet");
            let expected =
                if is_zero { Hole { size: 1 << 28, some: Vec::new() } } else { text[..].into() };
            assert_eq!(content, expected, "{}", entry.name);
        }
        assert!(zip.entries[17].offset > 0xffff_ffff, "a place that 32 bits do not hold");
    }

    /// What was read: how much, and what is not zero.
    #[derive(Debug, Default, PartialEq, Eq)]
    struct Hole {
        size: usize,
        some: Vec<u8>,
    }

    impl From<&[u8]> for Hole {
        fn from(bytes: &[u8]) -> Self {
            Self { size: bytes.len(), some: bytes.to_vec() }
        }
    }

    impl Write for Hole {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.size += bytes.len();
            self.some.extend(bytes.iter().filter(|byte| **byte != 0));
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
}
