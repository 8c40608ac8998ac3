//! The last change of an agent, as one line for the person who is paged.

use event::Event;
use serde::{Deserialize, Serialize};

use crate::columns::columns;

/// Characters kept of each text of a sender.
const TEXT_CHARS_MAX: usize = 80;

/// The last change of an agent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct LastChange {
    /// Offset of the event.
    pub(crate) offset: i64,
    /// One line.
    pub(crate) summary: String,
    prompt_digest: Option<String>,
}

impl LastChange {
    /// Takes note of an event about a change.
    pub(crate) fn saw(known: Option<&Self>, event: &Event<'_>, offset: i64) -> Self {
        let columns = columns();
        let text = |column| event.text(column).filter(|text| !text.is_empty()).map(shorten);
        let mut summary = shorten(event.text(columns.kind).unwrap_or_default());
        let mut add = |piece: String| {
            summary.push(' ');
            summary.push_str(&piece);
        };
        if let Some(what) = text(columns.change_type) {
            add(what);
        }
        if let Some(id) = text(columns.change_id) {
            add(id);
        }
        let from = text(columns.agent_from_version).or_else(|| text(columns.change_from_version));
        let to = text(columns.agent_to_version)
            .or_else(|| text(columns.change_to_version))
            .or_else(|| text(columns.agent_version));
        match (from, to) {
            (Some(from), Some(to)) => add(format!("{from} -> {to}")),
            (Some(version), None) | (None, Some(version)) => add(version),
            (None, None) => {}
        }
        let before = known.and_then(|known| known.prompt_digest.clone());
        let digest = text(columns.agent_prompt_digest);
        if let Some(digest) = &digest {
            let name = text(columns.agent_prompt_name).unwrap_or_else(|| "prompt".to_owned());
            match &before {
                Some(before) if before != digest => {
                    add(format!("(prompt `{name}` changed: {before} -> {digest})"));
                }
                Some(_) => add(format!("(prompt `{name}` unchanged)")),
                None => add(format!("(prompt `{name}`: {digest})")),
            }
        }
        if let Some(time) = event.time(columns.event_time).and_then(event::Timestamp::to_rfc3339) {
            add(format!("at {time}"));
        }
        if let Some(id) = text(columns.event_id) {
            add(format!("[{id}]"));
        }
        Self { offset, summary, prompt_digest: digest.or(before) }
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
    use event::{EventBuilder, Timestamp};

    #[test]
    fn a_changed_prompt_is_named_with_both_digests() {
        let deployed = |from: &str, to: &str, digest: &str| {
            EventBuilder::new("agent.version.deployed")
                .set("event_id", "e")
                .set("event_time", Timestamp::from_micros(0))
                .set("agent.from_version", from)
                .set("agent.to_version", to)
                .set("agent.prompt_name", "support")
                .set("agent.prompt_digest", digest)
                .build()
                .unwrap()
        };
        let first = LastChange::saw(None, &deployed("v0", "v1", "aa"), 1);
        let second = LastChange::saw(Some(&first), &deployed("v1", "v2", "bb"), 2);
        assert_eq!(
            second.summary,
            "agent.version.deployed v1 -> v2 (prompt `support` changed: aa -> bb) \
             at 1970-01-01T00:00:00.000000Z [e]"
        );
    }

    #[test]
    fn long_texts_are_cut() {
        assert_eq!(shorten(&"ä".repeat(200)).chars().count(), TEXT_CHARS_MAX + 1);
    }
}
