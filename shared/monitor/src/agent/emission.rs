//! Emits a window, one event per metric, and shows it to the alerts.

use std::collections::BTreeMap;

use event::{EventBuilder, Timestamp, column, kind};

use super::state::Agent;
use super::version::Version;
use crate::metric::{self, Metric, Shares, Summary};
use crate::output::{About, Destination, Outputs};
use crate::stream::{Shared, Totals};
use crate::window::{Pane, Span};

/// A window of one metric that is to be emitted.
struct Row<'a> {
    place: u8,
    suite: Option<&'a str>,
    metric: &'static Metric,
    summary: Summary,
    categories: Option<BTreeMap<String, String>>,
}

impl Row<'_> {
    fn fill(self, builder: EventBuilder) -> EventBuilder {
        let Self { suite, metric, summary, categories, .. } = self;
        let [p50, p90, p95, p99] = summary.quantiles.map_or([None; 4], |all| all.map(Some));
        builder
            .set(column::metric::NAME, metric.name)
            .set_some(column::metric::SUITE, suite)
            .set(column::metric::UNIT, metric.unit)
            .set(column::metric::COUNT, summary.count)
            .set_some(column::metric::SUM, summary.sum)
            .set(column::metric::VALUE, summary.value)
            .set_some(column::metric::LOW, summary.low)
            .set_some(column::metric::HIGH, summary.high)
            .set_some(column::metric::P50, p50)
            .set_some(column::metric::P90, p90)
            .set_some(column::metric::P95, p95)
            .set_some(column::metric::P99, p99)
            .set_some(column::metric::CATEGORIES, categories)
    }
}

/// The metrics with observations in a window, ordered by metric and suite.
fn rows<'a>(version: &'a Version, pane: &Pane) -> Vec<Row<'a>> {
    let mut rows: Vec<Row<'a>> = pane
        .channels
        .iter()
        .filter_map(|((place, suite), aggregate)| {
            let metric = metric::at(*place);
            Some(Row {
                place: *place,
                suite: version.suite_name(*suite),
                metric,
                summary: aggregate.summary(metric.shape)?,
                categories: aggregate.categories().map(Shares::shown),
            })
        })
        .collect();
    rows.sort_by_key(|row| (row.place, row.suite));
    rows
}

impl Agent {
    /// Emits a window, one event per metric. If it closes for the first time and overlaps no
    /// maintenance window, alerts see it too.
    pub(crate) fn emit_window(
        &mut self,
        name: &str,
        (span, start): (Span, i64),
        shared: Shared<'_>,
        outputs: &mut Outputs<'_>,
    ) {
        let Some(version) = self.versions.get_mut(name) else {
            unreachable!("a window of version `{name}`, which is unknown")
        };
        let Some((revision, pane)) = version.windows.emit(span, start) else { return };
        let end = span.end(start);
        let maintenance = shared.mutes.overlaps(&self.identity, start, end);
        for row in rows(version, &pane) {
            let (to, kind) = (Destination::Metrics, kind::METRIC_WINDOW);
            let about = About::metric(&self.identity, name, row.place);
            outputs.push(to, kind, end, about, |builder| {
                row.fill(builder)
                    .set(column::metric::WINDOW_START, Timestamp::from_micros(start))
                    .set(column::metric::WINDOW_END, Timestamp::from_micros(end))
                    .set(column::metric::REVISION, revision)
                    .set_some(column::metric::MAINTENANCE, maintenance.then_some(true))
            });
        }
        if revision > 0 || span != Span::Minutes || maintenance {
            return;
        }
        self.each_stream(name, shared, |channel, stream, context| {
            if !stream.is_firing() {
                return;
            }
            if let Some(window) = pane.channels.get(&channel) {
                let observed = Totals::of(context.watch.model, window);
                stream.window_closed(start, &observed, context, outputs);
            }
        });
    }
}
