//! What every archive must do.

use std::thread;

use bytes::Bytes;
use thiserror::Error;

use crate::archive::{Archive, Creation, ObjectInfo};
use crate::error::ArchiveError;

/// Writers that create the same object at once.
const WRITERS: u8 = 8;

/// A rule that an archive broke.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("broken rule: {rule}: {detail}")]
pub struct Violation {
    /// The rule.
    pub rule: &'static str,
    /// What happened.
    pub detail: String,
}

/// Runs every rule against an archive that is empty.
///
/// # Errors
///
/// The first rule that is broken.
pub fn suite(archive: &Archive) -> Result<(), Violation> {
    what_was_created_is_read_back(archive)?;
    what_exists_is_not_created_again(archive)?;
    a_creation_finds_out_whose_the_object_is(archive)?;
    a_replaced_object_has_only_new_bytes(archive)?;
    what_is_absent_is_not_found(archive)?;
    what_is_removed_is_gone_and_can_be_removed_again(archive)?;
    a_listing_is_sorted_and_keeps_to_whole_segments(archive)?;
    of_many_creators_exactly_one_wins(archive)?;
    it_creates_only_what_is_absent(archive)
}

fn expect<T: PartialEq + std::fmt::Debug>(
    rule: &'static str,
    found: T,
    expected: &T,
) -> Result<(), Violation> {
    if found == *expected {
        return Ok(());
    }
    Err(Violation { rule, detail: format!("expected {expected:?}, found {found:?}") })
}

fn what_was_created_is_read_back(archive: &Archive) -> Result<(), Violation> {
    const RULE: &str = "what was created is read back, whole, in ranges and in bulk";
    let large: Vec<u8> = (0..=u8::MAX).cycle().take(3_000_000).collect();
    let paths = ["suite/a/empty", "suite/a/small", "suite/date=2026-01-02/large"];
    for (path, bytes) in paths.into_iter().zip([&b""[..], b"small", &large]) {
        expect(RULE, archive.put_new(path, bytes.to_vec()), &Ok(()))?;
        expect(RULE, archive.get(path).as_deref(), &Ok(bytes))?;
        expect(RULE, archive.exists(path), &Ok(true))?;
        let size = archive.info(path).map(|info| usize::try_from(info.size_bytes).ok());
        expect(RULE, size, &Ok(Some(bytes.len())))?;
    }
    expect(RULE, archive.get_range("suite/a/small", 1..3).as_deref(), &Ok(b"ma"))?;
    expect(RULE, archive.get_range("suite/a/small", 3..9).as_deref(), &Ok(b"ll"))?;
    expect(RULE, archive.get_range("suite/a/small", 5..9).is_err(), &true)?;
    let ranges = archive.get_ranges(paths[2], &[0..2, 255..258, 2_999_999..3_000_000]);
    let at_the_end = large.split_at(2_999_999).1;
    let expected = [&[0, 1][..], &[255, 0, 1], at_the_end].map(Bytes::copy_from_slice);
    expect(RULE, ranges, &Ok(expected.to_vec()))?;
    let many = archive.get_many(&["suite/a/small".into(), "suite/a/empty".into()]);
    expect(RULE, many, &Ok(vec!["small".into(), "".into()]))
}

fn what_exists_is_not_created_again(archive: &Archive) -> Result<(), Violation> {
    const RULE: &str = "what exists is not created again and keeps its bytes";
    let path = "suite/once";
    expect(RULE, archive.put_new(path, &b"first"[..]), &Ok(()))?;
    let exists = Err(ArchiveError::AlreadyExists { path: path.into() });
    expect(RULE, archive.put_new(path, &b"second"[..]), &exists)?;
    expect(RULE, archive.put_new(path, &b"first"[..]), &exists)?;
    expect(RULE, archive.get(path).as_deref(), &Ok(b"first"))
}

fn a_creation_finds_out_whose_the_object_is(archive: &Archive) -> Result<(), Violation> {
    const RULE: &str = "a creation says whose object it is, however often it is asked for";
    let path = "suite/created";
    let [ours, theirs] = [&b"ours"[..], b"theirs"].map(Bytes::from_static);
    for _ in 0..2 {
        expect(RULE, archive.create_object(path, &ours), &Ok(Creation::Ours))?;
    }
    let lost = Ok(Creation::Theirs(ours.clone()));
    expect(RULE, archive.create_object(path, &theirs), &lost)?;
    expect(RULE, archive.get(path), &Ok(ours))
}

fn it_creates_only_what_is_absent(archive: &Archive) -> Result<(), Violation> {
    const RULE: &str = "the check for conditional creation passes, again and again";
    for _ in 0..2 {
        expect(RULE, archive.check_create_if_absent(), &Ok(()))?;
    }
    Ok(())
}

fn a_replaced_object_has_only_new_bytes(archive: &Archive) -> Result<(), Violation> {
    const RULE: &str = "a replaced object has only new bytes";
    let path = "suite/replaced";
    expect(RULE, archive.put(path, &b"a longer first version"[..]), &Ok(()))?;
    expect(RULE, archive.put(path, &b"second"[..]), &Ok(()))?;
    expect(RULE, archive.get(path).as_deref(), &Ok(b"second"))
}

fn what_is_absent_is_not_found(archive: &Archive) -> Result<(), Violation> {
    const RULE: &str = "what is absent is not found, and a listing of it is empty";
    let path = "suite/absent/object";
    let absent = ArchiveError::NotFound { path: path.into() };
    expect(RULE, archive.get(path), &Err(absent.clone()))?;
    expect(RULE, archive.get_range(path, 0..1), &Err(absent))?;
    expect(RULE, archive.exists(path), &Ok(false))?;
    expect(RULE, archive.exists("suite/absent"), &Ok(false))?;
    expect(RULE, archive.list("suite/absent"), &Ok(Vec::new()))
}

fn what_is_removed_is_gone_and_can_be_removed_again(archive: &Archive) -> Result<(), Violation> {
    const RULE: &str = "what is removed is gone, and nothing beside it; it can be removed again";
    for path in ["suite/removed/a", "suite/removed/b"] {
        expect(RULE, archive.put_new(path, &b"1"[..]), &Ok(()))?;
    }
    for _ in 0..2 {
        expect(RULE, archive.delete("suite/removed/a"), &Ok(()))?;
        expect(RULE, archive.exists("suite/removed/a"), &Ok(false))?;
    }
    expect(RULE, archive.exists("suite/removed/b"), &Ok(true))
}

fn a_listing_is_sorted_and_keeps_to_whole_segments(archive: &Archive) -> Result<(), Violation> {
    const RULE: &str = "a listing is sorted and keeps to whole segments";
    for name in ["suite/list/10", "suite/list/02", "suite/list/x/1", "suite/listing/1"] {
        expect(RULE, archive.put_new(name, &b"1"[..]), &Ok(()))?;
    }
    let names = |found: Result<Vec<ObjectInfo>, _>| {
        found.map(|found| found.into_iter().map(|info| info.path).collect::<Vec<_>>())
    };
    let all = ["suite/list/02", "suite/list/10", "suite/list/x/1"].map(String::from);
    expect(RULE, names(archive.list("suite/list")), &Ok(all.to_vec()))?;
    let (_, later) = all.split_at(1);
    expect(RULE, names(archive.list_after("suite/list", "suite/list/02")), &Ok(later.to_vec()))?;
    // The position need not be an object.
    expect(RULE, names(archive.list_after("suite/list", "suite/list/03")), &Ok(later.to_vec()))?;
    expect(RULE, names(archive.list_after("suite/list", "suite/list/x/1")), &Ok(Vec::new()))
}

fn of_many_creators_exactly_one_wins(archive: &Archive) -> Result<(), Violation> {
    const RULE: &str = "of many creators of one object exactly one wins, and its bytes stay";
    for round in 0..4 {
        let path = format!("suite/race/{round}");
        let won: Vec<u8> = thread::scope(|scope| {
            let path = path.as_str();
            let creators: Vec<_> = (0..WRITERS)
                .map(|writer| {
                    scope.spawn(move || archive.put_new(path, vec![writer; 1000]).map(|()| writer))
                })
                .collect();
            creators.into_iter().filter_map(|creator| creator.join().ok()?.ok()).collect()
        });
        expect(RULE, won.len(), &1)?;
        let winner = won.first().map_or_else(Vec::new, |winner| vec![*winner; 1000]);
        expect(RULE, archive.get(&path).as_deref(), &Ok(&*winner))?;
    }
    Ok(())
}
