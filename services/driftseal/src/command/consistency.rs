//! `driftseal log consistency`: the proof that the log went on from a checkpoint that was kept.

use std::path::PathBuf;

use archive::{Archive, Options};
use segment::consistency::verify_document;

use super::context::Context;
use super::evidence::{bar, kept_checkpoint, policy, refused, show};
use crate::outcome::{Ended, Failure};
use crate::print::Output;
use crate::{place, print, roles};

/// Arguments of `driftseal log consistency`.
#[derive(Debug, clap::Args)]
pub struct ConsistencyArgs {
    /// Checkpoint of the log that was kept from earlier
    #[arg(value_name = "CHECKPOINT")]
    older: PathBuf,
    /// The newer checkpoint: a file with it, or the pack or proof that is to be verified [default: the
    /// last one of the archive]
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
    /// Write the document (JSON) to this file, and what it shows to standard output
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Archive: a directory, file:// or s3:// URL [default: `archive.url`]
    #[arg(long, value_name = "ARCHIVE")]
    archive: Option<String>,
    /// Policy file: public keys of the log and its sealers [default: policy.txt in `keys.directory`]
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
}

impl ConsistencyArgs {
    pub(super) fn run(self, context: &Context) -> Result<Ended, Failure> {
        let older = kept_checkpoint(&self.older)?;
        let newer = match &self.to {
            None => None,
            Some(path) => Some(
                ::evidence::read_checkpoint(path)
                    .map_err(|error| Failure::usage(format!("`{}`: {error}", path.display())))?,
            ),
        };
        let policy = policy(&match &self.policy {
            Some(path) => path.clone(),
            None => context.load()?.keys.directory.join("policy.txt"),
        })?;
        let runtime = roles::runtime()?;
        let archive = match &self.archive {
            None => place::open_archive(&context.load()?, &runtime)?,
            Some(url) if url.starts_with("s3://") => {
                let options = context.load()?.archive.options();
                Archive::open_with(url, &options, runtime.handle().clone())?
            }
            Some(url) => Archive::open_with(url, &Options::default(), runtime.handle().clone())?,
        };
        let bar = bar();
        let made =
            ::evidence::consistency(&archive, &policy, &older, newer.as_deref(), &mut show(&bar));
        bar.finish_and_clear();
        let document = made.map_err(|error| refused(&error))?;
        let json = document.to_json();
        let Some(path) = &self.out else {
            print::json_text(json.trim_end());
            return Ok(Ended::Done);
        };
        print::write_file(path, json.as_bytes())?;
        let (_, report) = verify_document(json.as_bytes(), Some(&policy));
        match context.output {
            Output::Text => {
                print::lines(&report.to_text(None));
                print::line(format!("wrote {}", path.display()));
            }
            Output::Json => print::json_text(json.trim_end()),
        }
        Ok(report.verdict.into())
    }
}
