//! What a file of a pack may hold; part of the format.

/// Most rows of a file.
pub(crate) const ROWS_MAX: u32 = 65_536;

/// Most bytes of all pages of a file, before compression.
pub(crate) const BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Most bytes of a file: pages that do not compress, their headers and the footer.
pub(crate) const FILE_BYTES_MAX: u64 = BYTES_MAX + 4 * 1024 * 1024;
