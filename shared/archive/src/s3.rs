//! S3 and stores that speak its protocol.

#[cfg(feature = "s3")]
mod bucket;
#[cfg(feature = "s3")]
mod connector;
#[cfg(feature = "s3")]
mod credentials;
#[cfg(feature = "s3")]
mod hash;

use std::sync::Arc;

use object_store::ObjectStore;
use object_store::path::Path;

use crate::options::Options;

/// A bucket, or what is below a prefix of one. Nothing is sent yet.
#[cfg(feature = "s3")]
pub(crate) fn open(
    bucket: &str,
    prefix: Path,
    options: &Options,
) -> Result<Arc<dyn ObjectStore>, String> {
    let bucket = crate::writing::Store(bucket::Bucket::open(bucket, options)?);
    if prefix.as_ref().is_empty() {
        return Ok(Arc::new(bucket));
    }
    Ok(Arc::new(object_store::prefix::PrefixStore::new(bucket, prefix)))
}

/// Says that there is no such support.
#[cfg(not(feature = "s3"))]
pub(crate) fn open(
    _bucket: &str,
    _prefix: Path,
    _options: &Options,
) -> Result<Arc<dyn ObjectStore>, String> {
    Err("this build has no support for S3 (cargo feature `s3`)".into())
}
