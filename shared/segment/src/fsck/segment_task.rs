//! The check of one segment: a pure function that any thread may run.

use std::collections::BTreeMap;

use bytes::Bytes;
use event::{Kind, Writer, column, kind, schema};
use merkle::hash;

use super::findings::{Finding, Severity};
use crate::facts::{ObjectFacts, SegmentFacts};
use crate::fault::{Distrust, Fault};
use crate::manifest::SegmentManifest;
use crate::read::{self, ReadError};

/// Whether events of a kind may be computed from others. The identifier of such an event is derived,
/// so that a process that is restarted may write it again.
fn may_be_computed(kind: &str) -> bool {
    let known = schema().kind(kind);
    known.is_some_and(|known| known.is_written_by(Writer::Monitor) || is_notifiers_own(known))
}

/// Whether only the notifier writes events of a kind. They name no origin: their identifiers are
/// derived from the alert.
fn is_notifiers_own(kind: &Kind) -> bool {
    kind.written_by == [Writer::Notifier]
}

/// Whether an event is computed from others.
fn is_computed(event: &event::Event<'_>, kind: &str) -> bool {
    let known = schema().kind(kind);
    match event.get(column::origin::TOPIC) {
        Some(_) => known.is_some_and(|known| known.is_written_by(Writer::Monitor)),
        None => known.is_some_and(is_notifiers_own),
    }
}

/// A segment to check.
#[derive(Debug, Clone)]
pub struct SegmentTask {
    pub(super) index: u64,
    /// Whether both objects were listed, or had not been named before.
    pub(super) listed: bool,
    pub(super) manifest: SegmentManifest,
}

/// What came of a [`SegmentTask`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentOutcome {
    pub(super) findings: Vec<Finding>,
    /// Why it cannot be judged.
    pub(super) unverifiable: Option<String>,
    pub(super) events: u64,
    pub(super) bytes: u64,
    pub(super) quarantined: BTreeMap<String, u64>,
    pub(super) computed_ids: Vec<[u8; 16]>,
}

impl SegmentTask {
    /// Path of the Parquet object.
    #[must_use]
    pub fn parquet_path(&self) -> &str {
        &self.manifest.parquet_path
    }

    /// Path of the census object.
    #[must_use]
    pub fn census_path(&self) -> &str {
        &self.manifest.census_path
    }

    /// How large they were when they were sealed: of more nothing needs to be read.
    #[must_use]
    pub const fn sizes_bytes(&self) -> (u64, u64) {
        (self.manifest.facts.parquet.size_bytes, self.manifest.facts.census.size_bytes)
    }

    /// Checks the bytes of both objects, `None` for one that is not there.
    #[must_use]
    pub fn check(&self, parquet: Option<&Bytes>, census: Option<&Bytes>) -> SegmentOutcome {
        let size = |bytes: Option<&Bytes>| bytes.map_or(0, |bytes| bytes.len() as u64);
        let mut outcome = SegmentOutcome {
            findings: Vec::new(),
            unverifiable: None,
            events: 0,
            bytes: size(parquet).saturating_add(size(census)),
            quarantined: BTreeMap::new(),
            computed_ids: Vec::new(),
        };
        let facts = &self.manifest.facts;
        let parquet = outcome.object(&self.manifest.parquet_path, &facts.parquet, parquet);
        let census = outcome.object(&self.manifest.census_path, &facts.census, census);
        if parquet.is_some() && census.is_some() && !self.listed {
            let entry = format!("{} in log entry {}", self.manifest.parquet_path, self.index);
            outcome.fail(Fault::new(
                "objects are named once",
                entry,
                "objects of its own",
                "objects that were not listed, or that another manifest names",
            ));
        }
        if let Some(parquet) = parquet
            && let Err(distrust) = self.check_content(parquet, census, &mut outcome)
        {
            match distrust {
                Distrust::Failed(fault) => outcome.fail(fault),
                Distrust::Unverifiable(why) => outcome.unverifiable = Some(why),
            }
        }
        outcome
    }

    fn check_content(
        &self,
        parquet: &Bytes,
        census: Option<&Bytes>,
        outcome: &mut SegmentOutcome,
    ) -> Result<(), Distrust> {
        let path = self.manifest.parquet_path.as_str();
        let checked = read::check(parquet).map_err(|error| error.of(path))?;
        same_facts(path, &self.manifest.facts, &checked.facts)?;
        outcome.events = checked.facts.count;
        if let Some(census) = census {
            let derived = checked.census.to_bytes();
            if derived != census.as_ref() {
                let show = |bytes: &[u8]| hash::to_hex(&hash::sha256(bytes));
                return Err(Fault::new(
                    "census of the rows",
                    self.manifest.census_path.as_str(),
                    show(&derived),
                    show(census),
                )
                .into());
            }
        }
        // Another pass over the rows, for the few segments where something is to be counted.
        let counted = checked
            .census
            .agents
            .keys()
            .any(|(_, kind)| kind == kind::QUARANTINE_ADDED || may_be_computed(kind));
        if counted {
            read::for_each_row(parquet, |_, row| {
                outcome.count(&row.event);
                Ok::<(), ReadError>(())
            })
            .map_err(|error| error.of(path))?;
        }
        Ok(())
    }
}

impl SegmentOutcome {
    fn fail(&mut self, fault: Fault) {
        self.findings.push(Finding { severity: Severity::Failed, fault });
    }

    /// The object if it is there and the one that was sealed.
    fn object<'b>(
        &mut self,
        path: &str,
        sealed: &ObjectFacts,
        bytes: Option<&'b Bytes>,
    ) -> Option<&'b Bytes> {
        same_object(path, sealed, bytes).map_err(|fault| self.fail(fault)).ok()
    }

    fn count(&mut self, event: &event::Event<'_>) {
        let kind = event.text(column::KIND).unwrap_or_default();
        if kind == kind::QUARANTINE_ADDED {
            let reason = event.text(column::quarantine::REASON).unwrap_or_default();
            let count = self.quarantined.entry(reason.to_owned()).or_default();
            *count = count.saturating_add(1);
        } else if is_computed(event, kind) {
            let id = hash::sha256(event.text(column::EVENT_ID).unwrap_or_default().as_bytes());
            self.computed_ids.push(id.first_chunk().copied().unwrap_or_default());
        }
    }
}

/// The object if it is there and the one that was sealed.
pub(crate) fn same_object<'b>(
    path: &str,
    sealed: &ObjectFacts,
    bytes: Option<&'b Bytes>,
) -> Result<&'b Bytes, Fault> {
    let bytes = bytes
        .ok_or_else(|| Fault::new("object exists", path, "the object that was sealed", "none"))?;
    let found = ObjectFacts::of(bytes);
    if found == *sealed {
        return Ok(bytes);
    }
    let show = |facts: &ObjectFacts| {
        format!("{} bytes with SHA-256 {}", facts.size_bytes, hash::to_hex(&facts.sha256))
    };
    Err(Fault::new("object digest", path, show(sealed), show(&found)))
}

/// Compares what was signed with what follows from the bytes, field by field.
///
/// # Errors
///
/// The first fact that differs.
pub fn same_facts(place: &str, signed: &SegmentFacts, found: &SegmentFacts) -> Result<(), Fault> {
    let rows = |facts: &SegmentFacts| {
        let hex = |hash: &merkle::Hash| hash::to_hex(hash);
        [
            ("partition", facts.partition.to_string()),
            ("first offset", facts.first_offset.to_string()),
            ("next offset", facts.next_offset.to_string()),
            ("number of events", facts.count.to_string()),
            ("gaps", format!("{:?}", facts.gaps)),
            ("tree size", facts.tree_size.to_string()),
            ("segment root", hex(&facts.root)),
            ("census rows", facts.census_rows.to_string()),
            ("census root", hex(&facts.census_root)),
            ("first timestamp", facts.first_timestamp_ms.to_string()),
            ("smallest timestamp", facts.min_timestamp_ms.to_string()),
            ("largest timestamp", facts.max_timestamp_ms.to_string()),
            ("schema ids", facts.schema_ids.join(", ")),
            ("fields", facts.plain_fields.join(", ")),
            ("erasable fields", facts.erasable_fields.join(", ")),
            ("segment object", hex(&facts.parquet.sha256)),
            ("census object", hex(&facts.census.sha256)),
        ]
    };
    for ((step, expected), (_, found)) in rows(signed).into_iter().zip(rows(found)) {
        if expected != found {
            return Err(Fault::new(step, place, expected, found));
        }
    }
    if signed == found {
        Ok(())
    } else {
        Err(Fault::new("facts of the manifest", place, format!("{signed:?}"), format!("{found:?}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_computed_follows_from_who_writes_it() {
        for kind in [
            kind::METRIC_WINDOW,
            kind::DRIFT_ALERT_FIRING,
            kind::EVAL_RESULT,
            kind::MAINTENANCE_APPLIED,
            kind::MONITOR_TICK,
            kind::MONITOR_DEAD,
            kind::MONITOR_RECOVERED,
            kind::NOTIFICATION_DELIVERED,
            kind::NOTIFICATION_FAILED,
            kind::NOTIFICATION_SUPPRESSED,
        ] {
            assert!(may_be_computed(kind), "{kind}");
        }
        for kind in [kind::RUN_COMPLETED, kind::DRIFT_ALERT_ACKNOWLEDGED, "of.another.version"] {
            assert!(!may_be_computed(kind), "{kind}");
        }
        let without_origin: Vec<_> = schema()
            .kinds()
            .filter(|kind| is_notifiers_own(kind))
            .map(|k| k.name.as_str())
            .collect();
        assert_eq!(
            without_origin,
            [
                kind::MONITOR_DEAD,
                kind::MONITOR_RECOVERED,
                kind::NOTIFICATION_DELIVERED,
                kind::NOTIFICATION_FAILED,
                kind::NOTIFICATION_SUPPRESSED,
            ]
        );
    }
}
