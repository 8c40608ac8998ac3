//! Addresses that the process listens on, and which of them are refused.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use service::config::Checks;

/// Addresses that the process listens on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Listen {
    /// Address of the collector's HTTP server. Default 127.0.0.1:8480, this host only.
    pub collector: String,
    /// Address at which the collector takes OTLP over HTTP, as exporters of OpenTelemetry send it. Default
    /// 127.0.0.1:4318, this host only. `listen.collector` takes it too. Empty: not listened.
    pub otlp_http: String,
    /// Address at which the collector takes OTLP over gRPC. Default 127.0.0.1:4317, this host only. Empty: not
    /// listened.
    pub otlp_grpc: String,
    /// Address of `/healthz`, `/readyz` and `/metrics` of `driftseal run processor|sealer|notifier`.
    /// Default 127.0.0.1:8481.
    pub operations: String,
    /// Address of `/healthz`, `/readyz` and `/metrics` of the evidence role. Default 127.0.0.1:8482.
    pub evidence: String,
    /// Address of the gateway, which takes acts over HTTP, in the process of the evidence role. Default
    /// 127.0.0.1:8483, this host only. Empty: no gateway, and no command can act.
    pub gateway: String,
    /// Whether collector and gateway may listen beyond this host over plain HTTP, where whoever is on the way reads
    /// and changes what is sent, tokens too. Default false: such an address is refused. Set it where a proxy with TLS
    /// stands in front of them, or only hosts that you trust reach them.
    pub insecure: bool,
}

impl Default for Listen {
    fn default() -> Self {
        Self {
            collector: "127.0.0.1:8480".into(),
            otlp_http: "127.0.0.1:4318".into(),
            otlp_grpc: "127.0.0.1:4317".into(),
            operations: "127.0.0.1:8481".into(),
            evidence: "127.0.0.1:8482".into(),
            gateway: "127.0.0.1:8483".into(),
            insecure: false,
        }
    }
}

impl Listen {
    /// Notes what is wrong with the addresses.
    pub(super) fn check(&self, checks: &mut Checks) {
        for (key, address) in [
            ("listen.collector", &self.collector),
            ("listen.operations", &self.operations),
            ("listen.evidence", &self.evidence),
        ] {
            let is_address = address.parse::<SocketAddr>().is_ok();
            checks.must(is_address, key, "be an address and a port, such as 127.0.0.1:8480");
        }
        for (key, address, example) in [
            ("listen.gateway", &self.gateway, "127.0.0.1:8483"),
            ("listen.otlp_http", &self.otlp_http, "127.0.0.1:4318"),
            ("listen.otlp_grpc", &self.otlp_grpc, "127.0.0.1:4317"),
        ] {
            checks.must(
                address.is_empty() || address.parse::<SocketAddr>().is_ok(),
                key,
                format_args!("be an address and a port, such as {example}, or empty"),
            );
        }
        for (key, address) in [
            ("listen.collector", &self.collector),
            ("listen.otlp_http", &self.otlp_http),
            ("listen.otlp_grpc", &self.otlp_grpc),
            ("listen.gateway", &self.gateway),
        ] {
            let reached = address.parse::<SocketAddr>();
            let is_beyond = reached.is_ok_and(|at| !at.ip().is_loopback());
            checks.must(
                self.insecure || !is_beyond,
                key,
                "be an address of this host, such as 127.0.0.1 (others are reached over plain HTTP: put a proxy \
                 with TLS in front, and set `listen.insecure` to true)",
            );
        }
    }
}
