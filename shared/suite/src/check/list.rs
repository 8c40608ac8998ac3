//! The list of evaluators.

use super::evaluator::Definition;
use super::{
    citation_present, contains, cost_max, forbidden, json_schema, latency_max, numeric_bounds,
    regex, steps_max, tokens_max, tool_allow_list,
};

/// The evaluators, in the order of their names.
pub(crate) const ALL: &[&Definition] = &[
    &citation_present::DEFINITION,
    &contains::DEFINITION,
    &cost_max::DEFINITION,
    &forbidden::DEFINITION,
    &json_schema::DEFINITION,
    &latency_max::DEFINITION,
    &numeric_bounds::DEFINITION,
    &regex::DEFINITION,
    &steps_max::DEFINITION,
    &tokens_max::DEFINITION,
    &tool_allow_list::DEFINITION,
];
