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
