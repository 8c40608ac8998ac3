//! Packs over a small archive. `tests/tests/packs` runs the same tests with another verifier beside ours.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "a failed step fails the test"
)]

#[path = "../../segment/tests/archive/check.rs"]
#[expect(dead_code, reason = "the tests of `segment` and `evidence` use it too")]
mod check;
// The small archive on which `segment` tests itself.
#[path = "../../segment/tests/archive/common.rs"]
mod common;
#[path = "support/container.rs"]
mod container;
#[path = "support/export.rs"]
mod export;
#[path = "pack/faults.rs"]
mod faults;
#[path = "support/forge.rs"]
mod forge;
#[path = "pack/hidden.rs"]
mod hidden;
#[path = "pack/hostile.rs"]
mod hostile;
#[path = "pack/kept.rs"]
mod kept;
#[path = "pack/keys.rs"]
mod keys;
#[path = "pack/outside.rs"]
mod outside;
#[path = "pack/shown.rs"]
mod shown;
#[path = "pack/small.rs"]
mod small;
#[path = "pack/whole.rs"]
mod whole;

use std::collections::BTreeMap;

use bytes::Bytes;
use pack::{Facts, Report, Scope, Trust, verify};
use segment::policy::Policy;

use crate::common::{START_MS, evidence_key};

const DAY_MS: i64 = 86_400_000;

/// Of so many bytes of a pack one is changed; so many of each of its entries.
const CHANGED_EVERY: usize = 1;
const CHANGED_OF_ENTRY: usize = 150;

fn scope(agent: &str) -> Scope {
    Scope::new(agent, START_MS, START_MS + DAY_MS).unwrap()
}

fn check(pack: &Bytes) -> Report {
    judge(pack, Some(&common::policy()))
}

fn judge(pack: &Bytes, policy: Option<&Policy>) -> Report {
    judge_since(pack, Trust { policy, earlier: None })
}

fn judge_since(pack: &Bytes, trust: Trust<'_>) -> Report {
    verify(pack, trust)
}

fn facts(report: &Report) -> &Facts {
    &report.verified.as_ref().unwrap_or_else(|| panic!("{report}")).facts
}

fn rezip(entries: BTreeMap<String, Vec<u8>>) -> Bytes {
    container::rezip(entries, &evidence_key())
}
