//! A blocking interface to an object store.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload, Result as StoreResult,
};
use tokio::runtime::Handle;

use crate::durable::Durable;
use crate::error::ArchiveError;
use crate::location::Location;
use crate::options::Options;
use crate::s3;
use crate::writing::Store;

/// Concurrent reads of [`Archive::get_many`].
const READS_MAX: usize = 16;

/// What a listing says about an object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectInfo {
    /// Path below the archive's root.
    pub path: String,
    /// Size in bytes.
    pub size_bytes: u64,
}

/// Who created an object; see [`Archive::create_object`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Creation {
    /// The object holds the bytes that were given: this call created it, or an earlier attempt
    /// whose answer was lost, or a writer of the very same bytes.
    Ours,
    /// Another writer was first. These are its bytes.
    Theirs(Bytes),
}

/// An archive. Cheap to clone; all clones share the store.
///
/// Every method blocks its thread and must not be called from within an async task (use
/// `spawn_blocking` there).
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use archive::{Archive, Creation};
///
/// let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build()?;
/// let archive = Archive::open("memory:///", runtime.handle().clone())?;
/// assert_eq!(archive.create_object("log/commit/0", &"first".into())?, Creation::Ours);
/// let lost = archive.create_object("log/commit/0", &"second".into())?;
/// assert_eq!(lost, Creation::Theirs("first".into()));
/// assert_eq!(&archive.get_range("log/commit/0", 1..3)?[..], b"ir");
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
    /// Opens an archive that exists: `file:///directory`, a plain path, `s3://bucket/prefix`, or
    /// `memory:///` (empty, for tests). The runtime drives the store and must outlive the archive.
    /// Nothing is sent to S3 yet.
    ///
    /// # Errors
    ///
    /// [`ArchiveError::Location`] if the location is not valid; [`ArchiveError::Absent`] if the directory
    /// does not exist or cannot be read.
    pub fn open(location: &str, runtime: Handle) -> Result<Self, ArchiveError> {
        Self::open_with(location, &Options::default(), runtime)
    }

    /// As [`Self::open`], with options.
    ///
    /// # Errors
    ///
    /// As [`Self::open`].
    pub fn open_with(
        location: &str,
        options: &Options,
        runtime: Handle,
    ) -> Result<Self, ArchiveError> {
        Self::at(location, options, runtime, Durable::open)
    }

    /// Opens an archive, creating its directory if need be. Buckets are never created.
    ///
    /// # Errors
    ///
    /// [`ArchiveError::Location`] if the location is not valid; [`ArchiveError::Absent`] if the directory
    /// cannot be created.
    pub fn create(location: &str, runtime: Handle) -> Result<Self, ArchiveError> {
        Self::create_with(location, &Options::default(), runtime)
    }

    /// As [`Self::create`], with options.
    ///
    /// # Errors
    ///
    /// As [`Self::create`].
    pub fn create_with(
        location: &str,
        options: &Options,
        runtime: Handle,
    ) -> Result<Self, ArchiveError> {
        Self::at(location, options, runtime, Durable::create)
    }

    /// An archive over any store.
    #[must_use]
    pub fn over(store: Arc<dyn ObjectStore>, runtime: Handle) -> Self {
        let location = store.to_string().into();
        Self { store, runtime, location }
    }

    fn at(
        location: &str,
        options: &Options,
        runtime: Handle,
        open: impl FnOnce(&std::path::Path) -> std::io::Result<Store<Durable>>,
    ) -> Result<Self, ArchiveError> {
        let failed = |detail: String| ArchiveError::Location { location: location.into(), detail };
        let store: Arc<dyn ObjectStore> = match Location::parse(location).map_err(failed)? {
            Location::Memory => Arc::new(InMemory::new()),
            Location::Directory(path) => {
                let absent = |error: std::io::Error| {
                    let (location, detail) = (location.to_owned(), error.to_string());
                    ArchiveError::Absent { location, detail }
                };
                Arc::new(open(&path).map_err(absent)?)
            }
            Location::S3 { bucket, prefix } => {
                s3::open(&bucket, prefix, options).map_err(failed)?
            }
        };
        Ok(Self { store, runtime, location: location.into() })
    }

    /// The location as given when it was opened.
    #[must_use]
    pub fn location(&self) -> &str {
        &self.location
    }

    /// Where other programs find an object: an absolute path, or its URL.
    #[must_use]
    pub fn object_location(&self, path: &str) -> String {
        match Location::parse(&self.location) {
            Ok(Location::Directory(root)) => {
                let root = std::path::absolute(&root).unwrap_or(root);
                root.join(path).display().to_string()
            }
            _ => format!("{}/{path}", self.location.trim_end_matches('/')),
        }
    }

    /// Creates an object that does not exist yet. Of several writers exactly one succeeds.
    ///
    /// A lost answer leaves it unknown who that was; [`Self::create_object`] finds out.
    ///
    /// # Errors
    ///
    /// `AlreadyExists`; `Refused`; `Unavailable`, after which the object may or may not exist.
    pub fn put_new(&self, path: &str, bytes: impl Into<Bytes>) -> Result<(), ArchiveError> {
        self.put_with(path, bytes.into(), PutMode::Create)
    }

    /// Creates an object that does not exist yet, or finds out who did.
    ///
    /// Whenever the store's answer is not a plain success (also when it says that the object
    /// exists: it may have met an earlier attempt of ours, or be undecided between two writers),
    /// the object is read: equal bytes are ours, other bytes are another writer's. This makes
    /// it a commit point, provided that no two writers ever give the same bytes.
    ///
    /// # Errors
    ///
    /// `Unavailable`: it is still unknown whether the object exists. Call again with the same
    /// bytes, as often as you like. `Refused`.
    pub fn create_object(&self, path: &str, bytes: &Bytes) -> Result<Creation, ArchiveError> {
        let unclear = match self.put_new(path, bytes.clone()) {
            Ok(()) => return Ok(Creation::Ours),
            Err(
                error @ (ArchiveError::AlreadyExists { .. } | ArchiveError::Unavailable { .. }),
            ) => error,
            Err(error) => return Err(error),
        };
        match self.get(path) {
            Ok(found) if found == *bytes => Ok(Creation::Ours),
            Ok(found) => Ok(Creation::Theirs(found)),
            Err(ArchiveError::NotFound { .. }) => Err(ArchiveError::Unavailable {
                path: path.into(),
                detail: format!("creation not confirmed, and no object found after it: {unclear}"),
            }),
            Err(error) => Err(error),
        }
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
            .map_err(|error| ArchiveError::from_store(path, &error).of_a_write())
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

    /// Removes an object; one that is absent is as good as removed.
    ///
    /// # Errors
    ///
    /// `Refused`, `Unavailable`.
    pub fn delete(&self, path: &str) -> Result<(), ArchiveError> {
        let deleted = self.runtime.block_on(self.store.delete(&parse(path)?));
        match deleted.map_err(|error| ArchiveError::from_store(path, &error)) {
            Ok(()) | Err(ArchiveError::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.of_a_write()),
        }
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
    /// `NotFound`, `Refused`, `Unavailable` (also if the range begins at or after the end).
    pub fn get_range(&self, path: &str, range: Range<u64>) -> Result<Bytes, ArchiveError> {
        let location = parse(path)?;
        self.runtime
            .block_on(self.store.get_range(&location, range))
            .map_err(|error| ArchiveError::from_store(path, &error))
    }

    /// Reads several ranges of bytes of one object; ranges that are close to each other may be
    /// fetched with one request. The answers are in the order of the ranges.
    ///
    /// # Errors
    ///
    /// As [`Self::get_range`].
    pub fn get_ranges(
        &self,
        path: &str,
        ranges: &[Range<u64>],
    ) -> Result<Vec<Bytes>, ArchiveError> {
        let location = parse(path)?;
        self.runtime
            .block_on(self.store.get_ranges(&location, ranges))
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
    /// Empty if there are none, or no such directory. A listing may lag behind what is there:
    /// nothing that must be correct may depend on it.
    ///
    /// # Errors
    ///
    /// `Refused`, `Unavailable`.
    pub fn list(&self, prefix: &str) -> Result<Vec<ObjectInfo>, ArchiveError> {
        let location = parse(prefix)?;
        self.collect(prefix, self.store.list(Some(&location)))
    }

    /// As [`Self::list`], and what is there under a name that no object can have, such as one that is not
    /// UTF-8: why, each in words.
    ///
    /// # Errors
    ///
    /// `Refused`, `Unavailable`.
    pub fn list_with_strangers(
        &self,
        prefix: &str,
    ) -> Result<(Vec<ObjectInfo>, Vec<String>), ArchiveError> {
        let location = parse(prefix)?;
        let (mut objects, mut strangers) = (Vec::new(), Vec::new());
        let mut found = self.store.list(Some(&location));
        self.runtime.block_on(async {
            while let Some(item) = found.next().await {
                match item {
                    Ok(meta) => objects
                        .push(ObjectInfo { path: meta.location.into(), size_bytes: meta.size }),
                    Err(error @ object_store::Error::InvalidPath { .. }) => {
                        strangers.push(error.to_string());
                    }
                    Err(error) => return Err(ArchiveError::from_store(prefix, &error)),
                }
            }
            Ok(())
        })?;
        objects.sort_unstable();
        strangers.sort_unstable();
        Ok((objects, strangers))
    }

    /// As [`Self::list`], without the objects up to and including `after`. S3 begins to list
    /// there; a directory is read whole.
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
        found: BoxStream<'static, StoreResult<ObjectMeta>>,
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
