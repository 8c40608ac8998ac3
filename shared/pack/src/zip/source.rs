//! Where the bytes of a pack come from, and what can go wrong while they are read.

use std::cell::RefCell;
use std::io::{self, Read, Seek, SeekFrom};

use bytes::Bytes;
use segment::fault::{Distrust, Fault};
use thiserror::Error;

/// The bytes of a pack: a file, or memory.
pub trait PackBytes {
    /// How many there are.
    fn size_bytes(&self) -> u64;

    /// Reads so many bytes from an offset on.
    ///
    /// # Errors
    ///
    /// They cannot be read.
    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<()>;
}

impl PackBytes for Bytes {
    fn size_bytes(&self) -> u64 {
        self.len() as u64
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        let found = usize::try_from(offset).ok().and_then(|from| {
            let to = from.checked_add(into.len())?;
            self.get(from..to)
        });
        into.copy_from_slice(found.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

/// The bytes of a file, or of whatever else can be read from any place.
#[derive(Debug)]
pub struct Seekable<R> {
    from: RefCell<R>,
    size_bytes: u64,
}

impl<R: Read + Seek> Seekable<R> {
    /// As many bytes as there are now.
    ///
    /// # Errors
    ///
    /// The end cannot be found.
    pub fn new(mut from: R) -> io::Result<Self> {
        let size_bytes = from.seek(SeekFrom::End(0))?;
        Ok(Self { from: RefCell::new(from), size_bytes })
    }
}

impl<R: Read + Seek> PackBytes for Seekable<R> {
    fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        let mut from = self.from.borrow_mut();
        from.seek(SeekFrom::Start(offset))?;
        from.read_exact(into)
    }
}

/// A fault that was found inside a reader.
#[derive(Debug, Error)]
#[error("{0}")]
pub(crate) struct Refused(pub(crate) Fault);

impl From<Refused> for io::Error {
    fn from(refused: Refused) -> Self {
        Self::new(io::ErrorKind::InvalidData, refused)
    }
}

/// What an error of a reader says about the pack: a fault of its bytes, or nothing.
pub(crate) fn refused(error: io::Error) -> Distrust {
    match error.downcast::<Refused>() {
        Ok(Refused(fault)) => fault.into(),
        Err(error) => Distrust::Unverifiable(format!("the pack cannot be read: {error}")),
    }
}
