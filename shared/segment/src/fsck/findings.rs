//! Findings, and a bounded list of them.

use bytes::Bytes;
use merkle::hash;
use serde::Serialize;

use crate::fault::Fault;

/// Most findings that are kept; more are counted.
pub(super) const FINDINGS_MAX: usize = 1_000;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Evidence is missing or is not what was sealed.
    Failed,
    /// An object that follows from the commits is missing or behind; it can be rebuilt, and no
    /// evidence is lost.
    Derived,
    /// Nothing is wrong with the evidence; somebody should look.
    Warning,
}

/// The step that finds an orphan.
pub(super) const ORPHAN_STEP: &str = "named by a manifest";
/// What an orphan is, in plain words.
pub(super) const ORPHAN_MEANING: &str = "orphan: stored, but in no commit; of a sealer that is at work, or that died before its \
                                         commit. Its records are sealed again; leave it to the sealer";

impl Severity {
    /// What it means, in plain words.
    pub(super) const fn meaning(self) -> &'static str {
        match self {
            Self::Failed => "FAILED: evidence is missing, or is not what was sealed",
            Self::Derived => {
                "derived: a copy of what the commits say is missing or old; no evidence is lost, and \
                 `driftseal log rebuild` writes it again"
            }
            Self::Warning => "warning: nothing is wrong with the evidence; somebody should look",
        }
    }
}

/// Something that fsck found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// Step, place and both values.
    pub fault: Fault,
}

/// The findings so far; failures are never displaced by lesser ones.
#[derive(Debug, Default)]
pub(super) struct Findings {
    kept: Vec<Finding>,
    lesser: usize,
    /// Findings that were counted and not kept.
    pub(super) dropped: u64,
    /// Failures, kept or not.
    pub(super) failures: u64,
}

impl Findings {
    pub(super) fn push(&mut self, finding: Finding) {
        let failed = finding.severity == Severity::Failed;
        if failed {
            self.failures = self.failures.saturating_add(1);
        }
        let full = if failed {
            self.kept.len().saturating_sub(self.lesser) >= FINDINGS_MAX
        } else {
            self.lesser >= FINDINGS_MAX
        };
        if full {
            self.dropped = self.dropped.saturating_add(1);
            return;
        }
        self.lesser = self.lesser.saturating_add(usize::from(!failed));
        self.kept.push(finding);
    }

    /// Something is not what was sealed.
    pub(super) fn fail(&mut self, fault: Fault) {
        self.push(Finding { severity: Severity::Failed, fault });
    }

    /// An object that follows from the commits is missing.
    pub(super) fn missing(&mut self, path: &str) {
        let found = "none; it can be rebuilt from the commits";
        let fault = Fault::new("follows from the commits", path, "the object", found);
        self.push(Finding { severity: Severity::Derived, fault });
    }

    /// An object that follows from the commits must be there, and be this.
    pub(super) fn compare(&mut self, path: &str, expected: &[u8], found: Option<&Bytes>) {
        let show = |bytes: &[u8]| {
            format!("{} bytes with SHA-256 {}", bytes.len(), hash::to_hex(&hash::sha256(bytes)))
        };
        match found {
            None => self.missing(path),
            Some(found) if found.as_ref() == expected => {}
            Some(found) => {
                self.fail(Fault::new("follows from the commits", path, show(expected), show(found)))
            }
        }
    }

    /// An object is there that nothing names.
    pub(super) fn unexpected(&mut self, path: &str) {
        let found = "an object that nothing names";
        let fault = Fault::new("known object", path, "no such object", found);
        self.push(Finding { severity: Severity::Warning, fault });
    }

    /// Whether some failure is at a place that names this object.
    pub(super) fn names(&self, place: &str) -> bool {
        self.kept.iter().any(|finding| {
            finding.severity == Severity::Failed && finding.fault.place.contains(place)
        })
    }

    /// Worst first, in order of place.
    pub(super) fn into_sorted(mut self) -> Vec<Finding> {
        self.kept.sort_by(|a, b| (a.severity, &a.fault.place).cmp(&(b.severity, &b.fault.place)));
        self.kept
    }
}
