//! The entries of a pack that follow from the others: `pack.json`, `events.csv`, `report.html`.

use bytes::Bytes;
use segment::fault::{Distrust, Fault};
use serde::{Deserialize, Serialize};

use crate::container::name;
use crate::scope::{Scope, ScopeText};
use crate::summary::Summary;
use crate::{csv, html};

/// Format name in `pack.json`.
pub const PACK_FORMAT: &str = "driftseal/pack/v2";

/// `pack.json`, as far as it is not derived.
#[derive(Debug, Deserialize)]
pub(crate) struct Document {
    /// Name and version of the program that made the pack.
    pub(crate) generator: String,
    pub(crate) scope: ScopeText,
}

/// The whole of `pack.json`.
#[derive(Debug, Serialize)]
struct FullDocument<'a> {
    format: &'a str,
    generator: &'a str,
    scope: ScopeText,
    summary: &'a Summary,
}

/// The entries that follow from the others.
pub(crate) struct Derived {
    pub(crate) pack: Vec<u8>,
    pub(crate) csv: Vec<u8>,
    pub(crate) report: Vec<u8>,
}

impl Document {
    /// Reads `pack.json`; another version of the format cannot be judged.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Distrust> {
        #[derive(Deserialize)]
        struct Version {
            format: String,
        }
        let Version { format } = serde_json::from_slice(bytes).map_err(malformed)?;
        if format != PACK_FORMAT {
            return Err(Distrust::Unverifiable(format!(
                "the pack is of format `{format}`; this version knows `{PACK_FORMAT}`"
            )));
        }
        Ok(serde_json::from_slice(bytes).map_err(malformed)?)
    }

    pub(crate) fn scope(&self) -> Result<Scope, Fault> {
        Scope::from_text(&self.scope).map_err(malformed)
    }
}

fn malformed(error: impl std::fmt::Display) -> Fault {
    Fault::new("pack.json", name::PACK, "a pack document", error.to_string())
}

impl Derived {
    pub(crate) fn new(
        scope: &Scope,
        generator: &str,
        summary: &Summary,
        events: &Bytes,
    ) -> Result<Self, Fault> {
        let document =
            FullDocument { format: PACK_FORMAT, generator, scope: scope.to_text(), summary };
        let mut pack = serde_json::to_vec_pretty(&document).map_err(malformed)?;
        pack.push(b'\n');
        Ok(Self {
            pack,
            csv: csv::render(scope, summary, events)?,
            report: html::render(scope, summary).into_bytes(),
        })
    }
}
