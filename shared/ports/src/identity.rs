//! Whether a partition is still the one that was read. Pure: what was kept and what is found in, a
//! verdict out.
//!
//! | kept | found | same topic id | another topic id |
//! |---|---|---|---|
//! | nothing | a start of 0 | go on | go on |
//! | nothing | a start above 0 | a gap from 0 | a gap from 0 |
//! | a position | an end before it | [`Changed::Diverged`] | [`Changed::AnotherTopic`] |
//! | its last record | the same record | go on | go on: a copy |
//! | its last record | another record there | `Diverged` | `AnotherTopic` |
//! | its last record | none there, though the start is not beyond | [`Changed::Compacted`] | `AnotherTopic` |
//! | its last record | trimmed, the end is the position | go on | go on |
//! | its last record | trimmed, the start is not beyond the position | go on | `AnotherTopic` |
//! | its last record, or only a position | a start beyond the position | a gap | `AnotherTopic` |
//! | only a position | none of these | go on | `AnotherTopic` |

use thiserror::Error;

use crate::OffsetRange;
use crate::mark::Mark;

/// What a reader keeps of a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Identity of the topic.
    pub topic_id: String,
    /// Everything before this offset was read, and a record is before it.
    pub next_offset: i64,
    /// The record before it, if it is known.
    pub last: Option<Mark>,
}

/// What the log has where the last record was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AtLast {
    /// Nobody looked: no last record is kept, or it is not between the start and the end.
    NotAsked,
    /// No record.
    Absent,
    /// A record.
    Record(Mark),
}

/// What the log has now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Identity of the topic.
    pub topic_id: String,
    /// The offsets that the partition holds.
    pub range: OffsetRange,
    /// The record before [`Kept::next_offset`].
    pub at_last: AtLast,
}

/// Where to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resume {
    /// Everything before this offset was read.
    pub position: i64,
    /// Where reading begins; if it is greater, the records between are lost.
    pub read_from: i64,
}

impl Resume {
    /// Whether records are lost.
    #[must_use]
    pub const fn is_lossy(&self) -> bool {
        self.read_from > self.position
    }
}

/// Why a partition is not the one that was read. A person has to decide.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Changed {
    /// The topic was deleted and created again, or is another one of the same name.
    #[error(
        "it is another topic: its identity is `{found}`, that of the one read up to offset \
         {position} is `{kept}`; the topic was deleted and created again, or this is another \
         cluster. Its offsets name other records, so nothing of it was taken. Give the new topic \
         another name (`topics.prefix`), with an installation of its own"
    )]
    AnotherTopic {
        /// Identity that is kept.
        kept: String,
        /// Identity of the topic now.
        found: String,
        /// Everything before this offset was read.
        position: i64,
    },
    /// The topic is the same, its end or a record of it is not: brokers have lost acknowledged records.
    #[error(
        "its records changed: it was read up to offset {position}, and now holds {first} to {next} \
         with other records before that position; brokers have lost acknowledged records (an \
         unclean leader election, or a restored disk). What was read stays as it is; move on to a \
         topic of another name (`topics.prefix`), with an installation of its own"
    )]
    Diverged {
        /// Everything before this offset was read.
        position: i64,
        /// First offset held.
        first: i64,
        /// Offset after the last record held.
        next: i64,
    },
    /// A record is gone, though later and earlier ones are held.
    #[error(
        "the record at offset {offset} is gone, though the topic begins at {first}: it was \
         compacted, which removes records without a trace; set `cleanup.policy=delete`, and move on \
         to a topic of another name (`topics.prefix`), with an installation of its own"
    )]
    Compacted {
        /// Offset of the record.
        offset: i64,
        /// First offset held.
        first: i64,
    },
}

/// Judges a partition; see the module.
///
/// # Errors
///
/// See [`Changed`].
pub fn judge(kept: Option<&Kept>, found: &Found) -> Result<Resume, Changed> {
    let OffsetRange { first, next } = found.range;
    // Who has read nothing of a topic has nothing to compare.
    let Some(kept) = kept.filter(|kept| kept.next_offset > 0) else {
        return Ok(Resume { position: 0, read_from: first });
    };
    let position = kept.next_offset;
    let is_same = kept.topic_id == found.topic_id;
    let another = || {
        if is_same {
            return Changed::Diverged { position, first, next };
        }
        let (kept, found) = (kept.topic_id.clone(), found.topic_id.clone());
        Changed::AnotherTopic { kept, found, position }
    };
    if next < position {
        return Err(another());
    }
    let go_on = Resume { position, read_from: position.max(first) };
    match (kept.last, found.at_last) {
        (Some(last), AtLast::Record(record)) if record == last => Ok(go_on),
        (Some(_), AtLast::Record(_)) => Err(another()),
        (Some(_), AtLast::Absent) if is_same && first < position => {
            Err(Changed::Compacted { offset: position.saturating_sub(1), first })
        }
        _ if is_same => Ok(go_on),
        (Some(_), _) if first == position && next == position => Ok(go_on),
        (None | Some(_), _) => Err(another()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAST: Mark = Mark([7; 32]);

    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    enum Says {
        GoOn,
        Gap,
        Another,
        Diverged,
        Compacted,
    }

    fn says(kept: Option<&Kept>, found: &Found) -> Says {
        match judge(kept, found) {
            Ok(resume) if resume.is_lossy() => Says::Gap,
            Ok(_) => Says::GoOn,
            Err(Changed::AnotherTopic { .. }) => Says::Another,
            Err(Changed::Diverged { .. }) => Says::Diverged,
            Err(Changed::Compacted { .. }) => Says::Compacted,
        }
    }

    fn found(id: &str, first: i64, next: i64, at_last: AtLast) -> Found {
        Found { topic_id: id.into(), range: OffsetRange { first, next }, at_last }
    }

    #[test]
    fn the_table_of_the_module_holds() {
        use Says::{Another, Compacted, Diverged, Gap, GoOn};
        let same = AtLast::Record(LAST);
        let none = AtLast::Absent;
        let other = AtLast::Record(Mark([8; 32]));
        let not = AtLast::NotAsked;
        // Last record kept, first and next found, what is at the last record, verdicts for the same
        // id and for another; the position is 10.
        let table = [
            (true, 0, 9, same, Diverged, Another),
            (true, 0, 9, not, Diverged, Another),
            (false, 0, 9, not, Diverged, Another),
            (false, 9, 9, not, Diverged, Another),
            (true, 0, 10, same, GoOn, GoOn),
            (true, 9, 12, same, GoOn, GoOn),
            (true, 0, 10, other, Diverged, Another),
            (true, 9, 12, other, Diverged, Another),
            (true, 0, 10, none, Compacted, Another),
            (true, 9, 12, none, Compacted, Another),
            (true, 10, 10, not, GoOn, GoOn),
            (true, 10, 10, none, GoOn, GoOn),
            (true, 10, 12, not, GoOn, Another),
            (true, 10, 12, none, GoOn, Another),
            (true, 11, 12, not, Gap, Another),
            (true, 12, 12, none, Gap, Another),
            (false, 0, 10, not, GoOn, Another),
            (false, 10, 10, not, GoOn, Another),
            (false, 10, 12, not, GoOn, Another),
            (false, 11, 12, not, Gap, Another),
            // The last record is held, and nobody looked.
            (true, 0, 12, not, GoOn, Another),
        ];
        for (has_last, first, next, at_last, if_same, if_other) in table {
            let last = has_last.then_some(LAST);
            let kept = Kept { topic_id: "a".into(), next_offset: 10, last };
            let row = (has_last, first, next, at_last);
            assert_eq!(says(Some(&kept), &found("a", first, next, at_last)), if_same, "{row:?}");
            assert_eq!(says(Some(&kept), &found("b", first, next, at_last)), if_other, "{row:?}");
        }
    }

    #[test]
    fn a_partition_of_which_nothing_was_read_begins_at_0_with_what_is_gone_as_a_gap() {
        let unread = Kept { topic_id: "b".into(), next_offset: 0, last: None };
        for kept in [None, Some(&unread)] {
            for (first, next, is_lossy) in
                [(0, 0, false), (0, 9, false), (3, 3, true), (3, 9, true)]
            {
                let resume = judge(kept, &found("a", first, next, AtLast::NotAsked)).unwrap();
                assert_eq!(resume, Resume { position: 0, read_from: first });
                assert_eq!(resume.is_lossy(), is_lossy);
            }
        }
    }

    /// Whatever is found, nothing is read twice, and nothing is skipped that is not called lost.
    #[test]
    fn reading_begins_at_the_position_or_behind_what_is_lost() {
        let marks = [None, Some(LAST)];
        let seen = [AtLast::NotAsked, AtLast::Absent, AtLast::Record(LAST)];
        for (last, at_last) in marks.iter().flat_map(|last| seen.map(|at_last| (*last, at_last))) {
            for (first, next) in
                (0..14).flat_map(|first| (first..14).map(move |next| (first, next)))
            {
                for id in ["a", "b"] {
                    let kept = Kept { topic_id: "a".into(), next_offset: 10, last };
                    let found = found(id, first, next, at_last);
                    let Ok(resume) = judge(Some(&kept), &found) else { continue };
                    assert_eq!(resume.position, 10);
                    assert_eq!(resume.read_from, first.max(10));
                    assert!(next >= 10);
                }
            }
        }
    }
}
