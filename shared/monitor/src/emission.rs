//! A window as events, one per metric, and what it says to the alerts.

use event::Timestamp;

use crate::agent::Agent;
use crate::metric::{self, Shares};
use crate::output::{Destination, Outputs};
use crate::stream::{Fleet, Totals};
use crate::window::Span;

/// Emits a window, one event per metric, and shows it to the alerts if it closes for the first
/// time and overlaps no maintenance window.
pub(crate) fn emit_window(
    agent: &mut Agent,
    name: &str,
    (span, start): (Span, i64),
    fleet: Fleet<'_>,
    outputs: &mut Outputs<'_>,
) {
    let Some(version) = agent.versions.get_mut(name) else { return };
    let Some((revision, pane)) = version.windows.emit(span, start) else { return };
    let mut cells: Vec<_> = pane
        .cells
        .iter()
        .filter_map(|((place, suite), aggregate)| {
            let metric = metric::ALL.get(usize::from(*place))?;
            let summary = aggregate.summary(metric.shape)?;
            let categories = aggregate.categories().map(Shares::shown);
            Some((*place, version.suite_name(*suite), metric, summary, categories))
        })
        .collect();
    cells.sort_by_key(|(place, suite, ..)| (*place, *suite));
    let end = span.end(start);
    let maintenance = fleet.quiet.overlaps(&agent.identity, start, end);
    for (_, suite, metric, summary, categories) in cells {
        let [p50, p90, p95, p99] = match summary.quantiles {
            Some(quantiles) => quantiles.map(Some),
            None => [None; 4],
        };
        outputs.push(
            Destination::Metrics,
            "metric.window",
            end,
            &agent.identity,
            name,
            |builder| {
                builder
                    .set("metric.name", metric.name)
                    .set_some("metric.suite", suite)
                    .set("metric.unit", metric.unit)
                    .set("metric.window_start", Timestamp::from_micros(start))
                    .set("metric.window_end", Timestamp::from_micros(end))
                    .set("metric.revision", revision)
                    .set("metric.count", summary.count)
                    .set_some("metric.sum", summary.sum)
                    .set("metric.value", summary.value)
                    .set_some("metric.low", summary.low)
                    .set_some("metric.high", summary.high)
                    .set_some("metric.p50", p50)
                    .set_some("metric.p90", p90)
                    .set_some("metric.p95", p95)
                    .set_some("metric.p99", p99)
                    .set_some("metric.maintenance", maintenance.then_some(true))
                    .set_some("metric.categories", categories)
            },
        );
    }
    if revision > 0 || span != Span::Minutes || maintenance {
        return;
    }
    agent.each_stream(name, fleet, |cell, stream, context| {
        if !stream.is_firing() {
            return;
        }
        if let Some(window) = pane.cells.get(&cell) {
            let observed = Totals::of(context.watch.model, window);
            stream.window_closed(start, &observed, context, outputs);
        }
    });
}
