//! Chance that repeats: every draw is a function of the seed and of what is drawn.

/// 64 well mixed bits from a seed and two coordinates (`SplitMix64`'s finaliser).
pub(crate) fn draw(seed: u64, first: u64, second: u64) -> u64 {
    let mut bits = seed;
    for coordinate in [first, second] {
        bits = bits.wrapping_add(coordinate).wrapping_add(0x9E37_79B9_7F4A_7C15);
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^= bits >> 31;
    }
    bits
}

/// Whether a draw falls under a rate from 0 to 1: never for 0, always for 1.
pub(crate) fn hits(bits: u64, rate: f64) -> bool {
    let upper = u32::try_from(bits >> 32).unwrap_or(u32::MAX);
    f64::from(upper) / 4_294_967_296.0 < rate
}

/// A draw as a position in a list of this length; 0 for an empty list.
pub(crate) fn position(bits: u64, length: usize) -> usize {
    let length = u64::try_from(length).unwrap_or(u64::MAX).max(1);
    usize::try_from(bits % length).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_of_zero_never_hits_and_one_always_does() {
        for n in 0..1000 {
            assert!(!hits(draw(1, n, 0), 0.0));
            assert!(hits(draw(1, n, 0), 1.0));
        }
        assert!(hits(u64::MAX, 1.0));
    }

    #[test]
    fn a_rate_hits_about_that_often() {
        let hit = (0..10_000).filter(|n| hits(draw(7, *n, 3), 0.1)).count();
        assert!((900..1100).contains(&hit), "{hit} of 10000");
    }

    #[test]
    fn a_position_lies_within_the_list() {
        for n in 0..100 {
            assert!(position(draw(1, n, 0), 7) < 7);
        }
        assert_eq!(position(5, 0), 0);
    }
}
