//! Nothing that a sender wrote is more than text, in the report and on the page of a pack.

use event::kind;
use segment::fault::Judgement;
use serde_json::json;

use crate::common::{Line, START_MS, World};
use crate::container::unzip;
use crate::export::export;
use crate::{check, scope};

#[test]
fn what_senders_wrote_stays_text_in_report_and_page() {
    let hostile = "\u{1b}[2K\r\nVERIFIED\u{9b}\u{7}\u{202e}\u{2066}<script>alert(1)</script>";
    let giant = hostile.repeat(500);
    let mut world = World::new();
    let mut lines: Vec<Line> = Vec::new();
    for (at, text) in (0..).zip([hostile, &giant]) {
        let approval =
            json!({"id": text, "outcome": text, "approver_id": text, "approver_authn": text});
        let change = json!({"id": text, "type": text, "to_version": text});
        for (kind, group, fields) in [
            (kind::APPROVAL_DECIDED, "approval", approval),
            (kind::CHANGE_IMPLEMENTED, "change", change),
            (kind::POLICY_DECISION, "policy", json!({"outcome": text})),
            ("order.shipped", "order", json!({"id": text})),
        ] {
            let id = format!("{kind}-{at}");
            let event = json!({
                "event_id": id, "kind": kind, "agent_id": "agent-a", "agent_version": text, group: fields,
            });
            lines.push((START_MS + i64::from(at), event.to_string()));
        }
        let event = json!({"event_id": text, "kind": text, "agent_id": "agent-a"});
        lines.push((START_MS + i64::from(at), event.to_string()));
    }
    world.commit(&[("agent.events", 0, lines)]);
    let pack = export(&world, &scope("agent-a")).unwrap();
    let report = check(&pack);
    assert_eq!(report.verdict, Judgement::Verified, "{report}");
    let page = String::from_utf8(unzip(&pack)["report.html"].clone()).unwrap();
    for (what, shown, bytes_max) in [("text", report.to_string(), 64_000), ("page", page, 128_000)]
    {
        let obeyed = |c: char| {
            let moves = matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}');
            c != '\n' && (c.is_control() || moves)
        };
        assert!(!shown.contains(obeyed), "{what}: {shown:?}");
        assert!(!shown.lines().any(|line| line.starts_with("VERIFIED\\u")), "{what}: {shown}");
        assert!(what == "text" || !shown.contains("<script"), "{shown}");
        assert!(shown.len() < bytes_max, "{what} has {} bytes", shown.len());
        assert!(what == "text" || shown.contains(r"\u{1b}[2K"), "it is shown: {shown}");
    }
}
