//! `driftseal emit FILE...`: sends events from files.

use std::path::PathBuf;
use std::time::Duration;

use event::plain::Plain;
use serde_json::{Value, json};

use super::context::Context;
use crate::emit::sink::{Encoding, HttpSink, LogSink, Report, Sink, Teller};
use crate::emit::{Rejected, load_mapping, send_files};
use crate::outcome::{Ended, Failure};
use crate::print::Output;
use crate::{print, roles};
use mapping::Mapping;
use service::metrics::count;

/// How long a request is retried while the collector is busy or unreachable.
const RETRIES_FOR: Duration = Duration::from_secs(60);

/// Arguments of `driftseal emit`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Files of events: JSON lines, JSON arrays or CSV, optionally gzipped
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Mapping from the records of the files to events (TOML, see schemas/mappings)
    #[arg(long, value_name = "FILE")]
    mapping: Option<PathBuf>,
    /// URL of the collector [default: Kafka if `kafka.brokers` is set, else `listen.collector`]
    #[arg(long, value_name = "URL")]
    to: Option<String>,
    /// Encoding of events that are published directly to Kafka
    #[arg(long, value_enum, default_value = "avro", value_name = "ENCODING")]
    encoding: Encoding,
}

impl clap::ValueEnum for Encoding {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Avro, Self::Json]
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        Some(match self {
            Self::Avro => {
                clap::builder::PossibleValue::new("avro").help("Avro, validated before it is sent")
            }
            Self::Json => clap::builder::PossibleValue::new("json")
                .help("the JSON text, unchanged and unvalidated"),
        })
    }
}

impl Args {
    pub(super) fn run(self, context: &Context) -> Result<Ended, Failure> {
        let config = context.load()?;
        let mapping = self.mapping.as_deref().map(load_mapping).transpose()?;
        let report = match &self.to {
            None if !config.kafka.brokers.is_empty() => {
                let log = roles::open_log(&config)?;
                let (topic, encoding) = (&config.collector.topic, self.encoding);
                self.emit(mapping.as_ref(), |teller| LogSink::new(&*log, topic, encoding, teller))?
            }
            to => {
                let here = format!("http://{}", config.listen.collector);
                let url = to.as_deref().unwrap_or(&here);
                self.emit(mapping.as_ref(), |teller| HttpSink::new(url, RETRIES_FOR, teller))
                    .map_err(|failure| {
                        let message = failure.message();
                        Failure::new(format!(
                            "{message}; `driftseal up` or `driftseal run collector` starts a \
                             collector, --to names another"
                        ))
                    })?
            }
        };
        self.show(&report, context.output);
        Ok(if report.rejected == 0 { Ended::Done } else { Ended::Failed })
    }

    fn emit<S: Sink>(
        &self,
        mapping: Option<&Mapping>,
        sink: impl FnOnce(Teller) -> S,
    ) -> Result<Report, Failure> {
        let progress = print::bar(None, "{spinner} {human_pos} events, {per_sec}");
        let beside = progress.clone();
        let mut sink = sink(Teller::new(move |text| {
            beside.suspend(|| print::note(format!("driftseal: {text}")));
        }));
        let outcome = send_files(&self.files, mapping, &mut sink, &mut |sent| {
            progress.set_position(sent);
        });
        progress.finish_and_clear();
        let report = std::mem::take(sink.report());
        match outcome {
            Ok(()) => Ok(report),
            Err(error) => Err(Failure::new(format!(
                "{error}; {} events were accepted before that",
                print::grouped(report.accepted)
            ))),
        }
    }

    fn show(&self, report: &Report, output: Output) {
        let name = |file: usize| {
            let Some(file) = self.files.get(file) else { unreachable!("a rejection has a file") };
            file.display().to_string()
        };
        match output {
            Output::Text => {
                for (file, Rejected { line, reason }) in &report.rejections {
                    print::note(format!("{}:{line}: {}", Plain(&name(*file)), Plain(reason)));
                }
                let kept = count(report.rejections.len());
                if report.rejected > kept {
                    print::note(format!(
                        "… and {} more rejected",
                        print::grouped(report.rejected - kept)
                    ));
                }
                for (file, Rejected { line, reason }) in &report.remarks {
                    let file = name(*file);
                    print::note(format!("{}:{line}: remark: {}", Plain(&file), Plain(reason)));
                }
                let kept = count(report.remarks.len());
                if report.remarked > kept {
                    let more = print::grouped(report.remarked - kept);
                    print::note(format!("… and {more} more remarks; see `driftseal check`"));
                }
                let mut line = format!(
                    "{} events accepted, {} rejected",
                    print::grouped(report.accepted),
                    print::grouped(report.rejected)
                );
                if report.remarked > 0 {
                    line.push_str(&format!("; {} remarks", print::grouped(report.remarked)));
                }
                print::line(line);
            }
            Output::Json => {
                let listed = |list: &[(usize, Rejected)], text: &str| -> Vec<Value> {
                    list.iter()
                        .map(|(file, Rejected { line, reason })| {
                            json!({"file": name(*file), "line": line, text: reason})
                        })
                        .collect()
                };
                print::json(&json!({
                    "accepted": report.accepted,
                    "rejected": report.rejected,
                    "rejections": listed(&report.rejections, "reason"),
                    "remarked": report.remarked,
                    "remarks": listed(&report.remarks, "remark"),
                }));
            }
        }
    }
}
