//! `pack.json`: what a pack is about, who made it, and every number.

use std::collections::BTreeSet;

use event::ColumnId;
use segment::fault::{Distrust, Fault};
use serde::{Deserialize, Serialize};

use crate::facts::Facts;
use crate::names;
use crate::scope::{Scope, ScopeText};

/// Format name in `pack.json`.
pub const PACK_FORMAT: &str = "driftseal/pack/v3";

/// `pack.json`, as far as it does not follow from the rest of the pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Claims {
    /// Name and version of the program that made the pack.
    pub(crate) generator: String,
    /// Name of the wording of `report.html`.
    pub(crate) report: String,
    pub(crate) scope: Scope,
    /// Fields whose values the pack does not hold.
    pub(crate) withheld: BTreeSet<ColumnId>,
    /// Fields of the tables; they follow from the events, and are compared in the end.
    pub(crate) columns: Vec<ColumnId>,
}

#[derive(Serialize)]
struct Full<'a> {
    facts: &'a Facts,
    format: &'a str,
    generator: &'a str,
    report: &'a str,
    scope: ScopeText,
    withheld: Vec<&'a str>,
}

impl Claims {
    /// Reads `pack.json`; another version of the format cannot be judged.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Distrust> {
        #[derive(Deserialize)]
        struct Version {
            format: String,
        }
        #[derive(Deserialize)]
        struct Claimed {
            facts: ClaimedFacts,
            generator: String,
            report: String,
            scope: ScopeText,
            withheld: Vec<String>,
        }
        #[derive(Deserialize)]
        struct ClaimedFacts {
            columns: Vec<String>,
        }
        let Version { format } = serde_json::from_slice(bytes).map_err(malformed)?;
        if format != PACK_FORMAT {
            return Err(Distrust::Unverifiable(format!(
                "the pack is of format `{format}`; this version knows `{PACK_FORMAT}`"
            )));
        }
        let claimed: Claimed = serde_json::from_slice(bytes).map_err(malformed)?;
        let field = |path: &String| {
            let id = event::schema().id(path);
            id.ok_or_else(|| malformed(format!("`{path}` is no field that this version knows")))
        };
        let withheld: Result<Vec<_>, _> = claimed.withheld.iter().map(field).collect();
        let columns: Result<Vec<_>, _> = claimed.facts.columns.iter().map(field).collect();
        let claims = Self {
            generator: claimed.generator,
            report: claimed.report,
            scope: Scope::from_text(&claimed.scope).map_err(malformed)?,
            withheld: withheld?.into_iter().collect(),
            columns: columns?,
        };
        if let Some(id) = claims.withheld.iter().find(|id| !event::schema().column(**id).erasable) {
            let why = format!("`{}` is a field that nobody can withhold", id.path());
            return Err(malformed(why).into());
        }
        Ok(claims)
    }

    /// The bytes that `pack.json` has with these facts: members in ascending order, two spaces for
    /// each level, a newline at the end.
    pub(crate) fn to_text(&self, facts: &Facts) -> String {
        let full = Full {
            facts,
            format: PACK_FORMAT,
            generator: &self.generator,
            report: &self.report,
            scope: self.scope.to_text(),
            withheld: self.withheld.iter().map(|id| id.path()).collect(),
        };
        // A value has its members in ascending order.
        let text =
            serde_json::to_value(&full).and_then(|value| serde_json::to_string_pretty(&value));
        match text {
            Ok(text) => text + "\n",
            Err(error) => unreachable!("texts, numbers and lists have a JSON form: {error}"),
        }
    }
}

fn malformed(error: impl std::fmt::Display) -> Fault {
    Fault::new("pack.json", names::PACK, "a pack document", error.to_string())
}
