//! Any HTTP receiver: JSON signed by Standard Webhooks 1.0.0
//! (<https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>).
//!
//! `webhook-id` consists of alert and step and is the same for every attempt, so that a receiver can
//! deduplicate. `webhook-timestamp` is that of the attempt, as the specification requires, so the
//! signature differs between attempts while the body does not.

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use serde_json::json;
use service::config::Secret;
use sha2::{Digest, Sha256};

use super::contract::{Common, Request, Route, Sink, SinkType, facts, required};
use crate::alert::{Alert, rfc3339};
use crate::machine::Notice;
use crate::secret::SecretRef;
use crate::text::hex;

/// Length of a key according to the specification, bytes.
const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;
/// Longest alert identifier that is used unchanged, bytes.
const ID_MAX: usize = 100;

/// Configuration of a receiver.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Webhook {
    /// URL of the receiver.
    pub url: String,
    /// File with the signing secret: `whsec_` and 24 to 64 bytes in base64. Several secrets, separated
    /// by white space, sign each request, for rotation.
    pub token_file: Option<PathBuf>,
    /// Name of the signing secret in `[notifier.secrets]`.
    pub token_name: Option<String>,
    /// Which alerts go to it.
    pub route: Route,
}

impl SinkType for Webhook {
    fn common(&self) -> Common<'_> {
        let (file, name) = (self.token_file.as_ref(), self.token_name.as_ref());
        let secret = SecretRef::new("token", file, name, true);
        Common { url: Some(&self.url), secret, route: &self.route }
    }

    fn open(&self, secret: Option<Secret>) -> Result<Box<dyn Sink>, String> {
        let token = required(secret);
        let keys: Option<Vec<Key>> = token.reveal().split_whitespace().map(Key::parse).collect();
        let keys = keys.ok_or("must be `whsec_` and 24 to 64 bytes in base64")?;
        Ok(Box::new(Ready { url: self.url.clone(), keys, token }))
    }
}

/// A signing key.
#[derive(Clone)]
struct Key(Hmac<Sha256>);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

impl Key {
    /// Parses a serialized key; the prefix is optional.
    fn parse(text: &str) -> Option<Self> {
        let bytes = STANDARD.decode(text.strip_prefix("whsec_").unwrap_or(text)).ok()?;
        KEY_BYTES.contains(&bytes.len()).then_some(())?;
        Hmac::new_from_slice(&bytes).ok().map(Self)
    }

    /// `v1,` and the signature of `id.timestamp.body`.
    fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> String {
        let mut mac = self.0.clone();
        mac.update(format!("{id}.{timestamp}.").as_bytes());
        mac.update(body);
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

#[derive(Debug)]
struct Ready {
    url: String,
    keys: Vec<Key>,
    token: Secret,
}

/// The `webhook-id`. It must not contain a full stop, the separator of the signed content.
fn message_id(alert: &Alert) -> String {
    let id = &alert.alert_id;
    let plain = id.len() <= ID_MAX
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    let id = if plain { id.to_string() } else { hex(&Sha256::digest(id.as_bytes())) };
    format!("{id}_{}", alert.step.name())
}

impl Sink for Ready {
    fn request(&self, notice: &Notice, now_ms: i64) -> Request {
        let Notice { opened, current, .. } = notice;
        let mut data = facts(opened);
        for (name, value) in [
            ("event_id", json!(current.event_id)),
            ("step", json!(current.step.name())),
            ("summary", json!(opened.title())),
            ("runbook_url", json!(opened.runbook_url)),
            ("reason", json!(current.reason)),
            ("actor_id", json!(current.actor_id)),
        ] {
            data.insert(name.to_owned(), value);
        }
        let body = json!({
            "type": format!("drift.alert.{}", current.state()),
            "timestamp": rfc3339(current.time_ms),
            "data": data,
        });
        let body = body.to_string().into_bytes();
        let id = message_id(current);
        let timestamp = now_ms.div_euclid(1_000);
        let signatures: Vec<String> =
            self.keys.iter().map(|key| key.sign(&id, timestamp, &body)).collect();
        Request {
            url: self.url.clone(),
            headers: vec![
                ("webhook-id", id),
                ("webhook-timestamp", timestamp.to_string()),
                ("webhook-signature", signatures.join(" ")),
            ],
            body,
            secrets: self.token.reveal().split_whitespace().map(str::to_owned).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use event::kind;
    use std::collections::BTreeMap;

    use super::super::SinkConfig;
    use super::super::tests::{json, notice, open};
    use super::*;
    use crate::alert::Step;
    use crate::alert::tests::alert;
    use crate::secret::Secrets;

    /// The vector in the tests of the specification's own libraries.
    #[test]
    fn the_published_vector_is_signed_as_published() {
        let key = Key::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let (id, body) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", br#"{"test": 2432232314}"#);
        let signature = key.sign(id, 1_614_265_330, body);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        let without_prefix = Key::parse("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        assert_eq!(without_prefix.sign(id, 1_614_265_330, body), signature);
    }

    #[test]
    fn attempts_share_identifier_and_body_and_differ_in_time_and_signature() {
        let sink = open("type = 'webhook'\nurl = 'http://r/x'\ntoken_name = 'webhook'");
        let [first, second] = [1_760_000_100_999, 1_760_000_200_000]
            .map(|now| sink.request(&notice(Step::Firing), now));
        assert_eq!(first.body, second.body);
        let header = |request: &Request, name| {
            let found = request.headers.iter().find(|(found, _)| *found == name);
            found.map(|(_, value)| value.clone()).unwrap()
        };
        assert_eq!(header(&first, "webhook-id"), "a-1_firing");
        assert_eq!(header(&second, "webhook-id"), "a-1_firing");
        assert_eq!(header(&first, "webhook-timestamp"), "1760000100");
        assert_ne!(header(&first, "webhook-signature"), header(&second, "webhook-signature"));
        let body = json(&first);
        assert_eq!(body["type"], kind::DRIFT_ALERT_FIRING);
        assert_eq!(body["data"]["effect"], 0.272);
        let resolved = json(&sink.request(&notice(Step::Resolved), 0));
        for said in [&body, &resolved] {
            assert_eq!(said["data"]["since"], "2025-10-09T08:36:40.000000Z");
            assert_eq!(said["data"]["fired_at"], "2025-10-09T08:53:20.500000Z", "by the broker");
            assert_eq!(said["data"]["last_change_id"], "change-1");
        }
        // The log may no longer hold how it fired; nothing else stands in for that.
        let without = Notice { opened: notice(Step::Resolved).current, ..notice(Step::Resolved) };
        let without = json(&sink.request(&without, 0));
        assert_eq!(without["data"]["fired_at"], serde_json::Value::Null);
        assert_eq!(resolved["data"]["reason"], "looking");
        assert_eq!(resolved["data"]["summary"], body["data"]["summary"]);
    }

    #[test]
    fn every_secret_signs_and_a_weak_one_is_refused() {
        let long = format!("whsec_{}", STANDARD.encode([7; 64]));
        let open = |secret: String| {
            let named = BTreeMap::from([("k".to_owned(), Secret::new(secret))]);
            let token_name = Some("k".to_owned());
            let config = Webhook { url: "http://r".into(), token_name, ..Webhook::default() };
            SinkConfig::Webhook(config).open(&Secrets { sink: "s", named: &named })
        };
        let both = open(format!("{long}\nwhsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")).unwrap();
        let request = both.request(&notice(Step::Firing), 0);
        let signatures = &request.headers[2].1;
        assert_eq!(signatures.split(' ').filter(|one| one.starts_with("v1,")).count(), 2);
        for weak in ["whsec_aGk=", "not base64", &format!("whsec_{}", STANDARD.encode([7; 65]))] {
            let error = open((*weak).to_owned()).unwrap_err().to_string();
            assert!(error.contains("24 to 64 bytes") && !error.contains(weak), "{error}");
        }
    }

    #[test]
    fn an_identifier_holds_no_full_stop() {
        assert_eq!(message_id(&alert(Step::Resolved, "a-1")), "a-1_resolved");
        let strange = message_id(&alert(Step::Resolved, "a.1"));
        assert!(!strange.contains('.') && strange.len() == 64 + "_resolved".len(), "{strange}");
    }
}
