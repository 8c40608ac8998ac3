//! What an fsck asks for.

use super::segment_task::SegmentTask;

/// What an [`super::Fsck`] wants next.
#[derive(Debug)]
pub enum Request {
    /// Paths and sizes of all objects below this directory; answer with [`super::Fsck::handle_listing`].
    List(&'static str),
    /// The bytes of an object; answer with [`super::Fsck::handle_object`].
    Read(String),
    /// A segment to check; answer, at any time, with [`super::Fsck::handle_outcome`].
    Check(Box<SegmentTask>),
    /// Nothing more.
    Done,
}

/// An object of the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Path.
    pub path: String,
    /// Size in bytes.
    pub size_bytes: u64,
}
