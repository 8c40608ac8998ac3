//! A directory as an object store that survives power loss.

use std::io::{self, ErrorKind};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{Error, ObjectStore, PutMode, PutOptions, PutPayload, PutResult, Result};

use crate::files::{self, Mode, OsFiles, STAGING, Writer};
use crate::writing::{Store, Writing};

/// A directory. What is written is synced, file and directory, before it is acknowledged.
#[derive(Debug)]
pub(crate) struct Durable {
    files: LocalFileSystem,
    writer: Arc<Writer<OsFiles>>,
}

impl Durable {
    /// Opens a directory that exists, and removes what dead writers have left in it.
    ///
    /// # Errors
    ///
    /// `NotFound` if there is no such directory; otherwise the operating system's.
    pub(crate) fn open(root: &std::path::Path) -> io::Result<Store<Self>> {
        let root = root.canonicalize().map_err(|error| {
            if error.kind() == ErrorKind::NotFound {
                io::Error::new(ErrorKind::NotFound, "there is no such directory")
            } else {
                error
            }
        })?;
        files::clean(&root)?;
        let files = LocalFileSystem::new_with_prefix(&root).map_err(io::Error::other)?;
        Ok(Store(Self { files, writer: Arc::new(Writer::new(root, OsFiles)) }))
    }

    /// Opens a directory, creating it if need be.
    ///
    /// # Errors
    ///
    /// The operating system's.
    pub(crate) fn create(root: &std::path::Path) -> io::Result<Store<Self>> {
        files::create_root(root)?;
        Self::open(root)
    }
}

#[async_trait]
impl Writing for Durable {
    const NAME: &'static str = "DurableLocal";

    fn below(&self) -> &dyn ObjectStore {
        &self.files
    }

    async fn put(
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
        let target = self.files.path_to_filesystem(location)?;
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
                    Error::Generic { store: Self::NAME, source }
                })
            }
        }
    }

    fn is_private(&self, directory: &Path) -> bool {
        directory.as_ref() == STAGING
    }
}
