//! The way of a request into the log, however it came.

use std::ops::ControlFlow;
use std::sync::Arc;

use access::Principal;
use event::{Remark, Timestamp, column};
use service::clock;
use service::metric_names as names;
use service::metrics::count;

use super::answer::Outcome;
use super::signal::Signal;
use crate::answer::Rejection;
use crate::budget::Share;
use crate::collector::{self, Collector};
use crate::prepare::Prepared;
use crate::receiver::OfRequest;

/// What the spans of a resource have in common stands once in a request, and in each of its events: so many
/// times the largest body the events may take.
const EXPANSION_MAX: usize = 4;

/// Reads a request, publishes its events, and waits until the log has them. The share of the budget is held
/// until then.
pub(super) async fn take<S: Signal>(
    collector: &Arc<Collector>,
    principal: Principal,
    bytes: Share,
    read: impl FnOnce(Share) -> Result<(S, usize, Share), Rejection> + Send + 'static,
) -> Result<Outcome, Rejection> {
    let preparing = Arc::clone(collector);
    let (prepared, events, bytes) = collector::prepare(bytes.taken(), move || {
        let (request, length, mut bytes) = read(bytes)?;
        let (prepared, events) = prepare(&preparing, &request, &principal, length)?;
        if !bytes.grow(prepared.encoded_bytes) {
            return Err(Rejection::Backpressure);
        }
        Ok((prepared, events, bytes))
    })
    .await?;
    let report = collector.publish(prepared, events).await;
    drop(bytes);
    Ok(Outcome::of(&report))
}

/// The part that does not block: maps, checks and encodes.
fn prepare<S: Signal>(
    collector: &Collector,
    request: &S,
    principal: &Principal,
    length: usize,
) -> Result<(Prepared, Share), Rejection> {
    let items = request.items();
    if items > collector.config.body_events_max {
        return Err(Rejection::TooManyEvents { events_max: collector.config.body_events_max });
    }
    let mut events = collector.events.share();
    if !events.grow(items) {
        return Err(Rejection::Backpressure);
    }
    collector.gate.take(principal, (items, length)).map_err(Rejection::Exhausted)?;
    metrics::counter!(names::COLLECTOR_OTLP_ITEMS, "signal" => S::NAME).increment(count(items));
    let received_at = Timestamp::from_micros(clock::now_micros());
    let mut missed = OfRequest::default();
    let mut prepared = Prepared::with_capacity(items);
    let mut no_id = || unreachable!("the mapping gives every event an identifier");
    let mut said = |remark: &Remark| collector.say(remark);
    let mut taking = collector.preparer.taking(principal, received_at, &mut prepared, &mut said);
    let bytes_max = collector.config.body_bytes_max.saturating_mul(EXPANSION_MAX);
    let mut made_bytes = 0_usize;
    request.events(&collector.receiver, &mut missed, &mut |event| {
        // What is rejected was made too.
        let pairs = event.map(column::ATTRIBUTES).iter();
        made_bytes += pairs.map(|(name, text)| name.len() + text.len()).sum::<usize>();
        taking.take(Ok(event), &mut no_id);
        if made_bytes.max(taking.encoded_bytes()) > bytes_max {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    if made_bytes.max(prepared.encoded_bytes) > bytes_max {
        return Err(Rejection::TooMuchInCommon { bytes_max });
    }
    collector.receiver.unmapped.add(&missed);
    metrics::counter!(names::COLLECTOR_EVENTS_RECEIVED).increment(count(prepared.event_ids.len()));
    collector.count_errors(&prepared);
    Ok((prepared, events))
}
