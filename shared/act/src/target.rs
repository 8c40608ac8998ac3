//! The target of an act.

use std::fmt;

use event::{Event, EventBuilder, column};

/// The target of an act or alert. An absent field does not restrict it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Target {
    /// The tenant.
    pub tenant_id: Option<String>,
    /// The agent.
    pub agent_id: Option<String>,
    /// The environment.
    pub environment: Option<String>,
    /// The version.
    pub agent_version: Option<String>,
    /// The metric, such as `run.error_rate`.
    pub metric: Option<String>,
    /// The eval suite.
    pub suite: Option<String>,
    /// The severity of alerts: `page` or `ticket`.
    pub severity: Option<String>,
}

impl Target {
    /// The target of an event.
    #[must_use]
    pub fn of(event: &Event<'_>) -> Self {
        let text = |column| event.text(column).map(str::to_owned);
        Self {
            tenant_id: text(column::TENANT_ID),
            agent_id: text(column::AGENT_ID),
            environment: text(column::ENVIRONMENT),
            agent_version: text(column::AGENT_VERSION),
            metric: text(column::drift::METRIC),
            suite: text(column::drift::SUITE),
            severity: text(column::drift::SEVERITY),
        }
    }

    pub(crate) fn set(&self, builder: EventBuilder) -> EventBuilder {
        builder
            .set_some(column::TENANT_ID, self.tenant_id.as_deref())
            .set_some(column::AGENT_ID, self.agent_id.as_deref())
            .set_some(column::ENVIRONMENT, self.environment.as_deref())
            .set_some(column::AGENT_VERSION, self.agent_version.as_deref())
            .set_some(column::drift::METRIC, self.metric.as_deref())
            .set_some(column::drift::SUITE, self.suite.as_deref())
            .set_some(column::drift::SEVERITY, self.severity.as_deref())
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.agent_id.as_deref().unwrap_or("all agents"))?;
        for (name, value) in [
            ("tenant", &self.tenant_id),
            ("environment", &self.environment),
            ("version", &self.agent_version),
            ("metric", &self.metric),
            ("suite", &self.suite),
            ("severity", &self.severity),
        ] {
            if let Some(value) = value {
                write!(f, " {name} {value}")?;
            }
        }
        Ok(())
    }
}
