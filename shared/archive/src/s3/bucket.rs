//! A bucket as an object store: options, environment, and large objects in parts.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey};
use object_store::path::Path;
use object_store::{
    BackoffConfig, ClientOptions, Error, MultipartUpload, ObjectStore, ObjectStoreExt, PutMode,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, RetryConfig,
};
use tracing::warn;

use super::connector::Connector;
use super::credentials;
use super::hash::Hashes;
use crate::options::Options;
use crate::writing::Writing;

/// Bytes of each part of a large object but the last one; S3 wants at least 5 MiB.
const PART_BYTES: usize = 16 << 20;
/// Objects of more bytes are uploaded in parts: a failure repeats a part, not the object.
const WHOLE_BYTES_MAX: usize = 2 * PART_BYTES;
/// Parts that are under way at once.
const PARTS_MAX: usize = 4;

/// A bucket.
#[derive(Debug)]
pub(super) struct Bucket {
    inner: AmazonS3,
}

impl Bucket {
    pub(super) fn open(bucket: &str, options: &Options) -> Result<Self, String> {
        let mut builder = AmazonS3Builder::new();
        let mut endpoint = options.endpoint.clone();
        let mut allow_http = options.allow_http;
        let mut is_style_given = false;
        let found = credentials::find(options)?;
        for (name, value) in &found.variables {
            let Ok(key) = name.to_ascii_lowercase().parse::<AmazonS3ConfigKey>() else { continue };
            let is_endpoint =
                matches!(key, AmazonS3ConfigKey::Endpoint | AmazonS3ConfigKey::S3Endpoint);
            if name.eq_ignore_ascii_case("aws_allow_http") {
                allow_http |= value.eq_ignore_ascii_case("true");
                continue;
            }
            if matches!(key, AmazonS3ConfigKey::Bucket | AmazonS3ConfigKey::ConditionalPut)
                || is_endpoint && !options.endpoint.is_empty()
            {
                continue;
            }
            if matches!(key, AmazonS3ConfigKey::S3Endpoint) || is_endpoint && endpoint.is_empty() {
                endpoint.clone_from(value);
            }
            is_style_given |= matches!(key, AmazonS3ConfigKey::VirtualHostedStyleRequest);
            builder = builder.with_config(key, value);
        }
        if endpoint.is_empty() {
            // Amazon's certificates cover one level below the region.
            if !is_style_given {
                builder = builder.with_virtual_hosted_style_request(!bucket.contains('.'));
            }
        } else {
            check_endpoint(&endpoint, allow_http)?;
            builder = builder.with_config(AmazonS3ConfigKey::S3Endpoint, endpoint);
        }
        if !options.region.is_empty() {
            builder = builder.with_region(&options.region);
        }
        let retry = RetryConfig {
            backoff: BackoffConfig {
                init_backoff: options.first_backoff,
                max_backoff: options.first_backoff.max(std::time::Duration::from_secs(5)),
                base: 2.0,
            },
            max_retries: options.retries_max,
            retry_timeout: options.retry_timeout,
        };
        let connector = Connector {
            connect_timeout: options.connect_timeout,
            request_timeout: options.request_timeout,
            instance: found.instance,
        };
        let inner = builder
            .with_bucket_name(bucket)
            .with_client_options(ClientOptions::new().with_allow_http(allow_http))
            .with_retry(retry)
            .with_crypto_provider(Arc::new(Hashes))
            .with_http_connector(connector)
            .build()
            .map_err(|error| error.to_string())?;
        Ok(Self { inner })
    }

    /// Creates a large object in parts. Whatever fails, no part is left behind that could be
    /// removed.
    async fn create_in_parts(&self, location: &Path, payload: PutPayload) -> Result<PutResult> {
        // The completion has a condition, but not every server knows it there; and most of what
        // exists need not be uploaded first.
        match self.inner.head(location).await {
            Err(Error::NotFound { .. }) => {}
            Err(error) => return Err(error),
            Ok(_) => {
                let source = "found before the upload".into();
                return Err(Error::AlreadyExists { path: location.to_string(), source });
            }
        }
        let mut upload =
            self.inner.put_multipart_opts(location, PutMultipartOptions::default()).await?;
        let outcome = put_parts(&mut *upload, &Bytes::from(payload)).await;
        if outcome.is_err()
            && let Err(error) = upload.abort().await
        {
            // Also if the upload was completed and only its answer is lost.
            warn!(object = %location, %error, "failed to abort a multipart upload");
        }
        outcome
    }
}

/// Uploads the parts and completes the upload.
async fn put_parts(upload: &mut dyn MultipartUpload, bytes: &Bytes) -> Result<PutResult> {
    // Their order is that of the calls; only the waiting is concurrent.
    let parts: Vec<_> = (0..bytes.len())
        .step_by(PART_BYTES)
        .map(|at| bytes.slice(at..bytes.len().min(at + PART_BYTES)))
        .map(|part| upload.put_part(PutPayload::from_bytes(part)))
        .collect();
    futures::stream::iter(parts).buffer_unordered(PARTS_MAX).try_collect::<()>().await?;
    upload.complete().await
}

fn check_endpoint(endpoint: &str, allow_http: bool) -> Result<(), String> {
    match endpoint.split_once("://") {
        Some(("https", host)) if !host.is_empty() => Ok(()),
        Some(("http", host)) if !host.is_empty() && allow_http => Ok(()),
        Some(("http", _)) => Err(format!(
            "the endpoint `{endpoint}` is not encrypted; set `archive.allow_http` to use it"
        )),
        _ => Err(format!("the endpoint `{endpoint}` is not an `https://` or `http://` URL")),
    }
}

#[async_trait]
impl Writing for Bucket {
    const NAME: &'static str = "S3";

    fn below(&self) -> &dyn ObjectStore {
        &self.inner
    }

    async fn put(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        if options.mode == PutMode::Create && payload.content_length() > WHOLE_BYTES_MAX {
            return self.create_in_parts(location, payload).await;
        }
        self.inner.put_opts(location, payload, options).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(pairs: &[(&str, &str)]) -> Options {
        let environment =
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Options { environment, ..Options::default() }
    }

    #[test]
    fn an_endpoint_without_encryption_must_be_allowed() {
        let keys = [("AWS_ACCESS_KEY_ID", "id"), ("AWS_SECRET_ACCESS_KEY", "hunter2")];
        let plain = Options { endpoint: "http://127.0.0.1:1".into(), ..options(&keys) };
        let error = Bucket::open("bucket", &plain).unwrap_err();
        assert!(error.contains("archive.allow_http"), "{error}");
        let allowed = Options { allow_http: true, ..plain.clone() };
        Bucket::open("bucket", &allowed).unwrap();
        assert!(!format!("{allowed:?}").contains("hunter2"), "{allowed:?}");
        for wrong in ["localhost:9000", "ftp://x", "https://"] {
            let given = Options { endpoint: wrong.into(), ..options(&keys) };
            let error = Bucket::open("bucket", &given).unwrap_err();
            assert!(error.contains("is not an `https://`"), "{error}");
        }
        let mut from_environment = keys.to_vec();
        from_environment.push(("AWS_ENDPOINT_URL", "http://127.0.0.1:1"));
        Bucket::open("bucket", &options(&from_environment)).unwrap_err();
        from_environment.push(("AWS_ALLOW_HTTP", "true"));
        Bucket::open("bucket", &options(&from_environment)).unwrap();
    }

    #[test]
    fn half_a_credential_is_an_error_that_does_not_show_it() {
        let error =
            Bucket::open("bucket", &options(&[("AWS_SECRET_ACCESS_KEY", "hunter2")])).unwrap_err();
        assert!(!error.contains("hunter2"), "{error}");
    }
}
