//! The entries of a pack, and the list of their digests.

use merkle::{Hash, hash};
use segment::fault::{Distrust, Fault};
use sha2::{Digest as _, Sha256};

use crate::lines::{self, Lines};
use crate::names;
use crate::zip::{Entry, EntryReader, PackBytes, Zip, refused};

/// Most bytes of an entry that is read as a whole.
const WHOLE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// A pack whose entries are those of the format.
#[derive(Debug)]
pub(crate) struct Parts<'z> {
    zip: &'z Zip<'z>,
    pub(crate) files: usize,
}

impl<'z> Parts<'z> {
    /// The entries of a zip file.
    pub(crate) fn of(zip: &'z Zip<'z>) -> Result<Self, Fault> {
        const STEP: &str = "entries of a pack";
        let count = zip.entries.len();
        // With another number of entries, one is missing or too many.
        let files = names::files(count).unwrap_or_else(|| count.saturating_sub(9).div_ceil(3));
        let mut found = zip.entries.iter();
        for name in names::all(files) {
            let deflated = !name.ends_with(".parquet");
            match found.next() {
                Some(entry) if entry.name == name && entry.deflated == deflated => {}
                Some(entry) if entry.name == name => {
                    let form = |deflated| if deflated { "deflated" } else { "stored" };
                    return Err(Fault::new(STEP, name, form(deflated), form(!deflated)));
                }
                Some(entry) => {
                    let found = format!("the entry `{}`", entry.name);
                    return Err(Fault::new(STEP, name, "the entry", found));
                }
                None => return Err(Fault::new(STEP, name, "the entry", "none")),
            }
        }
        Ok(Self { zip, files })
    }

    fn entry(&self, name: &str) -> &'z Entry {
        match self.zip.entries.iter().find(|entry| entry.name == name) {
            Some(entry) => entry,
            None => unreachable!("`{name}` is an entry of each pack"),
        }
    }

    /// The content of an entry to read.
    pub(crate) fn read(&self, name: &str) -> EntryReader<'z> {
        self.zip.read(self.entry(name))
    }

    /// The lines of an entry.
    pub(crate) fn lines(&self, name: &str) -> Lines<EntryReader<'z>> {
        Lines::new(name, self.read(name))
    }

    /// The whole content of an entry that is small.
    pub(crate) fn small(&self, name: &str) -> Result<Vec<u8>, Distrust> {
        self.zip.content(self.entry(name), WHOLE_BYTES_MAX)
    }

    /// The whole text of an entry that is small.
    pub(crate) fn small_text(&self, name: &str) -> Result<String, Distrust> {
        let content = self.small(name)?;
        lines::text(name, &content)?;
        match String::from_utf8(content) {
            Ok(text) => Ok(text),
            Err(_) => unreachable!("it was found to be UTF-8"),
        }
    }

    /// The whole content of a file of events.
    pub(crate) fn parquet(&self, file: usize) -> Result<Vec<u8>, Distrust> {
        self.zip.content(self.entry(&names::parquet(file)), crate::table::FILE_BYTES_MAX)
    }

    /// Checks the list of digests against the other entries; the digest of the list.
    pub(crate) fn check_sums(&self) -> Result<Hash, Distrust> {
        const STEP: &str = "SHA256SUMS";
        let list = self.small(names::SUMS)?;
        let mut listed = Lines::new(names::SUMS, list.as_slice());
        let summed = self.zip.entries.iter();
        let summed =
            summed.filter(|entry| ![names::SUMS, names::SIGNATURE].contains(&&*entry.name));
        for entry in summed {
            let expected = line(&entry.name, &digest(self.zip.read(entry))?);
            let found = listed.next()?;
            if found.as_ref() != Some(&expected) {
                let found = found.unwrap_or_else(|| "no line".to_owned());
                return Err(Fault::new(STEP, entry.name.as_str(), expected, found).into());
            }
        }
        match listed.next()? {
            None => Ok(hash::sha256(&list)),
            Some(more) => Err(Fault::new(STEP, listed.place(), "no more lines", more).into()),
        }
    }

    /// SHA-256 of the whole file.
    pub(crate) fn file_digest(&self) -> Result<Hash, Distrust> {
        digest(Whole { source: self.zip.source(), at: 0 })
    }
}

/// A line of the list, as `sha256sum` writes and checks it.
pub(crate) fn line(name: &str, digest: &Hash) -> String {
    format!("{}  {name}", hash::to_hex(digest))
}

fn digest(mut content: impl std::io::Read) -> Result<Hash, Distrust> {
    let mut digest = Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = content.read(&mut buffer).map_err(refused)?;
        if read == 0 {
            return Ok(digest.finalize().into());
        }
        digest.update(buffer.get(..read).unwrap_or_default());
    }
}

struct Whole<'s> {
    source: &'s dyn PackBytes,
    at: u64,
}

impl std::io::Read for Whole<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let left = self.source.size_bytes().saturating_sub(self.at);
        let count = usize::try_from(left).unwrap_or(usize::MAX).min(into.len());
        let (into, _) = into.split_at_mut(count);
        self.source.read_at(self.at, into)?;
        self.at += count as u64;
        Ok(count)
    }
}
