//! The test of a stream against its baseline, and the phase of its alert.

use std::collections::VecDeque;

use drift::StreamDetector;
use drift::fleet::Level;
use event::{EventBuilder, column};
use serde::{Deserialize, Serialize};

use super::comparison::Comparison;
use super::context::Context;
use super::finding::Finding;
use super::mark::Mark;
use super::standings::{Early, Standings};
use super::totals::Totals;
use crate::metric_settings::BaselineKind;
use crate::number::int;

/// The part of a baseline that the events of an alert need.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Baseline {
    pub(super) kind: BaselineKind,
    pub(super) version: Option<String>,
    pub(super) count: u64,
    /// The rate, or the median.
    pub(super) value: Option<f64>,
    /// Observations a day.
    pub(super) per_day: Option<f64>,
}

impl Baseline {
    /// Sets the fields of an alert about the baseline; `value` is what was expected.
    pub(super) fn fill(&self, builder: EventBuilder, value: Option<f64>) -> EventBuilder {
        builder
            .set(column::drift::BASELINE_KIND, self.kind.name())
            .set_some(column::drift::BASELINE_VERSION, self.version.as_deref())
            .set(column::drift::BASELINE_COUNT, int(self.count))
            .set_some(column::drift::BASELINE_VALUE, value)
    }
}

/// A stream's test against its baseline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct SequentialTest {
    pub(super) baseline: Baseline,
    pub(super) comparison: Comparison,
    /// The last runs that show a change, oldest first.
    pub(super) examples: VecDeque<(i64, String)>,
    pub(super) phase: Phase,
    /// Its level among all streams of the partition.
    pub(super) standing: Level,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Phase {
    /// Nothing to report.
    Stable,
    Pending {
        id: String,
    },
    Firing {
        id: String,
        since: i64,
        calm: u8,
        period: Totals,
        /// For an early ticket, the e-value that sufficed.
        early: Option<f64>,
    },
}

impl SequentialTest {
    /// A test without observations.
    pub(super) fn new(comparison: Comparison, baseline: Baseline) -> Self {
        Self {
            baseline,
            comparison,
            examples: VecDeque::new(),
            phase: Phase::Stable,
            standing: Level::NONE,
        }
    }

    /// The first observation after the estimated change.
    pub(super) fn changed(&self) -> Option<Mark> {
        self.comparison.finding(None).since.map(|(mark, _)| mark)
    }

    /// Whether there are enough observations and a large enough effect for an alert.
    pub(super) fn has_effect(&self, context: &Context<'_>) -> bool {
        let policy = context.policy();
        self.comparison.detector().observations() >= u64::from(policy.observations_min)
            && self.comparison.finding(None).size() >= self.comparison.effect_min(&policy)
    }

    /// Whether a finding is a page: by twice the smallest effect, or by a hundred times the
    /// evidence.
    pub(super) fn is_page(&self, finding: &Finding, context: &Context<'_>) -> bool {
        let policy = context.policy();
        let effect = 2.0 * self.comparison.effect_min(&policy);
        let evidence = 100.0 * self.threshold(context);
        let is_large =
            finding.size() >= effect || self.comparison.detector().statistic() >= evidence;
        is_large && policy.pages
    }

    /// The e-value at which an alert fires.
    pub(super) fn threshold(&self, context: &Context<'_>) -> f64 {
        context.threshold(self.baseline.per_day)
    }

    /// Updates its level among all streams. Returns the rejection, if it is rejected together with
    /// others.
    pub(super) fn stand(&mut self, context: &Context<'_>) -> Option<Early> {
        let alone = context.shared.settings.ticket_share * self.threshold(context);
        let e_value = self.comparison.detector().statistic();
        context.shared.standings.stand(&mut self.standing, e_value, alone)
    }

    /// Removes it from among all streams.
    pub(super) fn leave(&mut self, standings: &Standings) {
        standings.leave(&mut self.standing);
    }
}
