//! Configuration: defaults in code, then a TOML file, then the environment.
//!
//! The default value of the configuration type is also the list of known keys. Below an empty table
//! every key is accepted (pass-through), and below a null value keys are checked by the type only.
//!
//! Environment: `DRIFTSEAL__SECTION__KEY`, in upper or lower case. The text is parsed as the type of
//! the default. A list is written with commas (`a:1,b:2`) or as JSON (`["a:1","b:2"]`). In a
//! pass-through table a single underscore stands for a dot (`DRIFTSEAL__KAFKA__CLIENT__SASL_PASSWORD`
//! is `kafka.client."sasl.password"`).
//!
//! All problems are reported at once: unknown keys, values of a wrong type, and what the
//! configuration itself finds wrong with the values that could be read.

mod checks;
mod given;
mod keys;
mod nearest;
mod secret;
mod words;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use thiserror::Error;

pub use checks::Checks;
pub use given::Problem;
pub use secret::{HIDDEN, Secret, hide_in_url, is_secret_name};

use given::Given;

/// Prefix of environment variables.
const PREFIX: &str = "DRIFTSEAL__";

/// Why the configuration was not loaded.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// The file cannot be read or is not TOML.
    #[error("failed to read configuration from `{}`: {reason}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Keys or values are invalid; all of them.
    #[error("invalid configuration:\n{}", join(.0))]
    Problems(Vec<Problem>),
}

fn join(problems: &[Problem]) -> String {
    problems.iter().map(|problem| format!("  {problem}")).collect::<Vec<_>>().join("\n")
}

/// What is wrong with the values of a configuration, each text with its key: `` `key`: must … ``.
pub type Check<'a, T> = &'a dyn Fn(&T) -> Vec<String>;

/// The configuration of this process: defaults, then `file`, then the environment.
///
/// # Errors
///
/// An unreadable file; otherwise every unknown key, every value of a wrong type, and every problem
/// that `check` finds, at once.
pub fn load<T>(file: Option<&Path>, check: Check<'_, T>) -> Result<T, ConfigError>
where
    T: Serialize + DeserializeOwned + Default,
{
    let mut problems = Vec::new();
    let mut variables = Vec::new();
    for (name, value) in std::env::vars_os() {
        // A name that is not Unicode is not one of ours.
        let Ok(name) = name.into_string() else { continue };
        if !name.starts_with(PREFIX) {
            continue;
        }
        match value.into_string() {
            Ok(value) => variables.push((name, value)),
            Err(_) => problems.push(Problem {
                key: name.clone(),
                origin: "the environment".to_owned(),
                reason: "is not valid Unicode".to_owned(),
            }),
        }
    }
    match load_from(file, variables, check) {
        Ok(config) if problems.is_empty() => Ok(config),
        Err(ConfigError::Problems(others)) => {
            problems.extend(others);
            Err(ConfigError::Problems(problems))
        }
        Ok(_) => Err(ConfigError::Problems(problems)),
        Err(unreadable @ ConfigError::File { .. }) => Err(unreadable),
    }
}

/// Environment variables whose names begin with `prefix`, for settings that live there by convention
/// (`AWS_`). Those that are not Unicode are left out.
#[must_use]
pub fn environment(prefix: &str) -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| name.starts_with(prefix))
        .collect()
}

/// As [`load`], with the environment as an argument.
///
/// # Errors
///
/// As [`load`].
pub fn load_from<T>(
    file: Option<&Path>,
    variables: impl IntoIterator<Item = (String, String)>,
    check: Check<'_, T>,
) -> Result<T, ConfigError>
where
    T: Serialize + DeserializeOwned + Default,
{
    let text = match file {
        None => None,
        Some(path) => Some((
            path,
            std::fs::read_to_string(path).map_err(|error| ConfigError::File {
                file: path.to_owned(),
                reason: error.to_string(),
            })?,
        )),
    };
    load_text(text.as_ref().map(|(path, text)| (*path, text.as_str())), variables, check)
}

/// As [`load_from`], with path and text of the file as arguments.
///
/// # Errors
///
/// As [`load`].
pub fn load_text<T>(
    file: Option<(&Path, &str)>,
    variables: impl IntoIterator<Item = (String, String)>,
    check: Check<'_, T>,
) -> Result<T, ConfigError>
where
    T: Serialize + DeserializeOwned + Default,
{
    let known = serde_json::to_value(T::default())
        .map_err(|error| problem(format!("failed to list the defaults: {error}")))?;
    let mut problems = Vec::new();
    let mut given = Vec::new();
    if let Some((path, text)) = file {
        let table = text.parse::<toml::Table>().map_err(|error| ConfigError::File {
            file: path.to_owned(),
            reason: error.to_string().trim_end().to_owned(),
        })?;
        keys::from_table(&known, table, &path.display().to_string(), &mut given, &mut problems);
    }
    keys::from_environment(&known, PREFIX, variables, &mut given, &mut problems);

    // Everything that can be read is, so that its values are checked even if others are wrong.
    let mut valid = known.clone();
    for leaf in &given {
        match typed::<T>(&known, leaf) {
            Ok(value) => leaf.put(&mut valid, value),
            Err(wrong) => problems.extend(wrong),
        }
    }
    let config: T = serde_json::from_value(valid)
        .map_err(|error| problem(words::in_words(&error.to_string(), false)))?;
    let mistyped: Vec<String> = problems.iter().map(|problem| problem.key.clone()).collect();
    for text in check(&config) {
        // A check that looks at a value which could not be read has seen the default instead.
        if !mistyped.iter().any(|key| text.contains(&format!("`{key}`"))) {
            problems.push(Problem::of_check(&text, &given));
        }
    }
    if problems.is_empty() { Ok(config) } else { Err(ConfigError::Problems(problems)) }
}

/// The value of a leaf, if the configuration accepts it; else what is wrong with it.
fn typed<T: DeserializeOwned>(known: &Json, leaf: &Given) -> Result<Json, Vec<Problem>> {
    let accepts = |value: &Json| {
        let mut config = known.clone();
        leaf.put(&mut config, value.clone());
        serde_json::from_value::<T>(config).map(drop).map_err(|error| error.to_string())
    };
    let mut first = None;
    for candidate in leaf.candidates() {
        match accepts(&candidate) {
            Ok(()) => return Ok(candidate),
            Err(reason) => first = first.or(Some(reason)),
        }
    }
    let Some(reason) = first else { unreachable!("a leaf has a value") };
    // A table of a pass-through section: its keys one by one, each beside the key that decides
    // which keys there are.
    let mut problems = Vec::new();
    if let Json::Object(table) = &leaf.value {
        let kind: serde_json::Map<_, _> =
            table.get_key_value("type").into_iter().map(own_pair).collect();
        if let Err(reason) = accepts(&Json::Object(kind.clone())) {
            return Err(vec![leaf.problem(Some("type"), &reason)]);
        }
        for (key, value) in table {
            let mut alone = kind.clone();
            alone.insert(key.clone(), value.clone());
            if let Err(reason) = accepts(&Json::Object(alone)) {
                problems.push(leaf.problem(Some(key), &reason));
            }
        }
    }
    if problems.is_empty() {
        problems.push(leaf.problem(None, &reason));
    }
    Err(problems)
}

fn own_pair((key, value): (&String, &Json)) -> (String, Json) {
    (key.clone(), value.clone())
}

fn problem(reason: String) -> ConfigError {
    ConfigError::Problems(vec![Problem { key: String::new(), origin: String::new(), reason }])
}

#[cfg(test)]
mod tests;
