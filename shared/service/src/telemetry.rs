//! Log output of the process, on standard error.
//!
//! Fields may hold what strangers wrote, so each event is one line of bounded length in which nothing
//! but the colours of this process is obeyed by a terminal.

use std::io::{self, IsTerminal, Write};

use event::plain::{Json, Line};
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
    let has_colours = format == Format::Text && io::stderr().is_terminal();
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(move || Stderr { format, has_colours })
        .with_ansi(has_colours);
    let started = match format {
        Format::Text => lines.try_init(),
        Format::Json => lines.json().flatten_event(true).try_init(),
    };
    if started.is_ok() && refused {
        tracing::warn!(level, "invalid log level or filter; using info");
    }
}

/// Standard error; each write is one event with its line break.
#[derive(Debug)]
struct Stderr {
    format: Format,
    has_colours: bool,
}

impl Write for Stderr {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let text = text.strip_suffix('\n').unwrap_or(&text);
        let line = shown(text, self.format, self.has_colours);
        writeln!(io::stderr(), "{line}")?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// An event as one line. Escape characters are those of colours: the subscriber escapes those of
/// fields.
fn shown(text: &str, format: Format, has_colours: bool) -> String {
    match format {
        Format::Json => Json(text).to_string(),
        Format::Text if has_colours => {
            let parts: Vec<String> = text.split('\u{1b}').map(|p| Line(p).to_string()).collect();
            parts.join("\u{1b}")
        }
        Format::Text => Line(text).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line_that_obeys_nobody() {
        let hostile = "WARN a=x\nINFO \u{202e}forged\u{1b}[2K";
        let plain = shown(hostile, Format::Text, false);
        assert_eq!(plain, "WARN a=x\\nINFO \\u{202e}forged\\u{1b}[2K");
        let colours = shown("\u{1b}[33mWARN\u{1b}[0m a\nb", Format::Text, true);
        assert_eq!(colours, "\u{1b}[33mWARN\u{1b}[0m a\\nb");
        let json = shown("{\"a\":\"\u{202e}\"}", Format::Json, false);
        assert_eq!(json, "{\"a\":\"\\u202e\"}");
        assert!(shown(&"x".repeat(1 << 20), Format::Text, false).len() < 5_000);
    }
}
