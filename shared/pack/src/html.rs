//! `report.html`: what the pack holds, in plain language, on one page without scripts or links.
//!
//! It says what the evidence shows and what it does not. It does not say that anybody complies with
//! anything.

use std::fmt::Write as _;

use event::plain::Html;

use crate::counts::Counts;
use crate::coverage::Covered;
use crate::facts::Facts;
use crate::report::NOT_PROVEN;
use crate::scope::Scope;
use crate::story::{Item, List, Story};

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;\
padding:0 1rem;color:#1b1f24}table{border-collapse:collapse;margin:.5rem 0 1.5rem}\
th,td{border-bottom:1px solid #d0d7de;padding:.25rem .75rem;text-align:left;vertical-align:top}\
td.n{text-align:right;font-variant-numeric:tabular-nums}code{font-size:.9em;overflow-wrap:anywhere}\
h1{font-size:1.6rem}h2{font-size:1.2rem;margin-top:2rem}";

/// Name of the wording: whoever changes a word of the page changes it.
pub(crate) const WORDING: &str = "driftseal/report/v2";

/// The page.
pub(crate) fn render(scope: &Scope, facts: &Facts) -> String {
    let mut page = String::new();
    match write_page(&mut page, scope, facts) {
        Ok(()) => page,
        Err(std::fmt::Error) => unreachable!("writing to a text does not fail"),
    }
}

fn write_page(page: &mut String, scope: &Scope, facts: &Facts) -> std::fmt::Result {
    let agent = escape(scope.agent_id());
    writeln!(page, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">")?;
    writeln!(page, "<title>Evidence: {agent}</title>\n<style>{STYLE}</style>\n</head>\n<body>")?;
    writeln!(page, "<h1>Evidence about agent <code>{agent}</code></h1>")?;
    let period = scope.to_text();
    writeln!(page, "<p>Period: {period}, by the time at which the log received each record.</p>")?;
    if facts.events == 0 {
        writeln!(
            page,
            "<p><strong>This pack holds no event: the log has none of an agent of exactly this name in \
             the period.</strong></p>"
        )?;
    } else {
        writeln!(
            page,
            "<p>This pack holds <strong>{} events</strong> of the agent in the period: all that the \
             log has, which can be checked with this file alone (below). Computed numbers such as \
             alerts are events like the others.</p>",
            facts.events
        )?;
    }
    warnings(page, facts)?;
    story(page, &facts.story)?;
    if let (Some(first), Some(last)) = (&facts.first, &facts.last) {
        let text = format!("The first was received at {first}, the last at {last}.");
        writeln!(page, "<h2>Events</h2>\n<p>{text}</p>")?;
    }
    counts(page, "Kind", &facts.by_kind)?;
    counts(page, "Version", &facts.by_version)?;
    missing(page, facts)?;
    origin(page, facts)?;
    coverage(page, facts)?;
    checks(page)
}

/// What a reader must not overlook.
fn warnings(page: &mut String, facts: &Facts) -> std::fmt::Result {
    let short = facts.coverage.iter().filter(|of| of.reaches_end == Some(false));
    let short: Vec<_> = short
        .map(|of| format!("{}/{} ({})", escape(&of.topic), of.partition, of.reaches))
        .collect();
    if !short.is_empty() {
        writeln!(
            page,
            "<p><strong>The log does not reach the end of the period in every partition.</strong> What \
             was received later than this is not in it: {}.</p>",
            short.join(", ")
        )?;
    }
    if !facts.similar_names.is_empty() {
        let names = facts.similar_names.iter();
        let names: Vec<_> = names
            .map(|name| format!("<code>{}</code> ({} events)", escape(&name.agent_id), name.events))
            .collect();
        writeln!(
            page,
            "<p><strong>Agents with similar names sent events in the same time.</strong> They are not in \
             this pack: {}.</p>",
            names.join(", ")
        )?;
    }
    Ok(())
}

fn story(page: &mut String, story: &Story) -> std::fmt::Result {
    list(page, "Changes", &story.changes)?;
    list(page, "Alerts", &story.alerts)?;
    writeln!(page, "<h2>Decisions of people</h2>")?;
    if story.decisions.is_empty() {
        writeln!(page, "<p>None in the period.</p>")?;
    } else {
        writeln!(
            page,
            "<table>\n<tr><th>Decisions</th><th>Kind</th><th>Outcome</th><th>By</th><th>Authenticated \
             by</th><th>First</th><th>Last</th></tr>"
        )?;
        for of in &story.decisions {
            let authn = if of.authn.is_empty() { "nothing: the sender's word" } else { &of.authn };
            writeln!(
                page,
                "<tr><td class=\"n\">{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td>\
                 <td>{}</td></tr>",
                of.count,
                escape(&of.kind),
                escape(&of.outcome),
                escape(&of.approver),
                escape(authn),
                of.first,
                of.last,
            )?;
        }
        writeln!(page, "</table>")?;
        if story.decisions_dropped > 0 {
            writeln!(page, "<p>And {} more, in the tables.</p>", story.decisions_dropped)?;
        }
    }
    list(page, "Exceptions", &story.exceptions)
}

fn list(page: &mut String, title: &str, list: &List) -> std::fmt::Result {
    writeln!(page, "<h2>{title}</h2>")?;
    if list.items.is_empty() {
        return writeln!(page, "<p>None in the period.</p>");
    }
    writeln!(
        page,
        "<table>\n<tr><th>Happened</th><th>Kind</th><th>Version</th><th>Says</th><th>Record</th></tr>"
    )?;
    for Item { kind, occurred, record, says, version } in &list.items {
        writeln!(
            page,
            "<tr><td>{occurred}</td><td>{}</td><td>{}</td><td>{}</td><td><code>{}</code></td></tr>",
            escape(kind),
            escape(version),
            escape(says),
            escape(record),
        )?;
    }
    writeln!(page, "</table>")?;
    if list.dropped > 0 {
        writeln!(page, "<p>And {} more, in the tables.</p>", list.dropped)?;
    }
    Ok(())
}

fn counts(page: &mut String, title: &str, counts: &Counts) -> std::fmt::Result {
    writeln!(page, "<table>\n<tr><th>{title}</th><th>Events</th></tr>")?;
    for (name, count) in &counts.listed {
        let name = if name.is_empty() { "(none named)".to_owned() } else { escape(name) };
        writeln!(page, "<tr><td>{name}</td><td class=\"n\">{count}</td></tr>")?;
    }
    if counts.others > 0 {
        writeln!(page, "<tr><td>(others)</td><td class=\"n\">{}</td></tr>", counts.others)?;
    }
    writeln!(page, "</table>")
}

fn missing(page: &mut String, facts: &Facts) -> std::fmt::Result {
    writeln!(page, "<h2>Values that are not in this pack</h2>")?;
    if facts.withheld.is_empty() && facts.erased.is_empty() {
        return writeln!(page, "<p>None: all values that were sealed are here.</p>");
    }
    writeln!(page, "<table>\n<tr><th>Field</th><th>Values</th><th>Why</th></tr>")?;
    let withheld = facts.withheld.iter().map(|of| (of, "withheld by whoever made this pack"));
    let erased = facts.erased.iter().map(|of| (of, "erased, by an entry of the log"));
    for ((field, count), why) in withheld.chain(erased) {
        let field = escape(field);
        writeln!(page, "<tr><td>{field}</td><td class=\"n\">{count}</td><td>{why}</td></tr>")?;
    }
    writeln!(page, "</table>")
}

fn origin(page: &mut String, facts: &Facts) -> std::fmt::Result {
    writeln!(page, "<h2>Where they come from</h2>")?;
    writeln!(
        page,
        "<p>Log <code>{}</code>, {} entries, root <code>{}</code>. {} segments (sealed files) touch the \
         period, {} of them hold events of this agent ({} events, those outside the period \
         included).</p>",
        escape(&facts.log.origin),
        facts.log.size,
        facts.log.root,
        facts.segments_in_period,
        facts.segments_with_events,
        facts.events_in_segments,
    )?;
    writeln!(
        page,
        "<p>{} records of these segments could not be decoded. They are sealed with their reason, but \
         name no agent: some may be of this one.</p>",
        facts.quarantined_of_any_agent
    )
}

fn coverage(page: &mut String, facts: &Facts) -> std::fmt::Result {
    writeln!(
        page,
        "<p>How far the log reaches, by partition, and its segments that touch the period, with the \
         events of all agents in them:</p>\n<table>\n<tr><th>Partition</th><th>Reaches</th><th>First \
         offset</th><th>Last offset</th><th>Segments</th><th>Events</th><th>Offsets without \
         record</th><th>Segments of the log</th></tr>"
    )?;
    for of in &facts.coverage {
        let partition = format!("{}/{}", escape(&of.topic), of.partition);
        write!(page, "<tr><td>{partition}</td><td>{}</td>", of.reaches)?;
        match &of.in_period {
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
        writeln!(page, "<td class=\"n\">{}</td></tr>", of.segments)?;
    }
    writeln!(page, "</table>")?;
    if facts.unsealed.is_empty() {
        return Ok(());
    }
    let unsealed: Vec<_> = facts.unsealed.iter().map(|of| escape(&of.to_string())).collect();
    writeln!(
        page,
        "<p>Of these partitions or topics, which the log was made for, it holds nothing at all: {}.</p>",
        unsealed.join(", ")
    )
}

fn checks(page: &mut String) -> std::fmt::Result {
    writeln!(page, "<h2>How to check and analyse this file</h2>")?;
    writeln!(
        page,
        "<p>Run <code>driftseal-verify PACK --policy POLICY</code> on a machine without network. POLICY \
         holds the public keys of the log, of its sealers and of whoever makes packs; take it from \
         somewhere else than this file or its sender. The answer is VERIFIED, FAILED or \
         UNVERIFIABLE. Analyse <code>events/*.parquet</code>, which hold the exact values; \
         <code>events/*.csv</code> are the same for spreadsheets.</p>\n<p>If it is VERIFIED, these things \
         were computed again from the bytes in this file:</p>\n<ul>"
    )?;
    for proven in [
        "the log's checkpoint is signed by the log's key, and every log entry in this file is in its tree \
         and signed by a sealer's key",
        "in each partition the entries follow each other without a missing or repeated offset, from \
         before the period until no later one can touch it: no segment of the period is left out",
        "for every segment that touches the period, its signed count of events by agent and kind says \
         how many this agent has in it, and exactly that many are here",
        "every event hashes to a value that is in the signed tree of its segment, at its place",
        "a value is missing only where this pack says so under its signature, or the log",
        "the tables and every number on this page follow from those events",
    ] {
        writeln!(page, "<li>{proven}</li>")?;
    }
    writeln!(page, "</ul>\n<h2>What it does not prove</h2>\n<ul>")?;
    for not_proven in NOT_PROVEN {
        writeln!(page, "<li>{not_proven}</li>")?;
    }
    writeln!(page, "</ul>\n</body>\n</html>")
}

fn escape(text: &str) -> String {
    Html(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_sender_wrote_stays_text() {
        let scope = Scope::new("<script>alert('x')</script>", 0, 1).unwrap();
        let page = render(&scope, &Facts::default());
        assert!(!page.contains("<script"));
        assert!(page.contains("&lt;script&gt;alert(&#39;x&#39;)"));
    }

    #[test]
    fn an_open_period_is_said_in_words() {
        let page = |from, to| render(&Scope::parse("a", from, to).unwrap(), &Facts::default());
        let day = Some("2026-10-01T00:00:00Z");
        assert!(page(None, None).contains("Period: everything that the log holds, by"));
        assert!(page(day, None).contains("Period: from 2026-10-01T00:00:00.000000Z, by"));
        assert!(page(None, day).contains("Period: until before 2026-10-01T00:00:00.000000Z, by"));
        assert!(!page(day, None).contains("9999") && !page(None, day).contains("0001"));
    }

    #[test]
    fn it_claims_no_compliance() {
        let page = render(&Scope::new("a", 0, 1).unwrap(), &Facts::default());
        for word in ["complian", "certif", "guarantee"] {
            assert!(!page.to_lowercase().contains(word), "{word}");
        }
    }
}
