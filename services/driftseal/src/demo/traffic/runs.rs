//! The events of a run, from its start to its evaluation.

use event::kind;
use serde_json::{Value, json};

use super::agents::{Agent, Tool, Version};
use super::draft::{Draft, insert, rfc3339};
use super::governance::{digest, sha256};
use super::rng::Rng;

/// Share of runs that are evaluated.
const EVALUATED_SHARE: f64 = 0.6;

/// Appends the events of a run.
pub(super) fn write(
    agent: &Agent,
    version: &Version,
    start_ms: i64,
    rng: &mut Rng,
    drafts: &mut Vec<Draft>,
) {
    let mut run = Run {
        agent,
        version,
        drafts,
        id: format!("{:016x}{:016x}", rng.next(), rng.next()),
        now_ms: start_ms,
        input_tokens: 0,
        output_tokens: 0,
        steps: 0,
    };
    run.whole(start_ms, rng);
}

struct Run<'a> {
    agent: &'a Agent,
    version: &'a Version,
    drafts: &'a mut Vec<Draft>,
    id: String,
    now_ms: i64,
    input_tokens: i64,
    output_tokens: i64,
    steps: i64,
}

impl Run<'_> {
    fn whole(&mut self, start_ms: i64, rng: &mut Rng) {
        let subject = format!("customer:{}", rng.between(10_000, 99_999));
        let question = rng.pick(self.agent.questions);
        self.send(json!({
            "kind": kind::RUN_STARTED,
            "subject_refs": [subject],
            "run": {"trigger": "message", "input": question, "input_digest": sha256(question)},
        }));

        let fails = rng.chance(self.version.error_rate);
        self.model_call(question, rng);
        let calls = rng.between(1, 3);
        for index in 0..calls {
            let mut tool = rng.pick(self.agent.tools);
            if tool.needs_approval && index + 1 < calls {
                let Some(first) = self.agent.tools.first() else {
                    unreachable!("agents have tools")
                };
                tool = *first;
            }
            let last = index + 1 == calls;
            self.tool_call(tool, fails && last, rng);
        }
        self.model_call("(continued)", rng);
        self.completed(start_ms, fails, rng);
        if rng.chance(EVALUATED_SHARE) {
            self.evaluated(fails, rng);
        }
    }

    fn send(&mut self, mut fields: Value) {
        let common = [
            ("agent_version", json!(self.version.name)),
            ("version_digest", json!(digest(self.agent, self.version))),
            ("run_id", json!(self.id)),
        ];
        for (key, value) in common {
            insert(&mut fields, key, value);
        }
        self.drafts.push(Draft::new(self.agent, self.now_ms, fields));
    }

    fn wait(&mut self, ms: f64) {
        #[expect(clippy::cast_possible_truncation, reason = "minutes at most")]
        let ms = ms as i64;
        self.now_ms += ms.max(1);
    }

    fn model_call(&mut self, input: &str, rng: &mut Rng) {
        self.steps += 1;
        let duration_ms = rng.log_normal(self.version.model_median_ms, 0.35);
        self.wait(duration_ms);
        let input_tokens = 400 + rng.between(0, 900);
        #[expect(clippy::cast_possible_truncation, reason = "some hundred tokens")]
        let output_tokens = rng.log_normal(self.version.output_tokens_median, 0.4) as i64;
        self.input_tokens += input_tokens;
        self.output_tokens += output_tokens;
        let mut fields = json!({
            "kind": kind::MODEL_INVOKED,
            "model": {
                "provider": "atlas", "request_model": self.agent.model,
                "response_model": self.agent.model, "finish_reasons": ["stop"], "status": "ok",
                "duration_ms": round(duration_ms), "input_tokens": input_tokens,
                "output_tokens": output_tokens, "cost_usd": cost(input_tokens, output_tokens),
                "input": input,
            },
        });
        // Fields that the schema does not have must be kept.
        if rng.chance(0.01) {
            let debug = json!({"retries": rng.between(1, 4), "cache": "miss"});
            insert(&mut fields, "debug", debug);
            insert(&mut fields, "labels", json!(["β-test", "région-2"]));
        }
        self.send(fields);
    }

    fn tool_call(&mut self, tool: Tool, fails: bool, rng: &mut Rng) {
        self.steps += 1;
        let call = format!("call_{:012x}", rng.next() >> 16);
        let amount = rng.between(5, 400);
        let arguments =
            json!({"order": rng.between(100_000, 999_999), "amount": amount}).to_string();
        let action = sha256(&format!("{}\n{arguments}", tool.name));
        let mut approval = None;
        if tool.needs_approval && amount > 100 {
            let (id, approved) = self.approval(&action, rng);
            if !approved {
                self.send(json!({
                    "kind": kind::TOOL_BLOCKED,
                    "links": {"approval": id},
                    "tool": {
                        "call_id": call, "name": tool.name, "status": "blocked",
                        "side_effect": tool.side_effect, "action_digest": action,
                        "policy_decision": "denied by approver", "arguments": arguments,
                    },
                }));
                return;
            }
            approval = Some(id);
        }
        self.send(json!({
            "kind": kind::TOOL_CALLED,
            "links": {"approval": approval},
            "tool": {
                "call_id": call, "name": tool.name, "type": "function",
                "side_effect": tool.side_effect, "action_digest": action,
                "arguments_digest": sha256(&arguments), "arguments": arguments,
            },
        }));
        if let Some(id) = approval {
            self.send(json!({
                "kind": kind::APPROVAL_CONSUMED,
                "links": {"approval": id},
                "approval": {
                    "id": id, "action_digest": action, "final_action_digest": action,
                    "tool_call_id": call, "matched": true,
                },
            }));
        }
        let duration_ms = rng.log_normal(tool.median_ms, 0.5);
        self.wait(duration_ms);
        let error = fails.then(|| rng.pick(&["timeout", "not_found", "invalid_arguments"]));
        self.send(json!({
            "kind": kind::TOOL_COMPLETED,
            "tool": {
                "call_id": call, "name": tool.name, "type": "function",
                "status": if fails { "error" } else { "ok" }, "error_type": error,
                "duration_ms": round(duration_ms), "side_effect": tool.side_effect,
                "action_digest": action, "result": if fails { "" } else { "{\"state\":\"done\"}" },
            },
        }));
    }

    /// Requests an approval, which a person decides after a while. Returns its identifier and whether
    /// it was granted.
    fn approval(&mut self, action: &str, rng: &mut Rng) -> (String, bool) {
        let id = format!("apr-{:010x}", rng.next() >> 24);
        let asked_ms = self.now_ms;
        self.send(json!({
            "kind": kind::APPROVAL_REQUESTED,
            "links": {"approval": id},
            "approval": {
                "id": id, "action_digest": action, "risk_tier": self.agent.risk_tier,
                "eligible_approvers": ["team-leads"],
                "expires_at": rfc3339(asked_ms + 3_600_000),
            },
        }));
        let decided_after_ms = rng.log_normal(25_000.0, 0.8).min(240_000.0);
        self.wait(decided_after_ms);
        let approved = rng.chance(0.94);
        let person = rng.pick(&["j.moreau", "s.ito", "m.okafor"]);
        self.send(json!({
            "kind": kind::APPROVAL_DECIDED,
            "actor": {"type": "human", "id": person, "authn": "oidc", "evidence_level": "verified"},
            "links": {"approval": id},
            "approval": {
                "id": id, "action_digest": action,
                "outcome": if approved { "approved" } else { "denied" },
                "approver_id": person, "approver_authn": "oidc", "authority": "refund-policy-3",
                "decided_at": rfc3339(self.now_ms),
                "time_to_decision_ms": round(decided_after_ms),
                "justification": if approved { "within policy" } else { "amount not justified" },
            },
        }));
        (id, approved)
    }

    fn completed(&mut self, start_ms: i64, fails: bool, rng: &mut Rng) {
        let answer = rng.pick(self.agent.answers);
        let error = fails.then(|| rng.pick(&["tool_error", "timeout", "context_overflow"]));
        #[expect(clippy::cast_precision_loss, reason = "minutes at most")]
        let duration_ms = (self.now_ms - start_ms) as f64;
        self.send(json!({
            "kind": kind::RUN_COMPLETED,
            "run": {
                "status": if fails { "error" } else { "ok" }, "error_type": error,
                "duration_ms": duration_ms, "steps": self.steps,
                "input_tokens": self.input_tokens, "output_tokens": self.output_tokens,
                "cost_usd": cost(self.input_tokens, self.output_tokens),
                "refused": !fails && rng.chance(0.01), "output": if fails { "" } else { answer },
                "output_chars": if fails { 0 } else { answer.chars().count() },
            },
        }));
    }

    fn evaluated(&mut self, failed: bool, rng: &mut Rng) {
        self.wait(1_500.0);
        let passed = !failed && rng.chance(self.version.pass_rate);
        let score = if passed { 0.7 + 0.3 * rng.uniform() } else { 0.65 * rng.uniform() };
        self.send(json!({
            "kind": kind::EVAL_RESULT,
            "eval": {
                "suite": self.agent.suite, "name": "judge", "item": self.id,
                "score": round(score), "threshold": 0.7, "passed": passed,
                "label": if passed { "pass" } else { "fail" },
                "evaluator_type": "llm_judge", "evaluator_id": "judge-3",
            },
        }));
    }
}

fn round(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}

#[expect(clippy::cast_precision_loss, reason = "some thousand tokens")]
fn cost(input_tokens: i64, output_tokens: i64) -> f64 {
    ((input_tokens as f64).mul_add(2.0, output_tokens as f64 * 8.0)).round() / 1_000_000.0
}
