//! Any HTTP receiver: JSON signed by Standard Webhooks 1.0.0
//! (<https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>).
//!
//! `webhook-id` is alert and step, the same for every attempt; a receiver that keeps those it has
//! seen processes each once. `webhook-timestamp` is that of the attempt, as the specification says,
//! so the signature differs between attempts while the body does not.

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use serde_json::json;
use service::config::Secret;
use sha2::{Digest, Sha256};

use super::contract::{Request, Route, Sink, SinkType};
use crate::alert::{Alert, rfc3339};
use crate::machine::Notice;
use crate::secret::SecretRef;
use crate::text::hex;

/// Bytes of a key, by the specification.
const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;
/// Longest alert identifier that is used as it is.
const ID_MAX: usize = 100;

/// Configuration of a receiver.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Webhook {
    /// Where requests go.
    pub url: String,
    /// File of the signing secret, `whsec_` and 24 to 64 bytes in base64. Several of them, separated
    /// by white space, each make a signature: old and new, while the receiver changes over.
    pub token_file: Option<PathBuf>,
    /// The same by its name in `[notifier.secrets]`.
    pub token_name: Option<String>,
    /// Which alerts go to it.
    pub route: Route,
}

impl SinkType for Webhook {
    fn route(&self) -> &Route {
        &self.route
    }

    fn url(&self) -> Option<&str> {
        Some(&self.url)
    }

    fn secret(&self) -> SecretRef<'_> {
        SecretRef {
            key: "token",
            file: self.token_file.as_deref(),
            name: self.token_name.as_deref(),
            is_required: true,
        }
    }

    fn open(&self, secret: Option<Secret>) -> Result<Box<dyn Sink>, String> {
        let token = secret.ok_or("the signing secret is missing")?;
        let keys: Option<Vec<Key>> = token.reveal().split_whitespace().map(Key::parse).collect();
        let keys = keys.ok_or("each secret must be `whsec_` and 24 to 64 bytes in base64")?;
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
    /// The key of a secret in its serialized form; the prefix may be missing.
    fn parse(text: &str) -> Option<Self> {
        let bytes = STANDARD.decode(text.strip_prefix("whsec_").unwrap_or(text)).ok()?;
        KEY_BYTES.contains(&bytes.len()).then_some(())?;
        Hmac::new_from_slice(&bytes).ok().map(Self)
    }

    /// `v1,` and the signature over `id.timestamp.body`.
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

/// The identifier of the message. It is signed with full stops around it, so it must hold none.
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
        let body = json!({
            "type": format!("drift.alert.{}", current.state()),
            "timestamp": rfc3339(current.time_ms),
            "data": {
                "alert_id": &*current.alert_id,
                "event_id": current.event_id,
                "step": current.step.name(),
                "severity": opened.severity.name(),
                "summary": opened.title(),
                "description": opened.description(),
                "tenant_id": opened.tenant_id,
                "environment": opened.environment,
                "agent_id": opened.agent_id,
                "agent_version": opened.agent_version,
                "metric": opened.metric,
                "suite": opened.suite,
                "direction": opened.direction,
                "fired_at": rfc3339(opened.time_ms),
                "since": opened.since(),
                "since_observations": opened.since_observations,
                "detector": opened.detector,
                "e_value": opened.e_value,
                "threshold": opened.threshold,
                "baseline_version": opened.baseline_version,
                "baseline_count": opened.baseline_count,
                "baseline_value": opened.baseline_value,
                "observed": opened.observed,
                "effect": opened.effect,
                "effect_interval": opened.effect_interval.map(|(low, high)| [low, high]),
                "example_runs": opened.example_runs,
                "last_change": opened.last_change,
                "runbook_url": opened.runbook_url,
                "reason": current.reason,
                "actor_id": current.actor_id,
            },
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
