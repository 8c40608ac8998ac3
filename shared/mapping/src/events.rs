//! Turns records into events.

use std::borrow::Cow;

use serde_json::map::Entry;
use serde_json::{Map, Value};
use thiserror::Error;

use crate::document::{Condition, Mapping, Template, Test};
use crate::path::{self, Place, text_of};
use crate::record::Record;
use crate::value::value_of;

/// Why a record cannot be mapped.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("event {event} (`{kind}`), field `{field}`: {reason}")]
pub struct MapError {
    /// Number of the template, from 1.
    pub event: usize,
    /// Kind of the event.
    pub kind: String,
    /// Target field.
    pub field: String,
    /// The problem.
    pub reason: String,
}

impl Mapping {
    /// The events of a record, in the order of the templates; those of consecutive templates that
    /// iterate (`each`) are merged in the order of the document. `index` is the index of the record in
    /// its file, from 0.
    ///
    /// # Errors
    ///
    /// The first value that does not have the type of its column, or an unused field whose attribute is
    /// already set. A record is mapped completely or not at all.
    pub fn events(&self, record: &Record, index: u64) -> Result<Vec<Value>, MapError> {
        let mut made = Made { record, index, events: Vec::new(), used: Vec::new() };
        let mut group: Vec<(Vec<usize>, usize, &Template)> = Vec::new();
        for (number, template) in self.templates().iter().enumerate() {
            let Some(each) = &template.each else {
                made.add(template, number, &[])?;
                continue;
            };
            let places = each.places(record.root()).into_iter();
            group.extend(places.map(|order| (order, number, template)));
            if self.templates().get(number + 1).is_some_and(|next| next.each.is_some()) {
                continue;
            }
            group.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
            for (order, number, template) in group.drain(..) {
                made.add(template, number, &order)?;
            }
        }
        made.with_rest()
    }
}

/// The events of a record so far, and the places that were read for them.
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
            Some(each) => {
                let Some(item) = each.item(root, order) else {
                    unreachable!("a place was found in this record")
                };
                item
            }
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
            // Without `each` the base is the record itself.
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

    /// The events; the first one gets the fields that no template uses.
    fn with_rest(mut self) -> Result<Vec<Value>, MapError> {
        if let Some(first) = self.events.first_mut() {
            let mut rest = Vec::new();
            path::uncovered(self.record.root(), &self.used, &mut Vec::new(), &mut rest);
            for (key, value) in rest {
                match group(first, "attributes").entry(key) {
                    Entry::Vacant(vacant) => {
                        vacant.insert(value);
                    }
                    Entry::Occupied(occupied) => {
                        let field = format!("attributes.{}", occupied.key());
                        let reason =
                            "is set already, and an unused field of the record has the same name";
                        let Some(Value::String(kind)) = first.get("kind") else {
                            unreachable!("an event is created with its kind")
                        };
                        let (kind, reason) = (kind.clone(), reason.to_owned());
                        return Err(MapError { event: 1, kind, field, reason });
                    }
                }
            }
        }
        Ok(self.events.into_iter().map(Value::Object).collect())
    }
}

/// Inserts a field: `run.status` into the object `run`; all after `attributes.` is a single key.
fn insert(event: &mut Map<String, Value>, target: &str, value: Value) {
    match target.split_once('.') {
        None => {
            event.insert(target.to_owned(), value);
        }
        Some((of, name)) => {
            group(event, of).insert(name.to_owned(), value);
        }
    }
}

/// The object of a group of fields, created if it does not exist.
fn group<'e>(event: &'e mut Map<String, Value>, name: &str) -> &'e mut Map<String, Value> {
    let inner = event.entry(name).or_insert_with(|| Value::Object(Map::new()));
    let Value::Object(inner) = inner else { unreachable!("no field has the name of a group") };
    inner
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
