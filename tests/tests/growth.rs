//! The cost of cold paths does not depend on the age of the log: gates on requests and bytes, not on
//! time. `cargo bench -p tests --bench growth` prints the table up to a million segments.

use tests::growth::{Cost, measure};

/// Most bytes of a start or a proof.
const BYTES_MAX: u64 = 2 * 1024 * 1024;

/// Most bytes of the pack of a day: its 384 segments and their censuses, read as a whole. An object of
/// 100 rows is some 125 kB, most of it its footer.
const DAY_BYTES_MAX: u64 = 384 * 130_000;

#[test]
fn cold_paths_do_not_grow_with_the_log() {
    let grown: Vec<_> = [1_000, 4_000, 16_000].into_iter().map(measure).collect();
    let names = ["sealer ready", "proof by coordinates", "proof by id and hour", "export of a day"];
    let costs =
        |growth: &tests::growth::Growth| [growth.start, growth.record, growth.hour, growth.day];
    for growth in &grown {
        for (name, Cost { reads, bytes, .. }) in names.into_iter().zip(costs(growth)) {
            println!("{} segments, {name}: {reads} reads, {bytes} bytes", growth.segments);
            let max = if name == "export of a day" { DAY_BYTES_MAX } else { BYTES_MAX };
            assert!(bytes <= max, "{name}: {bytes} bytes");
        }
    }
    let (small, large) = (&grown[0], &grown[2]);
    let pairs = costs(small).into_iter().zip(costs(large));
    // Each doubling of the log is one more step of a search: a head and its commit, in each of four
    // partitions for a period, and the same again for its other end.
    for ((name, (small, large)), step) in names.into_iter().zip(pairs).zip([3, 2, 16, 16]) {
        let doublings = 4;
        assert!(
            large.reads <= small.reads + doublings * step,
            "{name}: {} reads became {}",
            small.reads,
            large.reads
        );
    }
}
