//! `driftseal topics create`.

use super::context::Context;
use crate::gateway::Gateway;
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
        let topics = config.topic_specs();
        let made = match roles::open_log(&config) {
            Ok(log) => {
                log.create_topics(&topics)?;
                let names: Vec<&str> = topics.iter().map(|topic| topic.name.as_str()).collect();
                serde_json::json!({"topics": names})
            }
            // The process that has the embedded log makes them.
            Err(failure) if failure.is_in_use() => Gateway::open(&config)?.create_topics()?,
            Err(failure) => return Err(failure),
        };
        match context.output {
            Output::Text => {
                let names =
                    made.get("topics").and_then(|names| names.as_array()).into_iter().flatten();
                let names: Vec<&str> = names.filter_map(|name| name.as_str()).collect();
                print::line(format!("topics: {}", names.join(", ")));
            }
            Output::Json => print::json(&made),
        }
        Ok(Ended::Done)
    }
}
