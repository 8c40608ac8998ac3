//! How an observation of a version reaches its stream.

use std::collections::btree_map::Entry;

use super::state::Agent;
use super::version::Version;
use crate::baseline::Baselines;
use crate::metric::watch_at;
use crate::output::Outputs;
use crate::stream::{
    BaselineCandidate, Basis, Context, Expected, History, Mark, Shared, Stream, Value,
};
use crate::window::Cell;

/// How a stream of a version begins.
struct Beginning<'a> {
    baselines: &'a Baselines,
    basis: Basis,
    place: (u8, &'a str),
    previous: Option<&'a str>,
    time: i64,
    is_canary: bool,
}

impl Beginning<'_> {
    fn start(
        &self,
        candidate: BaselineCandidate,
        context: &Context<'_>,
        outputs: &mut Outputs<'_>,
    ) -> Stream {
        if self.is_canary {
            return Stream::untested(candidate, self.basis);
        }
        let previous = || (self.previous.map(str::to_owned), History::empty(context.watch.model));
        let policy = context.policy();
        let reference =
            self.baselines.reference(self.basis, self.place, &policy, self.time, previous);
        Stream::start(candidate, reference, context, outputs)
    }
}

impl Agent {
    /// Takes an observation of a stream of a version, which is known. How many more tests run now.
    pub(crate) fn observe(
        &mut self,
        version: &str,
        cell: Cell,
        value: Value<'_>,
        (mark, run): (Mark, &str),
        shared: Shared<'_>,
        outputs: &mut Outputs<'_>,
    ) -> i64 {
        let Some(watch) = watch_at(cell.0) else { return 0 };
        let Some(Version { streams, suites, previous, .. }) = self.versions.get_mut(version) else {
            return 0;
        };
        let place = usize::from(cell.1).checked_sub(1);
        let suite = place.and_then(|place| suites.get(place)).map(String::as_str);
        let context = Context {
            shared,
            agent: &self.identity,
            version,
            place: cell.0,
            watch,
            suite: suite.filter(|name| !name.is_empty()),
            last_change: self.last_change.as_ref(),
        };
        let (baselines, policy) = (&mut self.baselines, context.policy());
        let place = (cell.0, context.suite.unwrap_or_default());
        let basis = baselines.basis(&policy, place.0, place.1);
        let is_canary = self.canary.as_ref().is_some_and(|canary| canary.is(version));
        if !is_canary && streams.get(&cell).is_some_and(|stream| stream.basis != basis) {
            // The settings have changed.
            let before = self.tests();
            self.rebase(version, shared, outputs);
            let more = difference(self.tests(), before);
            let value = self.observe(version, cell, value, (mark, run), shared, outputs);
            return more.saturating_add(value);
        }
        // What is tried beside another version is neither tested nor part of the weeks before.
        let expected: Option<Expected> =
            if is_canary { None } else { baselines.expected(place, (value, mark.time), &policy) };
        let previous = previous.as_deref();
        let time = mark.time;
        let beginning = Beginning { baselines, basis, place, previous, time, is_canary };
        let mut before = 0;
        let stream = match streams.entry(cell) {
            Entry::Vacant(new) => new.insert(beginning.start(
                BaselineCandidate::empty(watch.model),
                &context,
                outputs,
            )),
            Entry::Occupied(known) => {
                let stream = known.into_mut();
                before = u64::from(stream.is_tested());
                if expected.is_some() && stream.awaits_weeks() {
                    let candidate = std::mem::replace(
                        &mut stream.candidate,
                        BaselineCandidate::empty(watch.model),
                    );
                    *stream = beginning.start(candidate, &context, outputs);
                }
                stream
            }
        };
        let changed = stream.observe((value, expected), mark, run, &context, outputs);
        if let Some(changed) = changed {
            baselines.forget_since(place, changed.time);
        } else if !is_canary && !stream.is_firing() {
            baselines.keep(place, (value, mark.time), &policy, shared);
        }
        if let Some(canary) = &mut self.canary {
            canary.observe(cell.0, value, run, &context, outputs);
        }
        difference(u64::from(stream.is_tested()), before)
    }
}

fn difference(now: u64, before: u64) -> i64 {
    i64::try_from(now).unwrap_or(i64::MAX).saturating_sub_unsigned(before)
}
