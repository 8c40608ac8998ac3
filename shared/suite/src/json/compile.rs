//! Compiles a schema from JSON.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::node::{Node, NodeId, Schema, Type};
use crate::key::pattern;
use crate::problem::nearest;
use crate::yaml::{element, member};

/// Keywords that assert nothing.
const ANNOTATIONS: &[&str] = &[
    "$comment",
    "$id",
    "title",
    "description",
    "default",
    "examples",
    "deprecated",
    "readOnly",
    "writeOnly",
];
/// Keywords that are checked, for suggestions.
const KEYWORDS: &[&str] = &[
    "$schema",
    "$defs",
    "$ref",
    "type",
    "enum",
    "const",
    "properties",
    "required",
    "additionalProperties",
    "minProperties",
    "maxProperties",
    "propertyNames",
    "items",
    "prefixItems",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minLength",
    "maxLength",
    "pattern",
    "anyOf",
    "allOf",
    "oneOf",
    "not",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
];
/// Largest number of patterns of a schema.
const PATTERNS_MAX: usize = 64;
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

impl Schema {
    /// Compiles a schema.
    ///
    /// # Errors
    ///
    /// The first problem: its path in the schema and a message.
    pub(crate) fn compile(schema: &Value) -> Result<Self, (String, String)> {
        let mut compiler =
            Compiler { nodes: Vec::new(), definitions: BTreeMap::new(), patterns: 0 };
        compiler.nodes.push(Node::default());
        if let Some(definitions) = schema.get("$defs") {
            let definitions = object(definitions, "$defs")?;
            // Definitions may refer to each other, so all of them get a node first: in this order,
            // after the root.
            for (id, name) in (1..).zip(definitions.keys()) {
                compiler.nodes.push(Node::default());
                compiler.definitions.insert(name.clone(), id);
            }
            for (id, (name, definition)) in (1..).zip(definitions) {
                let node = compiler.node(definition, &member("$defs", name))?;
                compiler.fill(id, node);
            }
        }
        let root = compiler.node(schema, "")?;
        compiler.fill(0, root);
        Ok(Self { nodes: compiler.nodes })
    }
}

struct Compiler {
    nodes: Vec<Node>,
    definitions: BTreeMap<String, NodeId>,
    /// Number of patterns so far.
    patterns: usize,
}

type Wrong = (String, String);

fn wrong<T>(path: &str, message: impl Into<String>) -> Result<T, Wrong> {
    Err((path.to_owned(), message.into()))
}

fn object<'v>(value: &'v Value, path: &str) -> Result<&'v Map<String, Value>, Wrong> {
    value.as_object().map_or_else(|| wrong(path, "must be an object"), Ok)
}

fn array<'v>(value: &'v Value, path: &str) -> Result<&'v Vec<Value>, Wrong> {
    match value.as_array() {
        Some(items) if !items.is_empty() => Ok(items),
        Some(_) | None => wrong(path, "must be a list with at least one item"),
    }
}

fn count(value: &Value, path: &str) -> Result<Option<u64>, Wrong> {
    value.as_u64().map_or_else(
        || wrong(path, "must be a whole number, not negative"),
        |count| Ok(Some(count)),
    )
}

fn number(value: &Value, path: &str) -> Result<Option<f64>, Wrong> {
    value.as_f64().map_or_else(|| wrong(path, "must be a number"), |number| Ok(Some(number)))
}

fn texts(value: &Value, path: &str) -> Result<Vec<String>, Wrong> {
    let text = |item: &Value| item.as_str().map(str::to_owned);
    let texts = value.as_array().and_then(|items| items.iter().map(text).collect());
    texts.map_or_else(|| wrong(path, "must be a list of texts"), Ok)
}

impl Compiler {
    /// Fills a node that was reserved.
    fn fill(&mut self, id: NodeId, node: Node) {
        let Some(reserved) = self.nodes.get_mut(id) else { unreachable!("no node {id}") };
        *reserved = node;
    }

    fn add(&mut self, schema: &Value, path: &str) -> Result<NodeId, Wrong> {
        let node = self.node(schema, path)?;
        self.nodes.push(node);
        Ok(self.nodes.len() - 1)
    }

    fn list(&mut self, value: &Value, path: &str) -> Result<Vec<NodeId>, Wrong> {
        let items = array(value, path)?.iter().enumerate();
        items.map(|(index, item)| self.add(item, &element(path, index))).collect()
    }

    fn node(&mut self, schema: &Value, path: &str) -> Result<Node, Wrong> {
        let mut node = Node::default();
        let members = match schema {
            Value::Bool(always) => {
                node.never = !always;
                return Ok(node);
            }
            Value::Object(members) => members,
            Value::Null | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                return wrong(path, "a schema must be an object, true or false");
            }
        };
        for (keyword, value) in members {
            let at = member(path, keyword);
            self.keyword(&mut node, keyword, value, &at, path.is_empty())?;
        }
        Ok(node)
    }

    fn keyword(
        &mut self,
        node: &mut Node,
        keyword: &str,
        value: &Value,
        at: &str,
        at_root: bool,
    ) -> Result<(), Wrong> {
        let is_known = ANNOTATIONS.contains(&keyword)
            || self.structure(node, keyword, value, at, at_root)?
            || self.combination(node, keyword, value, at)?
            || self.of_objects(node, keyword, value, at)?
            || self.of_arrays(node, keyword, value, at)?
            || of_scalars(node, keyword, value, at)?;
        if keyword == "pattern" {
            self.patterns += 1;
            if self.patterns > PATTERNS_MAX {
                return wrong(at, format!("the schema has more than {PATTERNS_MAX} patterns"));
            }
        }
        if is_known { Ok(()) } else { wrong(at, unsupported(keyword)) }
    }

    /// Keywords of the schema itself. Whether this is one.
    fn structure(
        &self,
        node: &mut Node,
        keyword: &str,
        value: &Value,
        at: &str,
        at_root: bool,
    ) -> Result<bool, Wrong> {
        match keyword {
            "$schema" if value.as_str().map(|uri| uri.trim_end_matches('#')) == Some(DIALECT) => {}
            "$schema" => return wrong(at, format!("must be {DIALECT}")),
            "$defs" if at_root => {}
            "$defs" => return wrong(at, "definitions are allowed at the root of the schema only"),
            "$ref" => node.reference = Some(self.reference(value, at)?),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Keywords that combine schemas. Whether this is one.
    fn combination(
        &mut self,
        node: &mut Node,
        keyword: &str,
        value: &Value,
        at: &str,
    ) -> Result<bool, Wrong> {
        match keyword {
            "anyOf" => node.any = self.list(value, at)?,
            "allOf" => node.all = self.list(value, at)?,
            "oneOf" => node.one = self.list(value, at)?,
            "not" => node.not = Some(self.add(value, at)?),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Keywords about objects. Whether this is one.
    fn of_objects(
        &mut self,
        node: &mut Node,
        keyword: &str,
        value: &Value,
        at: &str,
    ) -> Result<bool, Wrong> {
        match keyword {
            "properties" => {
                for (name, schema) in object(value, at)? {
                    let inner = self.add(schema, &member(at, name))?;
                    node.properties.insert(name.clone(), inner);
                }
            }
            "required" => node.required = texts(value, at)?,
            "additionalProperties" => node.additional = Some(self.add(value, at)?),
            "propertyNames" => node.names = Some(self.add(value, at)?),
            "minProperties" => node.size.min = count(value, at)?,
            "maxProperties" => node.size.max = count(value, at)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Keywords about arrays. Whether this is one.
    fn of_arrays(
        &mut self,
        node: &mut Node,
        keyword: &str,
        value: &Value,
        at: &str,
    ) -> Result<bool, Wrong> {
        match keyword {
            "items" => node.items = Some(self.add(value, at)?),
            "prefixItems" => node.prefix = self.list(value, at)?,
            "minItems" => node.count.min = count(value, at)?,
            "maxItems" => node.count.max = count(value, at)?,
            "uniqueItems" => match value.as_bool() {
                Some(unique) => node.unique = unique,
                None => return wrong(at, "must be true or false"),
            },
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn reference(&self, value: &Value, at: &str) -> Result<NodeId, Wrong> {
        if value == "#" {
            return Ok(0);
        }
        let Some(name) = value.as_str().and_then(|target| target.strip_prefix("#/$defs/")) else {
            return wrong(at, "must be `#` or `#/$defs/NAME`");
        };
        let name = name.replace("~1", "/").replace("~0", "~");
        let found = self.definitions.get(&name).copied();
        found.map_or_else(|| wrong(at, format!("no definition `{name}`")), Ok)
    }
}

/// Keywords about numbers and texts, and about single values. Whether this is one.
fn of_scalars(node: &mut Node, keyword: &str, value: &Value, at: &str) -> Result<bool, Wrong> {
    match keyword {
        "type" => node.types = Some(types(value, at)?),
        "enum" => node.allowed = Some(array(value, at)?.clone()),
        "const" => node.allowed = Some(vec![value.clone()]),
        "minLength" => node.length.min = count(value, at)?,
        "maxLength" => node.length.max = count(value, at)?,
        "pattern" => match value.as_str().map(pattern) {
            Some(Ok(compiled)) => node.pattern = Some(compiled),
            Some(Err(problem)) => return wrong(at, problem),
            None => return wrong(at, "must be a pattern"),
        },
        "minimum" => node.range.min = number(value, at)?,
        "maximum" => node.range.max = number(value, at)?,
        "exclusiveMinimum" => node.range.above = number(value, at)?,
        "exclusiveMaximum" => node.range.below = number(value, at)?,
        "multipleOf" => match count(value, at)? {
            Some(0) | None => return wrong(at, "must be a whole number from 1"),
            of => node.range.multiple_of = of,
        },
        _ => return Ok(false),
    }
    Ok(true)
}

/// The message for a keyword that is not supported.
fn unsupported(keyword: &str) -> String {
    if keyword == "format" {
        return "`format` asserts nothing in JSON Schema 2020-12: use `pattern`".to_owned();
    }
    match nearest(keyword, ANNOTATIONS.iter().chain(KEYWORDS).copied()) {
        Some(near) => format!("keyword is not supported; did you mean `{near}`?"),
        None => "keyword is not supported: remove it".to_owned(),
    }
}

fn types(value: &Value, at: &str) -> Result<Vec<Type>, Wrong> {
    let one = |value: &Value| {
        let found = Type::NAMES.iter().find(|(known, _)| value == known);
        found.map_or_else(|| wrong(at, format!("{value} is not a type")), |(_, found)| Ok(*found))
    };
    match value {
        Value::Array(_) => array(value, at)?.iter().map(one).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
            Ok(vec![one(value)?])
        }
    }
}
