//! A directory of schemas: `<id>.avsc`, `<guid>.avsc` or
//! `<fingerprint>.avsc` for Avro, `.json` for JSON Schema.

use std::io::{ErrorKind, Read as _};
use std::path::PathBuf;

use event::SchemaKey;

use crate::{Format, SCHEMA_BYTES_MAX, Schema, Source, SourceError};

/// A directory of schemas. A schema stands for itself: it refers to no other file.
#[derive(Debug, Clone)]
pub struct Directory {
    path: PathBuf,
}

impl Directory {
    /// Schemas in the files of a directory.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }
}

impl Source for Directory {
    fn find(&self, key: SchemaKey) -> Result<Option<Schema>, SourceError> {
        if !self.path.is_dir() {
            let path = self.path.display();
            return Err(SourceError::Unavailable(format!("`{path}` is not a directory")));
        }
        for (extension, format) in [("avsc", Format::Avro), ("json", Format::Json)] {
            let path = self.path.join(format!("{key}.{extension}"));
            let file = match std::fs::File::open(&path) {
                Ok(file) => file,
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => {
                    let path = path.display();
                    return Err(SourceError::Unavailable(format!("`{path}`: {error}")));
                }
            };
            let invalid = |reason: String| SourceError::Invalid { key, reason };
            let mut text = String::new();
            let limit = SCHEMA_BYTES_MAX as u64 + 1;
            file.take(limit)
                .read_to_string(&mut text)
                .map_err(|error| invalid(error.to_string()))?;
            if text.len() > SCHEMA_BYTES_MAX {
                return Err(invalid(format!("larger than {SCHEMA_BYTES_MAX} bytes")));
            }
            return Ok(Some(Schema { format, text }));
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_found_by_its_name_and_a_missing_one_is_no_error() {
        let directory = tempfile::tempdir().unwrap();
        let put =
            |name: &str, text: &str| std::fs::write(directory.path().join(name), text).unwrap();
        put("7.avsc", "\"string\"");
        put("8.json", "{}");
        put("07070707-0707-0707-0707-070707070707.avsc", "\"long\"");
        put("9.avsc", &"x".repeat(SCHEMA_BYTES_MAX + 1));
        let source = Directory::new(directory.path());
        let text = |key| source.find(key).unwrap().map(|schema| (schema.format, schema.text));
        assert_eq!(text(SchemaKey::Id(7)), Some((Format::Avro, "\"string\"".to_owned())));
        assert_eq!(text(SchemaKey::Id(8)), Some((Format::Json, "{}".to_owned())));
        assert_eq!(text(SchemaKey::Guid([7; 16])), Some((Format::Avro, "\"long\"".to_owned())));
        assert_eq!(text(SchemaKey::Id(1)), None);
        assert!(matches!(source.find(SchemaKey::Id(9)), Err(SourceError::Invalid { .. })));
        let nowhere = Directory::new(directory.path().join("nowhere"));
        assert!(matches!(nowhere.find(SchemaKey::Id(7)), Err(SourceError::Unavailable(_))));
    }
}
