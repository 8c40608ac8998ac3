//! A directory as an object store that survives power loss.

use std::fmt;
use std::io::{self, ErrorKind};
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions,
    Result,
};

use crate::files::{self, Mode, OsFiles, STAGING, Writer};

const STORE: &str = "DurableLocal";

/// A directory. Reads, listings and deletions are those of `object_store`'s local store; writes
/// are synced, file and directory, before they are acknowledged. Ways to write that could not be
/// made durable (multipart uploads, copies, renames) are refused.
#[derive(Debug)]
pub struct DurableLocal {
    inner: LocalFileSystem,
    writer: Arc<Writer<OsFiles>>,
}

impl DurableLocal {
    /// Opens a directory that exists, and removes what dead writers have left in it.
    ///
    /// # Errors
    ///
    /// `NotFound` if there is no such directory; otherwise the operating system's.
    pub fn open(root: &std::path::Path) -> io::Result<Self> {
        let root = root.canonicalize().map_err(|error| {
            if error.kind() == ErrorKind::NotFound {
                io::Error::new(ErrorKind::NotFound, "there is no such directory")
            } else {
                error
            }
        })?;
        files::clean(&root)?;
        let inner = LocalFileSystem::new_with_prefix(&root).map_err(io::Error::other)?;
        Ok(Self { inner, writer: Arc::new(Writer::new(root, OsFiles)) })
    }

    /// Opens a directory, creating it if need be.
    ///
    /// # Errors
    ///
    /// The operating system's.
    pub fn create(root: &std::path::Path) -> io::Result<Self> {
        files::create_root(root)?;
        Self::open(root)
    }

    fn refused(operation: &str) -> Error {
        Error::NotImplemented { operation: operation.into(), implementer: STORE.into() }
    }
}

impl fmt::Display for DurableLocal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{STORE}({})", self.inner)
    }
}

#[deny(clippy::missing_trait_methods, reason = "a method that is forgotten is not durable")]
#[async_trait]
impl ObjectStore for DurableLocal {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        let mode = match options.mode {
            PutMode::Create => Mode::Create,
            PutMode::Overwrite => Mode::Replace,
            PutMode::Update(_) => return Err(Self::refused("update")),
        };
        let target = self.inner.path_to_filesystem(location)?;
        let writer = Arc::clone(&self.writer);
        let parts: Vec<Bytes> = payload.into_iter().collect();
        let outcome =
            tokio::task::spawn_blocking(move || writer.put(&target, &parts, mode)).await?;
        match outcome {
            Ok(()) => Ok(PutResult {
                e_tag: None,
                version: None,
                extensions: object_store::Extensions::new(),
            }),
            Err(source) => {
                let path = location.to_string();
                let kind = source.kind();
                let source = Box::new(source);
                let denied = [ErrorKind::PermissionDenied, ErrorKind::ReadOnlyFilesystem];
                Err(if kind == ErrorKind::AlreadyExists {
                    Error::AlreadyExists { path, source }
                } else if denied.contains(&kind) {
                    Error::PermissionDenied { path, source }
                } else {
                    Error::Generic { store: STORE, source }
                })
            }
        }
    }

    async fn put_multipart_opts(
        &self,
        _location: &Path,
        _options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        Err(Self::refused("multipart upload"))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.inner.get_ranges(location, ranges).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list_with_offset(prefix, offset)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let mut found = self.inner.list_with_delimiter(prefix).await?;
        found.common_prefixes.retain(|prefix| prefix.as_ref() != STAGING);
        Ok(found)
    }

    async fn copy_opts(&self, _from: &Path, _to: &Path, _options: CopyOptions) -> Result<()> {
        Err(Self::refused("copy"))
    }

    async fn rename_opts(&self, _from: &Path, _to: &Path, _options: RenameOptions) -> Result<()> {
        Err(Self::refused("rename"))
    }
}
