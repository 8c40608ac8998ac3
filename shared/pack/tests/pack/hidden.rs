//! Packs that hide a part of the log: none is verified, and each says what is wrong.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use event::TopicPartition;
use pack::{PackError, Scope};
use segment::excerpt::Excerpt;
use segment::fault::{Distrust, Judgement};
use segment::log::{ChainEnd, Head};
use segment::replay::Entry;

use crate::common::{START_MS, World, run_completed};
use crate::container::unzip;
use crate::export::{Wish, excerpt, export, export_excerpt};
use crate::forge::Forge;
use crate::{check, rezip};

const HOUR_MS: i64 = 3_600_000;

/// Eight hours of one agent in two partitions, one segment an hour; one of them runs ten minutes
/// backwards in the fifth hour. A third partition ends before the period.
fn world() -> World {
    let mut world = World::new();
    world.commit(&[("driftseal.alerts", 0, vec![run_completed("agent-a", 0, START_MS)])]);
    for hour in 0..8_u32 {
        let at_ms = START_MS + i64::from(hour) * HOUR_MS;
        let late_ms = if hour == 5 { HOUR_MS + HOUR_MS / 6 } else { 0 };
        world.commit(&[
            ("agent.events", 0, vec![run_completed("agent-a", hour, at_ms)]),
            ("agent.events", 1, vec![run_completed("agent-a", 100 + hour, at_ms - late_ms)]),
        ]);
    }
    world
}

/// The fourth hour.
fn scope() -> Scope {
    Scope::new("agent-a", START_MS + 3 * HOUR_MS, START_MS + 4 * HOUR_MS).unwrap()
}

fn events(partition: i32) -> TopicPartition {
    TopicPartition::new("agent.events", partition)
}

fn is_of(entry: &Entry, partition: i32) -> bool {
    let segment = entry.opened.manifest.segment();
    segment.is_some_and(|segment| segment.facts.partition == events(partition))
}

/// What a pack of this excerpt of a log comes to: the step that fails, or why it cannot be judged.
fn verdict(forge: &Forge, excerpt: Excerpt) -> String {
    let wish = Wish { scope: scope(), withheld: Vec::new() };
    let pack = with_log(&export(&world(), &scope()).unwrap(), forge, &excerpt);
    match export_excerpt(&world(), wish, excerpt, &forge.checkpoint()) {
        Ok(pack) => {
            assert_eq!(check(&pack).verdict, Judgement::Verified);
            "VERIFIED".to_owned()
        }
        // No such pack is written by us; somebody else would.
        Err(PackError::Distrust(Distrust::Failed(fault))) => {
            let report = check(&pack);
            assert_eq!(report.fault.map(|found| found.step), Some(fault.step));
            fault.step.to_owned()
        }
        Err(PackError::Distrust(Distrust::Unverifiable(why))) => {
            assert_eq!(check(&pack).verdict, Judgement::Unverifiable);
            format!("UNVERIFIABLE {why}")
        }
        Err(error) => panic!("{error}"),
    }
}

/// A pack with this excerpt in the place of its own.
pub(crate) fn with_log(pack: &Bytes, forge: &Forge, excerpt: &Excerpt) -> Bytes {
    let mut entries = unzip(pack);
    let listed = excerpt.entries.iter().map(|entry| {
        let envelope = serde_json::to_string(&entry.envelope).unwrap();
        format!("{{\"envelope\":{envelope},\"index\":\"{}\"}}\n", entry.index)
    });
    let nodes = excerpt.nodes.iter().map(|node| BASE64.encode(node) + "\n");
    entries.insert("log/entries.jsonl".into(), listed.collect::<String>().into_bytes());
    entries.insert("log/nodes.txt".into(), nodes.collect::<String>().into_bytes());
    entries.insert("log/head.json".into(), excerpt.head.to_bytes());
    entries.insert("checkpoint".into(), forge.checkpoint().into_bytes());
    rezip(entries)
}

/// The honest excerpt of a forged log.
fn honest(forge: &Forge) -> Excerpt {
    let head = forge.before.clone();
    let entries = Excerpt::needed(&head, scope().period(), forge.entries.clone()).unwrap();
    forge.excerpt(head, entries)
}

fn without(forge: &Forge, hidden: impl Fn(&Entry) -> bool) -> Excerpt {
    let Excerpt { head, mut entries, .. } = honest(forge);
    let count = entries.len();
    entries.retain(|entry| !hidden(entry));
    assert!(entries.len() < count, "something is hidden");
    forge.excerpt(head, entries)
}

#[test]
fn a_pack_holds_what_its_period_needs_and_no_more() {
    let world = world();
    let (excerpt, _) = excerpt(&world, &scope());
    let numbers: Vec<u64> = excerpt.entries.iter().map(|entry| entry.index).collect();
    // The installation; of partition 0 hours 2 to 4; of partition 1, whose disorder is ten minutes,
    // hours 2 to 6; the two after the head. Nothing of the third, which ends before.
    assert_eq!(numbers, [0, 6, 7, 8, 9, 10, 11, 13, 15, 16, 17]);
    assert_eq!(excerpt.head.sequence, 8);
    let report = check(&export(&world, &scope()).unwrap());
    assert_eq!(report.verdict, Judgement::Verified, "{report}");
    let shown: Vec<_> = crate::facts(&report)
        .coverage
        .iter()
        .map(|p| (p.partition, p.segments, p.next_offset, p.in_period.map(|c| c.segments)))
        .collect();
    assert_eq!(shown, [(0, 8, 108, Some(1)), (1, 8, 108, Some(2)), (0, 1, 101, None)]);
}

#[test]
fn no_entry_can_be_left_out_and_none_added() {
    let forge = Forge::of(&world());
    assert_eq!(verdict(&forge, honest(&forge)), "VERIFIED");
    for entry in honest(&forge).entries {
        let expected = match entry.index {
            0 => "first entry of the log",
            16 => "entries after the head",
            17 => "log size",
            9 | 11 | 13 => "chain sequence",
            8 => "chain sequence",
            _ => "entries around the period",
        };
        let excerpt = without(&forge, |hidden| hidden.index == entry.index);
        assert_eq!(verdict(&forge, excerpt), expected, "{}", entry.index);
    }
    for index in 1..16 {
        let Excerpt { head, mut entries, .. } = honest(&forge);
        if entries.iter().any(|entry| entry.index == index) {
            continue;
        }
        entries.push(forge.entries[usize::try_from(index).unwrap()].clone());
        entries.sort_by_key(|entry| entry.index);
        let found = verdict(&forge, forge.excerpt(head, entries));
        assert!(
            ["entries around the period", "chain sequence"].contains(&&*found),
            "{index}: {found}"
        );
    }
}

#[test]
fn a_partition_cannot_be_dropped() {
    let forge = Forge::of(&world());
    for partition in [0, 1] {
        let old = |entry: &Entry| is_of(entry, partition) && entry.index < 16;
        assert_eq!(verdict(&forge, without(&forge, old)), "entries around the period");
    }
}

#[test]
fn only_the_newest_head_that_the_log_names_is_accepted() {
    let forge = Forge::of(&world());
    let step = |head: Head, entries: Vec<Entry>| verdict(&forge, forge.excerpt(head, entries));
    const NAMED: &str = "head that the log names";
    // A head that is named, but not the newest; and one that nothing names yet.
    let (short, _) = {
        let mut objects = world();
        let last = segment::layout::commit(9);
        objects.objects.remove(&last);
        excerpt(&objects, &scope())
    };
    let stale = Excerpt::needed(&short.head, scope().period(), forge.entries.clone()).unwrap();
    assert_eq!(step(short.head, stale), NAMED);
    let newest = Excerpt::needed(&forge.head, scope().period(), forge.entries.clone()).unwrap();
    assert_eq!(step(forge.head.clone(), newest), NAMED);

    // Heads that say something else than the one that is named.
    let changes: [fn(&mut ChainEnd); 5] = [
        |end| end.disorder_ms = 0,
        |end| end.max_timestamp_ms -= 1,
        |end| end.next_sequence -= 1,
        |end| end.manifest = [1; 32],
        |end| end.next_offset -= 1,
    ];
    for change in changes {
        let Excerpt { mut head, entries, .. } = honest(&forge);
        change(head.ends.get_mut(&events(1)).unwrap());
        let found = step(head, entries);
        assert!([NAMED, "entries of other kinds"].contains(&&*found), "{found}");
    }
    let Excerpt { mut head, mut entries, .. } = honest(&forge);
    head.ends.remove(&events(1));
    entries.retain(|entry| entry.index >= 16 || !is_of(entry, 1));
    assert_eq!(step(head, entries), "entries of other kinds");
    let Excerpt { head, entries, .. } = honest(&forge);
    let mut edge = head.frontier.subtrees().to_vec();
    edge[0][0] ^= 1;
    let frontier = merkle::rfc6962::Frontier::from_subtrees(head.size(), edge).unwrap();
    assert_eq!(step(Head { frontier, ..head.clone() }, entries.clone()), "log root");
    assert_eq!(step(Head { sequence: 3, ..head }, entries), NAMED);
}

#[test]
fn a_log_that_its_key_signed_again_without_a_segment_contradicts_its_heads() {
    let world = world();
    let honest_log = Forge::of(&world);
    // The owner of the log's key drops the last segment of a partition and signs the rest again.
    let mut forged = Forge { entries: Vec::new(), ..honest_log.clone() };
    let dropped = 15;
    forged.head.frontier = merkle::rfc6962::Frontier::new();
    for entry in honest_log.entries.iter().filter(|entry| entry.index != dropped) {
        let index = forged.head.size();
        forged.head.frontier.append(entry.leaf);
        forged.entries.push(Entry { index, ..entry.clone() });
    }
    let mut head = honest_log.before.clone();
    let leaves: Vec<_> = forged.entries.iter().take(15).map(|entry| entry.leaf).collect();
    head.frontier = merkle::rfc6962::Frontier::new();
    leaves.iter().for_each(|leaf| head.frontier.append(*leaf));
    let end = head.ends.get_mut(&events(1)).unwrap();
    end.next_sequence -= 1;
    end.next_offset -= 1;
    end.manifest = forged.entries[13].opened.digest;
    let Ok(entries) = Excerpt::needed(&head, scope().period(), forged.entries.clone()) else {
        // The segment after it does not continue the chain.
        let entries = forged.entries.clone();
        let found = verdict(&forged, forged.excerpt(head, entries));
        assert_eq!(found, "head that the log names");
        return;
    };
    panic!("{entries:?}");
}

#[test]
fn a_lie_of_the_sealer_about_the_head_is_found_where_it_matters_and_by_fsck() {
    for (change, step) in [
        // The run of the period shows how far timestamps ran backwards.
        ((|end| end.disorder_ms = 0) as fn(&mut ChainEnd), "disorder of timestamps"),
        (|end| end.max_timestamp_ms = START_MS, "entries around the period"),
        (|end| end.max_timestamp_ms = START_MS + 4 * HOUR_MS, "largest timestamp"),
    ] {
        let mut forge = Forge::of(&world());
        let mut lie = forge.head.clone();
        change(lie.ends.get_mut(&events(1)).unwrap());
        let mut naming = forge.next(&events(0), START_MS + 9 * HOUR_MS);
        naming.head = lie.reference();
        forge.commit(vec![naming]);
        forge.before = lie.clone();
        let whole = Scope::new("agent-a", START_MS + 3 * HOUR_MS, START_MS + 7 * HOUR_MS).unwrap();
        let head = honest_head(&forge);
        let entries = Excerpt::needed(&head, whole.period(), forge.entries.clone()).unwrap();
        let excerpt = forge.excerpt(lie, entries);
        let found = match excerpt.check(whole.period()) {
            Err(Distrust::Failed(fault)) => fault.step,
            other => panic!("{other:?}"),
        };
        assert_eq!(found, step);
        // Whoever reads the whole log sees it, whatever the period.
        let mut archive = world();
        archive.objects.extend(forge.commits.clone());
        let report = archive.fsck();
        assert_eq!(report.verdict, Judgement::Failed);
        let steps: Vec<_> = report.findings.iter().map(|found| found.fault.step).collect();
        assert!(steps.contains(&"head"), "{steps:?}");
    }
}

/// The head before the last commit, as it should be.
fn honest_head(forge: &Forge) -> Head {
    Head { ends: Forge::of(&world()).head.ends, ..forge.before.clone() }
}

#[test]
fn an_entry_of_another_kind_stays_visible() {
    for (kind, why) in [
        ("sampling", "kind `sampling`, which this version does not know"),
        ("retention", "kind `retention`, whose effect this version does not check"),
    ] {
        let mut forge = Forge::of(&world());
        forge.commit_of_kind(kind);
        let number = forge.head.size() - 1;
        let named = forge.before.clone();
        // At the end of the log, after the last segment.
        let excerpt = forge.excerpt(Forge::of(&world()).before, honest_at_end(&forge));
        assert!(verdict(&forge, excerpt).contains(why));
        assert_eq!(named.other_entries(), Some(1));
        // Amid the log.
        for hour in 9..12 {
            forge.commit(vec![forge.next(&events(0), START_MS + hour * HOUR_MS)]);
        }
        let found = verdict(&forge, honest(&forge));
        assert!(found.starts_with("UNVERIFIABLE") && found.contains(why), "{found}");
        let hidden = without(&forge, |entry| entry.index == number);
        assert_eq!(verdict(&forge, hidden), "entries of other kinds");
    }
}

fn honest_at_end(forge: &Forge) -> Vec<Entry> {
    let head = Forge::of(&world()).before;
    Excerpt::needed(&head, scope().period(), forge.entries.clone()).unwrap()
}

#[test]
fn who_signed_matters_only_of_what_is_in_the_log() {
    let mut entries = unzip(&export(&world(), &scope()).unwrap());
    let text = String::from_utf8(entries["log/entries.jsonl"].clone()).unwrap();
    // Whoever passes a pack on could turn every FAILED into UNVERIFIABLE by the name of a stranger.
    let stranger = text.replacen("sealer.example.com+", "sealer.example.net+", 1);
    assert_ne!(stranger, text);
    entries.insert("log/entries.jsonl".into(), stranger.into_bytes());
    let report = check(&rezip(entries));
    assert_eq!(report.fault.map(|fault| fault.step), Some("entries of the log"));
}

#[test]
fn proofs_have_one_form() {
    let pack = export(&world(), &scope()).unwrap();
    let entries = unzip(&pack);
    let step = |name: &str, change: &dyn Fn(Vec<&str>) -> Vec<String>| {
        let mut changed = entries.clone();
        let text = String::from_utf8(entries[name].clone()).unwrap();
        let lines = change(text.lines().collect());
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        changed.insert(name.into(), text.into_bytes());
        let report = check(&rezip(changed));
        assert_eq!(report.verdict, Judgement::Failed);
        report.fault.unwrap().step
    };
    let owned = |lines: Vec<&str>| lines.into_iter().map(str::to_owned).collect::<Vec<_>>();
    let nodes = "log/nodes.txt";
    let more = |lines: Vec<&str>| {
        let mut lines = owned(lines);
        lines.push(lines[0].clone());
        lines
    };
    assert_eq!(step(nodes, &more), "entries of the log");
    assert_eq!(step(nodes, &|lines| owned(lines[1..].to_vec())), "entries of the log");
    let swapped = |mut lines: Vec<&str>| {
        lines.swap(0, 1);
        owned(lines)
    };
    assert_eq!(step(nodes, &swapped), "entries of the log");
    assert_eq!(step(nodes, &|lines| vec![lines[0].replace('=', "")]), "log nodes");

    let list = "log/entries.jsonl";
    let renumbered = |lines: Vec<&str>| {
        owned(lines).iter().map(|line| line.replace("\"index\":\"6\"", "\"index\":\"5\"")).collect()
    };
    assert_eq!(step(list, &renumbered), "entries of the log");
    assert_eq!(step(list, &swapped), "log entries");
    let last = |lines: Vec<&str>| {
        owned(lines).iter().map(|line| line.replace("\"17\"", "\"18\"")).collect()
    };
    assert_eq!(step(list, &last), "entries after the head");

    let proofs = "proofs/00000.jsonl";
    let spoiled = |from: &'static str, to: &'static str| {
        move |lines: Vec<&str>| {
            assert!(lines[0].contains(from), "{}", lines[0]);
            let mut lines = owned(lines);
            lines[0] = lines[0].replace(from, to);
            lines
        }
    };
    assert_eq!(
        step(proofs, &spoiled("\"indices\":\"0\"", "\"indices\":\"1\"")),
        "inclusion in the segment"
    );
    assert_eq!(
        step(proofs, &spoiled("\"indices\":\"0\"", "\"indices\":\"0-9\"")),
        "inclusion in the segment"
    );
    let node = "\"nodes\":[\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"]";
    assert_eq!(step(proofs, &spoiled("\"nodes\":[]", node)), "inclusion in the segment");
}
