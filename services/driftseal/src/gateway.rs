//! The client of the gateway: commands that act, and lists of what is in force, ask the process that
//! runs it (`driftseal up`, or `driftseal run evidence`).

use std::time::Duration;

use event::plain::Plain;
use serde_json::{Map, Value, json};
use service::config::{Secret, hide_in_url};
use service::files::read_secret;
use service::topics::Made;
use ureq::Agent;

use crate::Config;
use crate::http;
use crate::options::option_of;
use crate::outcome::Failure;
use crate::print;

/// Longest wait for an answer: the gateway itself gives up before.
const WAIT: Duration = Duration::from_secs(60);
/// Status of an answer after which the act may or may not be recorded.
const UNAVAILABLE: u16 = 503;
/// Largest answer that is read, bytes.
const ANSWER_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Times that an act is sent, if what became of it is not known.
const TRIES: u32 = 3;

/// The gateway, as the configuration says how to reach it.
#[derive(Debug)]
pub(crate) struct Gateway {
    agent: Agent,
    base: String,
    token: Secret,
}

impl Gateway {
    /// Reads the token; asks nothing yet.
    pub(crate) fn open(config: &Config) -> Result<Self, Failure> {
        let given = &config.gateway;
        let base = if given.url.is_empty() {
            format!("http://{}", config.listen.gateway)
        } else {
            given.url.trim_end_matches('/').to_owned()
        };
        let token = if given.token.reveal().is_empty() {
            let file = config.token_file();
            let text = read_secret(&file).map_err(|error| {
                Failure::usage(format!(
                    "the token of the gateway, `{}`: {error}; `driftseal log init` makes it, \
                     `gateway.token_file` or DRIFTSEAL__GATEWAY__TOKEN names another",
                    file.display()
                ))
            })?;
            Secret::new(text.trim().to_owned())
        } else {
            given.token.clone()
        };
        Ok(Self { agent: http::agent(WAIT), base, token })
    }

    /// Asks for an act; returns where it was recorded. If the answer is lost, or the log did not answer in
    /// time, the same act is sent again: under its identifier it is recorded once.
    pub(crate) fn act(&self, body: &Body) -> Result<Value, Failure> {
        let mut body = body.0.clone();
        if !body.contains_key("event_id") {
            body.insert("event_id".to_owned(), json!(uuid::Uuid::now_v7().to_string()));
        }
        let body = Value::Object(body);
        let mut tries = 1;
        loop {
            let failure = match self.post("/v1/acts", &body) {
                Err(failure) if failure.is_unclear() && tries < TRIES => failure,
                done => return done,
            };
            print::note(format!("driftseal: {}; the same act is sent again", failure.message()));
            std::thread::sleep(Duration::from_millis(500) * tries);
            tries += 1;
        }
    }

    /// Creates missing topics and enlarges small ones; returns the names of all, and what has grown.
    pub(crate) fn create_topics(&self) -> Result<Made, Failure> {
        let made = self.post("/v1/topics", &json!({}))?;
        serde_json::from_value(made).map_err(|error| {
            Failure::new(format!("the gateway's answer about topics is not understood: {error}"))
        })
    }

    /// A list of what is in force, under its name. Says what was not believed.
    pub(crate) fn list(&self, name: &str, query: &[(&str, &str)]) -> Result<Value, Failure> {
        let url = format!("{}/v1/{name}", self.base);
        let request = self.agent.get(&url).query_pairs(query.iter().copied());
        let answer = request.header("authorization", self.authorization()).call();
        let listed = self.answer(answer)?;
        let count = |key: &str| listed.get(key).and_then(Value::as_u64).filter(|count| *count > 0);
        if let Some(forged) = count("forged_records") {
            print::note(format!(
                "driftseal: {forged} records of the alerts and governance topics are not signed by \
                 this installation; they are not listed, and nobody obeys them"
            ));
        }
        if let Some(left_out) = count("left_out") {
            print::note(format!("driftseal: the list is full; {left_out} records are left out"));
        }
        Ok(listed)
    }

    fn post(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        let request = self.agent.post(format!("{}{path}", self.base));
        let request = request
            .header("content-type", "application/json")
            .header("authorization", self.authorization());
        self.answer(request.send(body.to_string().as_bytes()))
    }

    fn authorization(&self) -> String {
        format!("Bearer {}", self.token.reveal())
    }

    fn answer(
        &self,
        answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> Result<Value, Failure> {
        let shown = hide_in_url(&self.base);
        let mut answer = answer.map_err(|error| {
            // Where nobody listens, nothing was recorded.
            let refused = std::io::ErrorKind::ConnectionRefused;
            let is_unclear = !matches!(&error, ureq::Error::Io(io) if io.kind() == refused);
            Failure::unclear(is_unclear, format!(
                "failed to reach the gateway at {shown}: {error}; it runs in `driftseal up` and \
                 `driftseal run evidence` (`gateway.url`, `listen.gateway`)"
            ))
        })?;
        let status = answer.status().as_u16();
        let text = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_string();
        let text = text.map_err(|error| {
            let text = format!("the answer of the gateway at {shown} broke off: {error}");
            Failure::unclear(true, text)
        })?;
        let value: Value = serde_json::from_str(&text).map_err(|_| {
            let text = Plain(&text);
            Failure::new(format!("{shown} answered {status}, and not as a gateway: {text}"))
        })?;
        if (200..300).contains(&status) {
            return Ok(value);
        }
        Err(refused(status, &value))
    }
}

/// The failure that an answer says, with fields by the names of their options.
fn refused(status: u16, value: &Value) -> Failure {
    let error = &value["error"];
    let message = error["message"].as_str().unwrap_or("no reason given");
    let message = Plain(message).to_string();
    match (error["code"].as_str(), error["fields"].as_array()) {
        (Some("invalid_field"), Some(fields)) => {
            let lines: Vec<String> = fields.iter().map(problem).collect();
            Failure::usage(lines.join("; "))
        }
        (Some("not_in_force"), _) => Failure::usage(message),
        (Some("unauthenticated" | "expired"), _) => Failure::usage(format!(
            "the gateway does not know the token: {message} (`gateway.token_file`)"
        )),
        (Some("other_content" | "superseded"), _) => Failure::new(message),
        (code, _) => {
            let code = code.unwrap_or("error");
            Failure::unclear(
                status == UNAVAILABLE,
                format!("the gateway answered {status} {}: {message}", Plain(code)),
            )
        }
    }
}

fn problem(field: &Value) -> String {
    let (name, reason) = (field["field"].as_str(), field["reason"].as_str());
    let (name, reason) = (name.unwrap_or("?"), reason.unwrap_or("is wrong"));
    match option_of(name) {
        Some(option) => format!("{option}: {}", Plain(reason)),
        None => format!("`{}`: {}", Plain(name), Plain(reason)),
    }
}

/// The body of a request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Body(Map<String, Value>);

impl Body {
    /// The body of an act of that kind.
    pub(crate) fn of_kind(kind: &str) -> Self {
        Self::default().with("kind", kind)
    }

    /// A whole body.
    pub(crate) const fn of_object(object: Map<String, Value>) -> Self {
        Self(object)
    }

    /// Its fields.
    pub(crate) const fn object(&self) -> &Map<String, Value> {
        &self.0
    }

    /// Sets a field.
    pub(crate) fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.0.insert(field.to_owned(), value.into());
        self
    }

    /// Sets a field, if there is a value.
    pub(crate) fn with_some<V: Into<Value>>(self, field: &str, value: Option<V>) -> Self {
        match value {
            Some(value) => self.with(field, value),
            None => self,
        }
    }
}

/// Prints where an act was recorded.
pub(crate) fn show(recorded: &Value, output: crate::Output, then: &str) {
    match output {
        crate::Output::Json => print::json(recorded),
        crate::Output::Text => print::line(format!("{}{then}", recorded_line(recorded))),
    }
}

/// Where an act was recorded, as a line.
pub(crate) fn recorded_line(recorded: &Value) -> String {
    let text = |key: &str| match recorded.get(key) {
        Some(Value::String(text)) => Plain(text).to_string(),
        other => other.map(Value::to_string).unwrap_or_default(),
    };
    let is_repeated = recorded.get("already_recorded").and_then(Value::as_bool) == Some(true);
    format!(
        "{} {}: {} as {}/{}@{}",
        text("kind"),
        text("event_id"),
        if is_repeated { "already recorded" } else { "recorded" },
        text("topic"),
        text("partition"),
        text("offset"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_gateway_refuses_is_said_by_the_name_of_the_option() {
        let answer = json!({"error": {
            "code": "invalid_field",
            "message": "…",
            "fields": [
                {"field": "agent_id", "reason": "is required"},
                {"field": "for_secs", "reason": "within 30 days from now"},
                {"field": "change.\u{1b}[2K", "reason": "is not a field"},
            ],
        }});
        let failure = refused(400, &answer);
        assert!(failure.is_usage());
        let says = "--agent: is required; --for: within 30 days from now; \
                    `change.\\u{1b}[2K`: is not a field";
        assert_eq!(failure.message(), says);
        let failure = refused(500, &json!([]));
        assert_eq!(failure.message(), "the gateway answered 500 error: no reason given");
    }
}
