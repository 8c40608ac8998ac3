//! Records that claimed to be the monitor's own, and were not those of the partition's owner.

use std::collections::BTreeMap;

use event::{column, kind};
use governance::Refusal;
use serde::{Deserialize, Serialize};

use crate::output::Outputs;

/// Records that were refused.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Forged {
    /// Since the first record of the state, by reason.
    total: BTreeMap<Refusal, u64>,
    /// Those that the next heartbeat reports.
    unreported: BTreeMap<Refusal, u64>,
    /// Offset of the first of these.
    first: Option<i64>,
}

impl Forged {
    /// Counts a record. One that owners write honestly is no finding.
    pub(crate) fn count(&mut self, offset: i64, refusal: Refusal, is_honest: bool) {
        *self.total.entry(refusal).or_default() += 1;
        if is_honest {
            return;
        }
        *self.unreported.entry(refusal).or_default() += 1;
        self.first.get_or_insert(offset);
    }

    /// Emits one finding about those since the last one.
    pub(crate) fn report(&mut self, outputs: &mut Outputs<'_>) {
        let Some(first) = self.first.take() else { return };
        let by_reason = std::mem::take(&mut self.unreported);
        let count: u64 = by_reason.values().sum();
        let Ok(count) = i64::try_from(count) else {
            unreachable!("a partition has fewer than 2^63 records")
        };
        let reasons: BTreeMap<String, String> = by_reason
            .into_iter()
            .map(|(refusal, count)| (refusal.name().to_owned(), count.to_string()))
            .collect();
        outputs.push_own(kind::MONITOR_FORGED, |builder| {
            builder
                .set(column::monitor::FORGED, count)
                .set(column::monitor::FORGED_REASONS, reasons)
                .set(column::monitor::FORGED_AT, first)
        });
    }

    pub(crate) const fn total(&self) -> &BTreeMap<Refusal, u64> {
        &self.total
    }
}
