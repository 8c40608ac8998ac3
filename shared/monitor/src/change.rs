//! The last change of an agent, as one line for the on-call engineer.

use event::{Event, EventBuilder, column};
use serde::{Deserialize, Serialize};

/// Largest number of characters of a text from a sender.
const TEXT_CHARS_MAX: usize = 80;

/// Longest identifier that is kept, bytes.
const ID_BYTES_MAX: usize = 256;

/// The last change of an agent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct LastChange {
    /// Offset of the event.
    pub(crate) offset: i64,
    /// Description in one line.
    pub(crate) summary: String,
    /// `event_id` of the event.
    event_id: Option<String>,
    prompt_digest: Option<String>,
}

impl LastChange {
    /// The last change after an event about a change.
    pub(crate) fn saw(known: Option<&Self>, event: &Event<'_>, offset: i64) -> Self {
        let text = |column| event.text(column).filter(|text| !text.is_empty()).map(shorten);
        let mut summary = shorten(event.text(column::KIND).unwrap_or_default());
        let mut add = |piece: String| {
            summary.push(' ');
            summary.push_str(&piece);
        };
        if let Some(what) = text(column::change::TYPE) {
            add(what);
        }
        if let Some(id) = text(column::change::ID) {
            add(id);
        }
        let from = text(column::agent::FROM_VERSION).or_else(|| text(column::change::FROM_VERSION));
        let to = text(column::agent::TO_VERSION)
            .or_else(|| text(column::change::TO_VERSION))
            .or_else(|| text(column::AGENT_VERSION));
        match (from, to) {
            (Some(from), Some(to)) => add(format!("{from} -> {to}")),
            (Some(version), None) | (None, Some(version)) => add(version),
            (None, None) => {}
        }
        let before = known.and_then(|known| known.prompt_digest.clone());
        let digest = text(column::agent::PROMPT_DIGEST);
        if let Some(digest) = &digest {
            let name = text(column::agent::PROMPT_NAME).unwrap_or_else(|| "prompt".to_owned());
            match &before {
                Some(before) if before != digest => {
                    add(format!("(prompt `{name}` changed: {before} -> {digest})"));
                }
                Some(_) => add(format!("(prompt `{name}` unchanged)")),
                None => add(format!("(prompt `{name}`: {digest})")),
            }
        }
        if let Some(time) = event.time(column::EVENT_TIME).and_then(event::Timestamp::to_rfc3339) {
            add(format!("at {time}"));
        }
        // A part of an identifier identifies nothing.
        let event_id = event.text(column::EVENT_ID).filter(|id| id.len() <= ID_BYTES_MAX);
        let event_id = event_id.map(str::to_owned);
        Self { offset, summary, event_id, prompt_digest: digest.or(before) }
    }

    /// Sets the columns of an output that name the last change, if there was one.
    pub(crate) fn fill(known: Option<&Self>, builder: EventBuilder) -> EventBuilder {
        let id = known.and_then(|change| change.event_id.as_deref());
        builder
            .set_some(column::drift::LAST_CHANGE, known.map(|change| change.summary.as_str()))
            .set_some(column::drift::LAST_CHANGE_ID, id)
    }
}

fn shorten(text: &str) -> String {
    let mut short: String = text.chars().take(TEXT_CHARS_MAX).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;
    use event::{Timestamp, kind};

    #[test]
    fn a_changed_prompt_is_named_with_both_digests() {
        let deployed = |from: &str, to: &str, digest: &str| {
            EventBuilder::new(kind::AGENT_VERSION_DEPLOYED)
                .set(column::EVENT_ID, "e")
                .set(column::EVENT_TIME, Timestamp::from_micros(0))
                .set(column::agent::FROM_VERSION, from)
                .set(column::agent::TO_VERSION, to)
                .set(column::agent::PROMPT_NAME, "support")
                .set(column::agent::PROMPT_DIGEST, digest)
                .build()
                .unwrap()
        };
        let first = LastChange::saw(None, &deployed("v0", "v1", "aa"), 1);
        let second = LastChange::saw(Some(&first), &deployed("v1", "v2", "bb"), 2);
        assert_eq!(
            second.summary,
            "agent.version.deployed v1 -> v2 (prompt `support` changed: aa -> bb) \
             at 1970-01-01T00:00:00.000000Z"
        );
        assert_eq!(second.event_id.as_deref(), Some("e"));
    }

    #[test]
    fn long_texts_are_cut() {
        assert_eq!(shorten(&"ä".repeat(200)).chars().count(), TEXT_CHARS_MAX + 1);
    }
}
