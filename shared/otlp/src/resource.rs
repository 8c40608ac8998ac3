//! What the spans of one resource and scope have in common.

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;

use crate::names::{Names, Number};
use crate::value;

/// Before the names of the attributes of a resource.
const PREFIX: &str = "resource.";

/// A resource, looked through once.
#[derive(Debug, Default)]
pub(crate) struct Common<'r> {
    /// Attributes by the numbers of their names.
    values: Vec<Option<&'r Value>>,
    /// Attributes of its events.
    pub(crate) kept: Vec<(String, String)>,
}

impl<'r> Common<'r> {
    pub(crate) fn of(resource: Option<&'r Resource>, schema_url: &str, names: &Names) -> Self {
        let attributes: &'r [KeyValue] = resource.map_or(&[], |resource| &resource.attributes);
        let mut common = Self { values: vec![None; names.len()], kept: Vec::new() };
        for attribute in attributes {
            let Some(value) = value::of(attribute) else { continue };
            if let Some(number) = names.get(&attribute.key)
                && let Some(slot @ None) = common.values.get_mut(usize::from(number))
            {
                *slot = Some(value);
            }
            let text = value::text(value).into_owned();
            common.kept.push((format!("{PREFIX}{}", attribute.key), text));
        }
        if !schema_url.is_empty() {
            common.kept.push(("otel.resource.schema_url".to_owned(), schema_url.to_owned()));
        }
        common
    }

    /// The value of an attribute.
    pub(crate) fn get(&self, number: Number) -> Option<&'r Value> {
        self.values.get(usize::from(number)).copied().flatten()
    }

    /// The attributes of events of a scope.
    pub(crate) fn with_scope(
        &self,
        scope: Option<&InstrumentationScope>,
        schema_url: &str,
    ) -> Vec<(String, String)> {
        let mut kept = self.kept.clone();
        let mut add = |name: &str, text: &str| {
            if !text.is_empty() {
                kept.push((name.to_owned(), text.to_owned()));
            }
        };
        if let Some(scope) = scope {
            add("otel.scope.name", &scope.name);
            add("otel.scope.version", &scope.version);
            for attribute in &scope.attributes {
                if let Some(value) = value::of(attribute) {
                    add(&format!("otel.scope.{}", attribute.key), &value::text(value));
                }
            }
        }
        add("otel.schema_url", schema_url);
        kept
    }
}
