//! Output of commands: results to standard output or a file, notes to standard error.

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use event::plain::{Json, Line, Lines};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use crate::outcome::Failure;

/// The first error of writing the result.
static FAILED: OnceLock<String> = OnceLock::new();

/// Whether the JSON object was written.
static HAS_JSON: AtomicBool = AtomicBool::new(false);

/// Format of results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Output {
    /// Text, for people
    #[default]
    Text,
    /// One JSON object, for programs; errors too
    Json,
}

/// Writes a line of the result. It may hold foreign text.
pub(crate) fn line(text: impl AsRef<str>) {
    written(writeln!(std::io::stdout(), "{}", Line(text.as_ref())));
}

/// Writes lines of the result. They may hold foreign text, whose own line breaks are escaped.
pub(crate) fn lines(text: &str) {
    written(write!(std::io::stdout(), "{}", Lines(text)));
}

/// Writes text of our own unchanged, such as a script.
pub(crate) fn exact(text: &str) {
    written(std::io::stdout().write_all(text.as_bytes()));
}

/// Writes the result as one JSON object.
pub(crate) fn json(value: &impl Serialize) {
    match serde_json::to_string_pretty(value) {
        Ok(text) => {
            assert!(text.starts_with('{'), "a result is one JSON object");
            HAS_JSON.store(true, Ordering::Relaxed);
            json_text(&text);
        }
        Err(error) => unreachable!("a result has a JSON form: {error}"),
    }
}

/// Writes an error as the one JSON object, unless the result was written before: what ends a command
/// after that is told by the exit code and on standard error.
pub(crate) fn json_error(failure: &Failure) {
    if !HAS_JSON.load(Ordering::Relaxed) {
        json(&serde_json::json!({
            "error": {"code": failure.code(), "message": failure.message()}
        }));
    }
}

/// Writes a JSON document.
pub(crate) fn json_text(text: &str) {
    written(writeln!(std::io::stdout(), "{}", Json(text)));
}

/// Takes the result of writing output. Keeps the first error for [`finish`], except that of a reader
/// that has closed the pipe.
pub(crate) fn written(result: std::io::Result<()>) {
    if let Err(error) = result
        && error.kind() != ErrorKind::BrokenPipe
    {
        FAILED.get_or_init(|| error.to_string());
    }
}

/// Completes the output.
///
/// # Errors
///
/// If any of the result could not be written.
pub(crate) fn finish() -> Result<(), Failure> {
    written(std::io::stdout().flush());
    match FAILED.get() {
        None => Ok(()),
        Some(error) => Err(Failure::new(format!("failed to write the result: {error}"))),
    }
}

/// Writes a line to standard error. Nobody can be told if that fails.
pub(crate) fn note(text: impl AsRef<str>) {
    drop(writeln!(std::io::stderr(), "{}", Lines(text.as_ref())));
}

/// A progress bar on standard error; hidden if that is not a terminal.
pub(crate) fn bar(total: Option<u64>, template: &str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr());
    bar.set_style(style(template));
    bar
}

/// The style of a progress bar.
pub(crate) fn style(template: &str) -> ProgressStyle {
    match ProgressStyle::with_template(template) {
        Ok(style) => style,
        Err(error) => unreachable!("an invalid template: {error}"),
    }
}

/// Writes a file atomically.
pub(crate) fn write_file(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        Failure::new(format!("failed to write `{}`: {error}", path.display()))
    };
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    let part = PathBuf::from(name);
    let written = std::fs::File::create(&part).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written.and_then(|()| std::fs::rename(&part, path)).map_err(failed)
}

/// `1,234,567`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_separated() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_234_567), "1,234,567");
    }
}
