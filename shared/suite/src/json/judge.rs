//! Whether a value conforms to a schema, in a bounded number of steps.

use std::cell::Cell;

use serde_json::{Map, Value};

use super::node::{Node, NodeId, Schema, same};

/// Largest number of comparisons of a value with a schema in one judgement.
pub(crate) const STEPS_MAX: u32 = 100_000;
/// Largest depth of schemas within schemas.
const DEPTH_MAX: u32 = 200;

/// Why a value does not conform, or that it was not decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Mismatch {
    /// JSON pointer into the value, and the violated keyword.
    At(String, &'static str),
    /// It takes too many steps to decide.
    Unknown,
}

impl Schema {
    /// Whether a value conforms.
    ///
    /// # Errors
    ///
    /// The first mismatch, or that there is no answer.
    pub(crate) fn check(&self, value: &Value) -> Result<(), Mismatch> {
        let judge = Judge { schema: self, steps: Cell::new(STEPS_MAX) };
        judge.node(0, value, "", 0)
    }
}

struct Judge<'s> {
    schema: &'s Schema,
    steps: Cell<u32>,
}

impl Judge<'_> {
    fn node(&self, id: NodeId, value: &Value, at: &str, depth: u32) -> Result<(), Mismatch> {
        let left = self.steps.get().checked_sub(1).ok_or(Mismatch::Unknown)?;
        self.steps.set(left);
        if depth > DEPTH_MAX {
            return Err(Mismatch::Unknown);
        }
        let Some(node) = self.schema.nodes.get(id) else { unreachable!("no node {id}") };
        let depth = depth + 1;
        let broken = |keyword| Err(Mismatch::At(at.to_owned(), keyword));
        if node.never {
            return broken("false");
        }
        if node.types.as_ref().is_some_and(|types| !types.iter().any(|one| one.admits(value))) {
            return broken("type");
        }
        if node.allowed.as_ref().is_some_and(|all| !all.iter().any(|one| same(one, value))) {
            return broken("enum");
        }
        match value {
            Value::Null | Value::Bool(_) => {}
            Value::Number(number) if !node.range.admits(number) => return broken("range"),
            Value::Number(_) => {}
            Value::String(text) => {
                if !node.length.admits(text.chars().count()) {
                    return broken("length");
                }
                if node.pattern.as_ref().is_some_and(|pattern| !pattern.is_match(text)) {
                    return broken("pattern");
                }
            }
            Value::Array(items) => self.items(node, items, at, depth)?,
            Value::Object(members) => self.members(node, members, at, depth)?,
        }
        if let Some(target) = node.reference {
            self.node(target, value, at, depth)?;
        }
        for id in &node.all {
            self.node(*id, value, at, depth)?;
        }
        if !node.any.is_empty() && self.conforming(&node.any, value, at, depth)? == 0 {
            return broken("anyOf");
        }
        if !node.one.is_empty() && self.conforming(&node.one, value, at, depth)? != 1 {
            return broken("oneOf");
        }
        if let Some(id) = node.not
            && self.conforming(&[id], value, at, depth)? == 1
        {
            return broken("not");
        }
        Ok(())
    }

    /// Number of schemas that a value conforms to.
    fn conforming(
        &self,
        ids: &[NodeId],
        value: &Value,
        at: &str,
        depth: u32,
    ) -> Result<usize, Mismatch> {
        let mut count = 0;
        for id in ids {
            match self.node(*id, value, at, depth) {
                Ok(()) => count += 1,
                Err(Mismatch::At(..)) => {}
                Err(Mismatch::Unknown) => return Err(Mismatch::Unknown),
            }
        }
        Ok(count)
    }

    fn items(&self, node: &Node, items: &[Value], at: &str, depth: u32) -> Result<(), Mismatch> {
        let broken = |keyword| Err(Mismatch::At(at.to_owned(), keyword));
        if !node.count.admits(items.len()) {
            return broken("items");
        }
        if node.unique {
            for (index, item) in items.iter().enumerate() {
                let left =
                    u32::try_from(index).ok().and_then(|cost| self.steps.get().checked_sub(cost));
                self.steps.set(left.ok_or(Mismatch::Unknown)?);
                if items.iter().take(index).any(|other| same(other, item)) {
                    return broken("uniqueItems");
                }
            }
        }
        for (index, item) in items.iter().enumerate() {
            if let Some(id) = node.prefix.get(index).copied().or(node.items) {
                self.node(id, item, &format!("{at}/{index}"), depth)?;
            }
        }
        Ok(())
    }

    fn members(
        &self,
        node: &Node,
        members: &Map<String, Value>,
        at: &str,
        depth: u32,
    ) -> Result<(), Mismatch> {
        let broken = |keyword| Err(Mismatch::At(at.to_owned(), keyword));
        if !node.size.admits(members.len()) {
            return broken("properties");
        }
        if node.required.iter().any(|name| !members.contains_key(name)) {
            return broken("required");
        }
        for (name, value) in members {
            if let Some(names) = node.names {
                let name = Value::String(name.clone());
                if self.conforming(&[names], &name, at, depth)? == 0 {
                    return broken("propertyNames");
                }
            }
            let id = match node.properties.get(name) {
                Some(id) => *id,
                None => match node.additional {
                    Some(id) if self.schema.nodes.get(id).is_some_and(|node| node.never) => {
                        return broken("additionalProperties");
                    }
                    Some(id) => id,
                    None => continue,
                },
            };
            let name = name.replace('~', "~0").replace('/', "~1");
            self.node(id, value, &format!("{at}/{name}"), depth)?;
        }
        Ok(())
    }
}
