//! The definition of a metric: its unit, its aggregation, and how it is watched.

use std::borrow::Cow;

use event::typed::Text;
use event::{Event, TypedColumn};

use crate::identity::bounded;
use crate::kind::Kind;

/// How observations are aggregated into the numbers of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Their number: `count` and `value`.
    Count,
    /// Share of ones among zeros and ones: `value`, with Wilson's 95 % interval.
    Rate,
    /// `sum`, and the mean in `value`, with `p50` to `p99` of a DDSketch (1 % relative error).
    Quantiles,
    /// Mean in `value`, with Student's 95 % interval.
    Mean,
    /// Counts of each category in `categories`, and the number of categories in `value`.
    Shares {
        /// The column with the category.
        column: TypedColumn<Text>,
    },
}

/// The type of the observations of a stream, and what counts as a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Model {
    /// Zeros and ones, where 1 is a failure; a change is a higher rate of failures than in the
    /// baseline.
    Failures,
    /// Zeros and ones, where 0 is a failure; a change is a higher rate of failures than in the
    /// baseline.
    Successes,
    /// Numbers that are not negative; a change is larger or smaller numbers than in the baseline.
    Sizes,
    /// Categories; a change is a different mix than in the baseline.
    Mix,
}

/// What an event contributes to a metric.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Sample<'e> {
    /// A number, not yet validated.
    Number(f64),
    /// A category.
    Name(Cow<'e, str>),
}

/// How a metric is watched for drift.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watch {
    /// Name in `drift.metric`; never renamed.
    pub metric: &'static str,
    /// The type of its observations.
    pub model: Model,
    /// Whether a large change pages; otherwise it opens a ticket.
    pub pages: bool,
}

/// A metric.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// Name in `metric.name`; never renamed.
    pub name: &'static str,
    /// Version: raised when the same events would give other numbers.
    pub version: u32,
    /// Unit in `metric.unit`.
    pub unit: &'static str,
    /// How observations are aggregated.
    pub shape: Shape,
    /// Whether it is computed per eval suite.
    pub per_suite: bool,
    /// How its observations are watched for drift, if they are.
    pub watch: Option<Watch>,
    pub(super) sample: fn(&Event<'_>, Kind) -> Option<f64>,
}

impl Metric {
    /// What an event contributes, if anything. The number is not validated.
    pub(crate) fn sample<'e>(&self, event: &'e Event<'_>, kind: Kind) -> Option<Sample<'e>> {
        let number = (self.sample)(event, kind)?;
        match self.shape {
            Shape::Count | Shape::Rate | Shape::Quantiles | Shape::Mean => {
                Some(Sample::Number(number))
            }
            Shape::Shares { column } => {
                let name = event.text(column);
                Some(Sample::Name(bounded(name.filter(|name| !name.is_empty())?)))
            }
        }
    }
}

/// 0 or 1.
pub(super) fn indicator(truth: bool) -> f64 {
    f64::from(u8::from(truth))
}
