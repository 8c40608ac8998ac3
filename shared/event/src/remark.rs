//! Suspicious input: accepted, and said.
//!
//! An event that decodes may still not mean what its sender thinks: a status that is none of those
//! that count, a kind that is misspelt, a field's name in another spelling. Such an event is accepted
//! and sealed like any other, and each such thing is a [`Remark`], with the field and what to do:
//! in the answer of the collector, in `driftseal check`, in counters and log lines.

mod field;
mod kind;
mod value;

use std::fmt;

use self::kind::Kinds;
use crate::column;
use crate::event::Event;
use crate::kind::Kind;
use crate::plain::Name;
use crate::time::Timestamp;

/// Attributes of an event that are looked at; so many are enough to see what is wrong with all.
const ATTRIBUTES_MAX: usize = 64;
/// How far an event may lie in the future without a remark, microseconds: a day.
const AHEAD_MICROS_MAX: i64 = 86_400_000_000;
/// How far an event may lie in the past without a remark, microseconds: 366 days.
const BEHIND_MICROS_MAX: i64 = 366 * 86_400_000_000;

/// What is suspicious. The names are values of metric labels and part of the collector's API; they
/// are never renamed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// An instant years away from when the event was received: no window counts the event.
    FarAway,
    /// The key of the record is not the agent's id: the order of the agent's events is not kept.
    KeyDiffers,
    /// A name without a column that is a field's in another spelling or place.
    LikeField,
    /// A kind that is not known and nearly a known one.
    NearKind,
    /// The record lies in another partition than its key belongs to: the agent is split.
    OtherPartition,
    /// A number that its field cannot plausibly hold.
    OutOfRange,
    /// A number with more digits than its field holds: the field has the nearest, `attributes` what
    /// was sent.
    Rounded,
    /// A CloudEvent without a source: its id alone does not identify it.
    SourceMissing,
    /// A text that is none of the values of its field: it counts as unknown.
    UnknownValue,
}

impl Code {
    /// All codes, in the order of their declaration.
    pub const ALL: [Self; 9] = [
        Self::FarAway,
        Self::KeyDiffers,
        Self::LikeField,
        Self::NearKind,
        Self::OtherPartition,
        Self::OutOfRange,
        Self::Rounded,
        Self::SourceMissing,
        Self::UnknownValue,
    ];

    /// The name in answers and labels.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::FarAway => "far_away",
            Self::KeyDiffers => "key_differs",
            Self::LikeField => "like_field",
            Self::NearKind => "near_kind",
            Self::OtherPartition => "other_partition",
            Self::OutOfRange => "out_of_range",
            Self::Rounded => "rounded",
            Self::SourceMissing => "source_missing",
            Self::UnknownValue => "unknown_value",
        }
    }
}

/// Something suspicious about an event that was accepted. Foreign text in it is escaped and bounded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// The class.
    pub code: Code,
    /// The field or attribute, such as `run.status`; empty for the record as a whole.
    pub field: String,
    /// What is suspicious, and which effect it has.
    pub text: String,
    /// What the sender can do.
    pub advice: String,
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.code.name())?;
        if !self.field.is_empty() {
            write!(f, "`{}`: ", self.field)?;
        }
        write!(f, "{}; {}", self.text, self.advice)
    }
}

/// Finds what is suspicious about events. What it finds depends on nothing but the event and the
/// time; it remembers only what it has compared before. The work for an event is bounded.
#[derive(Debug, Default)]
pub struct Remarker {
    kinds: Kinds,
}

impl Remarker {
    /// A new one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The remarks about an event that was received then; none for nearly all events.
    #[must_use]
    pub fn remarks(&mut self, event: &Event<'_>, received_at: Timestamp) -> Vec<Remark> {
        let kind = crate::schema().kind(event.text(column::KIND).unwrap_or_default());
        self.remarks_of(event, kind, received_at)
    }

    /// As [`Self::remarks`], for an event whose kind was looked up already.
    #[must_use]
    pub fn remarks_of(
        &mut self,
        event: &Event<'_>,
        kind: Option<&Kind>,
        received_at: Timestamp,
    ) -> Vec<Remark> {
        let mut remarks = Vec::new();
        value::check(event, &mut remarks);
        far_away(event, received_at, &mut remarks);
        let name = event.text(column::KIND).unwrap_or_default();
        if kind.is_none() {
            remarks.extend(self.kinds.near(name).map(|near| Remark {
                code: Code::NearKind,
                field: column::KIND.id().path().to_owned(),
                text: format!(
                    "`{}` is not a known kind, and nearly `{near}`: no metric counts it",
                    Name(name)
                ),
                advice: format!("write `{near}` if that is meant"),
            }));
        }
        let attributes = event.map(column::ATTRIBUTES);
        if !attributes.is_empty() {
            let family = kind.map(|kind| kind.family.as_str());
            field::check(event, attributes, family, &mut remarks);
        }
        remarks
    }
}

fn far_away(event: &Event<'_>, received_at: Timestamp, remarks: &mut Vec<Remark>) {
    let Some(time) = event.time(column::EVENT_TIME) else { return };
    let ahead = time.micros().saturating_sub(received_at.micros());
    if !(-BEHIND_MICROS_MAX..=AHEAD_MICROS_MAX).contains(&ahead) {
        remarks.push(Remark {
            code: Code::FarAway,
            field: column::EVENT_TIME.id().path().to_owned(),
            text: format!(
                "{time}, and it was received at {received_at}: no window counts it there"
            ),
            advice: "send the time at which it happened: RFC 3339 text with an offset, or integer \
                     microseconds since 1970"
                .to_owned(),
        });
    }
}

#[cfg(test)]
mod tests;
