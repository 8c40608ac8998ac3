//! Reads a mapping file.

use std::path::Path;

use mapping::Mapping;

use super::EmitError;
use crate::outcome::Failure;

/// Reads a mapping. If it cannot be read or is invalid, that is a usage error.
pub(crate) fn load_mapping(file: &Path) -> Result<Mapping, Failure> {
    let wrong = |reason: String| {
        Failure::usage(EmitError::Mapping { file: file.to_owned(), reason }.to_string())
    };
    let text = std::fs::read_to_string(file).map_err(|error| wrong(error.to_string()))?;
    Mapping::parse(&text).map_err(|error| wrong(error.to_string()))
}
