//! Log output of the process, on standard error.

use std::io::IsTerminal;

use serde::{Deserialize, Serialize};
use tracing_subscriber::EnvFilter;

/// Format of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Plain text, for people.
    #[default]
    Text,
    /// One JSON object per line, for log collectors.
    Json,
}

/// Whether a text is a level or a filter.
#[must_use]
pub fn is_level(level: &str) -> bool {
    EnvFilter::try_new(level).is_ok()
}

/// Starts logging to standard error; a second call has no effect.
///
/// `level` is a level (`error`, `warn`, `info`, `debug`, `trace`) or a filter such as
/// `info,sealer=debug`. If it is invalid, the level is `info` and a warning is logged.
pub fn init(level: &str, format: Format) {
    let parsed = EnvFilter::try_new(level);
    let refused = parsed.is_err();
    let filter = parsed.unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let started = match format {
        Format::Text => lines.try_init(),
        Format::Json => lines.json().flatten_event(true).try_init(),
    };
    if started.is_ok() && refused {
        tracing::warn!(level, "invalid log level or filter; using info");
    }
}
