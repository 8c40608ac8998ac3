//! `driftseal risk record`: how a risk is judged, and what is done about it.

use event::{Timestamp, kind};
use serde_json::json;

use super::context::Context;
use super::options::{RecordArgs, list, object, parse_time, text};
use crate::gateway::Body;
use crate::outcome::{Ended, Failure};

/// What to do with risks.
#[derive(Debug, clap::Subcommand)]
pub enum Action {
    /// Record that a risk was assessed, decided, accepted or closed
    Record(Args),
}

/// What happened to a risk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Step {
    /// It was assessed: likelihood and impact
    Assessed,
    /// Its treatment was decided
    Decided,
    /// Its owner accepted what remains
    Accepted,
    /// It no longer applies
    Closed,
}

/// Arguments of `driftseal risk record`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Risk
    #[arg(value_name = "RISK_ID")]
    id: String,
    /// What happened
    #[arg(long, value_enum, value_name = "STEP")]
    step: Step,
    /// Change that it was assessed for
    #[arg(long, value_name = "ID")]
    change: Option<String>,
    /// Short description
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    /// Agent, corpus or system at risk
    #[arg(long, value_name = "ID")]
    asset: Option<String>,
    /// Likelihood, 1 (rare) to 5 (almost certain)
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(i64).range(1..=5))]
    likelihood: Option<i64>,
    /// Impact, 1 (negligible) to 5 (severe)
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(i64).range(1..=5))]
    impact: Option<i64>,
    /// Treatment
    #[arg(long, value_parser = ["modify", "retain", "avoid", "share"])]
    treatment: Option<String>,
    /// Control that treats it; may be repeated
    #[arg(long, value_name = "ID")]
    control: Vec<String>,
    /// Risk owner
    #[arg(long, value_name = "NAME")]
    owner: Option<String>,
    /// When the acceptance ends, RFC 3339
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    expires: Option<Timestamp>,
    /// When it must be assessed again, RFC 3339
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    review_due: Option<Timestamp>,
    /// Justification
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    record: RecordArgs,
}

impl Action {
    pub(super) fn run(self, context: &Context) -> Result<Ended, Failure> {
        let Self::Record(args) = self;
        args.check()?;
        let kind = match args.step {
            Step::Assessed => kind::RISK_ASSESSED,
            Step::Decided => kind::RISK_DECIDED,
            Step::Accepted => kind::RISK_ACCEPTED,
            Step::Closed => kind::RISK_CLOSED,
        };
        let time = |time: Option<Timestamp>| time.map(|time| json!(time.to_string()));
        let risk = object([
            ("id", Some(json!(args.id))),
            ("change_id", text(args.change)),
            ("title", text(args.title)),
            ("asset", text(args.asset)),
            ("likelihood", args.likelihood.map(|number| json!(number))),
            ("impact", args.impact.map(|number| json!(number))),
            ("treatment", text(args.treatment)),
            ("controls", list(args.control)),
            ("owner", text(args.owner)),
            ("acceptance_expires_at", time(args.expires)),
            ("review_due", time(args.review_due)),
            ("justification", text(args.reason)),
        ]);
        let body = Body::of_kind(kind).with("links", json!({"risk": args.id})).with("risk", risk);
        args.record.record(context, body)
    }
}

impl Args {
    /// What a step says nothing without.
    fn check(&self) -> Result<(), Failure> {
        let needed: &[(&str, bool)] = match self.step {
            Step::Assessed => {
                &[("--likelihood", self.likelihood.is_some()), ("--impact", self.impact.is_some())]
            }
            Step::Decided => &[("--treatment", self.treatment.is_some())],
            Step::Accepted => {
                &[("--owner", self.owner.is_some()), ("--reason", self.reason.is_some())]
            }
            Step::Closed => &[("--reason", self.reason.is_some())],
        };
        let missing: Vec<String> = needed
            .iter()
            .filter(|(_, given)| !given)
            .map(|(option, _)| format!("{option}: is required"))
            .collect();
        if missing.is_empty() { Ok(()) } else { Err(Failure::usage(missing.join("; "))) }
    }
}
