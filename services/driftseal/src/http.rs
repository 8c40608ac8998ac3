//! The HTTP client of the commands. TLS uses the system's OpenSSL and certificates; `SSL_CERT_FILE`
//! selects others.

use std::time::Duration;

use ureq::Agent;
#[cfg(feature = "tls")]
use ureq::tls::{RootCerts, TlsConfig, TlsProvider};

/// A client whose requests take at most `wait` each. A status is not an error.
pub(crate) fn agent(wait: Duration) -> Agent {
    let config = Agent::config_builder().http_status_as_error(false).timeout_global(Some(wait));
    #[cfg(feature = "tls")]
    let config = config.tls_config(
        TlsConfig::builder()
            .provider(TlsProvider::NativeTls)
            .root_certs(RootCerts::PlatformVerifier)
            .build(),
    );
    config.build().into()
}
