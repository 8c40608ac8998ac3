//! `driftseal check FILE...`: what would be rejected, quarantined or remarked, without sending.

use std::path::PathBuf;

use event::Timestamp;
use event::plain::Plain;
use registry::{Credentials, Directory, Registry, Source};
use serde_json::{Value, json};
use service::clock::now_micros;

use super::context::Context;
use crate::check::{Check, Report};
use crate::emit::load_mapping;
use crate::outcome::{Ended, Failure};
use crate::print;
use crate::print::Output;

/// Arguments of `driftseal check`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Files of events: JSON lines, JSON arrays, CloudEvents, CSV, Avro containers, or one record of
    /// the log; optionally gzipped
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Mapping from the records of the files to events (TOML, see schemas/mappings)
    #[arg(long, value_name = "FILE")]
    mapping: Option<PathBuf>,
    /// Schemas of frames: a directory with ID.avsc, or the URL of a schema registry; a user and
    /// password are in the file of --schemas-login
    #[arg(long, value_name = "DIRECTORY|URL")]
    schemas: Option<String>,
    /// File with USER:PASSWORD for the registry
    #[arg(long, value_name = "FILE", requires = "schemas")]
    schemas_login: Option<PathBuf>,
    /// Fail on remarks too
    #[arg(long)]
    strict: bool,
}

impl Args {
    pub(super) fn run(self, context: &Context) -> Result<Ended, Failure> {
        let config = context.load()?;
        let mapping = self.mapping.as_deref().map(load_mapping).transpose()?;
        let now = Timestamp::from_micros(now_micros());
        let schemas = self.schemas()?;
        let mut check =
            Check::new(&config.collector, mapping.as_ref(), now).with_schemas(schemas.as_deref());
        for (number, file) in self.files.iter().enumerate() {
            check.file(number, file)?;
        }
        let report = check.into_report();
        self.show(&report, context.output);
        let is_bad = report.rejected > 0 || (self.strict && report.remarked > 0);
        Ok(if is_bad { Ended::Failed } else { Ended::Done })
    }

    fn schemas(&self) -> Result<Option<Box<dyn Source>>, Failure> {
        let Some(place) = &self.schemas else { return Ok(None) };
        if !place.starts_with("http://") && !place.starts_with("https://") {
            return Ok(Some(Box::new(Directory::new(place))));
        }
        let login = match &self.schemas_login {
            None => None,
            Some(file) => {
                let text = std::fs::read_to_string(file).map_err(|error| {
                    Failure::usage(format!("--schemas-login: `{}`: {error}", file.display()))
                })?;
                let login = text.trim_end().split_once(':');
                let (user, password) = login.ok_or_else(|| {
                    Failure::usage("--schemas-login: the file must hold USER:PASSWORD")
                })?;
                Some(Credentials { user: user.to_owned(), password: password.to_owned() })
            }
        };
        Ok(Some(Box::new(Registry::new(place, login.as_ref()))))
    }

    fn show(&self, report: &Report, output: Output) {
        let name = |file: usize| {
            let Some(file) = self.files.get(file) else { unreachable!("a finding has a file") };
            file.display().to_string()
        };
        match output {
            Output::Text => {
                for finding in &report.findings {
                    let file = name(finding.file);
                    print::line(format!("{}:{}: {finding}", Plain(&file), finding.line));
                }
                if report.left_out() > 0 {
                    print::line(format!("… and {} more", print::grouped(report.left_out())));
                }
                print::line(format!(
                    "{} events would be accepted, {} rejected; {} remarks",
                    print::grouped(report.accepted),
                    print::grouped(report.rejected),
                    print::grouped(report.remarked)
                ));
            }
            Output::Json => {
                let findings: Vec<Value> = report
                    .findings
                    .iter()
                    .map(|finding| {
                        let mut value = json!(finding);
                        if let Value::Object(members) = &mut value {
                            members.insert("file".to_owned(), name(finding.file).into());
                        }
                        value
                    })
                    .collect();
                print::json(&json!({
                    "accepted": report.accepted,
                    "rejected": report.rejected,
                    "remarked": report.remarked,
                    "findings": findings,
                    "findings_left_out": report.left_out(),
                }));
            }
        }
    }
}
