//! Finding the end of a log, and places in it, with few looks.

/// Number of the last commit, from an untrusted hint; `None` if there is no commit. Commits have no
/// holes, so that the end lies between a number that exists and a later one that does not. With a
/// good hint it takes two looks, with a bad one some twice the logarithm of the distance.
///
/// # Errors
///
/// The first error of `exists`.
pub fn last_commit<E>(
    hint: u64,
    mut exists: impl FnMut(u64) -> Result<bool, E>,
) -> Result<Option<u64>, E> {
    let mut step = 1_u64;
    // Below: a number that exists. Above: one that does not.
    let (below, above) = if exists(hint)? {
        let mut below = hint;
        loop {
            let Some(next) = below.checked_add(step) else { break (below, u64::MAX) };
            if !exists(next)? {
                break (below, next);
            }
            below = next;
            step = step.saturating_mul(2);
        }
    } else {
        let mut above = hint;
        loop {
            if above == 0 {
                return Ok(None);
            }
            let next = above.saturating_sub(step);
            if exists(next)? {
                break (next, above);
            }
            above = next;
            step = step.saturating_mul(2);
        }
    };
    first_where(below.saturating_add(1), above, |number| exists(number).map(|there| !there))
        .map(|first| Some(first.saturating_sub(1)))
}

/// First number from `from` on that satisfies a condition which every later one satisfies too; `to`
/// is known to, and is never asked about.
///
/// # Errors
///
/// The first error of `holds`.
pub fn first_where<E>(
    from: u64,
    to: u64,
    mut holds: impl FnMut(u64) -> Result<bool, E>,
) -> Result<u64, E> {
    let (mut from, mut to) = (from, to);
    while from < to {
        let middle = from.midpoint(to);
        if holds(middle)? {
            to = middle;
        } else {
            from = middle.saturating_add(1);
        }
    }
    Ok(to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_found_from_any_hint_and_soon_from_a_good_one() {
        for count in [1_u64, 2, 3, 100, 1_000_000] {
            for hint in [0, 1, count - 1, count, count + 1, count / 2, 10 * count, u64::MAX] {
                let mut looks = 0;
                let found = last_commit(hint, |number| {
                    looks += 1;
                    Ok::<bool, ()>(number < count)
                });
                assert_eq!(found, Ok(Some(count - 1)), "{count} from {hint}");
                assert!(looks <= 2 * 64 + 2, "{looks}");
                assert!(hint != count - 1 || looks == 2, "{looks}");
            }
        }
        assert_eq!(last_commit(7, |_| Ok::<bool, ()>(false)), Ok(None));
        assert_eq!(last_commit(7, |_| Err::<bool, u8>(3)), Err(3));
    }

    #[test]
    fn the_first_is_found() {
        for first in 0..40 {
            let found = first_where(0, 40, |number| Ok::<bool, ()>(number >= first));
            assert_eq!(found, Ok(first));
        }
    }
}
