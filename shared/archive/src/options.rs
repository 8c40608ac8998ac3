//! How an archive is reached, beyond its location.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// Options of [`Archive::open_with`](crate::Archive::open_with). They matter to `s3://` locations
/// only.
#[derive(Clone, PartialEq, Eq)]
pub struct Options {
    /// URL of the S3 endpoint, such as `http://127.0.0.1:9000`. Empty: that of the environment
    /// (`AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL`), else the profile's, else Amazon's of the region. With an endpoint
    /// the bucket is addressed in the path, not in the host name.
    pub endpoint: String,
    /// Region. Empty: that of the environment (`AWS_REGION`, `AWS_DEFAULT_REGION`), else the
    /// profile's, else `us-east-1`.
    pub region: String,
    /// Whether the endpoint may be an `http://` URL. Credentials are never sent in clear, but
    /// objects are.
    pub allow_http: bool,
    /// Environment variables that begin with `AWS_`: credentials, and whatever of the above is
    /// empty.
    pub environment: BTreeMap<String, String>,
    /// The user's home directory. The shared files `.aws/credentials` and `.aws/config` in it, or
    /// where `AWS_SHARED_CREDENTIALS_FILE` and `AWS_CONFIG_FILE` say, are read for the profile
    /// `AWS_PROFILE` (else `default`) when the archive is opened.
    pub home: Option<PathBuf>,
    /// Longest time for a connection.
    pub connect_timeout: Duration,
    /// Longest time for each part of a request: sending it, waiting for the answer to begin,
    /// reading the answer.
    pub request_timeout: Duration,
    /// Repetitions of a request that failed in passing (5xx, throttling, a lost connection),
    /// with exponential backoff.
    pub retries_max: usize,
    /// Longest time from the first attempt within which a request is still repeated.
    pub retry_timeout: Duration,
    /// Wait before the first repetition; later ones wait longer, up to 5 s, with jitter.
    pub first_backoff: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            endpoint: String::new(),
            region: String::new(),
            allow_http: false,
            environment: BTreeMap::new(),
            home: None,
            connect_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(60),
            retries_max: 8,
            retry_timeout: Duration::from_secs(60),
            first_backoff: Duration::from_millis(100),
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Values of variables may be secrets.
        formatter
            .debug_struct("Options")
            .field("endpoint", &self.endpoint)
            .field("region", &self.region)
            .field("allow_http", &self.allow_http)
            .field("environment", &self.environment.keys())
            .field("home", &self.home)
            .finish_non_exhaustive()
    }
}
