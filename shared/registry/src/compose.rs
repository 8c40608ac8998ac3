//! One Avro document of a schema and of those that it refers to by name.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// Deepest nesting of types that is followed.
const DEPTH_MAX: usize = 64;

/// Puts the definition of each name where the name is used first. `named` are the documents by the
/// full names that they define.
pub(crate) fn compose(text: &str, named: &BTreeMap<String, String>) -> Result<String, String> {
    let mut schema = parse(text)?;
    let mut documents = BTreeMap::new();
    for (name, text) in named {
        documents.insert(name.as_str(), parse(text)?);
    }
    let mut composing = Composing { documents, defined: BTreeSet::new() };
    composing.of_type(&mut schema, "", 0)?;
    Ok(schema.to_string())
}

fn parse(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("not JSON: {error}"))
}

struct Composing<'t> {
    documents: BTreeMap<&'t str, Value>,
    /// Names that stand in the result already.
    defined: BTreeSet<String>,
}

impl Composing<'_> {
    fn of_type(&mut self, of: &mut Value, namespace: &str, depth: usize) -> Result<(), String> {
        if depth > DEPTH_MAX {
            return Err(format!("types nested deeper than {DEPTH_MAX}"));
        }
        match of {
            Value::String(name) => {
                let Some(full) = self.full_name(name, namespace) else { return Ok(()) };
                if self.defined.contains(&full) {
                    return Ok(());
                }
                let Some(mut definition) = self.documents.get(full.as_str()).cloned() else {
                    return Ok(());
                };
                // A document stands in no namespace but its own.
                self.of_type(&mut definition, "", depth + 1)?;
                *of = definition;
                Ok(())
            }
            Value::Array(branches) => {
                branches.iter_mut().try_for_each(|of| self.of_type(of, namespace, depth + 1))
            }
            Value::Object(_) => self.of_object(of, namespace, depth),
            Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
        }
    }

    fn of_object(&mut self, of: &mut Value, namespace: &str, depth: usize) -> Result<(), String> {
        let text = |of: &Value, key: &str| of.get(key).and_then(Value::as_str).map(str::to_owned);
        let mut inside = namespace.to_owned();
        if let Some(name) = text(of, "name") {
            let own = text(of, "namespace");
            inside = match name.rsplit_once('.') {
                Some((space, _)) => space.to_owned(),
                None => own.unwrap_or(inside),
            };
            let short = name.rsplit('.').next().unwrap_or(&name);
            self.defined.insert(join(&inside, short));
        }
        for key in ["type", "items", "values"] {
            if let Some(inner) = of.get_mut(key) {
                self.of_type(inner, &inside, depth + 1)?;
            }
        }
        if let Some(Value::Array(fields)) = of.get_mut("fields") {
            for field in fields {
                if let Some(inner) = field.get_mut("type") {
                    self.of_type(inner, &inside, depth + 1)?;
                }
            }
        }
        Ok(())
    }

    /// The name of a document that a name in a namespace stands for.
    fn full_name(&self, name: &str, namespace: &str) -> Option<String> {
        let near = join(namespace, name);
        if !name.contains('.') && self.documents.contains_key(near.as_str()) {
            return Some(near);
        }
        self.documents.contains_key(name).then(|| name.to_owned())
    }
}

fn join(namespace: &str, name: &str) -> String {
    if namespace.is_empty() { name.to_owned() } else { format!("{namespace}.{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_defined_where_it_is_used_first() {
        let named = BTreeMap::from([
            ("a.Money".to_owned(), r#"{"type":"record","name":"Money","namespace":"a","fields":[{"name":"of","type":"Unit"}]}"#.to_owned()),
            ("a.Unit".to_owned(), r#"{"type":"enum","name":"Unit","namespace":"a","symbols":["EUR"]}"#.to_owned()),
        ]);
        let text = r#"{"type":"record","name":"E","namespace":"a","fields":[
            {"name":"x","type":["null","Money"]},{"name":"y","type":"a.Money"},
            {"name":"z","type":{"type":"array","items":"Unit"}},{"name":"s","type":"string"}]}"#;
        let composed = compose(text, &named).unwrap();
        assert_eq!(composed.matches(r#""name":"Money""#).count(), 1, "{composed}");
        assert_eq!(composed.matches(r#""symbols""#).count(), 1, "{composed}");
        let value: Value = serde_json::from_str(&composed).unwrap();
        assert_eq!(value["fields"][0]["type"][1]["name"], "Money");
        assert_eq!(value["fields"][1]["type"], "a.Money");
        assert_eq!(value["fields"][3]["type"], "string");
        assert_eq!(compose("\"string\"", &named).unwrap(), "\"string\"");
        assert!(compose("{", &named).is_err());
    }

    #[test]
    fn documents_that_refer_to_each_other_end() {
        let named = BTreeMap::from([
            ("A".to_owned(), r#"{"type":"array","items":"B"}"#.to_owned()),
            ("B".to_owned(), r#"{"type":"array","items":"A"}"#.to_owned()),
        ]);
        assert!(compose("\"A\"", &named).unwrap_err().contains("nested deeper"));
    }
}
