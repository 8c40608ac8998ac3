//! Turns the events of a body into records for the log. Pure: identifiers and time are arguments.

use std::collections::HashSet;
use std::sync::Arc;

use access::Principal;
use event::decode::{decode_binary_cloud_event, decode_cloud_event, decode_json_borrowed};
use event::plain::Name;
use event::{Cell, Event, Fault, Limits, Remark, Remarker, Timestamp, column, schema};
use ports::Outgoing;

use crate::answer::{ItemError, ItemRemark};
use crate::config::Config;
use crate::form::{self, Form};

/// Largest number of remarks in an answer; further ones are counted.
pub(crate) const REMARKS_MAX: usize = 1_000;

/// Turns events into records.
#[derive(Debug, Clone)]
pub(crate) struct Preparer {
    topic: Arc<str>,
    tenant_id: String,
    kinds_rejected: Vec<String>,
    reserved_families: HashSet<&'static str>,
    limits: Limits,
}

/// The events of a body: records to publish, and errors.
#[derive(Debug, Default)]
pub(crate) struct Prepared {
    /// Records, in the order of the body.
    pub(crate) records: Vec<Outgoing>,
    /// For each event its `event_id`, or `None` if it was rejected.
    pub(crate) event_ids: Vec<Option<String>>,
    /// One for each rejected event.
    pub(crate) errors: Vec<ItemError>,
    /// Number of remarks.
    pub(crate) remarked: usize,
    /// The first [`REMARKS_MAX`] of them.
    pub(crate) remarks: Vec<ItemRemark>,
    /// Bytes of the events as they were encoded, also of those that are too large.
    pub(crate) encoded_bytes: usize,
    /// Whether nothing is published because the sender asked for all or none.
    pub(crate) refused: bool,
}

impl Preparer {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            topic: config.topic.as_str().into(),
            tenant_id: config.tenant_id.clone(),
            kinds_rejected: config.kinds_rejected.clone(),
            reserved_families: reserved_families(),
            limits: Limits { value_bytes_max: config.event_bytes_max },
        }
    }

    /// Decodes each event that `principal` sent in the run, fills in what it left out, and encodes it for the log.
    /// Calls `said` for each remark.
    pub(crate) fn prepare(
        &self,
        principal: &Principal,
        (items, form, run): (&[&[u8]], &Form, Option<&str>),
        received_at: Timestamp,
        mut new_id: impl FnMut() -> String,
        said: &mut dyn FnMut(&Remark),
    ) -> Prepared {
        let mut prepared = Prepared::with_capacity(items.len());
        let mut taking = self.taking(principal, received_at, &mut prepared, said);
        taking.run = run;
        for item in items {
            taking.take(self.decode(item, form), &mut new_id);
        }
        prepared
    }

    /// Takes events of one body one by one.
    pub(crate) fn taking<'t>(
        &'t self,
        principal: &'t Principal,
        received_at: Timestamp,
        prepared: &'t mut Prepared,
        said: &'t mut dyn FnMut(&Remark),
    ) -> Taking<'t> {
        let remarker = Remarker::new();
        Taking { preparer: self, principal, received_at, run: None, prepared, said, remarker }
    }

    pub(crate) fn decode<'i>(&self, item: &'i [u8], form: &'i Form) -> Result<Event<'i>, Fault> {
        match form {
            Form::Events => decode_json_borrowed(item, self.limits),
            Form::CloudEvent | Form::CloudEvents => decode_cloud_event(item, self.limits),
            Form::CloudEventData(context) => {
                decode_binary_cloud_event(item, form::borrowed(context), self.limits)
            }
        }
    }

    /// The event, unless its kind is reserved.
    pub(crate) fn allow<'e>(&self, index: usize, event: Event<'e>) -> Result<Event<'e>, ItemError> {
        let Some(kind) = event.text(column::KIND) else {
            unreachable!("an event without a kind does not decode")
        };
        let is_rejected = self.kinds_rejected.iter().any(|prefix| kind.starts_with(prefix));
        let may_be_reported = match schema().kind(kind) {
            Some(known) => known.may_be_reported(),
            // A later release may define it.
            None => !self.reserved_families.contains(family(kind)),
        };
        if !is_rejected && may_be_reported {
            return Ok(event);
        }
        Err(ItemError {
            index,
            pointer: "/kind".into(),
            reason: "reserved_kind",
            detail: format!(
                "kind `{}` is not accepted over HTTP; use the command line of `driftseal`",
                Name(kind)
            ),
        })
    }

    /// The event with its tenant and with what was proved about its sender, who may send it.
    pub(crate) fn admit<'e>(
        &self,
        index: usize,
        principal: &Principal,
        mut event: Event<'e>,
    ) -> Result<Event<'e>, ItemError> {
        match principal.admit(&mut event, &self.tenant_id) {
            Ok(()) => Ok(event),
            Err(forbidden) => Err(ItemError {
                index,
                pointer: format!("/{}", forbidden.field()),
                reason: forbidden.code(),
                detail: forbidden.to_string(),
            }),
        }
    }

    /// What was not decoded from bytes of that size is not larger either when it is encoded.
    fn fits(&self, index: usize, bytes: usize) -> Result<(), ItemError> {
        let bytes_max = self.limits.value_bytes_max;
        if bytes <= bytes_max {
            return Ok(());
        }
        let detail = format!("the event has {bytes} bytes, of which {bytes_max} are allowed");
        let reason = event::Reason::TooLarge.name();
        Err(ItemError { index, pointer: String::new(), reason, detail })
    }

    /// Fills in identifier and times; returns the identifier. `received_at` is always set, even
    /// if the sender wrote one.
    fn fill(
        &self,
        event: &mut Event<'_>,
        received_at: Timestamp,
        new_id: &mut impl FnMut() -> String,
    ) -> String {
        let id = match event.text(column::EVENT_ID) {
            Some(id) if !id.is_empty() => id.to_owned(),
            Some(_) | None => {
                let id = new_id();
                event.set(column::EVENT_ID, Cell::from(id.clone()));
                id
            }
        };
        if event.get(column::EVENT_TIME).is_none() {
            event.set(column::EVENT_TIME, Cell::Time(received_at));
        }
        event.set(column::RECEIVED_AT, Cell::Time(received_at));
        id
    }
}

/// The events of one body, as they are taken one by one.
pub(crate) struct Taking<'t> {
    preparer: &'t Preparer,
    principal: &'t Principal,
    received_at: Timestamp,
    /// The run of events that name none: the trace that the request belongs to.
    run: Option<&'t str>,
    prepared: &'t mut Prepared,
    said: &'t mut dyn FnMut(&Remark),
    remarker: Remarker,
}

impl Taking<'_> {
    /// Bytes of the events that were taken, as they were encoded.
    pub(crate) const fn encoded_bytes(&self) -> usize {
        self.prepared.encoded_bytes
    }

    /// Takes the next event of the body: checks it, fills in what the sender left out, and encodes it.
    pub(crate) fn take(
        &mut self,
        decoded: Result<Event<'_>, Fault>,
        new_id: &mut impl FnMut() -> String,
    ) {
        let index = self.prepared.event_ids.len();
        match self.admitted(index, decoded, new_id) {
            Ok((record, id, remarks)) => {
                for remark in remarks {
                    (self.said)(&remark);
                    self.prepared.remark(index, remark);
                }
                self.prepared.records.push(record);
                self.prepared.event_ids.push(Some(id));
            }
            Err(error) => {
                self.prepared.errors.push(error);
                self.prepared.event_ids.push(None);
            }
        }
    }

    fn admitted(
        &mut self,
        index: usize,
        decoded: Result<Event<'_>, Fault>,
        new_id: &mut impl FnMut() -> String,
    ) -> Result<(Outgoing, String, Vec<Remark>), ItemError> {
        let event = decoded.map_err(|fault| ItemError {
            index,
            pointer: fault.pointer,
            reason: fault.reason.name(),
            detail: fault.detail,
        })?;
        let event = self.preparer.allow(index, event)?;
        // What is suspicious is what the sender wrote, not what becomes of it.
        let remarks = self.remarker.remarks(&event, self.received_at);
        let mut event = self.preparer.admit(index, self.principal, event)?;
        if let Some(run) = self.run
            && event.get(column::RUN_ID).is_none()
        {
            event.set(column::RUN_ID, Cell::from(run.to_owned()));
        }
        let id = self.preparer.fill(&mut event, self.received_at, new_id);
        let record = Outgoing::event(Arc::clone(&self.preparer.topic), &event);
        let bytes = record.value.as_ref().map_or(0, |value| value.len());
        self.prepared.encoded_bytes = self.prepared.encoded_bytes.saturating_add(bytes);
        self.preparer.fits(index, bytes)?;
        let record = match event.text(column::AGENT_ID) {
            Some(agent) => record.with_key(agent),
            None => record,
        };
        Ok((record, id, remarks))
    }
}

impl Prepared {
    /// Room for so many events.
    pub(crate) fn with_capacity(events: usize) -> Self {
        Self {
            records: Vec::with_capacity(events),
            event_ids: Vec::with_capacity(events),
            ..Self::default()
        }
    }

    fn remark(&mut self, index: usize, remark: Remark) {
        self.remarked += 1;
        if self.remarks.len() < REMARKS_MAX {
            let Remark { code, field, text, advice } = remark;
            let code = code.name();
            self.remarks.push(ItemRemark { index, code, field, detail: text, advice });
        }
    }

    /// Takes all or none: if an event is rejected or has a remark, none is published.
    pub(crate) fn all_or_none(&mut self) {
        if self.errors.is_empty() && self.remarked == 0 {
            return;
        }
        self.refused = true;
        self.records.clear();
        let mut remarked = self.remarks.iter().peekable();
        for (index, id) in self.event_ids.iter_mut().enumerate() {
            let remark = remarked.next_if(|remark| remark.index == index);
            while remarked.next_if(|remark| remark.index == index).is_some() {}
            if id.take().is_none() {
                continue;
            }
            let (pointer, reason, detail) = match remark {
                Some(ItemRemark { field, code, detail, .. }) => (
                    format!("/{}", field.replace('.', "/")),
                    "remarked",
                    format!("{code}: {detail}"),
                ),
                None => {
                    let detail = "the request asked for all or none, and another event was refused";
                    (String::new(), "not_published", detail.to_owned())
                }
            };
            self.errors.push(ItemError { index, pointer, reason, detail });
        }
    }
}

/// The families none of whose kinds agents may report, such as that of alerts.
fn reserved_families() -> HashSet<&'static str> {
    let of = |reported: bool| {
        let kinds = schema().kinds().filter(move |kind| kind.may_be_reported() == reported);
        kinds.map(|kind| family(&kind.name)).collect::<HashSet<_>>()
    };
    of(false).difference(&of(true)).copied().collect()
}

/// The first part of a kind.
fn family(kind: &str) -> &str {
    kind.split_once('.').map_or(kind, |(family, _)| family)
}

#[cfg(test)]
mod tests {
    use super::*;
    use event::kind;

    #[test]
    fn what_a_sender_leaves_out_is_filled_and_what_it_says_is_kept() {
        let config = Config { topic: "t".into(), tenant_id: "acme".into(), ..Config::default() };
        let preparer = Preparer::new(&config);
        let now = Timestamp::from_micros(5_000_000);
        let items: [&[u8]; 3] = [
            br#"{"kind":"x.y","received_at":1}"#,
            br#"{"kind":"x.y"#,
            br#"{"kind":"x.y","event_id":"e","event_time":7,"tenant_id":"other","agent_id":"a"}"#,
        ];
        let prepared = preparer.prepare(
            &Principal::anybody(),
            (&items, &Form::Events, None),
            now,
            || "new".into(),
            &mut |_| {},
        );
        assert_eq!(prepared.event_ids, [Some("new".into()), None, Some("e".into())]);
        assert_eq!(prepared.errors[0].index, 1);
        let [first, second] = &prepared.records[..] else { panic!("two records") };
        assert_eq!((&first.key, second.key.as_deref()), (&None, Some(&b"a"[..])));
        for (outgoing, expected) in [
            (first, [(column::EVENT_ID, "new"), (column::TENANT_ID, "acme")]),
            (second, [(column::EVENT_ID, "e"), (column::TENANT_ID, "other")]),
        ] {
            let mut builder = event::BatchBuilder::new(event::TopicPartition::new("t", 0));
            let value = outgoing.value.as_deref();
            let kind = event::TimestampType::CreateTime;
            builder.push(0, 9, kind, outgoing.key.as_deref(), value, std::iter::empty());
            let batch = builder.build();
            let record = batch.records().next().unwrap();
            let decoded = event::Decoder::new(Limits::default()).decode(&record);
            assert_eq!(decoded.fault, None);
            for (column, text) in expected {
                assert_eq!(decoded.event.text(column), Some(text));
            }
            assert_eq!(decoded.event.get(column::RECEIVED_AT), Some(&Cell::Time(now)));
            let time = if outgoing.key.is_some() { Timestamp::from_micros(7) } else { now };
            assert_eq!(decoded.event.get(column::EVENT_TIME), Some(&Cell::Time(time)));
        }
    }

    #[test]
    fn what_asks_something_of_the_monitor_or_is_its_own_is_not_taken() {
        let config = Config { kinds_rejected: vec!["x.".to_owned()], ..Config::default() };
        let preparer = Preparer::new(&config);
        let is_taken = |kind: &str| {
            let item = format!(r#"{{"kind":"{kind}","agent_id":"a","event_id":"e"}}"#);
            let items = [item.as_bytes()];
            let now = Timestamp::from_micros(0);
            let prepared = preparer.prepare(
                &Principal::anybody(),
                (&items, &Form::Events, None),
                now,
                String::new,
                &mut |_| {},
            );
            for error in &prepared.errors {
                assert_eq!((&*error.pointer, error.reason), ("/kind", "reserved_kind"));
                assert!(error.detail.contains(kind), "{}", error.detail);
            }
            prepared.records.len() == 1
        };
        for known in schema().kinds() {
            assert_eq!(is_taken(&known.name), known.may_be_reported(), "{}", known.name);
        }
        for kind in [
            kind::RUN_COMPLETED,
            kind::AGENT_VERSION_DEPLOYED,
            kind::RISK_ASSESSED,
            "monitoring.x",
            "new.thing",
        ] {
            assert!(is_taken(kind), "{kind}");
        }
        for kind in [kind::DRIFT_SUPPRESSION_STARTED, "drift.of_tomorrow", "monitor", "x.y"] {
            assert!(!is_taken(kind), "{kind}");
        }
    }
}
