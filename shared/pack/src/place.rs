//! Lines of `proofs/….jsonl`: which rows of a segment are in the pack, and the nodes that prove them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use merkle::Hash;
use serde::{Deserialize, Serialize};

/// The rows of one segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// Number of the log entry of the segment.
    pub(crate) entry: u64,
    /// First and last index of each run of rows, ascending; no run continues the one before.
    pub(crate) runs: Vec<(u64, u64)>,
    /// Nodes of the proof of all these rows.
    pub(crate) nodes: Vec<Hash>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Json {
    entry: String,
    indices: String,
    nodes: Vec<String>,
}

impl Place {
    /// The rows with these indices, which ascend.
    pub(crate) fn of(entry: u64, indices: &[u64], nodes: Vec<Hash>) -> Self {
        let mut runs: Vec<(u64, u64)> = Vec::new();
        for index in indices {
            match runs.last_mut() {
                Some((_, last)) if last.checked_add(1) == Some(*index) => *last = *index,
                _ => runs.push((*index, *index)),
            }
        }
        Self { entry, runs, nodes }
    }

    /// The indices, if there are so many.
    pub(crate) fn indices(&self, count: usize) -> Option<Vec<u64>> {
        let mut indices = Vec::new();
        for (first, last) in &self.runs {
            let more = last.checked_sub(*first)?.checked_add(1)?;
            if more > count.checked_sub(indices.len())? as u64 {
                return None;
            }
            indices.extend(*first..=*last);
        }
        (indices.len() == count).then_some(indices)
    }

    pub(crate) fn line(&self) -> String {
        let runs = self.runs.iter().map(|(first, last)| {
            if first == last { first.to_string() } else { format!("{first}-{last}") }
        });
        let json = Json {
            entry: self.entry.to_string(),
            indices: runs.collect::<Vec<_>>().join(","),
            nodes: self.nodes.iter().map(|node| BASE64.encode(node)).collect(),
        };
        match serde_json::to_string(&json) {
            Ok(line) => line,
            Err(error) => unreachable!("texts and lists of them have a JSON form: {error}"),
        }
    }

    /// Reads a line; only its exact form is accepted.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let json: Json = serde_json::from_str(line).ok()?;
        let mut runs = Vec::new();
        let mut lowest = Some(0_u64);
        for run in json.indices.split(',') {
            let (first, last) = run.split_once('-').unwrap_or((run, run));
            let (first, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
            if first > last || first < lowest? {
                return None;
            }
            // At least one index lies between two runs.
            lowest = last.checked_add(2);
            runs.push((first, last));
        }
        let nodes: Option<Vec<Hash>> =
            json.nodes.iter().map(|node| BASE64.decode(node).ok()?.try_into().ok()).collect();
        let place = Self { entry: json.entry.parse().ok()?, runs, nodes: nodes? };
        (place.line() == line).then_some(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_survives_its_line_and_has_one_form() {
        let place = Place::of(7, &[0, 1, 2, 4, 9, 10], vec![[1; 32]]);
        assert_eq!(place.runs, [(0, 2), (4, 4), (9, 10)]);
        let line = place.line();
        assert!(line.starts_with(r#"{"entry":"7","indices":"0-2,4,9-10","nodes":["#), "{line}");
        assert_eq!(Place::parse(&line), Some(place));
        let last = Place::of(0, &[u64::MAX - 1, u64::MAX], Vec::new());
        assert_eq!(Place::parse(&last.line()), Some(last));
        for indices in ["", "1,0", "0,1", "0-0", "2-1", "00", "+1", "0-1,2", "1-", "-1", "0,,2"] {
            let changed = line.replace("0-2,4,9-10", indices);
            assert_eq!(Place::parse(&changed), None, "{indices}");
        }
        assert_eq!(Place::parse(&line.replace("\"7\"", "\"07\"")), None);
        assert_eq!(Place::parse(&format!(" {line}")), None);
    }
}
