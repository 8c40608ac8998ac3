//! Where credentials come from, in the order of Amazon's tools: the environment, a profile of the
//! shared files, web identity, the container's role, the instance's role. A profile also says
//! region and endpoint where the environment does not.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use tracing::{debug, warn};

use crate::options::Options;
use crate::profile::{SharedFile, parse};

/// Largest shared file that is read.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Where an instance of Amazon's finds its metadata.
const METADATA_ENDPOINT: &str = "http://169.254.169.254";

/// Ways to credentials that a profile may name and that need what is not here: other services of
/// Amazon, or a program.
const NOT_SUPPORTED: [&str; 6] = [
    "credential_process",
    "credential_source",
    "login_session",
    "source_profile",
    "sso_session",
    "sso_start_url",
];

/// What is to be configured; values may be secrets.
pub(super) struct Credentials {
    /// Variables as in an environment: those given, and below them what the profile says.
    pub(super) variables: BTreeMap<String, String>,
    /// If the instance is to be asked for its role: where it is asked, and what was looked at in
    /// vain before.
    pub(super) instance: Option<Instance>,
}

/// The metadata service of the instance, the last resort.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Instance {
    /// Its URL.
    pub(super) endpoint: String,
    /// Where there are no credentials, and what to do.
    pub(super) missing: String,
}

/// A profile as both files say it.
struct Profile {
    name: String,
    /// It was asked for by name.
    is_chosen: bool,
    /// Its values, and the file that each is from.
    values: BTreeMap<String, (String, PathBuf)>,
    /// The files that were looked at, with what became of it.
    looked_at: Vec<String>,
    is_found: bool,
}

/// Finds the credentials.
///
/// # Errors
///
/// A profile that is chosen and does not exist, or gives its credentials in a way that is not
/// supported; a file that cannot be read; no credentials at all. No value is ever shown.
pub(super) fn find(options: &Options) -> Result<Credentials, String> {
    let given = options.environment.iter().filter(|(_, value)| !value.is_empty());
    let mut variables: BTreeMap<String, String> =
        given.map(|(name, value)| (name.to_ascii_uppercase(), value.clone())).collect();
    let has = |variables: &BTreeMap<_, _>, names: &[&str]| {
        names.iter().all(|name| variables.contains_key(*name))
    };
    let is_signed = variables.get("AWS_SKIP_SIGNATURE").is_none_or(|value| value != "true");
    let is_given = !is_signed
        || has(&variables, &["AWS_ACCESS_KEY_ID"])
        || has(&variables, &["AWS_SECRET_ACCESS_KEY"]);
    let profile = match Profile::read(&variables, options.home.as_deref()) {
        Err(error) if is_given => {
            warn!(%error, "failed to read the shared files of AWS; the environment has credentials");
            None
        }
        profile => Some(profile?),
    };
    if let Some(profile) = &profile {
        if !is_given {
            profile.give_credentials(&mut variables)?;
        }
        profile.give_place(&mut variables);
    }
    let is_found = is_given
        || has(&variables, &["AWS_ACCESS_KEY_ID"])
        || has(&variables, &["AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN"])
        || has(&variables, &["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"])
        || has(
            &variables,
            &["AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"],
        );
    let Some(profile) = profile.filter(|_| !is_found) else {
        return Ok(Credentials { variables, instance: None });
    };
    let files = profile.looked_at.join(", ");
    let missing = format!(
        "no credentials for S3 in AWS_ACCESS_KEY_ID with AWS_SECRET_ACCESS_KEY, {files}, \
         AWS_WEB_IDENTITY_TOKEN_FILE with AWS_ROLE_ARN, AWS_CONTAINER_CREDENTIALS_RELATIVE_URI, \
         AWS_CONTAINER_CREDENTIALS_FULL_URI with AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE; set the \
         first two, or choose a profile with AWS_PROFILE"
    );
    let is_disabled = |value: &String| value.eq_ignore_ascii_case("true");
    if variables.get("AWS_EC2_METADATA_DISABLED").is_some_and(is_disabled) {
        return Err(missing);
    }
    // Amazon's name of the variable, and that of the store below.
    let endpoint = variables
        .get("AWS_EC2_METADATA_SERVICE_ENDPOINT")
        .or_else(|| variables.get("AWS_METADATA_ENDPOINT"))
        .map_or(METADATA_ENDPOINT, String::as_str)
        .trim_end_matches('/')
        .to_owned();
    variables.insert("AWS_METADATA_ENDPOINT".into(), endpoint.clone());
    Ok(Credentials { variables, instance: Some(Instance { endpoint, missing }) })
}

impl Profile {
    fn read(variables: &BTreeMap<String, String>, home: Option<&Path>) -> Result<Self, String> {
        let chosen = variables.get("AWS_PROFILE");
        let name = chosen.map_or("default", String::as_str);
        let mut profile = Self {
            name: name.to_owned(),
            is_chosen: chosen.is_some(),
            values: BTreeMap::new(),
            looked_at: Vec::new(),
            is_found: false,
        };
        // Where both say the same key, the file of credentials wins.
        for (file, variable, usual) in [
            (SharedFile::Config, "AWS_CONFIG_FILE", "config"),
            (SharedFile::Credentials, "AWS_SHARED_CREDENTIALS_FILE", "credentials"),
        ] {
            let path = match (variables.get(variable), home) {
                (Some(path), Some(home)) if path.starts_with("~/") => {
                    home.join(path.trim_start_matches("~/"))
                }
                (Some(path), _) => path.into(),
                (None, Some(home)) => home.join(".aws").join(usual),
                (None, None) => continue,
            };
            profile.read_file(file, path)?;
        }
        if profile.looked_at.is_empty() {
            profile.looked_at.push("~/.aws (no home directory)".into());
        }
        if profile.is_chosen && !profile.is_found {
            let looked_at = profile.looked_at.join(", ");
            return Err(format!(
                "AWS_PROFILE is `{name}`, and there is no such profile: {looked_at}"
            ));
        }
        Ok(profile)
    }

    fn read_file(&mut self, file: SharedFile, path: PathBuf) -> Result<(), String> {
        let shown = path.display().to_string();
        let Some(text) = read(&path).map_err(|error| format!("failed to read {shown}: {error}"))?
        else {
            self.looked_at.push(format!("{shown} (does not exist)"));
            return Ok(());
        };
        let found = parse(&text, file, &self.name).map_err(|error| format!("{shown}: {error}"))?;
        match found {
            None => self.looked_at.push(format!("{shown} (has no profile `{}`)", self.name)),
            Some(values) => {
                self.is_found = true;
                self.looked_at.push(format!("profile `{}` of {shown}", self.name));
                let values = values.into_iter().filter(|(_, value)| !value.is_empty());
                self.values.extend(values.map(|(key, value)| (key, (value, path.clone()))));
            }
        }
        Ok(())
    }

    fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(|(value, _)| value.as_str())
    }

    /// Adds what the profile says of credentials, if anything.
    fn give_credentials(&self, variables: &mut BTreeMap<String, String>) -> Result<(), String> {
        let mut give = |names: &[(&str, &str)]| {
            for (name, key) in names {
                match self.get(key) {
                    Some(value) => variables.insert((*name).to_owned(), value.to_owned()),
                    None => variables.remove(*name),
                };
            }
        };
        let name = &self.name;
        if self.get("role_arn").is_some() && self.get("web_identity_token_file").is_some() {
            debug!(profile = name, "the profile names a web identity");
            give(&[
                ("AWS_ROLE_ARN", "role_arn"),
                ("AWS_WEB_IDENTITY_TOKEN_FILE", "web_identity_token_file"),
                ("AWS_ROLE_SESSION_NAME", "role_session_name"),
            ]);
            return Ok(());
        }
        // Keys beside a role are those of who may take it on.
        let takes_role = self.get("role_arn").is_some();
        match (self.get("aws_access_key_id"), self.get("aws_secret_access_key")) {
            (Some(_), Some(_)) if !takes_role => {
                debug!(profile = name, "the profile has credentials");
                give(&[
                    ("AWS_ACCESS_KEY_ID", "aws_access_key_id"),
                    ("AWS_SECRET_ACCESS_KEY", "aws_secret_access_key"),
                    ("AWS_SESSION_TOKEN", "aws_session_token"),
                ]);
                return Ok(());
            }
            (Some(_), None) | (None, Some(_)) => {
                return Err(format!(
                    "profile `{name}` has only one of `aws_access_key_id` and \
                     `aws_secret_access_key`: {}",
                    self.looked_at.join(", ")
                ));
            }
            _ => {}
        }
        let way = NOT_SUPPORTED.iter().find_map(|key| Some((*key, self.values.get(*key)?)));
        let Some((key, (_, path))) = way else { return Ok(()) };
        Err(format!(
            "profile `{name}` of {} gets its credentials by `{key}`, which is not supported; run \
             `aws configure export-credentials --profile {name} --format env` and set what it \
             prints",
            path.display()
        ))
    }

    /// Adds what the profile says of region and endpoint, unless the environment says it.
    fn give_place(&self, variables: &mut BTreeMap<String, String>) {
        for (name, others, key) in [
            ("AWS_REGION", &["AWS_REGION", "AWS_DEFAULT_REGION"][..], "region"),
            (
                "AWS_ENDPOINT_URL",
                &["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT"],
                "endpoint_url",
            ),
        ] {
            if let Some(value) = self.get(key)
                && !others.iter().any(|other| variables.contains_key(*other))
            {
                variables.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}

/// The text of a file; `None` if there is none.
fn read(path: &Path) -> std::io::Result<Option<String>> {
    let file = match std::fs::File::open(path) {
        Err(error) if [ErrorKind::NotFound, ErrorKind::NotADirectory].contains(&error.kind()) => {
            return Ok(None);
        }
        file => file?,
    };
    let mut text = String::new();
    let length = file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text)?;
    if u64::try_from(length).is_ok_and(|length| length <= FILE_BYTES_MAX) {
        return Ok(Some(text));
    }
    Err(std::io::Error::other(format!("it has more than {FILE_BYTES_MAX} bytes")))
}

#[cfg(test)]
mod tests;
