//! Configuration: a TOML file, then lines `NAME=value` of the environment after a line `---`.

use std::path::Path;

pub(crate) fn run(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let (toml, environment) = text.split_once("---\n").unwrap_or((text, ""));
    let variables = environment.lines().filter_map(|line| line.split_once('='));
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    service::config::load_text::<processor::Config>(Some((Path::new("file"), toml)), variables).is_ok()
}
