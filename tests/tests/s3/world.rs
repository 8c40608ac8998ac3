//! A server, a proxy before it, and a place of its own for an archive.

use archive::{Archive, Options};
use tests::s3::proxy::Proxy;
use tests::s3::server::S3Server;
use tokio::runtime::Runtime;

/// See the module's head.
pub(crate) struct World {
    pub(crate) runtime: Runtime,
    pub(crate) server: S3Server,
    pub(crate) proxy: Proxy,
    pub(crate) location: String,
}

impl World {
    /// `None` if there is no server here and that is no failure.
    pub(crate) fn start(test: &str) -> Option<Self> {
        let server = S3Server::start(test)?;
        let proxy = Proxy::start(server.endpoint());
        let location = server.location();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        Some(Self { runtime, server, proxy, location })
    }

    /// Options that reach the proxy.
    pub(crate) fn options(&self) -> Options {
        self.server.options(self.proxy.url())
    }

    /// The archive behind the proxy.
    pub(crate) fn archive(&self) -> Archive {
        self.archive_with(&self.options())
    }

    /// The archive behind the proxy, with other options.
    pub(crate) fn archive_with(&self, options: &Options) -> Archive {
        Archive::open_with(&self.location, options, self.runtime.handle().clone()).unwrap()
    }

    /// The archive without the proxy.
    pub(crate) fn direct(&self) -> Archive {
        self.server.archive(&self.location, self.runtime.handle())
    }
}
