//! The tests of `pack` again, with another verifier beside ours: `tests/oracles/verify_pack.py`, which was
//! written from `schemas/` alone. Whatever is done to a pack, both give the same verdict.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "a failed step fails the test"
)]

mod changes;
#[path = "../../../shared/segment/tests/archive/check.rs"]
#[expect(dead_code, reason = "the tests of `segment` and `evidence` use it too")]
mod check;
#[path = "../../../shared/segment/tests/archive/common.rs"]
mod common;
#[path = "../../../shared/pack/tests/support/container.rs"]
mod container;
#[path = "../../../shared/pack/tests/support/export.rs"]
mod export;
#[path = "../../../shared/pack/tests/pack/faults.rs"]
mod faults;
#[path = "../../../shared/pack/tests/support/forge.rs"]
mod forge;
#[path = "../../../shared/pack/tests/pack/hidden.rs"]
mod hidden;
#[path = "../../../shared/pack/tests/pack/hostile.rs"]
mod hostile;
#[path = "../../../shared/pack/tests/pack/kept.rs"]
mod kept;
#[path = "../../../shared/pack/tests/pack/keys.rs"]
mod keys;
#[path = "../../fuzz/src/mutate.rs"]
#[expect(unreachable_pub, reason = "the fuzz targets are a library")]
mod mutate;
mod other;
#[path = "../../../shared/pack/tests/pack/outside.rs"]
mod outside;
#[path = "../../../shared/pack/tests/pack/whole.rs"]
mod whole;

use std::collections::BTreeMap;

use bytes::Bytes;
use pack::{Facts, Report, Scope, Trust, verify};
use segment::policy::Policy;
use tests::rng;

use crate::common::{START_MS, evidence_key};

const DAY_MS: i64 = 86_400_000;

/// Of so many bytes of a pack one is changed; so many of each of its entries.
const CHANGED_EVERY: usize = 61;
const CHANGED_OF_ENTRY: usize = 24;

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
    let report = verify(pack, trust);
    other::agrees(pack, trust, &report);
    report
}

fn facts(report: &Report) -> &Facts {
    &report.verified.as_ref().unwrap_or_else(|| panic!("{report}")).facts
}

fn rezip(entries: BTreeMap<String, Vec<u8>>) -> Bytes {
    container::rezip(entries, &evidence_key())
}
