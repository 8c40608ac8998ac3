//! What turns requests of OTLP into events, and the attributes that no field took: counted by mapping and
//! name, for whoever asks which.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use event::plain::Name;
use otlp::{DocumentError, Mapper, Missed};
use serde_json::{Value, json};
use service::metric_names as names;

/// Most names that are counted by themselves; what senders choose must not fill the memory.
const NAMES_MAX: usize = 1_000;
/// Longest name that is counted by itself, bytes.
const NAME_BYTES_MAX: usize = 200;

/// A mapper, and what it does not know.
#[derive(Debug)]
pub(crate) struct Receiver {
    pub(crate) mapper: Mapper,
    pub(crate) unmapped: Unmapped,
}

impl Receiver {
    /// `agent` says where the agent is named; empty: as the mappings do.
    ///
    /// # Errors
    ///
    /// A mapping is invalid, or what names the agent is.
    pub(crate) fn new(agent: &[String]) -> Result<Self, DocumentError> {
        let mapper = Mapper::new()?.with_agent(agent)?;
        Ok(Self { mapper, unmapped: Unmapped::default() })
    }

    /// The mappings and their conventions, and the attributes that none of their fields took.
    pub(crate) fn to_json(&self) -> Value {
        let mappings = self.mapper.conventions();
        let row = |(name, convention)| json!({ "mapping": name, "convention": convention });
        self.unmapped.to_json(&mappings.map(row).collect::<Vec<_>>())
    }
}

/// Counts by mapping and name.
#[derive(Debug, Default)]
pub(crate) struct Unmapped {
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    by_name: BTreeMap<(&'static str, String), u64>,
    /// Those beyond the limits.
    others: u64,
}

/// The counts of one request, so that requests wait for each other only once.
#[derive(Debug, Default)]
pub(crate) struct OfRequest<'r> {
    by_name: BTreeMap<(&'static str, &'r str), u64>,
}

impl<'r> OfRequest<'r> {
    pub(crate) fn add(&mut self, missed: Missed<'r>) {
        let count = self.by_name.entry((missed.mapping, missed.name)).or_default();
        *count = count.saturating_add(1);
    }
}

impl Unmapped {
    pub(crate) fn add(&self, request: &OfRequest<'_>) {
        if request.by_name.is_empty() {
            return;
        }
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        for ((mapping, name), count) in &request.by_name {
            metrics::counter!(names::COLLECTOR_ATTRIBUTES_UNMAPPED, "mapping" => *mapping)
                .increment(*count);
            let is_full = counts.by_name.len() >= NAMES_MAX || name.len() > NAME_BYTES_MAX;
            let key = (*mapping, (*name).to_owned());
            let counted = match counts.by_name.get_mut(&key) {
                Some(counted) => counted,
                None if is_full => &mut counts.others,
                None => counts.by_name.entry(key).or_default(),
            };
            *counted = counted.saturating_add(*count);
        }
    }

    /// What was counted, the most frequent first, beside the mappings.
    fn to_json(&self, mappings: &[Value]) -> Value {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let mut rows: Vec<_> = counts.by_name.iter().collect();
        rows.sort_by(|(one, a), (other, b)| b.cmp(a).then_with(|| one.cmp(other)));
        let row = |((mapping, name), count): &(&(&str, String), &u64)| json!({ "mapping": mapping, "attribute": Name(name).to_string(), "count": count });
        json!({
            "mappings": mappings,
            "unmapped": rows.iter().map(row).collect::<Vec<_>>(),
            "others": counts.others,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_counted_up_to_a_limit_and_the_others_together() {
        let unmapped = Unmapped::default();
        let own: Vec<String> = (0..1_100).map(|number| format!("a{number}")).collect();
        for _ in 0..2 {
            let mut request = OfRequest::default();
            for name in &own {
                request.add(Missed { mapping: "m", name });
            }
            request.add(Missed { mapping: "m", name: "a7" });
            unmapped.add(&request);
        }
        let json = unmapped.to_json(&[]);
        assert_eq!(json["unmapped"].as_array().unwrap().len(), NAMES_MAX);
        assert_eq!(json["unmapped"][0], json!({ "mapping": "m", "attribute": "a7", "count": 4 }));
        assert_eq!(json["others"], 200);
    }
}
