//! A source that is asked by a thread of its own.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use event::SchemaKey;
use event::barrier::guarded;

use crate::{Schema, Source, SourceError};

/// Most questions that are under way, with answers that are kept.
const QUESTIONS_MAX: usize = 1_024;
/// How long whoever asks first waits: most answers come sooner.
const WAIT: Duration = Duration::from_millis(20);
/// How long an answer is given to whoever asks: several partitions ask the same. Later it may be another.
const KEPT_MS: i64 = 5_000;

type Found = Result<Option<Schema>, SourceError>;

/// Questions, and their answers with the time at which they came.
type Questions = BTreeMap<SchemaKey, Option<(Found, i64)>>;

/// Asks another source on a thread of its own, one question at a time, so that one that does not answer
/// stops nobody: [`Source::find`] returns within 20 ms, with [`SourceError::Pending`] until the answer
/// is there. Then everybody who asks within five seconds gets it.
#[derive(Debug)]
pub struct Background {
    questions: Arc<(Mutex<Questions>, Condvar)>,
    to_thread: SyncSender<SchemaKey>,
    now_ms: fn() -> i64,
}

impl Background {
    /// Starts the thread, which ends with this; `now_ms` is the clock, in milliseconds.
    ///
    /// # Errors
    ///
    /// If there can be no thread.
    pub fn start(source: Arc<dyn Source>, now_ms: fn() -> i64) -> std::io::Result<Self> {
        let (to_thread, asked) = sync_channel(QUESTIONS_MAX);
        let questions = Arc::new((Mutex::new(Questions::new()), Condvar::new()));
        let shared = Arc::clone(&questions);
        let thread = std::thread::Builder::new().name("schemas".to_owned());
        thread.spawn(move || work(&*source, &asked, &shared, now_ms))?;
        Ok(Self { questions, to_thread, now_ms })
    }
}

impl Source for Background {
    fn find(&self, key: SchemaKey) -> Found {
        let (questions, is_answered) = &*self.questions;
        let mut questions = lock(questions);
        let now_ms = (self.now_ms)();
        let is_kept = |at_ms: &i64| (0..KEPT_MS).contains(&now_ms.saturating_sub(*at_ms));
        match questions.get(&key) {
            Some(None) => return Err(SourceError::Pending),
            Some(Some((found, at_ms))) if is_kept(at_ms) => return found.clone(),
            Some(Some(_)) | None => {}
        }
        if questions.len() >= QUESTIONS_MAX {
            questions.retain(|_, answer| answer.as_ref().is_none_or(|(_, at_ms)| is_kept(at_ms)));
        }
        if questions.len() >= QUESTIONS_MAX {
            return Err(SourceError::Pending);
        }
        match self.to_thread.try_send(key) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => return Err(SourceError::Pending),
            Err(TrySendError::Disconnected(_)) => {
                return Err(SourceError::Unavailable("the thread that asks has ended".to_owned()));
            }
        }
        questions.insert(key, None);
        let is_open = |questions: &mut Questions| matches!(questions.get(&key), Some(None));
        let waited = is_answered.wait_timeout_while(questions, WAIT, is_open);
        let (questions, _) = waited.unwrap_or_else(PoisonError::into_inner);
        match questions.get(&key) {
            Some(Some((found, _))) => found.clone(),
            Some(None) | None => Err(SourceError::Pending),
        }
    }
}

fn work(
    source: &dyn Source,
    asked: &Receiver<SchemaKey>,
    shared: &(Mutex<Questions>, Condvar),
    now_ms: fn() -> i64,
) {
    let (questions, is_answered) = shared;
    for key in asked {
        let found = guarded(|| source.find(key))
            .unwrap_or_else(|panicked| Err(SourceError::Unavailable(panicked.to_string())));
        lock(questions).insert(key, Some((found, now_ms())));
        is_answered.notify_all();
    }
}

fn lock(questions: &Mutex<Questions>) -> MutexGuard<'_, Questions> {
    questions.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    static NOW_MS: AtomicI64 = AtomicI64::new(0);

    /// Answers when it is told to; panics without an answer.
    #[derive(Debug)]
    struct Told(Mutex<Receiver<Option<Found>>>);

    impl Source for Told {
        fn find(&self, _: SchemaKey) -> Found {
            let answer = self.0.lock().unwrap().recv().unwrap();
            answer.expect("an answer")
        }
    }

    #[test]
    fn nobody_waits_for_a_source_that_does_not_answer_and_all_get_the_answer_for_a_while() {
        let (answer, told) = sync_channel(1);
        let source = Arc::new(Told(Mutex::new(told)));
        let background = Background::start(source, || NOW_MS.load(Ordering::SeqCst)).unwrap();
        let find = |id| background.find(SchemaKey::Id(id));
        assert_eq!([find(1), find(2), find(1)], [const { Err(SourceError::Pending) }; 3]);
        let until_found = |id| loop {
            match find(id) {
                Err(SourceError::Pending) => std::thread::sleep(WAIT),
                found => return found,
            }
        };
        let schema = Schema { format: crate::Format::Avro, text: "{}".to_owned() };
        answer.send(Some(Ok(Some(schema.clone())))).unwrap();
        assert_eq!([until_found(1), find(1)], [Ok(Some(schema.clone())), Ok(Some(schema.clone()))]);
        answer.send(Some(Ok(None))).unwrap();
        assert_eq!(until_found(2), Ok(None));
        // Later there may be one.
        NOW_MS.store(KEPT_MS, Ordering::SeqCst);
        assert_eq!(find(2), Err(SourceError::Pending));
        answer.send(Some(Ok(Some(schema.clone())))).unwrap();
        assert_eq!(until_found(2), Ok(Some(schema)));
        // A defect is an answer, too, and the thread goes on.
        assert_eq!(find(3), Err(SourceError::Pending));
        answer.send(None).unwrap();
        assert!(matches!(until_found(3), Err(SourceError::Unavailable(_))));
        assert_eq!(find(4), Err(SourceError::Pending));
        answer.send(Some(Ok(None))).unwrap();
        assert_eq!(until_found(4), Ok(None));
    }

    #[test]
    fn questions_are_bounded_and_old_answers_make_room() {
        #[derive(Debug)]
        struct None;
        impl Source for None {
            fn find(&self, _: SchemaKey) -> Found {
                Ok(Option::None)
            }
        }
        let background = Background::start(Arc::new(None), || KEPT_MS).unwrap();
        let (questions, _) = &*background.questions;
        let fill = |answer: &dyn Fn() -> Option<(Found, i64)>| {
            for id in 0..QUESTIONS_MAX {
                lock(questions).insert(SchemaKey::Id(u32::try_from(id).unwrap()), answer());
            }
        };
        fill(&|| Option::None);
        let last = SchemaKey::Id(u32::MAX);
        assert_eq!(background.find(last), Err(SourceError::Pending), "too many are under way");
        fill(&|| Some((Ok(Option::None), 0)));
        while background.find(last) != Ok(Option::None) {}
        assert_eq!(lock(questions).len(), 1, "those that are old are gone");
    }
}
