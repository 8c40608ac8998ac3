//! `driftseal topics create`.

use super::context::Context;
use crate::outcome::{Ended, Failure};
use crate::print::Output;
use crate::{print, roles};

/// What to do with the topics.
#[derive(Debug, Clone, Copy, clap::Subcommand)]
pub enum Action {
    /// Create missing topics; existing ones are not changed
    Create,
}

impl Action {
    pub(super) fn run(self, context: &Context) -> Result<Ended, Failure> {
        let Self::Create = self;
        let config = context.load()?;
        let log = roles::open_log(&config)?;
        let topics = config.topic_specs();
        log.create_topics(&topics)?;
        let names: Vec<&str> = topics.iter().map(|topic| topic.name.as_str()).collect();
        match context.output {
            Output::Text => print::line(format!("topics: {}", names.join(", "))),
            Output::Json => print::json(&serde_json::json!({"topics": names})),
        }
        Ok(Ended::Done)
    }
}
