//! Kinds of events: a constant for each, and what is known of it.
//!
//! The constants are generated from `schemas/events/*.avsc` (`make bless`) and committed, so that a
//! reader, an editor and a review see them, and a build need not make them. Kinds that are not
//! among them are accepted in records: what happened may be newer than the reader.

use std::fmt;

use serde::Deserialize;

use crate::schema::ColumnId;

#[rustfmt::skip]
mod names;

pub use names::*;

/// What an event of a kind is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum About {
    /// An agent, which it names.
    Agent,
    /// A version of an agent, which it names.
    Version,
    /// A run of an agent, which it names.
    Run,
    /// The installation, or something that is not part of one agent.
    Installation,
    /// An agent if it names one, else the installation.
    Any,
}

/// Who writes events of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Writer {
    /// Agents, and whoever reports about them.
    Agent,
    /// The collector.
    Collector,
    /// People, and CI on their behalf.
    People,
    /// The processor's monitor.
    Monitor,
    /// The notifier.
    Notifier,
    /// The evidence service.
    Evidence,
    /// The sealer.
    Sealer,
}

macro_rules! names {
    ($type:ident { $($variant:ident = $name:literal),* $(,)? }) => {
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$variant => $name),* })
            }
        }
    };
}

names!(About {
    Agent = "agent",
    Version = "version",
    Run = "run",
    Installation = "installation",
    Any = "any",
});
names!(Writer {
    Agent = "agent",
    Collector = "collector",
    People = "people",
    Monitor = "monitor",
    Notifier = "notifier",
    Evidence = "evidence",
    Sealer = "sealer",
});

/// What is known of a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kind {
    /// The kind, such as `run.completed`.
    pub name: String,
    /// The group of fields that it fills.
    pub family: String,
    /// What it is about.
    pub about: About,
    /// Who writes it.
    pub written_by: Vec<Writer>,
    /// Whether a reader of a pack looks for it first.
    pub notable: bool,
    /// Whether it asks something of the monitor, such as a suppression does.
    pub act: bool,
    /// Whether it only says that time passed: such events may wait for others to be sealed with.
    pub heartbeat: bool,
    /// The field that names what it is about within its family, such as an alert's id.
    pub subject: Option<ColumnId>,
    /// What happened.
    pub doc: String,
}

impl Kind {
    /// Whether that writer writes it.
    #[must_use]
    pub fn is_written_by(&self, writer: Writer) -> bool {
        self.written_by.contains(&writer)
    }

    /// Whether anybody may report it over HTTP: agents and people write it, and it asks nothing of
    /// the monitor. Acts take the command line, which writes them straight into the log.
    #[must_use]
    pub fn may_be_reported(&self) -> bool {
        !self.act && (self.is_written_by(Writer::Agent) || self.is_written_by(Writer::People))
    }

    /// Whether such an event must name its agent. What the services of Driftseal write of
    /// themselves is not asked for an agent.
    #[must_use]
    pub fn must_name_agent(&self) -> bool {
        let about_agent = matches!(self.about, About::Agent | About::Version | About::Run);
        about_agent && (self.is_written_by(Writer::Agent) || self.is_written_by(Writer::People))
    }
}
