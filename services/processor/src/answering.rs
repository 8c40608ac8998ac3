//! The answers of a worker about schemas of other writers: what its partition knows, and what a record
//! that waits needs.
//!
//! ```text
//!            a record waits; read to the end without an answer: asked
//! (reading) -----------------------------------------------------------> (written)
//!     ^                                                                      |
//!     +---- the answer is read, and the record with it ----------------------+
//! ```
//!
//! Whoever is assigned the partition answers, whether it owns it yet or not: its claim may stand behind
//! the record that waits.

use std::sync::Arc;
use std::time::Duration;

use event::{Decoder, SchemaKey};
use governance::{Answer, Held, Reader, SCHEMA_BYTES_MAX, Schemas};
use ports::LogError;
use registry::{Format, Schema, Source, SourceError};
use service::clock::Stopwatch;
use service::metric_names as names;
use tracing::{info, warn};

use crate::config::Config;

/// Most bytes of schemas in one record, unless a single one has more.
const BYTES_MAX: usize = SCHEMA_BYTES_MAX;
/// Share of the largest value that is decoded that schemas may take; an answer that would be
/// quarantined is none.
const SHARE: usize = 2;
/// How long one round of questions may take, but for the question that is under way.
const ROUND: Duration = Duration::from_secs(5);
/// First pause after a source did not answer; each later one is twice as long, up to [`PAUSE_MAX`].
const PAUSE: Duration = Duration::from_millis(500);
const PAUSE_MAX: Duration = Duration::from_secs(10);
/// Pause before a partition is switched on or off again: two owners with different settings must not
/// answer each other without end.
const SWITCH_PAUSE: Duration = Duration::from_secs(60);

/// A record that waits for our answer.
#[derive(Debug)]
struct Waiting {
    at: i64,
    /// Where the partition ended when it began to wait: an answer may stand before.
    end: i64,
    /// Since the source did not answer, and how long to wait.
    pause: Option<(Stopwatch, Duration)>,
    /// Offset of our answer.
    written: Option<i64>,
}

/// The answers of one partition.
#[derive(Debug)]
pub(crate) struct Answering {
    source: Option<Arc<dyn Source>>,
    wait_max: Duration,
    bytes_max: usize,
    waiting: Option<Waiting>,
    /// Since the source does not answer.
    down: Option<Stopwatch>,
    round: Duration,
    /// Whether what is known was said since the worker owns the partition.
    is_announced: bool,
    since_switched: Option<Stopwatch>,
}

impl Answering {
    pub(crate) fn new(config: &Config, source: Option<Arc<dyn Source>>) -> Self {
        Self {
            source,
            wait_max: config.schemas.wait_max(),
            bytes_max: BYTES_MAX.min(config.value_bytes_max / SHARE),
            waiting: None,
            down: None,
            round: ROUND,
            is_announced: false,
            since_switched: None,
        }
    }

    /// What is to be written when the worker owns its partition: what is known, so that whoever begins to
    /// read later learns of it, and whether records wait.
    pub(crate) fn announcement(&mut self, schemas: &Schemas, next_offset: i64) -> Vec<Answer> {
        let is_on = self.source.is_some();
        let is_first = !std::mem::replace(&mut self.is_announced, true);
        let is_paused =
            self.since_switched.as_ref().is_some_and(|since| !since.has_passed(SWITCH_PAUSE));
        if !is_first && (schemas.is_on() == is_on || is_paused) {
            return Vec::new();
        }
        if !is_on && !schemas.is_on() && schemas.known().is_empty() {
            return Vec::new();
        }
        self.since_switched = Some(Stopwatch::start());
        let through = next_offset.saturating_sub(1);
        let empty = || Answer { is_on, through, ..Answer::default() };
        let (mut answers, mut bytes) = (vec![empty()], 0);
        for (key, known) in schemas.known() {
            if bytes > 0 && bytes + known.avro.len() > self.bytes_max {
                answers.push(empty());
                bytes = 0;
            }
            bytes += known.avro.len();
            if let Some(last) = answers.last_mut() {
                last.schemas.insert(*key, known.avro.to_string());
            }
        }
        answers
    }

    /// The answer that is to be written now, if any. `passed` is how far the partition was read, `end`
    /// asks where it ends.
    ///
    /// # Errors
    ///
    /// Those of the log.
    pub(crate) fn due(
        &mut self,
        reader: &Reader,
        passed: Option<i64>,
        end: impl FnOnce() -> Result<i64, LogError>,
    ) -> Result<Option<Answer>, LogError> {
        let Some(held) = reader.held() else {
            self.waiting = None;
            return Ok(None);
        };
        let known = self.waiting.take().filter(|waiting| waiting.at == held.at);
        let mut waiting = match known {
            Some(waiting) => waiting,
            None => Waiting { at: held.at, end: end()?, pause: None, written: None },
        };
        let answer = self.answer(&mut waiting, reader.decoder(), held, passed);
        self.waiting = Some(waiting);
        Ok(answer)
    }

    fn answer(
        &mut self,
        waiting: &mut Waiting,
        decoder: &Decoder,
        held: &Held,
        passed: Option<i64>,
    ) -> Option<Answer> {
        let passed = passed.filter(|passed| *passed >= waiting.end)?;
        // One that was read and had no effect came too late.
        waiting.written.take_if(|written| passed > *written);
        let is_paused =
            waiting.pause.as_ref().is_some_and(|(since, pause)| !since.has_passed(*pause));
        if waiting.written.is_some() || is_paused {
            return None;
        }
        let Some(source) = self.source.clone() else {
            return Some(Answer { is_on: false, through: held.through(), ..Answer::default() });
        };
        let answer = self.ask(&*source, waiting, decoder, held);
        (answer.through >= held.at).then_some(answer)
    }

    /// Asks for the schemas of the records that wait, in their order, as far as it comes in a round. A
    /// source that has not answered for long is asked once a round.
    fn ask(
        &mut self,
        source: &dyn Source,
        waiting: &mut Waiting,
        decoder: &Decoder,
        held: &Held,
    ) -> Answer {
        let mut answer = Answer { is_on: true, through: held.through(), ..Answer::default() };
        let (round, mut bytes, mut given_up) = (Stopwatch::start(), 0, None);
        for (key, first) in held.asked().into_iter().filter(|(key, at)| !decoder.knows(*key, *at)) {
            let has_answer = !answer.schemas.is_empty() || !answer.missing.is_empty();
            if has_answer && (bytes >= self.bytes_max || round.has_passed(self.round)) {
                answer.through = first - 1;
                break;
            }
            let asked = match &given_up {
                None => source.find(key),
                Some(error) => Err(SourceError::clone(error)),
            };
            let found = match asked {
                Ok(found) => {
                    self.down = None;
                    self.usable(decoder, key, found)
                }
                Err(SourceError::Invalid { key, reason }) => {
                    self.down = None;
                    Err(format!("schema {key}: {reason}"))
                }
                // The others go on meanwhile.
                Err(SourceError::Pending) => {
                    answer.through = first - 1;
                    break;
                }
                Err(error)
                    if self.down.get_or_insert_with(Stopwatch::start).has_passed(self.wait_max) =>
                {
                    let reason = format!("{error}, for more than {} s", self.wait_max.as_secs());
                    given_up = Some(error);
                    Err(reason)
                }
                Err(error) => {
                    let before = waiting.pause.take().map_or(PAUSE / 2, |(_, pause)| pause);
                    let pause = (before * 2).min(PAUSE_MAX);
                    warn!(schema = %key, %error, offset = first, "cannot ask for a schema; will ask again");
                    count("unavailable");
                    waiting.pause = Some((Stopwatch::start(), pause));
                    answer.through = first - 1;
                    break;
                }
            };
            match found {
                Ok(text) if bytes > 0 && bytes + text.len() > self.bytes_max => {
                    answer.through = first - 1;
                    break;
                }
                Ok(text) => {
                    count("found");
                    info!(schema = %key, offset = first, "found a schema");
                    bytes += text.len();
                    answer.schemas.insert(key, text);
                }
                Err(reason) => {
                    count("missing");
                    warn!(schema = %key, offset = first, reason, "no schema; its records are quarantined");
                    answer.missing.insert(key);
                }
            }
        }
        answer
    }

    /// The text of a schema that every reader can use.
    fn usable(
        &self,
        decoder: &Decoder,
        key: SchemaKey,
        found: Option<Schema>,
    ) -> Result<String, String> {
        let Some(Schema { format, text }) = found else {
            return Err("there is none".to_owned());
        };
        match format {
            Format::Avro if text.len() > self.bytes_max => {
                Err(format!("it has {} bytes, at most {} are used", text.len(), self.bytes_max))
            }
            Format::Avro => {
                let tried = decoder.clone().register(key, &text);
                tried.map(|()| text)
            }
            Format::Json => Err("it is a JSON Schema, but the record is not JSON".to_owned()),
            Format::Other(name) => Err(format!("it is of type `{name}`; Avro can be read")),
        }
    }

    /// An answer is in the log.
    pub(crate) const fn wrote(&mut self, offset: i64) {
        if let Some(waiting) = &mut self.waiting {
            waiting.written = Some(offset);
        }
    }

    /// The log does not take so large a record. Returns whether smaller ones can be tried.
    pub(crate) const fn halve(&mut self) -> bool {
        self.bytes_max /= 2;
        self.bytes_max > 0
    }
}

fn count(outcome: &'static str) {
    metrics::counter!(names::PROCESSOR_SCHEMAS, "outcome" => outcome).increment(1);
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use event::{BatchBuilder, Limits, TimestampType, TopicPartition};
    use governance::{Installation, Look, Trust};

    use super::*;

    /// A source that gives one answer and counts.
    #[derive(Debug)]
    struct Always(Result<Option<Schema>, SourceError>, AtomicUsize);

    impl Source for Always {
        fn find(&self, _: SchemaKey) -> Result<Option<Schema>, SourceError> {
            self.1.fetch_add(1, Ordering::SeqCst);
            self.0.clone()
        }
    }

    /// A reader for which records 0 to 2, each with a schema of its own, wait.
    fn waiting() -> Reader {
        let mut batch = BatchBuilder::new(TopicPartition::new("agent.events", 0));
        for offset in 0..3 {
            let value = [0, 0, 0, 0, u8::try_from(offset).unwrap(), 1];
            let kind = TimestampType::LogAppendTime;
            batch.push(offset, 0, kind, None, Some(&value), std::iter::empty());
        }
        let trust = Trust::nobody(Installation::default());
        let decoder = Decoder::new(Limits::default());
        let mut reader = Reader::new(trust, decoder, Schemas::beginning_at(0));
        assert!(batch.build().records().all(|record| reader.look(&record) == Look::Pass));
        reader
    }

    fn ask(
        answer: Result<Option<Schema>, SourceError>,
        wait_max: Duration,
        round: Duration,
    ) -> (Option<Answer>, usize) {
        let (reader, source) = (waiting(), Arc::new(Always(answer, AtomicUsize::new(0))));
        let shared: Arc<dyn Source> = Arc::<Always>::clone(&source);
        let mut answering = Answering::new(&Config::default(), Some(shared));
        (answering.wait_max, answering.round) = (wait_max, round);
        let answer = answering.due(&reader, Some(3), || Ok(3)).unwrap();
        (answer, source.1.load(Ordering::SeqCst))
    }

    #[test]
    fn a_source_that_is_down_is_asked_once_a_round_and_given_up_when_it_is_over() {
        let down = || Err(SourceError::Unavailable("away".to_owned()));
        let (minute, zero) = (Duration::from_secs(60), Duration::ZERO);
        assert_eq!(ask(down(), minute, ROUND), (None, 1), "it is waited for");
        let pending = ask(Err(SourceError::Pending), zero, ROUND);
        assert_eq!(pending, (None, 1), "whoever has not answered yet is not away");
        let (answer, asked) = ask(down(), zero, ROUND);
        let answer = answer.unwrap();
        assert_eq!((answer.through, answer.missing.len(), asked), (2, 3, 1));
    }

    #[test]
    fn a_round_ends_also_if_nothing_is_found() {
        let (minute, zero) = (Duration::from_secs(60), Duration::ZERO);
        let (answer, asked) = ask(Ok(None), minute, ROUND);
        assert_eq!((answer.unwrap().through, asked), (2, 3));
        let (answer, asked) = ask(Ok(None), minute, zero);
        let answer = answer.unwrap();
        assert_eq!(
            (answer.through, answer.missing.len(), asked),
            (0, 1, 1),
            "the others come next"
        );
    }
}
