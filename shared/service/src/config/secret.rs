//! Values that are never printed.

use std::fmt::{self, Debug, Formatter};

use serde::{Deserialize, Serialize, Serializer};

/// What is shown instead of a secret.
pub const HIDDEN: &str = "…";

/// Text that `Debug` and serialization show as `…`.
#[derive(Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// A secret.
    #[must_use]
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// The secret itself.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl Debug for Secret {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // An empty one hides nothing, and is the default that a configuration is read over.
        serializer.serialize_str(if self.0.is_empty() { "" } else { HIDDEN })
    }
}

/// Whether the name of a setting, or of a property of librdkafka, is that of a secret.
#[must_use]
pub fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    // The place of a secret is none.
    let is_place = name.ends_with("_file") || name.ends_with("_name") || name.ends_with("_files");
    let parts = ["password", "secret", "key.pem", "jaas", "oauthbearer.config", "token"];
    !is_place && parts.iter().any(|part| name.contains(part))
}

/// A text with the secrets of the URL that it may be hidden: user and password, and the values of its
/// query.
#[must_use]
pub fn hide_in_url(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    // A password may hold any character; what stands before the last `@` is hidden whole.
    let (user, rest) = match rest.rsplit_once('@') {
        Some((_, rest)) => (format!("{HIDDEN}@"), rest),
        None => (String::new(), rest),
    };
    let rest = match rest.split_once('?') {
        Some((path, _)) => format!("{path}?{HIDDEN}"),
        None => rest.to_owned(),
    };
    format!("{scheme}://{user}{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_printed() {
        let secret = Secret::new("hunter2".into());
        assert_eq!(format!("{secret:?}"), "…");
        assert_eq!(serde_json::to_string(&secret).unwrap(), "\"…\"");
        assert_eq!(secret.reveal(), "hunter2");
        let none: Secret =
            serde_json::from_str(&serde_json::to_string(&Secret::default()).unwrap()).unwrap();
        assert_eq!(none, Secret::default(), "a default that is read back is the default");
    }
    #[test]
    fn a_url_is_shown_without_password_and_query() {
        for (url, shown) in [
            ("https://am.example:9093/x", "https://am.example:9093/x"),
            ("https://ana:hunter2@am.example:9093/x", "https://…@am.example:9093/x"),
            ("https://hunter2@am.example", "https://…@am.example"),
            ("https://a@b:hunter2@am.example/", "https://…@am.example/"),
            ("https://ana:hun?ter/2@am.example/", "https://…@am.example/"),
            ("https://am.example/x?token=hunter2", "https://am.example/x?…"),
            ("s3://bucket/prefix", "s3://bucket/prefix"),
            ("no url: ana:hunter@x", "no url: ana:hunter@x"),
        ] {
            assert_eq!(hide_in_url(url), shown);
        }
    }

    #[test]
    fn names_of_secrets_are_known_and_their_places_are_none() {
        for name in ["sasl.password", "ssl.key.pem", "ssl.key.password", "secrets", "token"] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in ["sasl.username", "token_file", "token_name", "client_files", "ssl.ca.location"]
        {
            assert!(!is_secret_name(name), "{name}");
        }
    }
}
