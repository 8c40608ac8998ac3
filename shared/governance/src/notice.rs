//! What the notifier signs: outcomes of notifications, and that the monitor is dead or back.

use event::Event;
use merkle::note::SigningKey;

use crate::refusal::Refusal;
use crate::signed;
use crate::trust::{Installation, Purpose, Trust};

const DOMAIN: &str = "driftseal/notice/v1";

/// Signs a record of the notifier; `place` is topic and number of the partition that it is written to.
#[must_use]
pub fn sign_notice(
    key: &SigningKey,
    installation: &Installation,
    place: (&str, i32),
    event: Event<'static>,
) -> Event<'static> {
    signed::sign(DOMAIN, key, installation, place, event)
}

/// Checks that a record is the notifier's, for the partition that it was read from.
///
/// # Errors
///
/// `Unsigned`, `UnknownKey`, `Signature`.
pub fn verify_notice(trust: &Trust, place: (&str, i32), event: &Event<'_>) -> Result<(), Refusal> {
    signed::verify(DOMAIN, Purpose::Notifier, trust, place, event)
}

#[cfg(test)]
mod tests {
    use super::*;
    use event::{EventBuilder, Timestamp, column, kind};

    #[test]
    fn a_notice_is_of_one_installation_partition_and_content() {
        let key = SigningKey::from_seed("n", [1; 32]).unwrap();
        let own = Installation { origin: "log.example/a".into(), topic_prefix: String::new() };
        let trust = |installation: &Installation| {
            let none: [&str; 0] = [];
            let trust = Trust::parse(installation.clone(), none, none).unwrap();
            trust.with_notifiers([key.verifier().to_vkey()]).unwrap()
        };
        let event = EventBuilder::new(kind::NOTIFICATION_DELIVERED)
            .set(column::EVENT_ID, "e")
            .set(column::EVENT_TIME, Timestamp::from_micros(1))
            .set(column::notification::ALERT_ID, "a")
            .build()
            .unwrap();
        let signed = sign_notice(&key, &own, ("alerts", 1), event.clone());
        assert_eq!(verify_notice(&trust(&own), ("alerts", 1), &signed), Ok(()));
        let other = Installation { topic_prefix: "t.".into(), ..own.clone() };
        for (trust, place, event, refusal) in [
            (trust(&own), ("alerts", 1), event, Refusal::Unsigned),
            (trust(&own), ("alerts", 0), signed.clone(), Refusal::Signature),
            (trust(&own), ("others", 1), signed.clone(), Refusal::Signature),
            (trust(&other), ("alerts", 1), signed.clone(), Refusal::Signature),
            (Trust::nobody(own.clone()), ("alerts", 1), signed.clone(), Refusal::UnknownKey),
        ] {
            assert_eq!(verify_notice(&trust, place, &event), Err(refusal));
        }
        let mut altered = signed;
        altered.set(column::notification::ALERT_ID, "b".into());
        let refused = verify_notice(&trust(&own), ("alerts", 1), &altered);
        assert_eq!(refused, Err(Refusal::Signature));
    }
}
