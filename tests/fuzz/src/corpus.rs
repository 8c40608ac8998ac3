//! The committed inputs, and those that the product makes.

use std::io;
use std::path::{Path, PathBuf};

/// Directory of a target's inputs.
#[must_use]
pub fn directory(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target)
}

/// Names and bytes of a target's inputs: the committed ones by name, then what the product makes
/// today, so that a changed format needs no new corpus.
///
/// # Errors
///
/// What the system says.
pub fn read(target: &str) -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut inputs = Vec::new();
    let directory = directory(target);
    let entries = if directory.exists() { Some(std::fs::read_dir(directory)?) } else { None };
    for entry in entries.into_iter().flatten() {
        let path = entry?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        inputs.push((name.unwrap_or_default(), std::fs::read(&path)?));
    }
    inputs.sort();
    let made = crate::seeds::all().into_iter().filter(|(of, ..)| *of == target);
    inputs.extend(made.map(|(_, name, bytes)| (format!("made-{name}"), bytes)));
    Ok(inputs)
}
