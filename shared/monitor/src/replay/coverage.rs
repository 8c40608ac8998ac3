//! What is in force and not computed, and so not compared: metrics and detectors that this build
//! does not have, or has in another version.

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
    /// Whether the streams share an error budget: then one that is missing may change the alerts of
    /// all.
    shares: bool,
}

/// What is missing where, and how many outputs were left out for it.
#[derive(Debug, Default)]
pub(super) struct Coverage {
    /// In ascending order.
    ranges: Vec<Range>,
    outputs: BTreeMap<(Part, String, u32), u64>,
}

impl Coverage {
    /// This is missing from an offset on.
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
        self.ranges.push(Range { from, missing, shares });
    }

    /// Why an output that stems from an offset cannot be compared, if it cannot.
    pub(super) fn missing_of(&self, offset: i64, event: &Event<'_>) -> Option<(Part, String, u32)> {
        let end = self.ranges.partition_point(|range| range.from <= offset);
        let Range { missing, shares, .. } = self.ranges.get(end.checked_sub(1)?)?;
        let first = || {
            let metric = missing.metrics.iter().map(|(name, v)| (Part::Metric, name, v));
            let all = metric.chain(missing.detectors.iter().map(|(n, v)| (Part::Detector, n, v)));
            all.map(|(part, name, version)| (part, name.clone(), *version)).next()
        };
        let is_drift =
            event.text(column::KIND).and_then(|kind| schema().family(kind)) == Some("drift");
        let watched = event.text(column::drift::METRIC);
        let name = event.text(column::metric::NAME).or_else(|| watched.map(metric::name_of));
        let Some(name) = name else {
            // Whether a canary ends without a stream depends on all of them.
            let is_end = event.text(column::KIND) == Some(kind::DRIFT_CANARY_ENDED);
            return if is_end { first() } else { None };
        };
        if let Some(version) = missing.metrics.get(name) {
            return Some((Part::Metric, name.to_owned(), *version));
        }
        let watched = watched.filter(|watched| is_drift && metric::watched(watched).is_some())?;
        if let Some((name, version)) = missing.detector_of(watched) {
            return Some((Part::Detector, name.to_owned(), version));
        }
        if *shares { first() } else { None }
    }

    /// A sealed output was left out.
    pub(super) fn left_out(&mut self, why: (Part, String, u32)) {
        *self.outputs.entry(why).or_default() += 1;
    }

    pub(super) fn finish(self) -> Vec<NotCompared> {
        let outputs = self.outputs.into_iter();
        outputs
            .map(|((part, name, version), outputs)| NotCompared { part, name, version, outputs })
            .collect()
    }
}
