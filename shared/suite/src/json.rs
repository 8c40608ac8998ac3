//! JSON Schema 2020-12, a strict subset: unsupported keywords are refused, never ignored.
//!
//! Checked: `type`, `enum`, `const`, `properties`, `required`, `additionalProperties`,
//! `minProperties`, `maxProperties`, `propertyNames`, `items`, `prefixItems`, `minItems`,
//! `maxItems`, `uniqueItems`, `minLength`, `maxLength`, `pattern`, `minimum`, `maximum`,
//! `exclusiveMinimum`, `exclusiveMaximum`, `multipleOf` (of whole numbers), `anyOf`, `allOf`,
//! `oneOf`, `not`, and `$ref` to `#` or `#/$defs/NAME`. Ignored, because they assert nothing:
//! `$schema`, `$id`, `$comment`, `title`, `description`, `default`, `examples`, `deprecated`,
//! `readOnly`, `writeOnly`. Anything else is an error, including `format`, which asserts nothing in
//! 2020-12; use `pattern`. The subset covers what generators of schemas for structured output
//! write.
//!
//! A complete validator was tried: it alone takes more than a minute to compile, and its patterns
//! support look-around, which is not linear in the text. Patterns here are those of the crate
//! `regex`.
//!
//! Bounds: a value is judged in at most [`judge::STEPS_MAX`] steps; beyond that there is no answer.

mod compile;
mod judge;
mod node;

pub(crate) use self::judge::Mismatch;
pub(crate) use self::node::Schema;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

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
