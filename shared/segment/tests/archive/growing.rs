//! Fsck while a sealer is at work.

use bytes::Bytes;
use segment::fault::Judgement;
use segment::fsck::{Fsck, Report, Request};

use crate::common::{World, policy};

/// The objects of a world in the order in which a sealer writes those that another has not.
fn written(before: &World, after: &World) -> Vec<(String, Bytes)> {
    let order = ["data/", "census/", "schemas/", "log/commit/", "log/tile/", "log/head/"];
    let rank = |path: &str| order.iter().position(|prefix| path.starts_with(prefix));
    let is_new = |(path, bytes): &(&String, &Bytes)| before.objects.get(*path) != Some(*bytes);
    let new = after.objects.iter().filter(is_new);
    let mut new: Vec<_> = new.map(|(path, bytes)| (path.clone(), bytes.clone())).collect();
    // What is of no directory is the checkpoint, which comes last.
    new.sort_by_key(|(path, _)| rank(path).unwrap_or(order.len()));
    new
}

/// Nothing has failed because a sealer was at work, wherever it was.
#[test]
fn a_log_that_grows_while_it_is_checked_is_verified() {
    let world = World::example();
    let mut grown = world.clone();
    let mut new = Vec::new();
    for commit in 0..4_u32 {
        let before = grown.clone();
        let line =
            |run| crate::common::run_completed("agent-a", 100 + run, crate::common::START_MS);
        grown.commit(&[("agent.events", 7, vec![line(commit * 2), line(commit * 2 + 1)])]);
        new.extend(written(&before, &grown));
    }
    let mut followed = 0;
    // From each step of the check on, each further step finds so many objects more.
    for (pace, from) in [1, 8].into_iter().flat_map(|pace| (0..45).map(move |n| (pace, n))) {
        let mut now = world.clone();
        let (mut steps, mut rest) = (0, new.iter());
        let mut step = |now: &mut World| {
            steps += 1;
            if steps > from {
                now.objects.extend(rest.by_ref().take(pace).cloned());
            }
        };
        let report = check(&mut now, &mut step, &|_| true, &|_| false);
        assert_eq!(report.verdict, Judgement::Verified, "{pace} from {from}: {report:#?}");
        followed += usize::from(report.commits > 3 && from > 4);
    }
    assert!(followed > 10, "{followed} checks have read a commit that was not listed");
}

/// A directory that is listed while it grows may show what was created later and not what was before.
#[test]
fn a_listing_that_leaves_a_commit_out_is_no_gap() {
    let world = World::example();
    for left_out in 1..3 {
        let is_listed = |path: &str| path != segment::layout::commit(left_out);
        let report = check(&mut world.clone(), &mut |_| {}, &is_listed, &|_| false);
        assert_eq!(report.verdict, Judgement::Verified, "{left_out}: {report:#?}");
        assert_eq!(report.commits, 3);
    }
}

#[test]
fn a_gap_is_found_though_the_checkpoint_cannot_be_read() {
    let mut world = World::example();
    let path = segment::layout::commit(1);
    world.objects.remove(&path);
    for is_unreadable in [false, true] {
        let unreadable = |path: &str| is_unreadable && path == segment::layout::CHECKPOINT;
        let report = check(&mut world, &mut |_| {}, &|_| true, &unreadable);
        assert_eq!(report.verdict, Judgement::Failed, "{report:#?}");
        assert!(report.findings.iter().any(|finding| finding.fault.place == path), "{report:#?}");
    }
    let unreadable = |path: &str| path == segment::layout::CHECKPOINT;
    let sound = check(&mut World::example(), &mut |_| {}, &|_| true, &unreadable);
    assert_eq!(sound.verdict, Judgement::Unverifiable, "{sound:#?}");
}

/// Fsck over objects that change at each step, of what is listed; some cannot be read.
fn check(
    world: &mut World,
    step: &mut dyn FnMut(&mut World),
    is_listed: &dyn Fn(&str) -> bool,
    is_unreadable: &dyn Fn(&str) -> bool,
) -> Report {
    let mut fsck = Fsck::new(policy());
    loop {
        step(world);
        match fsck.poll() {
            Request::List(directory) => {
                let mut listed = world.listed(directory);
                listed.retain(|object| is_listed(&object.path));
                fsck.handle_listing(listed);
            }
            Request::Read(path) if is_unreadable(&path) => fsck.handle_unreadable("denied"),
            Request::Read(path) => fsck.handle_object(world.objects.get(&path).cloned()),
            Request::Check(task) => {
                let [parquet, census] =
                    [task.parquet_path(), task.census_path()].map(|path| world.objects.get(path));
                fsck.handle_outcome(task.check(parquet, census));
            }
            Request::Done => return fsck.finish(),
        }
    }
}
