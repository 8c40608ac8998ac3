//! For which partitions an act is meant.

use std::fmt;

use event::{Event, column, schema};

/// For which partitions an act is meant: a function of the act.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// All of the installation.
    Installation,
    /// Those of a tenant.
    Tenant(String),
    /// One: a decision about a request that lies there.
    Partition {
        /// Its topic.
        topic: String,
        /// Its number.
        partition: i64,
    },
}

impl Scope {
    /// The scope of an act.
    #[must_use]
    pub fn of(act: &Event<'_>) -> Self {
        let kind = act.text(column::KIND).unwrap_or_default();
        let is_decision = matches!(schema().family(kind), Some("approval" | "oversight"));
        let place = (act.text(column::origin::TOPIC), act.int(column::origin::PARTITION));
        match (place, act.text(column::TENANT_ID)) {
            ((Some(topic), Some(partition)), _) if is_decision => {
                Self::Partition { topic: topic.to_owned(), partition }
            }
            (_, Some(tenant)) => Self::Tenant(tenant.to_owned()),
            (_, None) => Self::Installation,
        }
    }

    /// Whether it covers a partition of events. `tenant` is the one that the topic belongs to, `None`
    /// for a topic that tenants share.
    #[must_use]
    pub fn covers(&self, tenant: Option<&str>, topic: &str, partition: i32) -> bool {
        match self {
            Self::Installation => true,
            Self::Tenant(of) => tenant.is_none_or(|tenant| tenant == of),
            Self::Partition { topic: of, partition: number } => {
                of == topic && *number == i64::from(partition)
            }
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Installation => f.write_str("installation"),
            Self::Tenant(tenant) => write!(f, "tenant:{tenant}"),
            Self::Partition { topic, partition } => write!(f, "partition:{topic}/{partition}"),
        }
    }
}
