//! A store below whose way to write is replaced: reads, listings and deletions are its own.

use std::fmt;
use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result,
};

/// A way to write objects into a store, whole.
#[async_trait]
pub(crate) trait Writing: fmt::Debug + Send + Sync + 'static {
    /// Its name in messages.
    const NAME: &'static str;

    /// The store below.
    fn below(&self) -> &dyn ObjectStore;

    /// Creates or replaces an object, as [`ObjectStore::put_opts`].
    async fn put(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult>;

    /// Whether a directory holds no objects, only what writing needs.
    fn is_private(&self, _directory: &Path) -> bool {
        false
    }

    /// The error of what this way to write does not offer.
    fn refused(operation: &str) -> Error {
        Error::NotImplemented { operation: operation.into(), implementer: Self::NAME.into() }
    }
}

/// The store with its way to write. What would write in another way (multipart uploads of the
/// caller, copies, renames) is refused.
#[derive(Debug)]
pub(crate) struct Store<W>(pub(crate) W);

impl<W: Writing> fmt::Display for Store<W> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}({})", W::NAME, self.0.below())
    }
}

#[deny(clippy::missing_trait_methods, reason = "a method that is forgotten writes in another way")]
#[async_trait]
impl<W: Writing> ObjectStore for Store<W> {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        self.0.put(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        _location: &Path,
        _options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        Err(W::refused("multipart upload"))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.0.below().get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.0.below().get_ranges(location, ranges).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.0.below().delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.0.below().list(prefix)
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        self.0.below().list_with_offset(prefix, offset)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let mut found = self.0.below().list_with_delimiter(prefix).await?;
        found.common_prefixes.retain(|directory| !self.0.is_private(directory));
        Ok(found)
    }

    async fn copy_opts(&self, _from: &Path, _to: &Path, _options: CopyOptions) -> Result<()> {
        Err(W::refused("copy"))
    }

    async fn rename_opts(&self, _from: &Path, _to: &Path, _options: RenameOptions) -> Result<()> {
        Err(W::refused("rename"))
    }
}
