//! The Parquet library behind a barrier: it has panicked on damaged files. That, too, is only a damaged
//! file.

use event::barrier;

use super::ReadError;

/// What `read` gives; a panic is a damaged file.
pub(crate) fn guarded<T>(read: impl FnOnce() -> Result<T, ReadError>) -> Result<T, ReadError> {
    barrier::guarded(read)
        .unwrap_or_else(|_| Err(ReadError::Parquet("the file is damaged".to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_damaged_file() {
        assert_eq!(guarded(|| Ok(7)), Ok(7));
        let refused: Result<(), _> = guarded(|| panic!("as the library does"));
        assert_eq!(refused, Err(ReadError::Parquet("the file is damaged".into())));
    }
}
