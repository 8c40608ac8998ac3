//! What a check found: counts, and the first findings.

use collector::Rejected;
use event::Remark;
use event::plain::{Name, Plain};
use serde::Serialize;

/// Findings of each sort that are kept; further ones are counted.
pub(crate) const FINDINGS_MAX: usize = 1_000;

/// What a check found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Report {
    /// Events that would be accepted.
    pub(crate) accepted: u64,
    /// Records and events that would be rejected, or quarantined if they were sent to the log.
    pub(crate) rejected: u64,
    /// Remarks on events that would be accepted.
    pub(crate) remarked: u64,
    /// The first findings of each sort, in the order of the files.
    pub(crate) findings: Vec<Finding>,
    rejections_kept: usize,
    remarks_kept: usize,
}

/// A finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    /// Index of the file.
    #[serde(skip)]
    pub(crate) file: usize,
    /// Line, or number of the event in an Avro container, from 1.
    pub(crate) line: u64,
    /// `rejected` or `remark`.
    pub(crate) finding: &'static str,
    /// The reason or the code, from fixed lists.
    pub(crate) code: &'static str,
    /// JSON pointer, `byte N` or the field; empty for the event as a whole.
    pub(crate) place: String,
    /// What is wrong or suspicious.
    pub(crate) detail: String,
    /// What to do; empty where the detail says it.
    pub(crate) advice: String,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}: {}", self.finding, self.code, Plain(&self.detail))?;
        if !self.place.is_empty() {
            write!(f, " at `{}`", Name(&self.place))?;
        }
        if !self.advice.is_empty() {
            write!(f, "; {}", Plain(&self.advice))?;
        }
        Ok(())
    }
}

impl Report {
    /// Takes an event that would be accepted.
    pub(super) fn accept(&mut self, file: usize, line: u64, remarks: Vec<Remark>) {
        self.accepted += 1;
        for Remark { code, field, text, advice } in remarks {
            self.remarked += 1;
            if self.remarks_kept < FINDINGS_MAX {
                self.remarks_kept += 1;
                let (finding, code) = ("remark", code.name());
                let kept =
                    Finding { file, line, finding, code, place: field, detail: text, advice };
                self.findings.push(kept);
            }
        }
    }

    /// Takes an event that would be rejected.
    pub(super) fn refuse(&mut self, file: usize, line: u64, rejected: Rejected) {
        self.rejected += 1;
        if self.rejections_kept < FINDINGS_MAX {
            self.rejections_kept += 1;
            let Rejected { reason, pointer, detail } = rejected;
            let (finding, advice) = ("rejected", String::new());
            let kept =
                Finding { file, line, finding, code: reason, place: pointer, detail, advice };
            self.findings.push(kept);
        }
    }

    /// Takes a record that is no event at all.
    pub(super) fn unreadable(&mut self, file: usize, line: u64, detail: String) {
        let (reason, pointer) = ("unreadable", String::new());
        self.refuse(file, line, Rejected { reason, pointer, detail });
    }

    /// Number of findings that are only counted.
    pub(crate) fn left_out(&self) -> u64 {
        self.rejected + self.remarked - service::metrics::count(self.findings.len())
    }
}
