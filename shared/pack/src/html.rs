//! `report.html`: what the pack holds, in plain language, on one page without scripts or links.
//!
//! It says what the evidence shows and what it does not. It does not say that anybody complies with
//! anything.

use std::fmt::Write as _;

use crate::report::NOT_PROVEN;
use crate::scope::{Scope, ScopeText};
use crate::summary::{Covered, Summary};

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;\
padding:0 1rem;color:#1b1f24}table{border-collapse:collapse;margin:.5rem 0 1.5rem}\
th,td{border-bottom:1px solid #d0d7de;padding:.25rem .75rem;text-align:left;vertical-align:top}\
td.n{text-align:right;font-variant-numeric:tabular-nums}code{font-size:.9em;overflow-wrap:anywhere}\
h1{font-size:1.6rem}h2{font-size:1.2rem;margin-top:2rem}";

/// The page.
pub(crate) fn render(scope: &Scope, summary: &Summary) -> String {
    let mut page = String::new();
    match write_page(&mut page, scope, summary) {
        Ok(()) => page,
        Err(std::fmt::Error) => unreachable!("writing to a text does not fail"),
    }
}

fn write_page(page: &mut String, scope: &Scope, summary: &Summary) -> std::fmt::Result {
    let agent = escape(scope.agent_id());
    writeln!(page, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">")?;
    writeln!(page, "<title>Evidence: {agent}</title>\n<style>{STYLE}</style>\n</head>\n<body>")?;
    writeln!(page, "<h1>Evidence about agent <code>{agent}</code></h1>")?;
    writeln!(page, "<p>Period: {}.</p>", period(scope))?;
    writeln!(
        page,
        "<p>This pack holds <strong>{} events</strong> of the agent in the period. They are all \
         events of this agent that the log holds for the period; that can be checked with this file \
         alone (below). Computed numbers such as drift alerts are events like the others.</p>",
        summary.events
    )?;
    if let (Some(first), Some(last)) = (&summary.first, &summary.last) {
        writeln!(page, "<p>The first was received at {first}, the last at {last}.</p>")?;
    }
    writeln!(page, "<h2>Events by kind</h2>")?;
    counts(page, "Kind", summary.by_kind.iter())?;
    writeln!(page, "<h2>Events by agent version</h2>")?;
    counts(page, "Version", summary.by_version.iter())?;
    notable(page, summary)?;
    writeln!(page, "<h2>Where they come from</h2>")?;
    writeln!(
        page,
        "<p>Log <code>{}</code>, {} entries, root <code>{}</code>. {} segments touch the period, {} of \
         them hold events of this agent ({} events, those outside the period included).</p>",
        escape(&summary.origin),
        summary.log_size,
        summary.log_root,
        summary.segments_in_period,
        summary.segments_with_events,
        summary.events_in_segments,
    )?;
    writeln!(
        page,
        "<p>{} records of these segments could not be decoded. They are sealed with their reason, but \
         name no agent: some may be of this one.</p>",
        summary.quarantined_of_any_agent
    )?;
    partitions(page, summary)?;
    writeln!(page, "<h2>How to check this file</h2>")?;
    writeln!(
        page,
        "<p>Run <code>driftseal-verify PACK --policy POLICY</code> on a machine without network. POLICY \
         holds the public keys of the log and of its sealer; take it from somewhere else than this \
         file or its sender. The answer is VERIFIED, FAILED or UNVERIFIABLE.</p>\n<p>If it is VERIFIED, \
         these things were computed again from the bytes in this file:</p>\n<ul>"
    )?;
    for proven in [
        "the log's checkpoint is signed by the log's key, and every log entry in this file is in its tree \
         and signed by a sealer's key",
        "in each partition the entries follow each other without a missing or repeated offset, from \
         before the period until no later one can touch it: no segment of the period is left out",
        "for every segment that touches the period, its signed census says how many events of each \
         kind this agent has in it, and exactly that many are here",
        "every event hashes to a leaf that is in the signed tree of its segment, at its place",
        "the table and every number on this page follow from those events",
    ] {
        writeln!(page, "<li>{proven}</li>")?;
    }
    writeln!(page, "</ul>\n<h2>What it does not prove</h2>\n<ul>")?;
    for not_proven in NOT_PROVEN {
        writeln!(page, "<li>{not_proven}</li>")?;
    }
    writeln!(page, "</ul>\n</body>\n</html>")
}

/// The period as a person says it: an open side is not given as year 1 or 9999.
fn period(scope: &Scope) -> String {
    let by = "by the time at which the log received each record";
    let ScopeText { from, to, .. } = scope.to_text();
    match (scope.is_open_before(), scope.is_open_after()) {
        (true, true) => "everything that the log holds".to_owned(),
        (true, false) => format!("until before {to}, {by}"),
        (false, true) => format!("from {from}, {by}"),
        (false, false) => format!("from {from} until before {to}, {by}"),
    }
}

fn counts<'c>(
    page: &mut String,
    title: &str,
    rows: impl Iterator<Item = (&'c String, &'c u64)>,
) -> std::fmt::Result {
    writeln!(page, "<table>\n<tr><th>{title}</th><th>Events</th></tr>")?;
    for (name, count) in rows {
        let name = if name.is_empty() { "(none named)".to_owned() } else { escape(name) };
        writeln!(page, "<tr><td>{name}</td><td class=\"n\">{count}</td></tr>")?;
    }
    writeln!(page, "</table>")
}

fn notable(page: &mut String, summary: &Summary) -> std::fmt::Result {
    writeln!(page, "<h2>Alerts, changes, approvals</h2>")?;
    if summary.notable.is_empty() {
        return writeln!(page, "<p>None in the period.</p>");
    }
    writeln!(
        page,
        "<table>\n<tr><th>Received</th><th>Kind</th><th>Version</th><th>Says</th><th>Record</th></tr>"
    )?;
    for event in &summary.notable {
        writeln!(
            page,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td><code>{}</code></td></tr>",
            escape(&event.time),
            escape(&event.kind),
            escape(&event.version),
            escape(&event.detail),
            escape(&event.place),
        )?;
    }
    writeln!(page, "</table>")?;
    if summary.notable_dropped > 0 {
        writeln!(page, "<p>And {} more, in the table.</p>", summary.notable_dropped)?;
    }
    writeln!(
        page,
        "<p>An identity is authenticated only where the record says how (<code>approver_authn</code>); \
         otherwise it is what the sender wrote.</p>"
    )
}

fn partitions(page: &mut String, summary: &Summary) -> std::fmt::Result {
    writeln!(
        page,
        "<p>Segments that touch the period, by partition, with the events of all agents in them:</p>\n\
         <table>\n<tr><th>Partition</th><th>First offset</th><th>Last offset</th><th>Segments</th>\
         <th>Events</th><th>Offsets without record</th><th>Segments of the log</th></tr>"
    )?;
    for partition in &summary.partitions {
        write!(page, "<tr><td>{}/{}</td>", escape(&partition.topic), partition.partition)?;
        match &partition.in_period {
            None => write!(page, "<td colspan=\"5\">none</td>")?,
            Some(Covered { segments, first_offset, next_offset, events, gaps }) => {
                // A segment has records, so that its last offset is the one before the next.
                let last_offset = next_offset - 1;
                write!(
                    page,
                    "<td class=\"n\">{first_offset}</td><td class=\"n\">{last_offset}</td>\
                     <td class=\"n\">{segments}</td><td class=\"n\">{events}</td>\
                     <td class=\"n\">{gaps}</td>"
                )?;
            }
        }
        writeln!(page, "<td class=\"n\">{}</td></tr>", partition.segments)?;
    }
    writeln!(page, "</table>")
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c if c.is_control() => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_sender_wrote_stays_text() {
        let scope = Scope::new("<script>alert('x')</script>", 0, 1).unwrap();
        let page = render(&scope, &Summary::default());
        assert!(!page.contains("<script"));
        assert!(page.contains("&lt;script&gt;alert(&#39;x&#39;)"));
    }

    #[test]
    fn an_open_period_is_said_in_words() {
        let page = |from, to| render(&Scope::parse("a", from, to).unwrap(), &Summary::default());
        let day = Some("2026-10-01T00:00:00Z");
        assert!(page(None, None).contains("Period: everything that the log holds."));
        assert!(page(day, None).contains("Period: from 2026-10-01T00:00:00.000000Z, by"));
        assert!(page(None, day).contains("Period: until before 2026-10-01T00:00:00.000000Z, by"));
        assert!(!page(day, None).contains("9999") && !page(None, day).contains("0001"));
    }

    #[test]
    fn it_claims_no_compliance() {
        let page = render(&Scope::new("a", 0, 1).unwrap(), &Summary::default());
        for word in ["complian", "certif", "guarantee"] {
            assert!(!page.to_lowercase().contains(word), "{word}");
        }
    }
}
