//! The context of a stream.

use super::standings::Standings;
use crate::change::LastChange;
use crate::identity::Identity;
use crate::metric::{MetricSet, Watch};
use crate::mute::Mutes;
use crate::output::About;
use crate::policy::Policy;
use crate::settings::Settings;

/// What all streams of a partition share.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shared<'a> {
    pub(crate) settings: &'a Settings,
    /// The metrics that are computed.
    pub(crate) metrics: MetricSet,
    /// Number of streams that are tested.
    pub(crate) tests: u64,
    /// Their levels.
    pub(crate) standings: &'a Standings,
    pub(crate) mutes: &'a Mutes,
}

/// The context of a stream.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) shared: Shared<'a>,
    pub(crate) agent: &'a Identity,
    pub(crate) version: &'a str,
    /// The metric: its place, and how it is watched.
    pub(crate) place: u8,
    pub(crate) watch: Watch,
    pub(crate) suite: Option<&'a str>,
    pub(crate) last_change: Option<&'a LastChange>,
}

impl Context<'_> {
    /// The subject of outputs about the stream.
    pub(super) const fn about(&self) -> About<'_> {
        About::metric(self.agent, self.version, self.place)
    }

    /// The effective settings of the metric.
    pub(crate) fn policy(&self) -> Policy {
        self.shared.settings.policy(self.watch)
    }

    /// The e-value at which an alert fires.
    pub(super) fn threshold(&self, observations_per_day: Option<f64>) -> f64 {
        let least = self.policy().average_run_length;
        self.shared.settings.run_length(least, self.shared.tests, observations_per_day)
    }
}
