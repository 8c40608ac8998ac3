//! The schemas of other writers that each segment names are those that the answers in its partition give.

use event::{Event, column, kind};
use governance::{Schemas, Trust};
use merkle::{Hash, hash};
use segment::fault::{Fault, expect_equal};

/// What a partition knows, as its records say.
pub(super) struct Answers {
    trust: Trust,
    schemas: Schemas,
    /// Path and document of the segment whose records are read.
    open: Option<(String, Option<Hash>)>,
    /// Whether the chain is read from its beginning.
    is_whole: bool,
}

impl Answers {
    /// Of the records of a chain. What was known before another than its first segment, nobody can tell.
    pub(super) fn new(trust: Trust, is_whole: bool) -> Self {
        Self { trust, schemas: Schemas::default(), open: None, is_whole }
    }

    /// The records of a segment follow, of which this is the path and the document that it names; those of
    /// the one before are over.
    ///
    /// # Errors
    ///
    /// The segment before names other schemas than its records give.
    pub(super) fn begin(&mut self, next: Option<(String, Option<Hash>)>) -> Result<(), Fault> {
        if let Some((path, named)) = std::mem::replace(&mut self.open, next)
            && self.is_whole
        {
            let known = (!self.schemas.is_default()).then(|| self.schemas.to_bytes());
            let show = |digest: Option<Hash>| {
                digest.map_or_else(|| "none".to_owned(), |digest| hash::to_hex(&digest))
            };
            let expected = show(known.map(|bytes| hash::sha256(&bytes)));
            expect_equal("schemas of other writers", &path, &expected, &show(named))?;
        }
        Ok(())
    }

    /// Takes a record.
    pub(super) fn take(&mut self, place: (&str, i32), offset: i64, event: &Event<'_>) {
        if event.text(column::KIND) == Some(kind::MONITOR_SCHEMAS) {
            // What is not an answer has no effect; the computation counts it.
            let _taken = self.schemas.take(&self.trust, place, offset, event);
        }
    }
}

#[cfg(test)]
mod tests {
    use event::{EventBuilder, Timestamp};
    use governance::{Answer, Installation, sign_answer};
    use merkle::note::SigningKey;

    use super::*;

    #[test]
    fn a_segment_that_names_other_schemas_than_its_answers_give_is_a_fault() {
        let key = SigningKey::from_seed("log.example.com/processor", [1; 32]).unwrap();
        let of = Installation { origin: "log.example.com".into(), topic_prefix: String::new() };
        let none: [String; 0] = [];
        let trust = Trust::parse(of.clone(), [key.verifier().to_vkey()], none).unwrap();
        let event = EventBuilder::new(kind::MONITOR_SCHEMAS)
            .set(column::EVENT_ID, "a")
            .set(column::EVENT_TIME, Timestamp::from_micros(1));
        let answer = Answer { is_on: true, through: 0, ..Answer::default() };
        let place = ("agent.events", 0);
        let event = sign_answer(&key, &of, place, answer.write(event).build().unwrap());
        let mut known = Schemas::default();
        known.take(&trust, place, 1, &event).unwrap().unwrap();
        let digest = Some(hash::sha256(&known.to_bytes()));
        // The outcome of two segments, the second of which holds the answer.
        let replayed = |is_whole, first, second| {
            let mut answers = Answers::new(trust.clone(), is_whole);
            answers.begin(Some(("first".into(), first)))?;
            answers.begin(Some(("second".into(), second)))?;
            answers.take(place, 1, &event);
            answers.begin(None)
        };
        assert_eq!(replayed(true, None, digest), Ok(()));
        let place_of = |outcome: Result<(), Fault>| outcome.unwrap_err().place;
        assert_eq!(place_of(replayed(true, digest, digest)), "first");
        assert_eq!(place_of(replayed(true, None, None)), "second");
        assert_eq!(place_of(replayed(true, None, Some([7; 32]))), "second");
        assert_eq!(replayed(false, digest, None), Ok(()), "its beginning is not read");
    }
}
