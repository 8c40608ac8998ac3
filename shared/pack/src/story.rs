//! What a reader looks for first: what changed, what alarmed, what people decided, what went wrong.

use std::collections::BTreeMap;

use event::typed::Text;
use event::{Event, TypedColumn, column, schema};
use serde::Serialize;

use crate::counts::cut;

/// Most events of each kind of news that are listed.
const ITEMS_MAX: usize = 200;

/// Most characters of a text.
const CHARS_MAX: usize = 400;

/// The outcome of an approval that is no exception.
const APPROVED: &str = "approved";

/// The notable events of a pack.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Story {
    /// Alerts and what became of them.
    pub alerts: List,
    /// Versions, changes, settings: what was different from then on.
    pub changes: List,
    /// Decisions of people, counted by what was decided and by whom.
    pub decisions: Vec<Decisions>,
    /// Decisions that are in none of these counts.
    pub decisions_dropped: u64,
    /// What was refused or went wrong: denied approvals, incidents, risks and others.
    pub exceptions: List,
    #[serde(skip)]
    groups: BTreeMap<[String; 4], Decisions>,
}

/// Events in the order of the log, as many as are listed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct List {
    /// More events than are listed.
    pub dropped: u64,
    /// The events.
    pub items: Vec<Item>,
}

/// A notable event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Item {
    /// Its kind.
    pub kind: String,
    /// When it happened, by its sender.
    pub occurred: String,
    /// Topic, partition and offset of its record.
    pub record: String,
    /// What its fields say.
    pub says: String,
    /// Version of the agent.
    pub version: String,
}

/// Decisions that are alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Decisions {
    /// Who decided, by the record.
    pub approver: String,
    /// How this identity was authenticated; empty: not at all.
    pub authn: String,
    /// How many.
    pub count: u64,
    /// When the first happened.
    pub first: String,
    /// Kind of the events.
    pub kind: String,
    /// When the last happened.
    pub last: String,
    /// What was decided.
    pub outcome: String,
}

enum News {
    Change,
    Alert,
    Decision,
    Exception,
}

/// What the events of a family are to a reader.
fn news(family: &str) -> News {
    match family {
        "agent" | "change" | "config" | "corpus" | "policy" | "eval" | "access" | "key" => {
            News::Change
        }
        "drift" | "monitor" | "maintenance" => News::Alert,
        "approval" | "oversight" => News::Decision,
        _ => News::Exception,
    }
}

impl Story {
    /// Adds an event, if its kind is notable.
    pub(crate) fn add(&mut self, record: impl FnOnce() -> String, event: &Event<'_>) {
        let kind = event.text(column::KIND).unwrap_or_default();
        let Some(known) = schema().kind(kind).filter(|kind| kind.notable) else { return };
        let time = event.time(column::EVENT_TIME);
        let occurred =
            time.and_then(|time| time.is_in_range().then(|| time.to_rfc3339()).flatten());
        let occurred = occurred.unwrap_or_else(|| "at no known time".to_owned());
        let item = |occurred: String| Item {
            kind: kind.to_owned(),
            occurred,
            record: record(),
            says: cut(&says(event), CHARS_MAX),
            version: cut(event.text(column::AGENT_VERSION).unwrap_or_default(), CHARS_MAX),
        };
        match news(&known.family) {
            News::Change => self.changes.push(|| item(occurred)),
            News::Alert => self.alerts.push(|| item(occurred)),
            News::Exception => self.exceptions.push(|| item(occurred)),
            News::Decision => {
                let outcome = event.text(column::approval::OUTCOME).unwrap_or_default();
                self.decide(kind, outcome, event, &occurred);
                if outcome != APPROVED {
                    self.exceptions.push(|| item(occurred));
                }
            }
        }
    }

    fn decide(&mut self, kind: &str, outcome: &str, event: &Event<'_>, occurred: &str) {
        let text = |column| cut(event.text(column).unwrap_or_default(), CHARS_MAX);
        let approver = text(column::approval::APPROVER_ID);
        let authn = text(column::approval::APPROVER_AUTHN);
        let key = [kind.to_owned(), cut(outcome, CHARS_MAX), approver.clone(), authn.clone()];
        if let Some(group) = self.groups.get_mut(&key) {
            group.count += 1;
            let (first, last) =
                (group.first.as_str().min(occurred), group.last.as_str().max(occurred));
            (group.first, group.last) = (first.to_owned(), last.to_owned());
        } else if self.groups.len() < ITEMS_MAX {
            let [kind, outcome, ..] = key.clone();
            let (first, last) = (occurred.to_owned(), occurred.to_owned());
            self.groups
                .insert(key, Decisions { approver, authn, count: 1, first, kind, last, outcome });
        } else {
            self.decisions_dropped += 1;
        }
    }

    /// After the last event.
    pub(crate) fn finish(&mut self) {
        self.decisions = std::mem::take(&mut self.groups).into_values().collect();
    }
}

impl List {
    fn push(&mut self, item: impl FnOnce() -> Item) {
        if self.items.len() < ITEMS_MAX {
            self.items.push(item());
        } else {
            self.dropped += 1;
        }
    }
}

/// What an event says, in one line, from whichever of these fields it fills.
fn says(event: &Event<'_>) -> String {
    const FIELDS: [TypedColumn<Text>; 13] = [
        column::drift::METRIC,
        column::drift::SEVERITY,
        column::drift::BASELINE_VERSION,
        column::drift::LAST_CHANGE,
        column::approval::ID,
        column::approval::OUTCOME,
        column::approval::APPROVER_ID,
        column::approval::APPROVER_AUTHN,
        column::change::ID,
        column::change::TYPE,
        column::change::APPROVER,
        column::eval::SUITE,
        column::eval::GATE,
    ];
    let filled = FIELDS.iter().filter_map(|column| {
        event.text(*column).map(|value| format!("{column:?} = {}", cut(value, CHARS_MAX)))
    });
    filled.collect::<Vec<_>>().join(", ")
}
