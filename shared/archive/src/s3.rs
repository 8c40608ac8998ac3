//! S3 and stores that speak its protocol.

use std::sync::Arc;

use object_store::ObjectStore;
use object_store::path::Path;

use crate::options::Options;

/// A bucket, or what is below a prefix of one.
pub(crate) fn open(
    _bucket: &str,
    _prefix: Path,
    _options: &Options,
) -> Result<Arc<dyn ObjectStore>, String> {
    Err("this build has no support for S3 (cargo feature `s3`)".into())
}
