//! Observations in the form of a stream's model.

use drift::Finite;

use crate::metric::{Model, Sample};

/// An observation in the form of a stream's model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Value<'n> {
    /// Whether it is a failure.
    One(bool),
    /// A number that is not negative.
    Size(Finite),
    /// A category.
    Name(&'n str),
}

impl<'n> Value<'n> {
    /// `None` for an observation that is invalid for the model.
    pub(crate) fn of(model: Model, sample: &'n Sample<'_>) -> Option<Self> {
        let value = match sample {
            Sample::Number(value) => Finite::new(*value)?,
            Sample::Name(name) => return (model == Model::Mix).then_some(Self::Name(name)),
        };
        match model {
            Model::Failures => Some(Self::One(value.value() > 0.0)),
            Model::Successes => Some(Self::One(value.value() <= 0.0)),
            Model::Sizes => (value.value() >= 0.0).then_some(Self::Size(value)),
            Model::Mix => None,
        }
    }
}
