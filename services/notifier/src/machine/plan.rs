//! Settings of the machine: limits, and the route of each sink.

use std::sync::Arc;

use crate::alert::{Alert, Severity};

/// Limits of all sinks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeliveryLimits {
    /// Attempts to deliver a step.
    pub(crate) attempts_max: u32,
    /// Wait before the second attempt.
    pub(crate) backoff_ms: i64,
    /// Longest wait between attempts.
    pub(crate) backoff_ms_max: i64,
    /// Longest pause that a receiver may request.
    pub(crate) retry_after_ms_max: i64,
    /// Age at which a resolved alert is no longer sent.
    pub(crate) age_ms_max: i64,
    /// Alerts held.
    pub(crate) alerts_max: usize,
    /// Steps queued for one sink.
    pub(crate) queue_max: usize,
}

impl Default for DeliveryLimits {
    fn default() -> Self {
        Self {
            attempts_max: 30,
            backoff_ms: 1_000,
            backoff_ms_max: 300_000,
            retry_after_ms_max: 3_600_000,
            age_ms_max: 3_600_000,
            alerts_max: 10_000,
            queue_max: 1_000,
        }
    }
}

/// The route and the limits of a sink.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SinkPlan {
    pub(crate) name: Arc<str>,
    /// Severities routed to it.
    pub(crate) severities: Vec<Severity>,
    /// Environments routed to it; all if empty.
    pub(crate) environments: Vec<String>,
    /// Interval at which a firing alert is sent again, for receivers that need refreshes.
    pub(crate) refresh_ms: Option<i64>,
    /// Concurrent requests.
    pub(crate) requests_max: usize,
}

impl SinkPlan {
    /// Whether an alert is routed to this sink. One about the monitor concerns all environments.
    pub(crate) fn takes(&self, alert: &Alert) -> bool {
        // In a route, an empty text stands for events without an environment.
        let environment = alert.environment.as_deref().unwrap_or_default();
        self.severities.contains(&alert.severity)
            && (self.environments.is_empty()
                || alert.is_of_monitor()
                || self.environments.iter().any(|e| e == environment))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::Step;
    use crate::alert::tests::alert;

    #[test]
    fn severity_and_environment_decide() {
        let plan = |severities: &[Severity], environments: &[&str]| SinkPlan {
            name: "s".into(),
            severities: severities.to_vec(),
            environments: environments.iter().map(|&e| e.to_owned()).collect(),
            refresh_ms: None,
            requests_max: 1,
        };
        let alert = alert(Step::Firing, "a");
        assert!(plan(&[Severity::Page], &[]).takes(&alert));
        assert!(
            plan(&[Severity::Ticket, Severity::Page], &["staging", "production"]).takes(&alert)
        );
        assert!(!plan(&[Severity::Ticket], &[]).takes(&alert));
        assert!(!plan(&[Severity::Page], &["staging"]).takes(&alert));
        let monitor = Alert { agent_id: String::new(), environment: None, ..alert.clone() };
        assert!(plan(&[Severity::Page], &["staging"]).takes(&monitor));
        let nowhere = Alert { environment: None, ..alert };
        assert!(!plan(&[Severity::Page], &["staging"]).takes(&nowhere));
        assert!(plan(&[Severity::Page], &[""]).takes(&nowhere));
    }
}
