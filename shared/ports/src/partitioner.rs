//! The partitioner of keyed records: murmur2 as in Kafka's Java clients, so that all clients put a
//! key into the same partition.

/// The partition of a key: its murmur2 hash without the sign bit, modulo `partitions`.
///
/// # Panics
///
/// If `partitions` is not positive.
#[must_use]
pub fn partition_of(key: &[u8], partitions: i32) -> i32 {
    assert!(partitions > 0, "a topic of {partitions} partitions");
    (murmur2(key) & 0x7fff_ffff).cast_signed() % partitions
}

/// 32-bit murmur2 with the seed of Kafka's clients.
fn murmur2(bytes: &[u8]) -> u32 {
    const SEED: u32 = 0x9747_b28c;
    const M: u32 = 0x5bd1_e995;
    let Ok(length) = u32::try_from(bytes.len()) else {
        unreachable!("no log takes a key of {} bytes", bytes.len())
    };
    let mut hash = SEED ^ length;
    let (words, tail) = bytes.as_chunks::<4>();
    for word in words {
        let mut k = u32::from_le_bytes(*word).wrapping_mul(M);
        k ^= k >> 24;
        hash = hash.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    if !tail.is_empty() {
        for (byte, shift) in tail.iter().zip([0, 8, 16]) {
            hash ^= u32::from(*byte) << shift;
        }
        hash = hash.wrapping_mul(M);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(M);
    hash ^ (hash >> 15)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn murmur2_equals_the_java_client() {
        let vectors: [(&str, i32); 6] = [
            ("21", -973_932_308),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
            ("abc", 479_470_107),
        ];
        for (key, expected) in vectors {
            assert_eq!(murmur2(key.as_bytes()).cast_signed(), expected, "key `{key}`");
        }
    }

    #[test]
    fn murmur2_equals_librdkafka() {
        let vectors = [
            ("kafka", 0xd067_cf64),
            ("giberish123456789", 0x8f55_2b0c),
            ("1234", 0x9fc9_7b14),
            ("234", 0xe7c0_09ca),
            ("34", 0x8739_30da),
            ("4", 0x5a4b_5ca1),
            ("PreAmbleWillBeRemoved,ThePrePartThatIs", 0x7842_4f1c),
            ("", 0x106e_08d9),
        ];
        for (key, expected) in vectors {
            assert_eq!(murmur2(key.as_bytes()), expected, "key `{key}`");
        }
    }

    #[test]
    fn a_partition_is_always_in_range() {
        for number in 0_u32..2_000 {
            let key = number.to_be_bytes();
            for partitions in [1, 2, 7, 64] {
                let partition = partition_of(&key, partitions);
                assert!((0..partitions).contains(&partition));
            }
        }
        // 0xd0e4_7bbe without the sign bit is 1_357_151_166.
        assert_eq!(partition_of(b"foobar", 1_000), 166);
    }
}
