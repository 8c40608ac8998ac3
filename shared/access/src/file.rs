//! The file of credentials that a server keeps: TOML, one table for each.
//!
//! ```toml
//! [checkout]
//! role = "emit"
//! digest = "sha256:<64 hexadecimal digits>"
//! agents = ["checkout", "refund-*"]
//! families = ["*"]
//! tenant = "acme"
//! created_at = "2026-03-01T18:00:00Z"
//! expires_at = "2026-06-01T18:00:00Z"
//! events_per_second = 100
//! ```
//!
//! Without `tenant` it is for the tenant of the server's configuration, with `*` for all. Instead of
//! `digest`, `certificate` names the holder of a client certificate.

use std::collections::BTreeMap;
use std::sync::Arc;

use event::Timestamp;
use event::plain::Name;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::credential::{Credential, NAME_BYTES_MAX, Proof, Role, is_name};
use crate::principal::{Authn, Principal, Refusal};
use crate::quota::Quota;
use crate::scope::{PATTERNS_MAX, Pattern, Scope, TEXT_BYTES_MAX, Tenants, is_text};
use crate::token::Digest;

/// Most credentials of a file.
pub const CREDENTIALS_MAX: usize = 1_000;

/// What is wrong with a file of credentials. Never shows what stands in it but names and keys.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FileError {
    /// It is not TOML, or a key is unknown, missing or of a wrong type.
    #[error("line {line}: {reason}")]
    Toml {
        /// Number of the line, from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// A value is wrong.
    #[error("`{}`: {reason}", Name(name))]
    Entry {
        /// Name of the credential.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// There are too many.
    #[error("{0} credentials; at most {CREDENTIALS_MAX} are accepted")]
    TooMany(usize),
}

/// An entry as it is written.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    role: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<String>,
    agents: Vec<String>,
    families: Vec<String>,
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    events_per_second: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes_per_second: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    events_per_day: Option<u64>,
}

/// The credentials that a server knows, by name in ascending order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Credentials {
    all: Vec<Arc<Credential>>,
}

impl Credentials {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong with it.
    pub fn parse(text: &str) -> Result<Self, FileError> {
        let entries: BTreeMap<String, Entry> = toml::from_str(text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or("");
            let line = before.matches('\n').count() + 1;
            // The message alone: what is shown around it would be a line of the file.
            FileError::Toml { line, reason: error.message().to_owned() }
        })?;
        if entries.len() > CREDENTIALS_MAX {
            return Err(FileError::TooMany(entries.len()));
        }
        let mut all: Vec<Arc<Credential>> = Vec::with_capacity(entries.len());
        for (name, entry) in entries {
            let credential = read(&name, entry)
                .map_err(|reason| FileError::Entry { name: name.clone(), reason })?;
            if let Some(twin) = all.iter().find(|known| known.proof == credential.proof) {
                let reason = format!("is proved as `{}` is", twin.name);
                return Err(FileError::Entry { name, reason });
            }
            all.push(Arc::new(credential));
        }
        Ok(Self { all })
    }

    /// The same as text.
    ///
    /// # Panics
    ///
    /// Never: entries have a TOML form.
    #[must_use]
    pub fn to_text(&self) -> String {
        let entries: BTreeMap<&str, Entry> =
            self.all.iter().map(|one| (one.name.as_str(), written(one))).collect();
        let Ok(text) = toml::to_string(&entries) else { unreachable!("entries have a TOML form") };
        text
    }

    /// All, by name in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = &Credential> {
        self.all.iter().map(|credential| &**credential)
    }

    /// The one of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Credential> {
        self.iter().find(|credential| credential.name == name)
    }

    /// Adds a credential, in place of one of the same name.
    pub fn put(&mut self, credential: Credential) {
        match self.all.binary_search_by(|known| known.name.cmp(&credential.name)) {
            Ok(at) => {
                if let Some(known) = self.all.get_mut(at) {
                    *known = Arc::new(credential);
                }
            }
            Err(at) => self.all.insert(at, Arc::new(credential)),
        }
    }

    /// Removes a credential. Returns whether it was there.
    pub fn remove(&mut self, name: &str) -> bool {
        let before = self.all.len();
        self.all.retain(|known| known.name != name);
        self.all.len() < before
    }

    /// Who shows this token to the server of a role. Takes as long for every token, known or not.
    ///
    /// # Errors
    ///
    /// Why whoever shows it is not heard.
    pub fn by_token(&self, shown: &str, role: Role, now: Timestamp) -> Result<Principal, Refusal> {
        let shown = Proof::Token(Digest::of(shown));
        let mut found = None;
        for credential in &self.all {
            if credential.proof == shown {
                found = Some(credential);
            }
        }
        judged(found, Authn::Token, role, now)
    }

    /// Who shows a client certificate, which was verified, with these names.
    ///
    /// # Errors
    ///
    /// Why whoever shows it is not heard; `Malformed` if it has the names of two credentials.
    pub fn by_certificate(
        &self,
        names: &[String],
        role: Role,
        now: Timestamp,
    ) -> Result<Principal, Refusal> {
        let mut found = self.all.iter().filter(|credential| {
            matches!(&credential.proof, Proof::Certificate(own) if names.contains(own))
        });
        match (found.next(), found.next()) {
            (found, None) => judged(found, Authn::Mtls, role, now),
            (_, Some(_)) => Err(Refusal::Malformed),
        }
    }
}

fn judged(
    found: Option<&Arc<Credential>>,
    authn: Authn,
    role: Role,
    now: Timestamp,
) -> Result<Principal, Refusal> {
    let credential = found.ok_or(Refusal::Unknown)?;
    if credential.has_expired(now) {
        return Err(Refusal::Expired);
    }
    if credential.role != role {
        return Err(Refusal::WrongRole);
    }
    Ok(Principal::new(authn, Arc::clone(credential)))
}

fn read(name: &str, entry: Entry) -> Result<Credential, String> {
    if !is_name(name) {
        return Err(format!(
            "a name must have 1 to {NAME_BYTES_MAX} letters, digits, `-`, `_` and `.`"
        ));
    }
    let role = Role::parse(&entry.role).ok_or("`role` must be `emit` or `act`")?;
    let proof = match (entry.digest, entry.certificate) {
        (Some(digest), None) => Proof::Token(
            Digest::parse(&digest).ok_or("`digest` must be `sha256:` and 64 hexadecimal digits")?,
        ),
        (None, Some(named)) if is_text(&named) => Proof::Certificate(named),
        (None, Some(_)) => {
            return Err(format!("`certificate` must be a name of 1 to {TEXT_BYTES_MAX} bytes"));
        }
        (None, None) | (Some(_), Some(_)) => {
            return Err("needs either `digest` or `certificate`".to_owned());
        }
    };
    let tenants = match entry.tenant.as_deref() {
        None => Tenants::Own,
        Some("*") => Tenants::Any,
        Some(tenant) if is_text(tenant) => Tenants::One(tenant.to_owned()),
        Some(_) => return Err("`tenant` must be a tenant or `*`".to_owned()),
    };
    let created_at = time("created_at", &entry.created_at)?;
    let expires_at = entry.expires_at.map(|text| time("expires_at", &text)).transpose()?;
    let quota = Quota {
        events_per_second: entry.events_per_second,
        bytes_per_second: entry.bytes_per_second,
        events_per_day: entry.events_per_day,
    };
    for (key, limit) in [
        ("events_per_second", quota.events_per_second),
        ("bytes_per_second", quota.bytes_per_second),
        ("events_per_day", quota.events_per_day),
    ] {
        if limit == Some(0) {
            return Err(format!("`{key}` must be at least 1"));
        }
    }
    let (agents, families) =
        (patterns("agents", &entry.agents)?, patterns("families", &entry.families)?);
    let scope = Scope { tenants, agents, families };
    Ok(Credential { name: name.to_owned(), role, proof, scope, created_at, expires_at, quota })
}

fn patterns(key: &str, texts: &[String]) -> Result<Vec<Pattern>, String> {
    if !(1..=PATTERNS_MAX).contains(&texts.len()) {
        return Err(format!("`{key}` must have 1 to {PATTERNS_MAX} members; `*` is all"));
    }
    texts
        .iter()
        .map(|text| {
            Pattern::parse(text).ok_or_else(|| {
                format!("`{key}`: `{}` must be a name, or its beginning and `*`", Name(text))
            })
        })
        .collect()
}

fn time(key: &str, text: &str) -> Result<Timestamp, String> {
    Timestamp::parse_rfc3339(text)
        .ok_or_else(|| format!("`{key}` must be RFC 3339 with an offset, as 2026-03-01T18:00:00Z"))
}

fn written(one: &Credential) -> Entry {
    let (digest, certificate) = match &one.proof {
        Proof::Token(digest) => (Some(digest.to_string()), None),
        Proof::Certificate(named) => (None, Some(named.clone())),
    };
    let texts = |patterns: &[Pattern]| patterns.iter().map(Pattern::to_string).collect();
    Entry {
        role: one.role.name().to_owned(),
        digest,
        certificate,
        tenant: match &one.scope.tenants {
            Tenants::Own => None,
            Tenants::One(tenant) => Some(tenant.clone()),
            Tenants::Any => Some("*".to_owned()),
        },
        agents: texts(&one.scope.agents),
        families: texts(&one.scope.families),
        created_at: one.created_at.to_string(),
        expires_at: one.expires_at.map(|at| at.to_string()),
        events_per_second: one.quota.events_per_second,
        bytes_per_second: one.quota.bytes_per_second,
        events_per_day: one.quota.events_per_day,
    }
}
