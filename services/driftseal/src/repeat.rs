//! What makes a repeated command the same act: an identifier that follows from what it says, or from the
//! name of the execution that it belongs to.

use event::schema;
use serde_json::{Map, Value, json};
use uuid::{Builder, Version};

/// What stands before the bytes that an identifier is made of.
const DOMAIN: &str = "driftseal/act-id/v1\n";

/// The identifier of an act: of all that it says; with a key, of the key and of what the act is about, so
/// that the same key with other content is a contradiction instead of another act.
pub(crate) fn identifier(body: &Map<String, Value>, key: Option<&str>) -> String {
    let of = match key {
        None => json!({"body": body}),
        Some(key) => {
            let field = |name: &str| body.get(name).cloned().unwrap_or(Value::Null);
            let kind = body.get("kind").and_then(Value::as_str).unwrap_or_default();
            json!({
                "key": key,
                "kind": kind,
                "tenant_id": field("tenant_id"),
                "agent_id": field("agent_id"),
                "agent_version": field("agent_version"),
                "environment": field("environment"),
                "subject": subject(kind, body),
            })
        }
    };
    let Ok(canonical) = serde_json_canonicalizer::to_vec(&of) else {
        unreachable!("a body has a canonical form")
    };
    let digest = merkle::hash::sha256(&[DOMAIN.as_bytes(), &canonical].concat());
    let [first, _] = digest.as_chunks::<16>().0 else { unreachable!("a digest has 32 bytes") };
    Builder::from_bytes(*first).with_version(Version::Custom).into_uuid().to_string()
}

/// The subject of an act, as the vocabulary names it for the kind.
fn subject(kind: &str, body: &Map<String, Value>) -> Value {
    let id = schema().kind(kind).and_then(|known| known.subject);
    let parts = id.and_then(|id| id.path().split_once('.'));
    let found = parts.and_then(|(family, name)| body.get(family)?.get(name));
    found.cloned().unwrap_or(Value::Null)
}

#[cfg(test)]
mod tests {
    use event::kind;

    use super::*;

    fn body(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn the_same_command_has_the_same_identifier_and_no_other_has() {
        let deploy = |to: &str, reason: &str, environment: &str| {
            body(json!({"kind": kind::AGENT_VERSION_DEPLOYED, "agent_id": "a", "reason": reason,
                "environment": environment, "agent": {"to_version": to}}))
        };
        let one = deploy("v1", "r", "e");
        assert_eq!(identifier(&one, None), identifier(&deploy("v1", "r", "e"), None));
        let others = [deploy("v2", "r", "e"), deploy("v1", "s", "e"), deploy("v1", "r", "f")];
        for other in &others {
            assert_ne!(identifier(&one, None), identifier(other, None));
        }
        let key = Some("run-42");
        let [version, reason, environment] = &others;
        assert_eq!(identifier(&one, key), identifier(reason, key), "a contradiction, not two acts");
        assert_ne!(identifier(&one, key), identifier(version, key));
        assert_ne!(identifier(&one, key), identifier(environment, key));
        assert_ne!(identifier(&one, key), identifier(&one, Some("run-43")));
        assert_ne!(identifier(&one, key), identifier(&one, None));
        let id = uuid::Uuid::parse_str(&identifier(&one, key)).unwrap();
        assert_eq!(id.get_version(), Some(Version::Custom));
    }
}
