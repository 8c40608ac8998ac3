//! Metrics and detectors that are in force and not computed, because this build does not have them or
//! has them in another version, and the outputs that cannot be compared because of them.

use std::collections::BTreeMap;

use event::{Event, column, kind, schema};

use super::outcome::{NotCompared, Part};
use crate::catalogue::Missing;
use crate::metric;

/// What is missing from an offset on.
#[derive(Debug)]
struct Range {
    from: i64,
    missing: Missing,
    /// Whether the streams share an error budget: then a missing one may change the alerts of all.
    shares: bool,
}

/// A missing metric or detector: its name, and the version in force.
pub(super) type MissingPart = (Part, String, u32);

/// How an output can be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Comparability {
    Full,
    /// It may rightly differ because of what is missing.
    OnlyIfSame(MissingPart),
    /// It cannot be computed.
    None(MissingPart),
}

/// What is missing where, and how many outputs were left out because of it.
#[derive(Debug, Default)]
pub(super) struct Coverage {
    /// In ascending order.
    ranges: Vec<Range>,
    outputs: BTreeMap<MissingPart, u64>,
}

impl Coverage {
    /// Records what is missing after the record at an offset.
    pub(super) fn set(&mut self, from: i64, (missing, shares): (Missing, bool)) {
        let is_same = match self.ranges.last() {
            Some(last) => last.missing == missing && last.shares == shares,
            None => missing.is_empty(),
        };
        if is_same {
            return;
        }
        let metrics = missing.metrics.iter().map(|(name, version)| (Part::Metric, name, version));
        let detectors = missing.detectors.iter();
        let detectors = detectors.map(|(name, version)| (Part::Detector, name, version));
        for (part, name, version) in metrics.chain(detectors) {
            self.outputs.entry((part, name.clone(), *version)).or_default();
        }
        // The record that puts others in force ends the alerts of those that leave.
        let mut both = Range { from, missing: missing.clone(), shares };
        if let Some(last) = self.ranges.last() {
            both.missing.add(&last.missing);
            both.shares |= last.shares;
        }
        self.ranges.push(both);
        // In a replay offsets are foreign.
        self.ranges.push(Range { from: from.saturating_add(1), missing, shares });
    }

    /// How an output caused by the record at an offset can be compared.
    pub(super) fn of(&self, offset: i64, event: &Event<'_>) -> Comparability {
        let end = self.ranges.partition_point(|range| range.from <= offset);
        let Some(Range { missing, shares, .. }) =
            end.checked_sub(1).and_then(|at| self.ranges.get(at))
        else {
            return Comparability::Full;
        };
        let first = || {
            let metrics = missing.metrics.iter().map(|(name, v)| (Part::Metric, name, v));
            let mut all =
                metrics.chain(missing.detectors.iter().map(|(n, v)| (Part::Detector, n, v)));
            all.next().map(|(part, name, version)| (part, name.clone(), *version))
        };
        let kind = event.text(column::KIND);
        let watched = event.text(column::drift::METRIC);
        let name = event.text(column::metric::NAME).or_else(|| watched.map(metric::name_of));
        let Some(name) = name else {
            // Whether a canary ends without any stream depends on all metrics.
            let missing = first().filter(|_| kind == Some(kind::DRIFT_CANARY_ENDED));
            return missing.map_or(Comparability::Full, Comparability::None);
        };
        if let Some(version) = missing.metrics.get(name) {
            return Comparability::None((Part::Metric, name.to_owned(), *version));
        }
        let is_drift = kind.and_then(|kind| schema().family(kind)) == Some("drift");
        let Some(watched) = watched.filter(|name| is_drift && metric::watched(name).is_some())
        else {
            return Comparability::Full;
        };
        if let Some((name, version)) = missing.detector_of(watched) {
            return Comparability::None((Part::Detector, name.to_owned(), version));
        }
        first().filter(|_| *shares).map_or(Comparability::Full, Comparability::OnlyIfSame)
    }

    /// Counts a sealed output that was left out.
    pub(super) fn left_out(&mut self, why: MissingPart) {
        *self.outputs.entry(why).or_default() += 1;
    }

    pub(super) fn finish(self) -> Vec<NotCompared> {
        let outputs = self.outputs.into_iter();
        outputs
            .map(|((part, name, version), outputs)| NotCompared { part, name, version, outputs })
            .collect()
    }
}
