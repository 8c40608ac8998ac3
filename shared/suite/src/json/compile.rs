//! From a schema as it is written to one that can be asked.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::node::{Node, NodeId, Schema, Type};
use crate::key::pattern;
use crate::problem::nearest;
use crate::yaml::{element, member};

const KEYWORDS: [&str; 35] = [
    "$schema",
    "$id",
    "$comment",
    "$defs",
    "$ref",
    "title",
    "description",
    "default",
    "examples",
    "deprecated",
    "readOnly",
    "writeOnly",
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
];
const MORE_KEYWORDS: [&str; 3] = ["exclusiveMinimum", "exclusiveMaximum", "multipleOf"];
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

impl Schema {
    /// Compiles a schema.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong: its place in the schema and a message.
    pub(crate) fn compile(schema: &Value) -> Result<Self, (String, String)> {
        let mut compiler = Compiler { nodes: Vec::new(), definitions: BTreeMap::new() };
        compiler.nodes.push(Node::default());
        if let Some(definitions) = schema.get("$defs") {
            let definitions = object(definitions, "$defs")?;
            for name in definitions.keys() {
                compiler.nodes.push(Node::default());
                compiler.definitions.insert(name.clone(), compiler.nodes.len() - 1);
            }
            for (name, definition) in definitions {
                let node = compiler.node(definition, &member("$defs", name))?;
                compiler.place(compiler.definitions.get(name).copied(), node);
            }
        }
        let root = compiler.node(schema, "")?;
        compiler.place(Some(0), root);
        Ok(Self { nodes: compiler.nodes })
    }
}

struct Compiler {
    nodes: Vec<Node>,
    definitions: BTreeMap<String, NodeId>,
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
        Some(_) | None => wrong(path, "must be a list that is not empty"),
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
    let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
    let texts: Vec<String> = items.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    if value.is_array() && texts.len() == items.len() {
        Ok(texts)
    } else {
        wrong(path, "must be a list of texts")
    }
}

impl Compiler {
    fn place(&mut self, at: Option<NodeId>, node: Node) {
        if let Some(slot) = at.and_then(|at| self.nodes.get_mut(at)) {
            *slot = node;
        }
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
                return wrong(path, "a schema is an object, true or false");
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
        match keyword {
            "$comment" | "$id" | "title" | "description" | "default" | "examples"
            | "deprecated" | "readOnly" | "writeOnly" => {}
            "$schema" if value.as_str().map(|uri| uri.trim_end_matches('#')) == Some(DIALECT) => {}
            "$schema" => return wrong(at, format!("must be {DIALECT}")),
            "$defs" if at_root => {}
            "$defs" => return wrong(at, "definitions stand at the root of the schema"),
            "$ref" => node.reference = Some(self.reference(value, at)?),
            "type" => node.types = Some(types(value, at)?),
            "enum" => node.allowed = Some(array(value, at)?.clone()),
            "const" => node.allowed = Some(vec![value.clone()]),
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
            "items" => node.items = Some(self.add(value, at)?),
            "prefixItems" => node.prefix = self.list(value, at)?,
            "minItems" => node.count.min = count(value, at)?,
            "maxItems" => node.count.max = count(value, at)?,
            "uniqueItems" => match value.as_bool() {
                Some(unique) => node.unique = unique,
                None => return wrong(at, "must be true or false"),
            },
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
            "anyOf" => node.any = self.list(value, at)?,
            "allOf" => node.all = self.list(value, at)?,
            "oneOf" => node.one = self.list(value, at)?,
            "not" => node.not = Some(self.add(value, at)?),
            "format" => {
                return wrong(at, "`format` asserts nothing in JSON Schema 2020-12: use `pattern`");
            }
            unknown => {
                let known = KEYWORDS.into_iter().chain(MORE_KEYWORDS);
                return wrong(
                    at,
                    match nearest(unknown, known) {
                        Some(near) => format!("keyword is not checked; did you mean `{near}`?"),
                        None => "keyword is not checked here: leave it out".to_owned(),
                    },
                );
            }
        }
        Ok(())
    }

    fn reference(&self, value: &Value, at: &str) -> Result<NodeId, Wrong> {
        let target = value.as_str().unwrap_or_default();
        if target == "#" {
            return Ok(0);
        }
        let Some(name) = target.strip_prefix("#/$defs/") else {
            return wrong(at, "must be `#` or `#/$defs/NAME`");
        };
        let name = name.replace("~1", "/").replace("~0", "~");
        let found = self.definitions.get(&name).copied();
        found.map_or_else(|| wrong(at, format!("no definition `{name}`")), Ok)
    }
}

fn types(value: &Value, at: &str) -> Result<Vec<Type>, Wrong> {
    let one = |value: &Value| {
        let name = value.as_str().unwrap_or_default();
        let found = Type::NAMES.iter().find(|(known, _)| *known == name);
        found.map_or_else(|| wrong(at, format!("{value} is no type")), |(_, found)| Ok(*found))
    };
    match value {
        Value::Array(_) => array(value, at)?.iter().map(one).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
            Ok(vec![one(value)?])
        }
    }
}
