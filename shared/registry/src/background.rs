//! A source that is asked by a thread of its own.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use event::SchemaKey;

use crate::{Schema, Source, SourceError};

/// Most questions that are under way, with answers that nobody has fetched.
const QUESTIONS_MAX: usize = 1_024;
/// How long whoever asks waits: most answers come sooner.
const WAIT: Duration = Duration::from_millis(20);

type Found = Result<Option<Schema>, SourceError>;

/// Questions, and their answers when they have come.
type Questions = BTreeMap<SchemaKey, Option<Found>>;

/// Asks another source on a thread of its own, one question at a time, so that one that does not answer
/// stops nobody: [`Source::find`] returns within 20 ms, with [`SourceError::Pending`] until the answer
/// is there. An answer is given once.
#[derive(Debug)]
pub struct Background {
    questions: Arc<(Mutex<Questions>, Condvar)>,
    to_thread: SyncSender<SchemaKey>,
}

impl Background {
    /// Starts the thread, which ends with this.
    ///
    /// # Errors
    ///
    /// If there can be no thread.
    pub fn start(source: Arc<dyn Source>) -> std::io::Result<Self> {
        let (to_thread, asked) = sync_channel(QUESTIONS_MAX);
        let questions = Arc::new((Mutex::new(Questions::new()), Condvar::new()));
        let shared = Arc::clone(&questions);
        let thread = std::thread::Builder::new().name("schemas".to_owned());
        thread.spawn(move || work(&*source, &asked, &shared))?;
        Ok(Self { questions, to_thread })
    }
}

impl Source for Background {
    fn find(&self, key: SchemaKey) -> Found {
        let (questions, is_answered) = &*self.questions;
        let mut questions = lock(questions);
        if !questions.contains_key(&key) {
            if questions.len() >= QUESTIONS_MAX {
                // Whoever asked these may not come back.
                questions.retain(|_, answer| answer.is_none());
            }
            if self.to_thread.try_send(key).is_err() {
                return Err(SourceError::Pending);
            }
            questions.insert(key, None);
        }
        let is_open = |questions: &mut Questions| matches!(questions.get(&key), Some(None));
        let waited = is_answered.wait_timeout_while(questions, WAIT, is_open);
        let (mut questions, _) = waited.unwrap_or_else(PoisonError::into_inner);
        match questions.remove(&key) {
            Some(Some(found)) => found,
            Some(None) => {
                questions.insert(key, None);
                Err(SourceError::Pending)
            }
            // Somebody else has taken it.
            None => Err(SourceError::Pending),
        }
    }
}

fn work(source: &dyn Source, asked: &Receiver<SchemaKey>, shared: &(Mutex<Questions>, Condvar)) {
    let (questions, is_answered) = shared;
    for key in asked {
        let found = source.find(key);
        lock(questions).insert(key, Some(found));
        is_answered.notify_all();
    }
}

fn lock(questions: &Mutex<Questions>) -> MutexGuard<'_, Questions> {
    questions.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use super::*;

    /// Answers when it is told to.
    #[derive(Debug)]
    struct Told(Mutex<Receiver<Found>>);

    impl Source for Told {
        fn find(&self, _: SchemaKey) -> Found {
            self.0.lock().unwrap().recv().unwrap()
        }
    }

    #[test]
    fn nobody_waits_for_a_source_that_does_not_answer_and_an_answer_is_given_once() {
        let (answer, told) = sync_channel(1);
        let background = Background::start(Arc::new(Told(Mutex::new(told)))).unwrap();
        let find = |id| background.find(SchemaKey::Id(id));
        assert_eq!([find(1), find(2), find(1)], [const { Err(SourceError::Pending) }; 3]);
        let schema = Schema { format: crate::Format::Avro, text: "{}".to_owned() };
        answer.send(Ok(Some(schema.clone()))).unwrap();
        let until_found = |id| loop {
            match find(id) {
                Err(SourceError::Pending) => {}
                found => return found,
            }
        };
        assert_eq!(until_found(1), Ok(Some(schema)));
        answer.send(Ok(None)).unwrap();
        assert_eq!(until_found(2), Ok(None));
        assert_eq!(find(1), Err(SourceError::Pending), "it is asked again");
    }

    #[test]
    fn questions_are_bounded_and_what_nobody_fetches_makes_room() {
        #[derive(Debug)]
        struct None;
        impl Source for None {
            fn find(&self, _: SchemaKey) -> Found {
                Ok(Option::None)
            }
        }
        let background = Background::start(Arc::new(None)).unwrap();
        let (questions, _) = &*background.questions;
        for id in 0..QUESTIONS_MAX {
            let id = u32::try_from(id).unwrap();
            lock(questions).insert(SchemaKey::Id(id), Some(Ok(Option::None)));
        }
        let last = SchemaKey::Id(u32::MAX);
        while background.find(last) != Ok(Option::None) {}
        assert!(lock(questions).len() <= 1, "those that nobody has fetched are gone");
    }
}
