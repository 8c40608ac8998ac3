//! Writes a file, entry after entry.

use std::io::{self, Read, Seek, SeekFrom, Write};

use flate2::Compression;
use flate2::write::DeflateEncoder;
use merkle::Hash;
use sha2::{Digest as _, Sha256};

use super::form::{ENTRIES_MAX, Record, U32_MAX, directory};

/// Where a pack is written to, and read back from.
pub(crate) trait Target: Read + Write + Seek {}

impl<T: Read + Write + Seek> Target for T {}

/// Writes a zip file.
#[derive(Debug)]
pub(crate) struct ZipWriter<T> {
    to: T,
    at: u64,
    records: Vec<Record>,
    digests: Vec<Hash>,
}

impl<T: Target> ZipWriter<T> {
    pub(crate) const fn new(to: T) -> Self {
        Self { to, at: 0, records: Vec::new(), digests: Vec::new() }
    }

    /// Names and SHA-256 of the entries so far.
    pub(crate) fn digests(&self) -> impl Iterator<Item = (&str, &Hash)> {
        self.records.iter().map(|record| record.name.as_str()).zip(&self.digests)
    }

    /// Adds an entry as it is; where its content begins.
    pub(crate) fn store(&mut self, name: String, content: &[u8]) -> io::Result<u64> {
        let size = size(&name, content.len() as u64)?;
        let crc = crc32fast::hash(content);
        let offset = self.at;
        let record = Record { name, deflated: false, crc, stored: size, size, offset };
        self.put(&record.local())?;
        let start = self.at;
        self.put(content)?;
        self.add(record, Sha256::digest(content).into())?;
        Ok(start)
    }

    /// Adds an entry that is deflated; `write` writes its content.
    pub(crate) fn deflate<E: From<io::Error>>(
        &mut self,
        name: String,
        write: impl FnOnce(&mut dyn Write) -> Result<(), E>,
    ) -> Result<(), E> {
        let (offset, crc) = (self.at, 0);
        let mut record = Record { name, deflated: true, crc, stored: 0, size: 0, offset };
        let header = record.local();
        self.put(&header)?;
        let start = self.at;
        let (stored, content_size, digest) = {
            let counter = Counter { to: &mut self.to, written: 0 };
            let mut content = Counting {
                to: DeflateEncoder::new(counter, Compression::new(6)),
                crc: crc32fast::Hasher::new(),
                digest: Sha256::new(),
                size: 0,
            };
            write(&mut content)?;
            let Counting { to, crc, digest, size } = content;
            record.crc = crc.finalize();
            (to.finish()?.written, size, digest.finalize())
        };
        self.at = start + stored;
        record.stored = size(&record.name, stored)?;
        record.size = size(&record.name, content_size)?;
        // The header says what is known only now.
        self.to.seek(SeekFrom::Start(offset))?;
        self.to.write_all(&record.local())?;
        self.to.seek(SeekFrom::Start(self.at))?;
        Ok(self.add(record, digest.into())?)
    }

    fn add(&mut self, record: Record, digest: Hash) -> io::Result<()> {
        if self.records.len() as u64 == ENTRIES_MAX {
            return Err(io::Error::other(format!("a pack has at most {ENTRIES_MAX} entries")));
        }
        self.records.push(record);
        self.digests.push(digest);
        Ok(())
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.to.write_all(bytes)?;
        self.at += bytes.len() as u64;
        Ok(())
    }

    /// Reads bytes that were written.
    pub(crate) fn read_back(&mut self, offset: u64, size: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; size];
        self.to.seek(SeekFrom::Start(offset))?;
        self.to.read_exact(&mut bytes)?;
        self.to.seek(SeekFrom::Start(self.at))?;
        Ok(bytes)
    }

    /// Writes the directory; where the file was written to.
    pub(crate) fn finish(mut self) -> io::Result<T> {
        let directory = directory(&self.records, self.at);
        self.put(&directory)?;
        self.to.flush()?;
        Ok(self.to)
    }
}

fn size(name: &str, size: u64) -> io::Result<u32> {
    let known = u32::try_from(size).ok().filter(|_| size < U32_MAX);
    known.ok_or_else(|| {
        io::Error::other(format!("`{name}` would need 4 GiB; choose a shorter period"))
    })
}

/// Counts what is written through it.
struct Counter<'t, T> {
    to: &'t mut T,
    written: u64,
}

impl<T: Write> Write for Counter<'_, T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.to.write(bytes)?;
        self.written += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// Checksums and size of a content while it is written.
struct Counting<W: Write> {
    to: W,
    crc: crc32fast::Hasher,
    digest: Sha256,
    size: u64,
}

impl<W: Write> Write for Counting<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.to.write_all(bytes)?;
        self.crc.update(bytes);
        self.digest.update(bytes);
        self.size += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}
