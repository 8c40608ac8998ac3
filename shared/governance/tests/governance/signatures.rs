//! A signature holds for one place, one content and one key only.

use event::{Event, TopicPartition, column, kind};
use governance::{
    Effect, EffectError, Installation, Ownership, Refusal, SignError, Signer, Trust, sign_act,
    verify_act, verify_alert, verify_own,
};

use crate::keys::*;

fn signer() -> Signer {
    let partition = TopicPartition::new(TOPIC, 3);
    Signer::new(processor(), installation(), partition, (id(1), 1), id(2))
}

fn own() -> Event<'static> {
    let event = builder(kind::MONITOR_CONFIGURED, "e").set(column::monitor::SETTINGS, "{}");
    read_back(&signer().at(7).sign(event.build().unwrap()))
}

fn other_installations() -> [Installation; 2] {
    let Installation { origin, topic_prefix } = installation();
    [
        Installation { origin: format!("{origin}x"), topic_prefix: topic_prefix.clone() },
        Installation { origin, topic_prefix: "staging.".to_owned() },
    ]
}

fn trust_in(installation: Installation) -> Trust {
    let (processor, gateway) = (processor().verifier(), gateway().verifier());
    Trust::parse(installation, [processor.to_vkey()], [gateway.to_vkey()]).unwrap()
}

#[test]
fn an_own_record_holds_in_its_partition_and_nowhere_else() {
    let event = own();
    assert!(verify_own(&trust(), (TOPIC, 3), &event).is_ok());
    for place in [(TOPIC, 2), ("agent.event", 3), ("agent.events.acme", 3)] {
        assert_eq!(verify_own(&trust(), place, &event), Err(Refusal::Signature), "{place:?}");
    }
    for installation in other_installations() {
        let trust = trust_in(installation);
        assert_eq!(verify_own(&trust, (TOPIC, 3), &event), Err(Refusal::Signature));
    }
    let nobody = Trust::nobody(installation());
    assert_eq!(verify_own(&nobody, (TOPIC, 3), &event), Err(Refusal::UnknownKey));
    // An alert is no own record, nor the other way round.
    assert_eq!(verify_alert(&trust(), (TOPIC, 3), &event), Err(Refusal::Unsigned));
    let mut without = event.clone();
    without.set(column::monitor::SIGNATURE, vec![0_u8; 3].into());
    assert_eq!(verify_own(&trust(), (TOPIC, 3), &without), Err(Refusal::Unsigned));
}

#[test]
fn every_changed_column_of_a_signed_event_is_found() {
    let event = own();
    for (id, cell) in event.cells() {
        if *id == column::monitor::SIGNATURE.id() {
            continue;
        }
        let mut changed = event.clone();
        let other = match cell {
            event::Cell::Text(text) if text.len() == 32 => id_text(text),
            event::Cell::Text(text) => format!("{text}x").into(),
            event::Cell::Int(value) => (value + 1).into(),
            event::Cell::Time(time) => event::Timestamp::from_micros(time.micros() + 1).into(),
            event::Cell::Bool(value) => (!value).into(),
            event::Cell::Float(_)
            | event::Cell::Bytes(_)
            | event::Cell::Texts(_)
            | event::Cell::Map(_) => unreachable!("the record has no such column"),
        };
        changed.set(*id, other);
        let found = verify_own(&trust(), (TOPIC, 3), &changed).unwrap_err();
        // Another kind may be one that must not have that number.
        let expected = [Refusal::Signature, Refusal::UnknownKey, Refusal::Unsigned];
        assert!(expected.contains(&found), "{}: {found}", id.path());
    }
    let mut more = event;
    more.set(column::monitor::IDLE, true.into());
    assert_eq!(verify_own(&trust(), (TOPIC, 3), &more), Err(Refusal::Signature));
}

/// Another identifier.
fn id_text(text: &str) -> event::Cell<'static> {
    let mut other = text.to_owned();
    let last = other.pop();
    other.push(if last == Some('0') { '1' } else { '0' });
    other.into()
}

#[test]
fn an_alert_is_signed_for_the_partition_of_its_events() {
    let alert = builder(kind::DRIFT_ALERT_FIRING, "a").set(column::drift::ALERT_ID, "a");
    let alert = read_back(&signer().sign_alert(alert.build().unwrap()));
    let stamp = verify_alert(&trust(), (TOPIC, 3), &alert).unwrap();
    assert_eq!((stamp.history, stamp.owner, stamp.epoch), (id(1), id(2), 1));
    assert_eq!(verify_alert(&trust(), (TOPIC, 4), &alert), Err(Refusal::Signature));
    let mut ownership = Ownership::new(trust());
    assert_eq!(ownership.accept((TOPIC, 3), 0, &alert), Err(Refusal::Unsigned));
    let mut numbered = alert;
    numbered.set(column::monitor::SEQUENCE, 1.into());
    assert_eq!(ownership.accept((TOPIC, 3), 1, &numbered), Err(Refusal::Signature));
}

#[test]
fn an_act_holds_in_its_installation_and_by_the_gateway_only() {
    let act = builder(kind::DRIFT_SUPPRESSION_STARTED, "s").set(column::AGENT_ID, "a");
    let act = act.build().unwrap();
    let signed = read_back(&sign_act(&gateway(), &installation(), id(9), act.clone()).unwrap());
    assert_eq!(verify_act(&trust(), &signed).unwrap().0, id(9));
    assert_eq!(verify_act(&trust(), &act), Err(Refusal::Unsigned));
    // The processor's key is not the gateway's, whatever it is called.
    let by_processor = sign_act(&processor(), &installation(), id(9), act.clone()).unwrap();
    assert_eq!(verify_act(&trust(), &by_processor), Err(Refusal::UnknownKey));
    let impostor = key("log.example.com/governance", 5);
    let forged = sign_act(&impostor, &installation(), id(9), act).unwrap();
    assert_eq!(verify_act(&trust(), &forged), Err(Refusal::UnknownKey));
    for installation in other_installations() {
        assert_eq!(verify_act(&trust_in(installation), &signed), Err(Refusal::Signature));
    }
    for (column, value) in [
        (column::AGENT_ID, "b"),
        (column::TENANT_ID, "acme"),
        (column::KIND, kind::MAINTENANCE_STARTED),
        (column::EVENT_ID, "t"),
        (column::actor::ID, "eve"),
    ] {
        let mut changed = signed.clone();
        changed.set(column, value.into());
        assert_eq!(verify_act(&trust(), &changed), Err(Refusal::Signature), "{}", column.path());
    }
}

#[test]
fn an_act_that_could_not_be_admitted_is_not_signed() {
    let deployed = |share: f64, version: &str| {
        let event = builder(kind::AGENT_VERSION_DEPLOYED, "d").set(column::AGENT_ID, "a");
        let event = event.set(column::agent::TRAFFIC_SHARE, share);
        let event = event.set(column::agent::TO_VERSION, version).build().unwrap();
        sign_act(&gateway(), &installation(), id(9), event)
    };
    assert!(deployed(0.1, "v2").is_ok());
    let not_finite = EffectError::NotFinite("agent.traffic_share");
    assert_eq!(deployed(f64::NAN, "v2"), Err(SignError::Effect(not_finite)));
    let too_large = deployed(0.1, &"v".repeat(70_000)).unwrap_err();
    assert!(too_large.to_string().contains("at most 65536 are admitted"), "{too_large}");
}

#[test]
fn the_effect_of_an_act_is_what_it_says_and_nothing_that_can_be_erased() {
    let event = builder(kind::AGENT_VERSION_DEPLOYED, "d")
        .set(column::AGENT_ID, "a")
        .set(column::agent::TO_VERSION, "v2")
        .set(column::agent::TRAFFIC_SHARE, 0.1 + 0.2)
        .set(column::agent::REASON, "a person's reason")
        .set(column::run::STATUS, "ok")
        .build()
        .unwrap();
    let effect = Effect::of(&event).unwrap().unwrap();
    assert_eq!(effect.event().text(column::agent::REASON), None);
    assert_eq!(effect.event().text(column::run::STATUS), None);
    assert_eq!(effect.event().number(column::agent::TRAFFIC_SHARE), Some(0.1 + 0.2));
    let run = builder(kind::RUN_COMPLETED, "r").build().unwrap();
    assert_eq!(Effect::of(&run), Ok(None));
}
