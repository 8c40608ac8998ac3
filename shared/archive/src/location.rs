//! Where an archive is: parsing of its URL.

use std::path::PathBuf;

use object_store::path::Path;

/// What a location names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Location {
    /// `memory:///`: empty, gone with the process.
    Memory,
    /// `file:///directory` or a plain path.
    Directory(PathBuf),
    /// `s3://bucket/prefix`.
    S3 {
        /// The bucket.
        bucket: String,
        /// What the keys of all objects begin with, without a slash at either end; may be empty.
        prefix: Path,
    },
}

impl Location {
    /// Parses a URL or a plain path. The error says what is wrong with it.
    pub(crate) fn parse(location: &str) -> Result<Self, String> {
        match location.split_once("://") {
            None if location.is_empty() => Err("the location is empty".into()),
            None => Ok(Self::Directory(location.into())),
            Some(("memory", "" | "/")) => Ok(Self::Memory),
            Some(("file", path)) if path.starts_with('/') => {
                let path = percent_decode(path).ok_or("the path is not valid percent-encoding")?;
                Ok(Self::Directory(path.into()))
            }
            Some(("file", _)) => Err("a file location is `file:///` and an absolute path".into()),
            Some(("s3", rest)) => s3(rest),
            Some((scheme, _)) => Err(format!(
                "unknown scheme `{scheme}`: expected `file:///directory`, a plain path, \
                 `s3://bucket/prefix` or `memory:///`"
            )),
        }
    }
}

/// What is wrong with a location, if it names none.
#[must_use]
pub fn location_problem(location: &str) -> Option<String> {
    Location::parse(location).err()
}

fn s3(rest: &str) -> Result<Location, String> {
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    let may_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    if bucket.is_empty() || !bucket.bytes().all(may_name) {
        return Err("an S3 location is `s3://bucket` or `s3://bucket/prefix`".into());
    }
    let prefix = Path::parse(prefix).map_err(|error| format!("invalid prefix: {error}"))?;
    Ok(Location::S3 { bucket: bucket.into(), prefix })
}

fn percent_decode(text: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|digit| char::from(digit).to_digit(16));
        let value = digit()?.checked_mul(16)?.checked_add(digit()?)?;
        decoded.push(u8::try_from(value).ok()?);
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scheme_is_parsed() {
        let s3 = |bucket: &str, prefix: &str| {
            Ok(Location::S3 { bucket: bucket.into(), prefix: Path::parse(prefix).unwrap() })
        };
        let directory = |path: &str| Ok(Location::Directory(path.into()));
        assert_eq!(Location::parse("memory:///"), Ok(Location::Memory));
        assert_eq!(Location::parse("an/archive"), directory("an/archive"));
        assert_eq!(Location::parse("file:///an%20archive"), directory("/an archive"));
        assert_eq!(Location::parse("s3://bucket"), s3("bucket", ""));
        assert_eq!(Location::parse("s3://bucket/"), s3("bucket", ""));
        assert_eq!(Location::parse("s3://a.bucket/one/two/"), s3("a.bucket", "one/two"));
    }

    #[test]
    fn what_is_not_a_location_is_refused_with_what_is_expected() {
        for (location, expected) in [
            ("", "empty"),
            ("file://relative", "absolute path"),
            ("file:///a%zz", "percent-encoding"),
            ("s3://", "s3://bucket"),
            ("s3:///prefix", "s3://bucket"),
            ("s3://key:secret@bucket/x", "s3://bucket"),
            ("s3://bucket/a/../b", "invalid prefix"),
            ("gs://bucket/x", "unknown scheme `gs`"),
        ] {
            let error = Location::parse(location).unwrap_err();
            assert!(error.contains(expected), "{location}: {error}");
        }
    }
}
