//! The schemas that events may be written with.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use super::{canonical, foreign};
use crate::encode::{fingerprint, fingerprint_of, native_fingerprint_of};
use crate::schema::PUBLISHED;
use crate::schema_key::SchemaKey;

/// A schema that events may be written with.
#[derive(Debug)]
pub(super) enum Writer {
    /// The bundled schema, in any spelling that has its canonical form.
    Bundled,
    /// Any other, with its schema id.
    Foreign(foreign::Schema, String),
}

/// The text of a schema, parsed, and its fingerprints: as other programs compute it, and as programs that
/// use the same library do.
pub(super) struct Parsed {
    schema: apache_avro::Schema,
    pub(super) fingerprints: [u64; 2],
}

impl Parsed {
    /// Parses a text.
    ///
    /// # Errors
    ///
    /// If it is not an Avro schema that can be compiled.
    pub(super) fn from_text(avro_schema: &str) -> Result<Self, String> {
        let schema =
            apache_avro::Schema::parse_str(avro_schema).map_err(|error| error.to_string())?;
        canonical::check(&schema)?;
        let fingerprints = [fingerprint_of(&schema), native_fingerprint_of(&schema)];
        Ok(Self { schema, fingerprints })
    }

    /// The fingerprint as other programs compute it.
    pub(super) const fn fingerprint(&self) -> u64 {
        let [written, _] = self.fingerprints;
        written
    }

    /// The writer of this schema.
    ///
    /// # Errors
    ///
    /// If it is not the schema of a record.
    pub(super) fn compile(&self) -> Result<Writer, String> {
        let compiled = foreign::Schema::compile(&self.schema)?;
        Ok(Writer::Foreign(compiled, format!("avro:{:016x}", self.fingerprint())))
    }
}

/// The schema of another build, if this one knows it. They are compiled when the first record comes
/// whose schema is not known otherwise.
pub(super) fn of_another_build(key: SchemaKey) -> Option<&'static Arc<Writer>> {
    static WRITERS: LazyLock<HashMap<u64, Arc<Writer>>> = LazyLock::new(|| {
        #[expect(clippy::expect_used, reason = "the schemas are compiled in, and tested")]
        compile(PUBLISHED).expect("the schemas of builds are Avro")
    });
    let SchemaKey::Fingerprint(fingerprint) = key else { return None };
    WRITERS.get(&fingerprint)
}

/// The schemas but for that of this build, by fingerprint.
fn compile(published: &[(u64, &str)]) -> Result<HashMap<u64, Arc<Writer>>, String> {
    let mut writers = HashMap::new();
    for (_, text) in published.iter().filter(|(written, _)| *written != fingerprint()) {
        let parsed = Parsed::from_text(text)?;
        let writer = Arc::new(parsed.compile()?);
        for fingerprint in parsed.fingerprints {
            writers.insert(fingerprint, Arc::clone(&writer));
        }
    }
    Ok(writers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schemas_of_all_builds_are_known_by_their_fingerprints() {
        for (written, text) in PUBLISHED {
            assert_eq!(Parsed::from_text(text).unwrap().fingerprint(), *written);
        }
        let (last, earlier) = PUBLISHED.split_last().unwrap();
        assert_eq!(last.0, fingerprint(), "the last line is the schema of this build");
        assert!(!earlier.is_empty());
        for (written, _) in earlier {
            assert!(of_another_build(SchemaKey::Fingerprint(*written)).is_some());
        }
        assert!(of_another_build(SchemaKey::Fingerprint(fingerprint())).is_none());
        assert!(of_another_build(SchemaKey::Id(1)).is_none());
    }
}
