//! JSON Schema 2020-12, a strict subset: what is not checked is refused, never passed over.
//!
//! Checked: `type`, `enum`, `const`, `properties`, `required`, `additionalProperties`,
//! `minProperties`, `maxProperties`, `propertyNames`, `items`, `prefixItems`, `minItems`,
//! `maxItems`, `uniqueItems`, `minLength`, `maxLength`, `pattern`, `minimum`, `maximum`,
//! `exclusiveMinimum`, `exclusiveMaximum`, `multipleOf` (of whole numbers), `anyOf`, `allOf`,
//! `oneOf`, `not`, and `$ref` to `#` or `#/$defs/NAME`. Read past, because they check nothing:
//! `$schema`, `$id`, `$comment`, `title`, `description`, `default`, `examples`, `deprecated`,
//! `readOnly`, `writeOnly`. Anything else is an error; of it `format` asserts nothing in 2020-12,
//! so `pattern` says better what is meant. That covers what generators of schemas for structured
//! output write.
//!
//! A validator of everything was tried: it alone compiles for more than a minute, and its patterns
//! may look around, which is not linear in the text. Patterns here are those of the crate `regex`.
//!
//! Bounds: a value is judged in at most [`judge::STEPS_MAX`] steps; then the answer is that there is none.

mod compile;
mod judge;

use std::collections::BTreeMap;

use regex::Regex;
use serde_json::{Number, Value};

pub(crate) use self::judge::Mismatch;

/// A compiled schema.
#[derive(Debug)]
pub(crate) struct Schema {
    nodes: Vec<Node>,
}

/// Number of a node of a schema.
type NodeId = usize;

#[derive(Debug, Default)]
struct Node {
    /// Of the schema `false`.
    never: bool,
    reference: Option<NodeId>,
    types: Option<Vec<Type>>,
    allowed: Option<Vec<Value>>,
    properties: BTreeMap<String, NodeId>,
    required: Vec<String>,
    additional: Option<NodeId>,
    names: Option<NodeId>,
    size: Bounds,
    prefix: Vec<NodeId>,
    items: Option<NodeId>,
    count: Bounds,
    unique: bool,
    length: Bounds,
    pattern: Option<Regex>,
    range: Range,
    any: Vec<NodeId>,
    all: Vec<NodeId>,
    one: Vec<NodeId>,
    not: Option<NodeId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Type {
    Null,
    Boolean,
    Integer,
    Number,
    Text,
    Array,
    Object,
}

impl Type {
    const NAMES: [(&'static str, Self); 7] = [
        ("null", Self::Null),
        ("boolean", Self::Boolean),
        ("integer", Self::Integer),
        ("number", Self::Number),
        ("string", Self::Text),
        ("array", Self::Array),
        ("object", Self::Object),
    ];

    fn admits(self, value: &Value) -> bool {
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
struct Bounds {
    min: Option<u64>,
    max: Option<u64>,
}

impl Bounds {
    fn admits(self, count: usize) -> bool {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        self.min.is_none_or(|min| count >= min) && self.max.is_none_or(|max| count <= max)
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Range {
    min: Option<f64>,
    max: Option<f64>,
    above: Option<f64>,
    below: Option<f64>,
    multiple_of: Option<u64>,
}

impl Range {
    fn admits(self, number: &Number) -> bool {
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
    #[expect(clippy::cast_precision_loss, reason = "read as a float already")]
    number.as_f64().is_some_and(|value| (value % (of as f64)) == 0.0)
}

/// Equality of JSON values: numbers by value, not by how they are written.
fn same(one: &Value, two: &Value) -> bool {
    match (one, two) {
        (Value::Number(a), Value::Number(b)) => {
            if let (Some(a), Some(b)) = (a.as_i64(), b.as_i64()) {
                return a == b;
            }
            if let (Some(a), Some(b)) = (a.as_u64(), b.as_u64()) {
                return a == b;
            }
            #[expect(clippy::float_cmp, reason = "equality is what is asked")]
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(schema: &Value, value: &Value) -> Result<(), Mismatch> {
        Schema::compile(schema).unwrap().check(value)
    }

    #[test]
    fn the_place_and_the_keyword_are_said() {
        let schema = json!({
            "type": "object",
            "properties": {"a/b": {"type": "array", "items": {"type": "integer"}}},
        });
        let at = |place: &str, keyword| Err(Mismatch::At(place.to_owned(), keyword));
        assert_eq!(check(&schema, &json!({"a/b": [1, 2.0, 3]})), Ok(()));
        assert_eq!(check(&schema, &json!({"a/b": [1, 2.5]})), at("/a~1b/1", "type"));
        assert_eq!(check(&schema, &json!([])), at("", "type"));
    }

    #[test]
    fn definitions_may_refer_to_each_other_and_to_the_root() {
        let schema = json!({
            "$defs": {
                "tree": {"properties": {"left": {"$ref": "#/$defs/leaf"}, "right": {"$ref": "#"}}},
                "leaf": {"type": "string"},
            },
            "$ref": "#/$defs/tree",
            "additionalProperties": true,
        });
        assert_eq!(check(&schema, &json!({"left": "x", "right": {"left": "y"}})), Ok(()));
        assert!(check(&schema, &json!({"right": {"left": 1}})).is_err());
    }

    #[test]
    fn numbers_are_equal_by_value() {
        assert_eq!(check(&json!({"const": 1}), &json!(1.0)), Ok(()));
        assert_eq!(check(&json!({"enum": [[1.0], {"a": 0}]}), &json!({"a": 0.0})), Ok(()));
        let large = json!({"const": 9_007_199_254_740_993_u64});
        assert!(check(&large, &json!(9_007_199_254_740_992_u64)).is_err());
        assert!(check(&json!({"uniqueItems": true}), &json!([1, 1.0])).is_err());
        assert_eq!(check(&json!({"multipleOf": 3}), &json!(-9)), Ok(()));
    }

    #[test]
    fn a_list_that_is_too_long_to_compare_has_no_answer() {
        let items: Vec<Value> = (0..1_000).map(Value::from).collect();
        let unique = json!({"uniqueItems": true});
        assert_eq!(check(&unique, &Value::Array(items)), Err(Mismatch::Unknown));
    }

    #[test]
    fn what_is_malformed_is_refused() {
        for schema in [
            json!(1),
            json!({"type": "text"}),
            json!({"type": []}),
            json!({"enum": []}),
            json!({"required": ["a", 1]}),
            json!({"minItems": -1}),
            json!({"multipleOf": 0}),
            json!({"multipleOf": 0.1}),
            json!({"properties": []}),
            json!({"not": {"pattern": "("}}),
            json!({"$schema": "http://json-schema.org/draft-07/schema#"}),
            json!({"properties": {"a": {"$defs": {}}}}),
            json!({"$ref": "other.json"}),
            json!({"anyOf": {}}),
        ] {
            assert!(Schema::compile(&schema).is_err(), "{schema}");
        }
    }
}
