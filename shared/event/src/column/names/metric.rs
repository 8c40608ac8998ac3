//! A metric over one closed window of one agent version.
// Generated from schemas/events by `make bless`; do not edit.

use crate::typed::{Bool, Float, Int, Map, Text, Time, TypedColumn, column};

/// Of a mix, how often each of the most frequent categories occurred, as decimal text; the rest is under _other.
pub const CATEGORIES: TypedColumn<Map> = column("metric.categories");
/// Observations.
pub const COUNT: TypedColumn<Int> = column("metric.count");
/// Upper 95 % confidence bound.
pub const HIGH: TypedColumn<Float> = column("metric.high");
/// Lower 95 % confidence bound.
pub const LOW: TypedColumn<Float> = column("metric.low");
/// True of a window that overlaps a maintenance window: no detector saw what is in both.
pub const MAINTENANCE: TypedColumn<Bool> = column("metric.maintenance");
/// Metric.
pub const NAME: TypedColumn<Text> = column("metric.name");
/// Median.
pub const P50: TypedColumn<Float> = column("metric.p50");
/// 90th percentile.
pub const P90: TypedColumn<Float> = column("metric.p90");
/// 95th percentile.
pub const P95: TypedColumn<Float> = column("metric.p95");
/// 99th percentile.
pub const P99: TypedColumn<Float> = column("metric.p99");
/// 0 when the window first closed, more when late events changed it.
pub const REVISION: TypedColumn<Int> = column("metric.revision");
/// Suite, for evaluation metrics.
pub const SUITE: TypedColumn<Text> = column("metric.suite");
/// Sum of the observations.
pub const SUM: TypedColumn<Float> = column("metric.sum");
/// Unit of the value.
pub const UNIT: TypedColumn<Text> = column("metric.unit");
/// Value: a rate, a mean or a total; of a mix the number of categories.
pub const VALUE: TypedColumn<Float> = column("metric.value");
/// End of the window, exclusive.
pub const WINDOW_END: TypedColumn<Time> = column("metric.window_end");
/// Start of the window, inclusive.
pub const WINDOW_START: TypedColumn<Time> = column("metric.window_start");
