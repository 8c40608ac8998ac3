//! Slack, incoming webhook with blocks
//! (<https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks/>).
//!
//! Slack does not deduplicate: after a crash between the response and its record the message is sent
//! again. It contains the alert's identifier, so that people recognise the repetition.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use service::config::Secret;

use super::contract::{Common, Request, Route, Sink, SinkType, required, url_problem};
use crate::alert::{Alert, Severity, Step};
use crate::machine::Notice;
use crate::secret::SecretRef;
use crate::text::clip;

/// Longest text of a header block, characters.
const HEADER_MAX: usize = 150;
/// Longest text of a section, characters, after escaping.
const SECTION_MAX: usize = 2_900;

/// Configuration of a Slack channel.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Slack {
    /// File with the URL of the webhook, which is a secret.
    pub url_file: Option<PathBuf>,
    /// Name of the URL in `[notifier.secrets]`.
    pub url_name: Option<String>,
    /// Which alerts go to it.
    pub route: Route,
}

impl SinkType for Slack {
    fn common(&self) -> Common<'_> {
        let secret = SecretRef::new("url", self.url_file.as_ref(), self.url_name.as_ref(), true);
        Common { url: None, secret, route: &self.route }
    }

    fn open(&self, secret: Option<Secret>) -> Result<Box<dyn Sink>, String> {
        let url = required(secret);
        match url_problem(url.reveal()) {
            None => Ok(Box::new(Ready { url })),
            Some(rule) => Err(format!("must {rule}")),
        }
    }
}

#[derive(Debug)]
struct Ready {
    url: Secret,
}

/// Escapes the three characters that Slack gives a meaning, and cuts between characters where the
/// result would be too long.
fn escape(text: &str) -> String {
    let mut escaped = String::new();
    let mut chars = 0_usize;
    for c in text.chars() {
        let (entity, length) = match c {
            '&' => (Some("&amp;"), 5),
            '<' => (Some("&lt;"), 4),
            '>' => (Some("&gt;"), 4),
            _ => (None, 1),
        };
        chars += length;
        if chars > SECTION_MAX {
            escaped.push('…');
            break;
        }
        match entity {
            Some(entity) => escaped.push_str(entity),
            None => escaped.push(c),
        }
    }
    escaped
}

fn section(text: &str) -> Value {
    json!({"type": "section", "text": {"type": "mrkdwn", "text": text}})
}

fn context(text: &str) -> Value {
    json!({"type": "context", "elements": [{"type": "mrkdwn", "text": text}]})
}

fn field(name: &str, value: &str) -> String {
    format!("*{name}* {}", escape(value))
}

/// What happened, for the head of the message.
fn headline(opened: &Alert, current: &Alert) -> String {
    let mark = match (current.step, opened.severity) {
        (Step::Firing, Severity::Page) => "🔴 Page",
        (Step::Firing, Severity::Ticket) => "🟠 Ticket",
        (Step::Acknowledged, _) => "🔵 Acknowledged",
        (Step::Resolved, _) if current.is_dismissed => "⚪ Dismissed",
        (Step::Resolved, _) => "🟢 Resolved",
    };
    clip(&format!("{mark}: {}", opened.title()), HEADER_MAX)
}

impl Sink for Ready {
    fn request(&self, notice: &Notice, _now_ms: i64) -> Request {
        let Notice { opened, current, .. } = notice;
        let headline = headline(opened, current);
        let mut blocks = vec![json!({
            "type": "header",
            "text": {"type": "plain_text", "text": headline, "emoji": true},
        })];
        match current.step {
            Step::Firing => {
                let description = opened.description();
                if !description.is_empty() {
                    blocks.push(section(&escape(&description)));
                }
                let mut facts = Vec::new();
                if let Some(change) = &opened.last_change {
                    facts.push(field("Last change", change));
                }
                if !opened.example_runs.is_empty() {
                    facts.push(field("Runs", &opened.example_runs.join(", ")));
                }
                if let Some(url) = &opened.runbook_url {
                    facts.push(field("Runbook", url));
                }
                blocks.extend(facts.iter().map(|fact| section(fact)));
            }
            Step::Acknowledged | Step::Resolved => {
                let by = current.actor_id.as_deref().map(|by| field("By", by));
                let why = current.reason.as_deref().map(|why| field("Reason", why));
                blocks.extend(by.into_iter().chain(why).map(|fact| section(&fact)));
            }
        }
        let environment = opened.environment.as_deref().unwrap_or("no environment");
        let about = format!("{environment} · alert {}", opened.alert_id);
        blocks.push(context(&escape(&about)));
        let body = json!({"text": escape(&headline), "blocks": blocks});
        Request {
            url: self.url.reveal().to_owned(),
            headers: Vec::new(),
            body: body.to_string().into_bytes(),
            secrets: vec![self.url.reveal().to_owned()],
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use super::super::SinkConfig;
    use super::super::tests::{json, notice, open};
    use super::*;
    use crate::secret::Secrets;

    #[test]
    fn a_message_says_what_happened_and_to_what() {
        let sink = open("type = 'slack'\nurl_name = 'slack'");
        let [firing, acknowledged, resolved] =
            Step::ALL.map(|step| json(&sink.request(&notice(step), 0)));
        assert_eq!(firing["text"], "🔴 Page: support v2: run.error_rate is rising");
        let text = firing["blocks"].to_string();
        for expected in
            ["0.359 instead of 0.087", "*Runs* r1, r2", "CHG-1 v1 -&gt; v2", "alert a-1"]
        {
            assert!(text.contains(expected), "{expected}: {text}");
        }
        let text = acknowledged["blocks"].to_string();
        assert!(text.contains("🔵") && text.contains("*By* ana@example.org"), "{text}");
        let text = resolved["blocks"].to_string();
        assert!(text.contains("🟢") && text.contains("*Reason* looking"), "{text}");
    }

    #[test]
    fn nothing_is_longer_than_slack_takes_and_nothing_is_markup() {
        let sink = open("type = 'slack'\nurl_name = 'slack'");
        let mut notice = notice(Step::Firing);
        let opened = Arc::make_mut(&mut notice.opened);
        opened.agent_id = "<!channel>".repeat(100);
        opened.last_change = Some("&".repeat(1_000));
        opened.example_runs = vec!["r".repeat(1_000); 5];
        let body = json(&sink.request(&notice, 0));
        for block in body["blocks"].as_array().unwrap() {
            let text = block["text"]["text"].as_str().unwrap_or_default();
            let header = block["type"] == "header";
            let bound = if header { HEADER_MAX } else { 3_000 };
            assert!(text.chars().count() <= bound, "{block}");
            assert!(header || !text.contains("<!"), "{block}");
        }
        assert!(!body["text"].as_str().unwrap().contains("<!"));
    }

    #[test]
    fn the_url_is_a_secret_that_must_be_one() {
        let config = Slack { url_name: Some("slack".into()), ..Slack::default() };
        let named = BTreeMap::from([("slack".to_owned(), Secret::new("hunter2".into()))]);
        let error = SinkConfig::Slack(config)
            .open(&Secrets { sink: "chat", named: &named })
            .unwrap_err()
            .to_string();
        assert!(error.contains("notifier.sinks.chat.url") && !error.contains("hunter2"), "{error}");
    }
}
