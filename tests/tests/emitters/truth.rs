//! What an emitter says of its runs, and what is sealed of them, in one form that compares.

use std::collections::BTreeMap;

use event::{Event, column, kind};
use serde_json::Value;

/// One call of a model.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Call {
    /// The model that answered, or was asked for where only that is told; empty if it failed.
    pub(crate) model: String,
    /// Tokens in.
    pub(crate) input: i64,
    /// Tokens out.
    pub(crate) output: i64,
    /// Whether it failed.
    pub(crate) failed: bool,
}

/// One run.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Run {
    /// Calls of models, in order.
    pub(crate) calls: Vec<Call>,
    /// Calls of tools, in order, and whether they failed.
    pub(crate) tools: Vec<(String, bool)>,
    /// Conversation.
    pub(crate) conversation: Option<String>,
    /// Version of the agent.
    pub(crate) version: String,
    /// Whether it failed; `None` if nothing says how it ended.
    pub(crate) failed: Option<bool>,
    /// Agents that took part, one after the other.
    pub(crate) agents: usize,
    /// Cost in billionths of a dollar.
    pub(crate) cost: Option<i64>,
    /// Evaluations: name, thousandths of a score, label.
    pub(crate) evaluations: Vec<(String, Option<i64>, Option<String>)>,
}

/// Rounded, so that sums of the same numbers in another order are the same.
#[expect(clippy::cast_possible_truncation, reason = "the numbers of a test are small")]
fn rounded(number: f64, by: f64) -> i64 {
    (number * by).round() as i64
}

fn list(value: &Value, name: &str) -> Vec<Value> {
    value.get(name).and_then(Value::as_array).cloned().unwrap_or_default()
}

fn text(value: &Value, name: &str) -> Option<String> {
    value.get(name).and_then(Value::as_str).map(str::to_owned)
}

fn is(value: &Value, name: &str) -> bool {
    value.get(name).and_then(Value::as_bool).unwrap_or_default()
}

/// A call; `model` is the member that names what the emitter sends of the model.
fn call(value: &Value, model: &str) -> Call {
    let tokens = |name| value.get(name).and_then(Value::as_i64).unwrap_or_default();
    let failed = is(value, "failed");
    Call {
        model: text(value, model).filter(|_| !failed).unwrap_or_default(),
        input: tokens("input_tokens"),
        output: tokens("output_tokens"),
        failed,
    }
}

/// The runs that an emitter's truth tells of, as far as it sends them, sorted.
pub(crate) fn told(truth: &Value) -> Vec<Run> {
    let unsent: Vec<String> =
        list(truth, "not_sent").iter().filter_map(Value::as_str).map(str::to_owned).collect();
    let sends = |what: &str| !unsent.iter().any(|unsent| unsent == what);
    let mut runs = Vec::new();
    for value in list(truth, "runs") {
        let model = if sends("response_model") { "response_model" } else { "model" };
        let calls = list(&value, "model_calls");
        let calls: Vec<Call> = calls.iter().map(|value| call(value, model)).collect();
        let price = |value: &Value| value.get("list_price").and_then(Value::as_f64);
        let listed = || list(&value, "model_calls").iter().filter_map(price).sum::<f64>();
        let cost = value.get("cost").and_then(Value::as_f64).unwrap_or_else(listed);
        let evaluation = |value: &Value| {
            let score = value.get("score").and_then(Value::as_f64);
            let score = score.map(|score| rounded(score, 1e3));
            (text(value, "name").unwrap_or_default(), score, text(value, "label"))
        };
        let mut evaluations: Vec<_> = list(&value, "evaluations").iter().map(evaluation).collect();
        evaluations.sort();
        let tool = |value: &Value| (text(value, "name").unwrap_or_default(), is(value, "failed"));
        let run = Run {
            tools: if sends("tools") {
                list(&value, "tools").iter().map(tool).collect()
            } else {
                Vec::new()
            },
            conversation: text(&value, "conversation_id").filter(|_| sends("conversation_id")),
            version: text(&value, "version").unwrap_or_default(),
            failed: sends("run").then(|| is(&value, "failed")),
            agents: if sends("run") {
                1 + usize::from(value.get("handed_to").is_some())
            } else {
                0
            },
            cost: sends("cost").then(|| rounded(cost, 1e9)),
            evaluations,
            calls: Vec::new(),
        };
        if text(&value, "spans").as_deref() == Some("one trace per call") {
            runs.extend(calls.into_iter().map(|call| Run { calls: vec![call], ..run.clone() }));
        } else {
            runs.push(Run { calls, ..run });
        }
    }
    runs.sort();
    runs
}

/// Collects the events of each run.
#[derive(Debug, Default)]
pub(crate) struct Collected {
    runs: BTreeMap<String, (Run, Vec<Timed>)>,
    /// Who is said to have acted, by kind of event.
    pub(crate) agents: BTreeMap<String, Vec<String>>,
    /// Events that nothing understood, by kind.
    pub(crate) others: BTreeMap<String, usize>,
}

/// A call with its time, since events come in the order of their ends.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Timed {
    Model(i64, Call),
    Tool(i64, (String, bool)),
}

impl Collected {
    /// One event.
    pub(crate) fn add(&mut self, event: &Event<'_>, time_ms: i64) {
        let text = |column| event.text(column).map(str::to_owned);
        let kind = event.text(column::KIND).unwrap_or_default();
        let known =
            [kind::RUN_COMPLETED, kind::MODEL_INVOKED, kind::TOOL_COMPLETED, kind::EVAL_RESULT];
        if !known.contains(&kind) {
            *self.others.entry(kind.to_owned()).or_default() += 1;
            return;
        }
        let agents = self.agents.entry(kind.to_owned()).or_default();
        agents.push(text(column::AGENT_ID).unwrap_or_default());
        let (run, timed) = self.runs.entry(text(column::RUN_ID).unwrap_or_default()).or_default();
        match kind {
            kind::RUN_COMPLETED => {
                let failed = event.text(column::run::STATUS) == Some("error");
                run.failed = Some(failed || run.failed == Some(true));
                run.agents += 1;
                run.version = text(column::AGENT_VERSION).unwrap_or_default();
                run.conversation = text(column::CONVERSATION_ID);
            }
            kind::MODEL_INVOKED => {
                let failed = event.text(column::model::STATUS) == Some("error");
                let tokens = |column| event.int(column).unwrap_or_default();
                let call = Call {
                    model: text(column::model::RESPONSE_MODEL)
                        .or_else(|| text(column::model::REQUEST_MODEL))
                        .filter(|_| !failed)
                        .unwrap_or_default(),
                    input: tokens(column::model::INPUT_TOKENS),
                    output: tokens(column::model::OUTPUT_TOKENS),
                    failed,
                };
                if let Some(cost) = event.number(column::model::COST_USD) {
                    *run.cost.get_or_insert(0) += rounded(cost, 1e9);
                }
                if run.agents == 0 {
                    run.version = text(column::AGENT_VERSION).unwrap_or_default();
                }
                timed.push(Timed::Model(time_ms, call));
            }
            kind::EVAL_RESULT => {
                let score = event.number(column::eval::SCORE).map(|score| rounded(score, 1e3));
                let name = text(column::eval::NAME).unwrap_or_default();
                run.evaluations.push((name, score, text(column::eval::LABEL)));
            }
            _ => {
                let failed = event.text(column::tool::STATUS) == Some("error");
                let tool = (text(column::tool::NAME).unwrap_or_default(), failed);
                timed.push(Timed::Tool(time_ms, tool));
            }
        }
    }

    /// The runs, sorted.
    pub(crate) fn runs(self) -> Vec<Run> {
        let mut runs: Vec<Run> = self
            .runs
            .into_values()
            .map(|(mut run, mut timed)| {
                timed.sort();
                for what in timed {
                    match what {
                        Timed::Model(_, call) => run.calls.push(call),
                        Timed::Tool(_, tool) => run.tools.push(tool),
                    }
                }
                run.evaluations.sort();
                run
            })
            .collect();
        runs.sort();
        runs
    }
}
