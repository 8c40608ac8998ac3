//! The blocking face of an object store.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload};
use tokio::runtime::Handle;

use crate::{ArchiveError, DurableLocal};

/// Reads of [`Archive::get_many`] that are under way at once.
const READS_MAX: usize = 16;

/// What a listing says about an object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectInfo {
    /// Path below the archive's root.
    pub path: String,
    /// Size in bytes.
    pub size_bytes: u64,
}

/// An archive. Cheap to clone; all clones speak to the same store.
///
/// Every method blocks its thread and must not be called from within an async task (use
/// `spawn_blocking` there).
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build()?;
/// let archive = archive::Archive::open("memory:///", runtime.handle().clone())?;
/// archive.put_new("log/commit/0", &b"first"[..])?;
/// assert!(archive.put_new("log/commit/0", &b"second"[..]).is_err());
/// assert_eq!(&archive.get("log/commit/0")?[..], b"first");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Archive {
    store: Arc<dyn ObjectStore>,
    runtime: Handle,
    location: Arc<str>,
}

impl Archive {
    /// Opens an archive that exists: `file:///directory`, a plain path, or `memory:///` (empty,
    /// for tests). The runtime drives the store and must outlive the archive.
    ///
    /// # Errors
    ///
    /// [`ArchiveError::Location`] if the directory does not exist or the scheme is not known.
    pub fn open(location: &str, runtime: Handle) -> Result<Self, ArchiveError> {
        Self::at(location, runtime, DurableLocal::open)
    }

    /// Opens an archive, creating its directory if need be.
    ///
    /// # Errors
    ///
    /// [`ArchiveError::Location`] if the directory cannot be created or the scheme is not known.
    pub fn create(location: &str, runtime: Handle) -> Result<Self, ArchiveError> {
        Self::at(location, runtime, DurableLocal::create)
    }

    /// An archive over any store.
    #[must_use]
    pub fn over(store: Arc<dyn ObjectStore>, runtime: Handle) -> Self {
        let location = store.to_string().into();
        Self { store, runtime, location }
    }

    fn at(
        location: &str,
        runtime: Handle,
        open: impl FnOnce(&std::path::Path) -> std::io::Result<DurableLocal>,
    ) -> Result<Self, ArchiveError> {
        let failed = |detail: String| ArchiveError::Location { location: location.into(), detail };
        let store: Arc<dyn ObjectStore> = match Place::parse(location).map_err(failed)? {
            Place::Memory => Arc::new(InMemory::new()),
            Place::Directory(path) => {
                Arc::new(open(&path).map_err(|error| failed(error.to_string()))?)
            }
        };
        Ok(Self { store, runtime, location: location.into() })
    }

    /// The location as given when it was opened.
    #[must_use]
    pub fn location(&self) -> &str {
        &self.location
    }

    /// Creates an object that does not exist yet. Of several writers exactly one succeeds.
    ///
    /// # Errors
    ///
    /// `AlreadyExists`; `Refused`; `Unavailable`, after which the object may or may not exist.
    pub fn put_new(&self, path: &str, bytes: impl Into<Bytes>) -> Result<(), ArchiveError> {
        self.put_with(path, bytes.into(), PutMode::Create)
    }

    /// Creates or replaces an object, whole.
    ///
    /// # Errors
    ///
    /// `Refused`; `Unavailable`, after which the object is the old or the new one.
    pub fn put(&self, path: &str, bytes: impl Into<Bytes>) -> Result<(), ArchiveError> {
        self.put_with(path, bytes.into(), PutMode::Overwrite)
    }

    fn put_with(&self, path: &str, bytes: Bytes, mode: PutMode) -> Result<(), ArchiveError> {
        let location = parse(path)?;
        let options = PutOptions { mode, ..PutOptions::default() };
        self.runtime
            .block_on(self.store.put_opts(&location, PutPayload::from_bytes(bytes), options))
            .map(drop)
            .map_err(|error| ArchiveError::from_store(path, &error))
    }

    /// Reads an object.
    ///
    /// # Errors
    ///
    /// `NotFound`, `Refused`, `Unavailable`.
    pub fn get(&self, path: &str) -> Result<Bytes, ArchiveError> {
        self.runtime.block_on(self.read(path))
    }

    /// Reads many objects, a bounded number at once; the answers are in the order of the paths.
    ///
    /// # Errors
    ///
    /// The first failure, as for [`Self::get`].
    pub fn get_many(&self, paths: &[String]) -> Result<Vec<Bytes>, ArchiveError> {
        let reads = futures::stream::iter(paths).map(|path| self.read(path));
        self.runtime.block_on(reads.buffered(READS_MAX).try_collect())
    }

    async fn read(&self, path: &str) -> Result<Bytes, ArchiveError> {
        let failed = |error| ArchiveError::from_store(path, &error);
        let found = self.store.get(&parse(path)?).await.map_err(failed)?;
        found.bytes().await.map_err(failed)
    }

    /// Reads a range of bytes of an object; less if the object ends before the range does.
    ///
    /// # Errors
    ///
    /// `NotFound`, `Refused`, `Unavailable` (also if the range begins after the end).
    pub fn get_range(&self, path: &str, range: Range<u64>) -> Result<Bytes, ArchiveError> {
        let location = parse(path)?;
        self.runtime
            .block_on(self.store.get_range(&location, range))
            .map_err(|error| ArchiveError::from_store(path, &error))
    }

    /// Whether an object exists.
    ///
    /// # Errors
    ///
    /// `Refused`, `Unavailable`.
    pub fn exists(&self, path: &str) -> Result<bool, ArchiveError> {
        match self.info(path) {
            Ok(_) => Ok(true),
            Err(ArchiveError::NotFound { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Path and size of an object.
    ///
    /// # Errors
    ///
    /// `NotFound`, `Refused`, `Unavailable`.
    pub fn info(&self, path: &str) -> Result<ObjectInfo, ArchiveError> {
        let location = parse(path)?;
        let meta = self
            .runtime
            .block_on(self.store.head(&location))
            .map_err(|error| ArchiveError::from_store(path, &error))?;
        Ok(ObjectInfo { path: meta.location.to_string(), size_bytes: meta.size })
    }

    /// All objects whose path begins with these whole segments, in ascending order of path.
    /// Empty if there are none, or no such directory.
    ///
    /// # Errors
    ///
    /// `Refused`, `Unavailable`.
    pub fn list(&self, prefix: &str) -> Result<Vec<ObjectInfo>, ArchiveError> {
        let location = parse(prefix)?;
        self.collect(prefix, self.store.list(Some(&location)))
    }

    /// As [`Self::list`], without the objects up to and including `after`.
    ///
    /// # Errors
    ///
    /// `Refused`, `Unavailable`.
    pub fn list_after(&self, prefix: &str, after: &str) -> Result<Vec<ObjectInfo>, ArchiveError> {
        let location = parse(prefix)?;
        self.collect(prefix, self.store.list_with_offset(Some(&location), &parse(after)?))
    }

    fn collect(
        &self,
        prefix: &str,
        found: futures::stream::BoxStream<'static, object_store::Result<object_store::ObjectMeta>>,
    ) -> Result<Vec<ObjectInfo>, ArchiveError> {
        let found = found
            .map_ok(|meta| ObjectInfo { path: meta.location.into(), size_bytes: meta.size })
            .try_collect::<Vec<_>>();
        let mut objects = self
            .runtime
            .block_on(found)
            .map_err(|error| ArchiveError::from_store(prefix, &error))?;
        objects.sort_unstable();
        Ok(objects)
    }
}

fn parse(path: &str) -> Result<Path, ArchiveError> {
    Path::parse(path)
        .map_err(|error| ArchiveError::Refused { path: path.into(), detail: error.to_string() })
}

/// What a location names.
enum Place {
    Memory,
    Directory(PathBuf),
}

impl Place {
    fn parse(location: &str) -> Result<Self, String> {
        match location.split_once("://") {
            None if location.is_empty() => Err("the location is empty".into()),
            None => Ok(Self::Directory(location.into())),
            Some(("memory", "" | "/")) => Ok(Self::Memory),
            Some(("file", path)) if path.starts_with('/') => {
                let path = percent_decode(path).ok_or("the path is not valid percent-encoding")?;
                Ok(Self::Directory(path.into()))
            }
            Some(("file", _)) => Err("a file location is `file:///` and an absolute path".into()),
            Some((scheme, _)) => Err(format!(
                "this build does not know the scheme `{scheme}`; it knows `file:///directory`, \
                 plain paths and `memory:///`"
            )),
        }
    }
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

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap()
    }

    #[test]
    fn an_unknown_scheme_is_named_with_what_is_known() {
        let runtime = runtime();
        let error = Archive::open("s3://bucket/x", runtime.handle().clone()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "failed to open the archive `s3://bucket/x`: this build does not know the scheme \
             `s3`; it knows `file:///directory`, plain paths and `memory:///`"
        );
    }

    #[test]
    fn an_absent_directory_is_not_created_by_opening() {
        let runtime = runtime();
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("an archive");
        let url = format!("file://{}", path.to_str().unwrap().replace(' ', "%20"));
        assert!(Archive::open(&url, runtime.handle().clone()).is_err());
        assert!(!path.exists());
        Archive::create(&url, runtime.handle().clone()).unwrap();
        assert!(path.is_dir());
        Archive::open(path.to_str().unwrap(), runtime.handle().clone()).unwrap();
    }

    #[test]
    fn a_path_that_leaves_the_archive_is_refused() {
        let runtime = runtime();
        let archive = Archive::open("memory:///", runtime.handle().clone()).unwrap();
        for path in ["../x", "a/../x", "a//b", "a/./b"] {
            assert!(matches!(archive.get(path), Err(ArchiveError::Refused { .. })), "{path}");
        }
    }
}
