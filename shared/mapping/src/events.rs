//! The events of a record.

use std::borrow::Cow;

use serde_json::{Map, Value};
use thiserror::Error;

use crate::document::{Condition, Mapping, Template, Test};
use crate::path::{self, Place, text_of};
use crate::record::Record;
use crate::value::value_of;

/// Why a record could not be mapped.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("event {event} (`{kind}`), field `{field}`: {reason}")]
pub struct MapError {
    /// Number of the template, from 1.
    pub event: usize,
    /// Kind of the event.
    pub kind: String,
    /// Target field.
    pub field: String,
    /// What is wrong.
    pub reason: String,
}

impl Mapping {
    /// The events of one record, in the order of the templates; consecutive templates that iterate
    /// (`each`) are merged in the order of the document. `index` is the number of the record in
    /// its file, from 0.
    ///
    /// # Errors
    ///
    /// The first value that does not read as its column's type. A record is mapped whole or not
    /// at all.
    pub fn events(&self, record: &Record, index: u64) -> Result<Vec<Value>, MapError> {
        let mut made = Made { record, index, events: Vec::new(), used: Vec::new() };
        let mut group: Vec<(Vec<usize>, usize)> = Vec::new();
        for (number, template) in self.templates().iter().enumerate() {
            let Some(each) = &template.each else {
                made.add(template, number, &[])?;
                continue;
            };
            group.extend(each.places(record.root()).into_iter().map(|order| (order, number)));
            if self.templates().get(number + 1).is_some_and(|next| next.each.is_some()) {
                continue;
            }
            group.sort();
            for (order, number) in group.drain(..) {
                if let Some(template) = self.templates().get(number) {
                    made.add(template, number, &order)?;
                }
            }
        }
        Ok(made.with_rest())
    }
}

/// The events made of a record so far, and the places that were read for them.
struct Made<'a> {
    record: &'a Record,
    index: u64,
    events: Vec<Map<String, Value>>,
    used: Vec<Vec<Cow<'a, str>>>,
}

impl<'a> Made<'a> {
    /// Adds the event of a template for one match of its `each`, if its conditions hold.
    fn add(
        &mut self,
        template: &'a Template,
        number: usize,
        order: &[usize],
    ) -> Result<(), MapError> {
        let root = self.record.root();
        let item = match &template.each {
            None => root,
            Some(each) => match each.item(root, order) {
                Some(item) => item,
                None => return Ok(()),
            },
        };
        let place = Place { root, item };
        if !template.when.iter().all(|condition| holds(condition, place)) {
            return Ok(());
        }
        let mut event = Map::new();
        event.insert("kind".into(), template.kind.clone().into());
        for (target, field) in &template.fields {
            let wrong = |reason: String| MapError {
                event: number + 1,
                kind: template.kind.clone(),
                field: target.clone(),
                reason,
            };
            if let Some(value) = value_of(target, field, place, self.index).map_err(wrong)? {
                insert(&mut event, target, value);
            }
            let base = template.each.as_ref().map(|each| each.concrete(order)).unwrap_or_default();
            self.used.extend(field.source.references().map(|reference| {
                let mut tokens = if reference.from_root { Vec::new() } else { base.clone() };
                tokens.extend(reference.tokens.iter().map(|token| Cow::Borrowed(token.as_str())));
                tokens
            }));
        }
        self.events.push(event);
        Ok(())
    }

    /// The events, the first with what nobody read.
    fn with_rest(mut self) -> Vec<Value> {
        if let Some(first) = self.events.first_mut() {
            let mut rest = Vec::new();
            path::uncovered(self.record.root(), &self.used, &mut Vec::new(), &mut rest);
            for (key, value) in rest {
                let attributes =
                    first.entry("attributes").or_insert_with(|| Value::Object(Map::new()));
                if let Value::Object(attributes) = attributes {
                    attributes.entry(key).or_insert(value);
                }
            }
        }
        self.events.into_iter().map(Value::Object).collect()
    }
}

/// `run.status` goes into the object `run`; what follows `attributes.` is one key.
fn insert(event: &mut Map<String, Value>, target: &str, value: Value) {
    match target.split_once('.') {
        None => {
            event.insert(target.to_owned(), value);
        }
        Some((group, name)) => {
            let inner = event.entry(group).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(inner) = inner {
                inner.insert(name.to_owned(), value);
            }
        }
    }
}

fn holds(condition: &Condition, place: Place<'_>) -> bool {
    let text = condition.at.find(place).and_then(text_of);
    match &condition.test {
        Test::Present(wanted) => text.is_some() == *wanted,
        Test::Equals(wanted) => text.as_deref() == Some(wanted),
        Test::NotEquals(unwanted) => text.as_deref() != Some(unwanted),
        Test::In(wanted) => text.is_some_and(|text| wanted.contains(&text)),
    }
}
