//! Payloads of heads of the log: the exact form only. A head that is parsed is one that can be
//! signed and opened.

use segment::log::Head;

use crate::seeds;

pub(crate) fn run(data: &[u8]) -> bool {
    let Ok(head) = Head::parse(data) else { return false };
    assert_eq!(head.to_bytes(), data);
    let (_root, _others) = (head.root(), head.other_entries());
    let keys = [seeds::log_key().verifier()];
    let opened = Head::open(&head.sign(&seeds::log_key()), &keys);
    // Signed by another than its origin, it is refused.
    assert_eq!(opened.is_ok(), head.origin == seeds::log_key().name());
    let Ok(opened) = opened else { return true };
    assert_eq!(opened, head);
    // It is of no commit but its own; the ends of chains in it are bound by its signature alone.
    let commit = seeds::world().objects.get(&segment::layout::commit(head.sequence));
    let Some(commit) = commit else { return true };
    let checked = head.check(head.sequence, commit, &keys).is_ok();
    let same = |other: &Head| (other.commit, other.root()) == (head.commit, head.root());
    assert!(!checked || seeds::heads().iter().any(same));
    true
}
