//! How an observation of a version reaches its stream.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::state::Agent;
use super::version::Version;
use crate::baseline::Baselines;
use crate::metric::watch_at;
use crate::number::int;
use crate::output::Outputs;
use crate::stream::{
    BaselineCandidate, Basis, Context, Expected, History, Mark, Shared, Stream, Value,
};
use crate::window::Channel;

/// How a stream of a version starts.
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

    /// The stream of a channel, started if it is new, or if the weeks before suffice now. Also the
    /// number of its tests before: 0 or 1.
    fn stream<'s>(
        &self,
        streams: &'s mut BTreeMap<Channel, Stream>,
        channel: Channel,
        is_expected: bool,
        context: &Context<'_>,
        outputs: &mut Outputs<'_>,
    ) -> (&'s mut Stream, u64) {
        let empty = BaselineCandidate::empty(context.watch.model);
        match streams.entry(channel) {
            Entry::Vacant(new) => (new.insert(self.start(empty, context, outputs)), 0),
            Entry::Occupied(known) => {
                let stream = known.into_mut();
                let before = u64::from(stream.is_tested());
                if is_expected && stream.awaits_weeks() {
                    let candidate = std::mem::replace(&mut stream.candidate, empty);
                    *stream = self.start(candidate, context, outputs);
                }
                (stream, before)
            }
        }
    }
}

impl Agent {
    /// Takes an observation of a watched channel of a version, which is known. Returns the change
    /// of the number of running tests.
    pub(crate) fn observe(
        &mut self,
        version: &str,
        channel: Channel,
        value: Value<'_>,
        (mark, run): (Mark, &str),
        shared: Shared<'_>,
        outputs: &mut Outputs<'_>,
    ) -> i64 {
        let Some(watch) = watch_at(channel.0) else {
            unreachable!("an observation of a metric that is not watched")
        };
        let Some(state) = self.versions.get_mut(version) else {
            unreachable!("version `{version}` is unknown")
        };
        let Version { streams, suites, previous, .. } = state;
        let position = usize::from(channel.1).checked_sub(1);
        let suite = position.and_then(|position| suites.get(position)).map(String::as_str);
        let context = Context {
            shared,
            agent: &self.identity,
            version,
            place: channel.0,
            watch,
            suite: suite.filter(|name| !name.is_empty()),
            last_change: self.last_change.as_ref(),
        };
        let (baselines, policy) = (&mut self.baselines, context.policy());
        let place = (channel.0, context.suite.unwrap_or_default());
        let basis = baselines.basis(&policy, place.0, place.1);
        let is_canary = self.canary.as_ref().is_some_and(|canary| canary.is(version));
        if !is_canary && streams.get(&channel).is_some_and(|stream| stream.basis != basis) {
            // The settings have changed.
            let before = self.tests();
            self.rebase(version, shared, outputs);
            let more = difference(self.tests(), before);
            return more + self.observe(version, channel, value, (mark, run), shared, outputs);
        }
        // A canary is neither tested here nor part of the weeks before.
        let expected: Option<Expected> =
            if is_canary { None } else { baselines.expected(place, (value, mark.time), &policy) };
        let previous = previous.as_deref();
        let time = mark.time;
        let beginning = Beginning { baselines, basis, place, previous, time, is_canary };
        let (stream, before) =
            beginning.stream(streams, channel, expected.is_some(), &context, outputs);
        let changed = stream.observe((value, expected), mark, run, &context, outputs);
        if let Some(changed) = changed {
            baselines.forget_since(place, changed.time);
        } else if !is_canary && !stream.is_firing() {
            baselines.keep(place, (value, mark.time), &policy, shared);
        }
        if let Some(canary) = &mut self.canary {
            canary.observe(channel.0, value, run, &context, outputs);
        }
        difference(u64::from(stream.is_tested()), before)
    }
}

/// The difference of two numbers of tests, which memory bounds.
fn difference(now: u64, before: u64) -> i64 {
    int(now) - int(before)
}
