//! A compiled schema: its nodes, and when two values are equal.

use std::collections::BTreeMap;

use regex::Regex;
use serde_json::{Number, Value};

/// A compiled schema.
#[derive(Debug)]
pub(crate) struct Schema {
    pub(super) nodes: Vec<Node>,
}

impl Schema {
    /// Number of compiled patterns.
    pub(crate) fn patterns(&self) -> usize {
        self.nodes.iter().filter(|node| node.pattern.is_some()).count()
    }
}

/// Index of a node of a schema.
pub(super) type NodeId = usize;

#[derive(Debug, Default)]
pub(super) struct Node {
    /// Whether it is the schema `false`.
    pub(super) never: bool,
    pub(super) reference: Option<NodeId>,
    pub(super) types: Option<Vec<Type>>,
    pub(super) allowed: Option<Vec<Value>>,
    pub(super) properties: BTreeMap<String, NodeId>,
    pub(super) required: Vec<String>,
    pub(super) additional: Option<NodeId>,
    pub(super) names: Option<NodeId>,
    pub(super) size: Bounds,
    pub(super) prefix: Vec<NodeId>,
    pub(super) items: Option<NodeId>,
    pub(super) count: Bounds,
    pub(super) unique: bool,
    pub(super) length: Bounds,
    pub(super) pattern: Option<Regex>,
    pub(super) range: Range,
    pub(super) any: Vec<NodeId>,
    pub(super) all: Vec<NodeId>,
    pub(super) one: Vec<NodeId>,
    pub(super) not: Option<NodeId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    Null,
    Boolean,
    Integer,
    Number,
    Text,
    Array,
    Object,
}

impl Type {
    pub(super) const NAMES: [(&'static str, Self); 7] = [
        ("null", Self::Null),
        ("boolean", Self::Boolean),
        ("integer", Self::Integer),
        ("number", Self::Number),
        ("string", Self::Text),
        ("array", Self::Array),
        ("object", Self::Object),
    ];

    pub(super) fn admits(self, value: &Value) -> bool {
        match value {
            Value::Null => self == Self::Null,
            Value::Bool(_) => self == Self::Boolean,
            Value::Number(number) => {
                self == Self::Number || (self == Self::Integer && is_whole(number))
            }
            Value::String(_) => self == Self::Text,
            Value::Array(_) => self == Self::Array,
            Value::Object(_) => self == Self::Object,
        }
    }
}

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Bounds {
    pub(super) min: Option<u64>,
    pub(super) max: Option<u64>,
}

impl Bounds {
    pub(super) fn admits(self, count: usize) -> bool {
        let count = count as u64;
        self.min.is_none_or(|min| count >= min) && self.max.is_none_or(|max| count <= max)
    }
}

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Range {
    pub(super) min: Option<f64>,
    pub(super) max: Option<f64>,
    pub(super) above: Option<f64>,
    pub(super) below: Option<f64>,
    pub(super) multiple_of: Option<u64>,
}

impl Range {
    pub(super) fn admits(self, number: &Number) -> bool {
        let Some(value) = number.as_f64() else { return false };
        self.min.is_none_or(|min| value >= min)
            && self.max.is_none_or(|max| value <= max)
            && self.above.is_none_or(|above| value > above)
            && self.below.is_none_or(|below| value < below)
            && self.multiple_of.is_none_or(|of| is_multiple(number, of))
    }
}

fn is_whole(number: &Number) -> bool {
    number.is_i64() || number.is_u64() || number.as_f64().is_some_and(|value| value.fract() == 0.0)
}

fn is_multiple(number: &Number, of: u64) -> bool {
    if let Some(value) = number.as_u64() {
        return value.checked_rem(of) == Some(0);
    }
    if let Some(value) = number.as_i64() {
        return value.unsigned_abs().checked_rem(of) == Some(0);
    }
    #[expect(clippy::cast_precision_loss, reason = "the number is a float as well")]
    number.as_f64().is_some_and(|value| (value % (of as f64)) == 0.0)
}

/// Equality of JSON values: numbers by value, not by how they are written.
pub(super) fn same(one: &Value, two: &Value) -> bool {
    match (one, two) {
        (Value::Number(a), Value::Number(b)) => {
            if let (Some(a), Some(b)) = (a.as_i64(), b.as_i64()) {
                return a == b;
            }
            if let (Some(a), Some(b)) = (a.as_u64(), b.as_u64()) {
                return a == b;
            }
            #[expect(clippy::float_cmp, reason = "equality is intended")]
            a.as_f64().zip(b.as_f64()).is_some_and(|(a, b)| a == b)
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        _ => one == two,
    }
}
