//! Names that look like another one: written with other letters that look alike, other case, other
//! spaces, or one letter apart.

use std::collections::BTreeMap;

use serde::Serialize;

/// Most names that are kept.
const NAMES_MAX: usize = 20;

/// Most characters of a name that are looked at.
const CHARS_MAX: usize = 200;

/// An agent whose name looks like the pack's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SimilarName {
    /// The name.
    pub agent_id: String,
    /// Its events in the segments that touch the period.
    pub events: u64,
}

/// Names that look like a given one, with their events: the first twenty in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Names(BTreeMap<String, u64>);

impl Names {
    /// Counts events of an agent, if its name looks like that one.
    pub(crate) fn add(&mut self, name: &str, other: &str, events: u64) {
        if let Some(sum) = self.0.get_mut(other) {
            *sum = sum.saturating_add(events);
        } else if are_similar(name, other) {
            self.0.insert(other.to_owned(), events);
            if self.0.len() > NAMES_MAX {
                self.0.pop_last();
            }
        }
    }

    pub(crate) fn list(&self) -> Vec<SimilarName> {
        let names = self.0.iter();
        names
            .map(|(name, events)| SimilarName { agent_id: name.clone(), events: *events })
            .collect()
    }
}

/// Whether two different names look alike.
fn are_similar(one: &str, other: &str) -> bool {
    if one == other || other.is_empty() {
        return false;
    }
    if skeleton(one, true) == skeleton(other, true) {
        return true;
    }
    let (one, other) = (skeleton(one, false), skeleton(other, false));
    one.len() > 3 && other.len() > 3 && are_one_edit_apart(&one, &other)
}

/// What is left of a name without case, marks between words and letters, perhaps also digits, that look
/// like others.
fn skeleton(name: &str, digits: bool) -> Vec<char> {
    name.chars()
        .take(CHARS_MAX)
        .flat_map(char::to_lowercase)
        .filter(|c| c.is_alphanumeric())
        .map(|c| match c {
            '0' if digits => 'o',
            '1' if digits => 'i',
            'о' | 'ο' | 'օ' => 'o',
            'l' | 'ı' | 'і' | 'ι' | 'ӏ' => 'i',
            'а' | 'α' => 'a',
            'с' | 'ϲ' => 'c',
            'е' | 'ε' => 'e',
            'һ' => 'h',
            'ј' => 'j',
            'к' | 'κ' => 'k',
            'м' => 'm',
            'п' | 'η' => 'n',
            'р' | 'ρ' => 'p',
            'ѕ' => 's',
            'т' | 'τ' => 't',
            'υ' | 'ս' => 'u',
            'ν' => 'v',
            'ԝ' => 'w',
            'х' | 'χ' => 'x',
            'у' | 'γ' => 'y',
            c => c,
        })
        .collect()
}

/// Whether one letter more, less or other makes one of the other: no digit, because names are often
/// numbered, and no other last letter, by which they are told apart as well.
fn are_one_edit_apart(one: &[char], other: &[char]) -> bool {
    let (short, long) = if one.len() < other.len() { (one, other) } else { (other, one) };
    if long.len() - short.len() > 1 {
        return false;
    }
    let same = short.iter().zip(long).take_while(|(a, b)| a == b).count();
    let replaces = short.len() == long.len();
    let is_letter = |name: &[char]| name.get(same).is_some_and(|c| c.is_alphabetic());
    let counts = is_letter(long) && (!replaces || (is_letter(short) && same + 1 < long.len()));
    let rest = |name: &[char], from: usize| name.get(from..).unwrap_or_default().to_vec();
    counts && rest(short, if replaces { same + 1 } else { same }) == rest(long, same + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_alike_is_similar() {
        for other in [
            "Support-Agent",
            "support_agent",
            "support-agent ",
            "supp0rt-agent",
            "support-agents",
            "suport-agent",
            "ѕuрроrt-аgеnt",
            "suppord-agent",
            "supportagent",
        ] {
            assert!(are_similar("support-agent", other), "{other}");
        }
        for other in ["support-agent", "billing-agent", "support-agent-eu", ""] {
            assert!(!are_similar("support-agent", other), "{other}");
        }
        for (one, other) in [
            ("a1", "a2"),
            ("bot", "bit"),
            ("agent-a", "agent-b"),
            ("agent-1", "agent-12"),
            ("agent-1", "agent-10"),
        ] {
            assert!(!are_similar(one, other), "{one} {other}");
        }
    }

    #[test]
    fn names_are_counted_and_few() {
        let mut names = Names::default();
        for at in 0..100 {
            names.add("agent-x", &format!("agent-x{}", "-".repeat(at)), 1);
            names.add("agent-x", "Agent-X", 2);
        }
        let list = names.list();
        assert_eq!(list.len(), NAMES_MAX);
        assert_eq!(list[0], SimilarName { agent_id: "Agent-X".into(), events: 200 });
    }
}
