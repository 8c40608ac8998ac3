//! A registry over HTTP, by the protocol that Confluent's, Redpanda's, Karapace and Apicurio speak.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use event::SchemaKey;
use serde::Deserialize;
use ureq::Agent;

use crate::compose::compose;
use crate::{Format, REFERENCES_MAX, SCHEMA_BYTES_MAX, Schema, Source, SourceError};

/// Largest answer that is read, bytes: a schema as JSON text in JSON.
const ANSWER_BYTES_MAX: u64 = 2 * SCHEMA_BYTES_MAX as u64;
/// Longest wait for an answer.
const WAIT: Duration = Duration::from_secs(10);
/// What is accepted as an answer.
const ACCEPT: &str = "application/vnd.schemaregistry.v1+json, application/json; q=0.5";

/// Who asks.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// User, or key of an API.
    pub user: String,
    /// Password, or secret of an API.
    pub password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("user", &self.user).field("password", &"…").finish()
    }
}

/// A registry.
#[derive(Debug)]
pub struct Registry {
    agent: Agent,
    base: String,
    authorization: Option<Secret>,
}

/// A header that is in no message.
struct Secret(String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

#[derive(Debug, Deserialize)]
struct Answer {
    schema: String,
    #[serde(rename = "schemaType")]
    schema_type: Option<String>,
    #[serde(default)]
    references: Vec<Reference>,
}

#[derive(Debug, Deserialize)]
struct Reference {
    name: String,
    subject: String,
    version: i64,
}

impl Registry {
    /// The registry at a URL such as `https://registry.example:8081`.
    #[must_use]
    pub fn new(url: &str, credentials: Option<&Credentials>) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            // What another host answers is not what this registry says.
            .max_redirects(0)
            .timeout_global(Some(WAIT));
        #[cfg(feature = "tls")]
        let config = config.tls_config(
            ureq::tls::TlsConfig::builder()
                .provider(ureq::tls::TlsProvider::NativeTls)
                .root_certs(ureq::tls::RootCerts::PlatformVerifier)
                .build(),
        );
        let authorization = credentials.map(|Credentials { user, password }| {
            Secret(format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))))
        });
        Self {
            agent: config.build().into(),
            base: url.trim_end_matches('/').to_owned(),
            authorization,
        }
    }

    fn get(&self, path: &str, key: SchemaKey) -> Result<Option<Answer>, SourceError> {
        let unavailable =
            |error: String| Err(SourceError::Unavailable(format!("{}{path}: {error}", self.base)));
        let mut request = self.agent.get(format!("{}{path}", self.base)).header("accept", ACCEPT);
        if let Some(Secret(value)) = &self.authorization {
            request = request.header("authorization", value);
        }
        let mut response = match request.call() {
            Ok(response) => response,
            Err(error) => return unavailable(error.to_string()),
        };
        let status = response.status().as_u16();
        match status {
            200 => {}
            404 => return Ok(None),
            401 | 403 => {
                return Err(SourceError::Refused(format!("{}{path}: status {status}", self.base)));
            }
            _ => return unavailable(format!("status {status}")),
        }
        let text = response.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_string();
        let text = match text {
            Ok(text) => text,
            Err(ureq::Error::BodyExceedsLimit(_)) => {
                let reason = format!("larger than {SCHEMA_BYTES_MAX} bytes");
                return Err(SourceError::Invalid { key, reason });
            }
            Err(error) => return unavailable(error.to_string()),
        };
        match serde_json::from_str(&text) {
            Ok(answer) => Ok(Some(answer)),
            Err(_) => Err(SourceError::Invalid { key, reason: "the answer is no schema".into() }),
        }
    }

    /// Reads what a schema refers to, directly and through others, by name.
    fn references(
        &self,
        key: SchemaKey,
        answer: &Answer,
    ) -> Result<BTreeMap<String, String>, SourceError> {
        let invalid = |reason: String| SourceError::Invalid { key, reason };
        let mut named = BTreeMap::new();
        let mut bytes = answer.schema.len();
        let mut waiting: Vec<Reference> = Vec::new();
        let add = |waiting: &mut Vec<Reference>, more: &[Reference]| {
            waiting.extend(more.iter().map(|Reference { name, subject, version }| Reference {
                name: name.clone(),
                subject: subject.clone(),
                version: *version,
            }));
        };
        add(&mut waiting, &answer.references);
        while let Some(Reference { name, subject, version }) = waiting.pop() {
            if named.contains_key(&name) {
                continue;
            }
            if named.len() >= REFERENCES_MAX {
                return Err(invalid(format!("it refers to more than {REFERENCES_MAX} schemas")));
            }
            let path = format!("/subjects/{}/versions/{version}", escaped(&subject));
            let Some(found) = self.get(&path, key)? else {
                return Err(invalid("it refers to a schema that is not there".to_owned()));
            };
            bytes += found.schema.len();
            if bytes > SCHEMA_BYTES_MAX {
                return Err(invalid(format!(
                    "with its references larger than {SCHEMA_BYTES_MAX} bytes"
                )));
            }
            add(&mut waiting, &found.references);
            named.insert(name, found.schema);
        }
        Ok(named)
    }
}

impl Source for Registry {
    fn find(&self, key: SchemaKey) -> Result<Option<Schema>, SourceError> {
        let path = match key {
            SchemaKey::Id(_) => format!("/schemas/ids/{key}"),
            SchemaKey::Guid(_) => format!("/schemas/guids/{key}"),
            // No registry finds a schema by it.
            SchemaKey::Fingerprint(_) => return Ok(None),
        };
        let Some(answer) = self.get(&path, key)? else { return Ok(None) };
        let format = match answer.schema_type.as_deref() {
            // Registries leave the type of Avro out.
            None | Some("AVRO") => Format::Avro,
            Some("JSON") => Format::Json,
            Some(other) => Format::Other(other.chars().take(32).collect()),
        };
        let invalid = |reason: String| SourceError::Invalid { key, reason };
        if answer.schema.len() > SCHEMA_BYTES_MAX {
            return Err(invalid(format!("larger than {SCHEMA_BYTES_MAX} bytes")));
        }
        let text = if format == Format::Avro {
            let named = self.references(key, &answer)?;
            if named.is_empty() {
                answer.schema
            } else {
                compose(&answer.schema, &named).map_err(invalid)?
            }
        } else {
            answer.schema
        };
        if text.len() > SCHEMA_BYTES_MAX {
            return Err(invalid(format!(
                "with its references larger than {SCHEMA_BYTES_MAX} bytes"
            )));
        }
        Ok(Some(Schema { format, text }))
    }
}

/// A name as one segment of a path.
fn escaped(name: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'~');
    let mut path = String::new();
    for byte in name.bytes() {
        if is_plain(byte) {
            path.push(char::from(byte));
        } else {
            path.push_str(&format!("%{byte:02X}"));
        }
    }
    path
}
