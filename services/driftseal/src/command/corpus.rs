//! `driftseal corpus publish|retire`: versions of retrieval corpora.

use std::path::PathBuf;

use event::kind;
use serde_json::json;

use super::context::Context;
use super::options::{RecordArgs, object, text};
use crate::digest;
use crate::gateway::{self, Body};
use crate::outcome::{Ended, Failure};
use crate::print;

/// What happened to a corpus.
#[derive(Debug, clap::Subcommand)]
pub enum Action {
    /// Record a version of a corpus, with the digest of its documents
    Publish(PublishArgs),
    /// Record that a corpus is no longer used
    Retire(RetireArgs),
}

/// Arguments of `driftseal corpus publish`.
#[derive(Debug, clap::Args)]
pub struct PublishArgs {
    /// Corpus
    #[arg(value_name = "CORPUS_ID")]
    id: String,
    /// Directory or file with its documents
    #[arg(long, value_name = "PATH")]
    path: PathBuf,
    /// Digest of the version before
    #[arg(long, value_name = "DIGEST")]
    from_digest: Option<String>,
    /// Where the documents come from
    #[arg(long, value_name = "TEXT")]
    source: Option<String>,
    /// Accountable owner
    #[arg(long, value_name = "NAME")]
    owner: Option<String>,
    /// Licence of the documents
    #[arg(long, value_name = "TEXT")]
    licence: Option<String>,
    /// Classification of the documents
    #[arg(long, value_name = "CLASS")]
    data_class: Option<String>,
    /// Result of the scan for personal data
    #[arg(long, value_parser = ["clean", "found", "not_run"])]
    pii_scan: Option<String>,
    /// Change that covers the version
    #[arg(long, value_name = "ID")]
    change: Option<String>,
    #[command(flatten)]
    record: RecordArgs,
}

/// Arguments of `driftseal corpus retire`.
#[derive(Debug, clap::Args)]
pub struct RetireArgs {
    /// Corpus
    #[arg(value_name = "CORPUS_ID")]
    id: String,
    #[command(flatten)]
    record: RecordArgs,
}

impl Action {
    pub(super) fn run(self, context: &Context) -> Result<Ended, Failure> {
        match self {
            Self::Publish(args) => args.run(context),
            Self::Retire(args) => {
                let corpus = object([("id", Some(json!(args.id)))]);
                let body = Body::of_kind(kind::CORPUS_RETIRED).with("corpus", corpus);
                args.record.record(context, body)
            }
        }
    }
}

impl PublishArgs {
    fn run(self, context: &Context) -> Result<Ended, Failure> {
        let mut remarks = Vec::new();
        let (digest, documents) = digest::of(&self.path, &mut remarks)?;
        for remark in &remarks {
            print::note(format!("driftseal: {remark}"));
        }
        let corpus = object([
            ("id", Some(json!(self.id))),
            ("digest", Some(json!(digest))),
            ("documents", Some(json!(documents))),
            ("from_digest", text(self.from_digest)),
            ("source", text(self.source)),
            ("owner", text(self.owner)),
            ("licence", text(self.licence)),
            ("data_class", text(self.data_class)),
            ("pii_scan", text(self.pii_scan)),
            ("change_id", text(self.change)),
        ]);
        let body = Body::of_kind(kind::CORPUS_VERSION_CREATED).with("corpus", corpus);
        let mut recorded = self.record.act(context, body)?;
        if let Some(object) = recorded.as_object_mut() {
            object.insert("corpus_digest".to_owned(), json!(digest));
            object.insert("documents".to_owned(), json!(documents));
        }
        let then = format!("; {documents} document(s), {digest}");
        gateway::show(&recorded, context.output, &then);
        Ok(Ended::Done)
    }
}
