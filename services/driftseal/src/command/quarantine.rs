//! `driftseal quarantine list`: the records that did not decode, and why.

use std::collections::BTreeMap;

use event::plain::{Name, Plain, bounded};
use event::{Reason, Timestamp};
use evidence::{Period, Quarantined};
use serde_json::{Value, json};

use super::context::Context;
use super::evidence::{Source, bar, refused, show};
use super::options::parse_time;
use crate::outcome::{Ended, Failure};
use crate::print::Output;
use crate::{print, roles};

/// Characters of a value that are shown.
const VALUE_CHARS_MAX: usize = 120;

/// Actions of `driftseal quarantine`.
#[derive(Debug, clap::Subcommand)]
pub enum Action {
    /// List the quarantined records of an archive, with reason, place and cause
    List(ListArgs),
}

/// Arguments of `driftseal quarantine list`.
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    #[command(flatten)]
    source: Source,
    /// Start of the period, RFC 3339, inclusive; broker timestamps count [default: unbounded]
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    from: Option<Timestamp>,
    /// End of the period, RFC 3339, exclusive [default: unbounded]
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    to: Option<Timestamp>,
    /// List only records with this reason
    #[arg(long, value_name = "REASON", value_parser = parse_reason)]
    reason: Option<String>,
    /// List at most this many records; all are counted
    #[arg(long, value_name = "NUMBER", default_value_t = 100)]
    limit: usize,
    /// Show the beginning of each value too, which may be personal data
    #[arg(long)]
    values: bool,
}

fn parse_reason(text: &str) -> Result<String, String> {
    let names = Reason::ALL.map(Reason::name);
    if names.contains(&text) {
        return Ok(text.to_owned());
    }
    Err(format!("expected one of {}", names.join(", ")))
}

impl Action {
    pub(super) fn run(self, context: &Context) -> Result<Ended, Failure> {
        match self {
            Self::List(arguments) => arguments.run(context),
        }
    }
}

#[derive(Debug, Default)]
struct Listed {
    records: Vec<Quarantined>,
    by_reason: BTreeMap<String, u64>,
}

impl ListArgs {
    fn run(&self, context: &Context) -> Result<Ended, Failure> {
        let policy = self.source.policy(context)?;
        let runtime = roles::runtime()?;
        let archive = self.source.open(context, &runtime)?;
        let is_bounded = self.from.is_some() || self.to.is_some();
        let period = is_bounded.then(|| Period {
            from_ms: self.from.map_or(i64::MIN, Timestamp::millis),
            to_ms: self.to.map_or(i64::MAX, Timestamp::millis),
        });
        let mut listed = Listed::default();
        let bar = bar();
        let read =
            evidence::quarantined(&archive, &policy, period, &mut show(&bar), &mut |record| {
                if self.reason.as_ref().is_some_and(|reason| *reason != record.reason) {
                    return;
                }
                *listed.by_reason.entry(record.reason.clone()).or_default() += 1;
                if listed.records.len() < self.limit {
                    listed.records.push(record);
                }
            });
        bar.finish_and_clear();
        if let Err(error) = read {
            return Err(refused(&error));
        }
        self.print(&listed, context.output);
        Ok(Ended::Done)
    }

    fn print(&self, Listed { records, by_reason }: &Listed, output: Output) {
        let total: u64 = by_reason.values().sum();
        match output {
            Output::Text => {
                for record in records {
                    print::line(self.line(record));
                }
                let reasons: Vec<String> =
                    by_reason.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
                let left_out = total - service::metrics::count(records.len());
                if left_out > 0 {
                    print::line(format!("… and {} more; see --limit", print::grouped(left_out)));
                }
                let total = print::grouped(total);
                print::line(if reasons.is_empty() {
                    "no sealed record is quarantined".to_owned()
                } else {
                    format!("{total} quarantined records: {}", reasons.join(", "))
                });
            }
            Output::Json => {
                let records: Vec<Value> = records.iter().map(|it| self.document(it)).collect();
                print::json(&json!({
                    "total": total, "by_reason": by_reason, "records": records,
                }));
            }
        }
    }

    fn line(&self, record: &Quarantined) -> String {
        let Quarantined { partition, offset, timestamp_ms, reason, pointer, detail, .. } = record;
        let at = Timestamp::from_millis(*timestamp_ms);
        let detail = detail.as_deref().unwrap_or("(erased)");
        let mut line = format!(
            "{at} {}/{offset} {}: {}",
            Name(&partition.to_string()),
            Name(reason),
            Plain(detail)
        );
        if !pointer.is_empty() {
            line.push_str(&format!(" at `{}`", Name(pointer)));
        }
        match &record.value {
            Some(value) if self.values => {
                let text = String::from_utf8_lossy(value);
                line.push_str(&format!(": {}", bounded(&text, VALUE_CHARS_MAX)));
            }
            Some(value) => line.push_str(&format!(
                ", {} bytes",
                print::grouped(service::metrics::count(value.len()))
            )),
            None => {}
        }
        line
    }

    fn document(&self, record: &Quarantined) -> Value {
        let Quarantined {
            partition,
            offset,
            timestamp_ms,
            reason,
            pointer,
            encoding,
            detail,
            value,
        } = record;
        let mut document = json!({
            "topic": &*partition.topic, "partition": partition.partition, "offset": offset,
            "timestamp": Timestamp::from_millis(*timestamp_ms).to_string(),
            "reason": reason, "pointer": pointer, "encoding": encoding, "detail": detail,
            "value_bytes": value.as_ref().map(Vec::len),
        });
        if self.values
            && let (Value::Object(members), Some(value)) = (&mut document, value)
        {
            let text = bounded(&String::from_utf8_lossy(value), VALUE_CHARS_MAX);
            members.insert("value_begins".to_owned(), text.into());
        }
        document
    }
}
