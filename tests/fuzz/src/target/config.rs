//! The configuration of all roles: a TOML file, then lines `NAME=value` of the environment after a
//! line `---`. What is accepted is the same when it is printed and read again.

use std::path::Path;

use driftseal::Config;
use service::config::load_text;

pub(crate) fn run(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let (toml, environment) = text.split_once("---\n").unwrap_or((text, ""));
    let variables = environment.lines().filter_map(|line| line.split_once('='));
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let Ok(config) = load_text::<Config>(Some((Path::new("file"), toml)), variables, &|_| Vec::new()) else {
        return false;
    };
    let printed = toml::to_string_pretty(&config);
    let again = printed.as_ref().map(|text| load_text(Some((Path::new("again"), text)), [], &|_| Vec::new()));
    assert!(again.is_ok_and(|again| again.is_ok_and(|again: Config| again == config)));
    // The problems between keys: any configuration has an answer.
    let _specs = config.topic_specs();
    config.problems().is_empty()
}
