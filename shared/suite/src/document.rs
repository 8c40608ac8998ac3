//! The suite document: parsed strictly, identified by the digest of its canonical form.

use std::collections::BTreeMap;

use event::{Event, column, kind};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::check::{self, Check};
use crate::gate::Gate;
use crate::key::{Fields, Form, Key, Reader};
use crate::problem::{Problem, Problems};
use crate::runs::RunFacts;
use crate::trial::{Trial, TrialKind, attribute};
use crate::verdict::{SuiteVerdict, summary};
use crate::yaml;

/// Largest document in bytes, both as text and in canonical form.
pub const DOCUMENT_BYTES_MAX: usize = 64 * 1024;

/// Domain of the digest that decides which events are sampled.
const SAMPLE: &[u8] = b"driftseal/suite-sample/v1";

/// Keys of the document.
pub(crate) const DOCUMENT: &[Key] = &[
    Key {
        name: "suite",
        required: true,
        form: Form::Name,
        doc: "Name of the suite; a later document of that name replaces an earlier one.",
    },
    Key {
        name: "description",
        required: false,
        form: Form::Text { chars_max: 1_000 },
        doc: "What it is for, for people.",
    },
    Key {
        name: "owner",
        required: false,
        form: Form::Text { chars_max: 200 },
        doc: "Who is responsible for it.",
    },
    Key {
        name: "enabled",
        required: false,
        form: Form::Flag,
        doc: "Whether it judges events; true if absent. To end a suite, publish it with false.",
    },
    Key {
        name: "applies_to",
        required: false,
        form: Form::Section(APPLIES_TO),
        doc: "Selection of the events that it judges; every completed run if absent.",
    },
    Key {
        name: "sample",
        required: false,
        form: Form::Share,
        doc: "Share of these events that is judged, selected by a digest of the event id; 1 if absent.",
    },
    Key {
        name: "checks",
        required: true,
        form: Form::Checks,
        doc: "The checks; an event passes if every applicable check passes.",
    },
    Key {
        name: "gate",
        required: false,
        form: Form::Section(GATE),
        doc: "What an agent version must reach; without a gate there is no decision.",
    },
];

/// Keys of `applies_to`.
pub(crate) const APPLIES_TO: &[Key] = &[
    Key {
        name: "kind",
        required: false,
        form: Form::Choice(&[kind::RUN_COMPLETED, kind::MODEL_INVOKED, kind::TOOL_COMPLETED]),
        doc: "Kind of the events; run.completed if absent.",
    },
    Key { name: "agents", required: false, form: IDS, doc: "Values of agent_id; any if absent." },
    Key {
        name: "environments",
        required: false,
        form: IDS,
        doc: "Values of environment; any or none if absent.",
    },
    Key {
        name: "tenants",
        required: false,
        form: IDS,
        doc: "Values of tenant_id; any or none if absent.",
    },
    Key {
        name: "attributes",
        required: false,
        form: Form::Labels { items_max: 16 },
        doc: "Entries that the event's attributes must have.",
    },
];

const IDS: Form = Form::Texts { chars_max: 256, items_max: 256 };

/// Keys of `gate`.
pub(crate) const GATE: &[Key] = &[
    Key {
        name: "pass_rate_min",
        required: true,
        form: Form::Level,
        doc: "Required pass rate of the judged events.",
    },
    Key {
        name: "confidence",
        required: false,
        form: Form::Level,
        doc: "One minus the probability of a wrong decision; 0.95 if absent.",
    },
    Key {
        name: "trials_min",
        required: false,
        form: Form::Count { min: 1, max: 1_000_000 },
        doc: "Number of judged events required for a decision; 20 if absent.",
    },
];

/// A checked suite.
#[derive(Debug)]
pub struct Suite {
    name: String,
    digest: String,
    canonical: String,
    description: Option<String>,
    enabled: bool,
    selector: Selector,
    sample: f64,
    checks: Vec<Check>,
    gate: Option<Gate>,
}

#[derive(Debug)]
struct Selector {
    kind: TrialKind,
    agents: Option<Vec<String>>,
    environments: Option<Vec<String>>,
    tenants: Option<Vec<String>>,
    attributes: BTreeMap<String, String>,
}

impl Suite {
    /// Parses a document that a person wrote, in YAML or JSON.
    ///
    /// # Errors
    ///
    /// All problems, each with its line and path; for text that is not YAML, the first one.
    pub fn parse(text: &str) -> Result<Self, Problems> {
        if text.len() > DOCUMENT_BYTES_MAX {
            return Err(only(None, &too_large(text.len())));
        }
        let (value, lines) = yaml::load(text).map_err(|problem| Problems(vec![problem]))?;
        let canonical = canonical_of(&value)?;
        if canonical.len() > DOCUMENT_BYTES_MAX {
            return Err(only(None, &too_large(canonical.len())));
        }
        Self::read(&value, canonical, Reader::new(Some(&lines)))
    }

    /// Parses a document that was published.
    ///
    /// # Errors
    ///
    /// As [`Self::parse`], and if the document is not in canonical form (RFC 8785): its digest
    /// would not be that of its bytes.
    pub fn from_canonical(document: &str) -> Result<Self, Problems> {
        if document.len() > DOCUMENT_BYTES_MAX {
            return Err(only(None, &too_large(document.len())));
        }
        let value: Value = serde_json::from_str(document)
            .map_err(|error| only(Some(error.line()), &format!("not JSON: {error}")))?;
        let canonical = canonical_of(&value)?;
        if canonical != document {
            return Err(only(None, "the document is not in canonical form (RFC 8785)"));
        }
        Self::read(&value, canonical, Reader::new(None))
    }

    fn read(value: &Value, canonical: String, mut reader: Reader<'_>) -> Result<Self, Problems> {
        let keys: Vec<&'static Key> = DOCUMENT.iter().collect();
        let fields = reader.object("", value, &keys);
        let selector = selector(fields.as_ref(), &mut reader);
        let gate = fields.as_ref().and_then(|fields| gate(fields, &mut reader));
        let checks = fields.as_ref().and_then(|fields| fields.value("checks"));
        // A document without valid checks has a problem, and is refused below.
        let checks = checks
            .map(|list| check::read("checks", list, selector.kind, &mut reader))
            .unwrap_or_default();
        let mut problems = reader.problems;
        let Some(fields) = fields.filter(|_| problems.is_empty()) else {
            problems.sort_by_key(|problem| problem.line);
            return Err(Problems(problems));
        };
        let Some(name) = fields.text("suite") else { unreachable!("the reader requires `suite`") };
        Ok(Self {
            name: name.to_owned(),
            digest: digest_of(&canonical),
            canonical,
            description: fields.text("description").map(str::to_owned),
            enabled: fields.flag("enabled").unwrap_or(true),
            selector,
            sample: fields.number("sample").unwrap_or(1.0),
            checks,
            gate,
        })
    }

    /// Name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// SHA-256 of the canonical form, in hex: `eval.suite_digest`.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The document as RFC 8785 JSON: `eval.document`.
    #[must_use]
    pub fn canonical(&self) -> &str {
        &self.canonical
    }

    /// What it is for, for people.
    #[must_use]
    pub fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }

    /// Whether it judges events.
    #[must_use]
    pub const fn enabled(&self) -> bool {
        self.enabled
    }

    /// Kind of the events that it judges.
    #[must_use]
    pub const fn kind(&self) -> TrialKind {
        self.selector.kind
    }

    /// Names of the checks, in the order of the document.
    pub fn checks(&self) -> impl Iterator<Item = &str> {
        self.checks.iter().map(|check| check.name.as_str())
    }

    /// What an agent version must reach.
    #[must_use]
    pub const fn gate(&self) -> Option<&Gate> {
        self.gate.as_ref()
    }

    /// Number of compiled patterns.
    pub(crate) fn patterns(&self) -> usize {
        self.checks.iter().map(|check| check.evaluator.patterns()).sum()
    }

    /// Whether a check uses what was recorded of a run before it ended.
    pub(crate) fn needs_runs(&self) -> bool {
        self.enabled
            && self.selector.kind == TrialKind::Run
            && self.checks.iter().any(|check| check.evaluator.needs_run())
    }

    /// Whether events of this agent can be judged.
    pub(crate) fn selects_agent(&self, event: &Event<'_>) -> bool {
        let listed = |list: &Option<Vec<String>>, value: Option<&str>| {
            list.as_ref().is_none_or(|list| {
                value.is_some_and(|value| list.iter().any(|listed| listed == value))
            })
        };
        self.enabled
            && listed(&self.selector.agents, event.text(column::AGENT_ID))
            && listed(&self.selector.tenants, event.text(column::TENANT_ID))
    }

    /// Whether this event is judged: it has the kind, is selected, and is in the sample.
    pub(crate) fn selects(&self, event: &Event<'_>, kind: TrialKind) -> bool {
        let environment = || {
            self.selector.environments.as_ref().is_none_or(|list| {
                event
                    .text(column::ENVIRONMENT)
                    .is_some_and(|value| list.iter().any(|listed| listed == value))
            })
        };
        let attributes = || {
            self.selector
                .attributes
                .iter()
                .all(|(name, value)| attribute(event, name) == Some(value))
        };
        self.selector.kind == kind
            && self.selects_agent(event)
            && environment()
            && attributes()
            // An event without an id is sampled like one with an empty id.
            && self.samples(event.text(column::EVENT_ID).unwrap_or_default())
    }

    /// Whether an event id is in the sample. The digest includes the name of the suite, so that
    /// suites draw different samples, but not its document, so that a changed suite judges the same
    /// events.
    fn samples(&self, event_id: &str) -> bool {
        if self.sample >= 1.0 {
            return true;
        }
        let mut hasher = Sha256::new();
        for part in [SAMPLE, b"\0", self.name.as_bytes(), b"\0", event_id.as_bytes()] {
            hasher.update(part);
        }
        let digest: [u8; 32] = hasher.finalize().into();
        let [a, b, c, d, e, f, g, ..] = digest;
        // 53 bits: as many as a float holds exactly.
        let bits = u64::from_be_bytes([0, a, b, c, d, e, f, g]) >> 3;
        #[expect(clippy::cast_precision_loss, reason = "below 2^53")]
        let position = bits as f64 / 9_007_199_254_740_992.0;
        position < self.sample
    }

    /// Judges an event that is selected.
    pub(crate) fn judge(&self, event: &Event<'_>, run: Option<&RunFacts>) -> SuiteVerdict {
        let trial = Trial { event, kind: self.selector.kind, run };
        let checks: Vec<_> = self.checks.iter().map(|check| check.judge(&trial)).collect();
        let (passed, score) = summary(&checks);
        SuiteVerdict {
            suite: self.name.clone(),
            suite_digest: self.digest.clone(),
            passed,
            score,
            checks,
            gate: None,
        }
    }
}

/// The canonical form (RFC 8785).
fn canonical_of(value: &Value) -> Result<String, Problems> {
    serde_json_canonicalizer::to_string(value)
        .map_err(|error| only(None, &format!("has no canonical form: {error}")))
}

/// SHA-256 in hex.
fn digest_of(canonical: &str) -> String {
    Sha256::digest(canonical.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn only(line: Option<usize>, message: &str) -> Problems {
    Problems(vec![Problem::new("", line, message)])
}

fn too_large(bytes: usize) -> String {
    format!("the document has {bytes} bytes; at most {DOCUMENT_BYTES_MAX} are allowed")
}

fn section<'v>(
    fields: &Fields<'v>,
    name: &str,
    keys: &'static [Key],
    reader: &mut Reader<'_>,
) -> Option<Fields<'v>> {
    let keys: Vec<&'static Key> = keys.iter().collect();
    reader.object(&fields.path(name), fields.value(name)?, &keys)
}

fn selector(fields: Option<&Fields<'_>>, reader: &mut Reader<'_>) -> Selector {
    let inner = fields.and_then(|fields| section(fields, "applies_to", APPLIES_TO, reader));
    let texts = |name| inner.as_ref().and_then(|inner| inner.texts(name));
    let kind = inner.as_ref().and_then(|inner| TrialKind::of(inner.text("kind")?));
    Selector {
        kind: kind.unwrap_or(TrialKind::Run),
        agents: texts("agents"),
        environments: texts("environments"),
        tenants: texts("tenants"),
        attributes: inner.as_ref().and_then(|inner| inner.labels("attributes")).unwrap_or_default(),
    }
}

fn gate(fields: &Fields<'_>, reader: &mut Reader<'_>) -> Option<Gate> {
    let inner = section(fields, "gate", GATE, reader)?;
    Some(Gate {
        pass_rate_min: inner.number("pass_rate_min")?,
        confidence: inner.number("confidence").unwrap_or(0.95),
        trials_min: inner.count("trials_min").unwrap_or(20),
    })
}
