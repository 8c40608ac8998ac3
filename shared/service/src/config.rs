//! Configuration: defaults in code, then a TOML file, then the environment.
//!
//! The default value of the configuration type is also the list of known keys. Below an empty table
//! every key is accepted (pass-through), and below a null value keys are checked by the type only.
//!
//! Environment: `DRIFTSEAL__SECTION__KEY`, in upper or lower case. The text is parsed as the type of
//! the default: lists are separated by commas, and in a pass-through table a single underscore stands
//! for a dot (`DRIFTSEAL__KAFKA__CLIENT__SASL_PASSWORD` is `kafka.client."sasl.password"`).

mod checks;
mod given;
mod keys;
mod secret;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use config::{Config, File, FileFormat, Map, Source, Value};
use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

pub use checks::Checks;
pub use given::Problem;
pub use secret::Secret;

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
    problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n")
}

/// The configuration of this process: defaults, then `file`, then the environment.
///
/// # Errors
///
/// An unreadable file; otherwise every unknown key and every value of a wrong type at once.
pub fn load<T>(file: Option<&Path>) -> Result<T, ConfigError>
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
    if !problems.is_empty() {
        return Err(ConfigError::Problems(problems));
    }
    load_from(file, variables)
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
    load_text(text.as_ref().map(|(path, text)| (*path, text.as_str())), variables)
}

/// As [`load_from`], with path and text of the file as arguments.
///
/// # Errors
///
/// As [`load`].
pub fn load_text<T>(
    file: Option<(&Path, &str)>,
    variables: impl IntoIterator<Item = (String, String)>,
) -> Result<T, ConfigError>
where
    T: Serialize + DeserializeOwned + Default,
{
    let known = serde_json::to_value(T::default())
        .map_err(|error| problem("", "", format!("failed to list the defaults: {error}")))?;
    let mut problems = Vec::new();
    let mut given = Vec::new();
    if let Some((path, text)) = file {
        let unreadable = |reason: String| ConfigError::File { file: path.to_owned(), reason };
        let table = File::from_str(text, FileFormat::Toml)
            .collect()
            .map_err(|error| unreadable(error.to_string()))?;
        keys::from_table(&known, table, &path.display().to_string(), &mut given, &mut problems);
    }
    keys::from_environment(&known, PREFIX, variables, &mut given, &mut problems);

    let defaults = Layer(keys::table_of(&known));
    for leaf in &given {
        let outcome = build::<T>(&[defaults.clone(), Layer(leaf.as_table())]);
        if let Err(reason) = outcome {
            problems.push(Problem {
                key: leaf.key(),
                origin: leaf.origin.clone(),
                reason: without_key(&reason),
            });
        }
    }
    if !problems.is_empty() {
        return Err(ConfigError::Problems(problems));
    }
    let mut layers = vec![defaults];
    layers.extend(given.iter().map(|leaf| Layer(leaf.as_table())));
    build(&layers).map_err(|reason| problem("", "", reason))
}

fn problem(key: &str, origin: &str, reason: String) -> ConfigError {
    ConfigError::Problems(vec![Problem { key: key.into(), origin: origin.into(), reason }])
}

/// Later layers override earlier ones, key by key.
fn build<T: DeserializeOwned>(layers: &[Layer]) -> Result<T, String> {
    let mut builder = Config::builder();
    for layer in layers {
        builder = builder.add_source(layer.clone());
    }
    builder
        .build()
        .and_then(Config::try_deserialize)
        .map_err(|error: config::ConfigError| error.to_string())
}

/// Strips the key, which the problem has already.
fn without_key(reason: &str) -> String {
    reason.split_once(" for key `").map_or(reason, |(reason, _)| reason).to_owned()
}

/// One table of values as a source.
#[derive(Debug, Clone)]
struct Layer(HashMap<String, Value>);

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, config::ConfigError> {
        Ok(self.0.iter().map(|(key, value)| (key.clone(), value.clone())).collect())
    }
}

#[cfg(test)]
mod tests;
