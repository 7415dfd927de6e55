//! The short way from a cell to an id, eight digits at a time.
//!
//! A million ids spend more time being parsed than in any other step but the CSV reader. What is not
//! plainly an id is left to [`RecordId`]'s own reading, which knows what is wrong with it; a property
//! test holds the two together.

use crate::domain::id::RecordId;

/// The id, if the cell is nothing but 10 to 19 digits, with or without `zcrm_`, as almost every cell is.
pub(super) fn plain_id(cell: &str) -> Option<RecordId> {
    let digits = cell.strip_prefix("zcrm_").unwrap_or(cell).as_bytes();
    if !(10..=19).contains(&digits.len()) || digits.first() == Some(&b'0') {
        return None;
    }
    let (head, eights) = digits.as_rchunks::<8>();
    let mut value = 0;
    for digit in head {
        value = value * 10 + u64::from(digit.checked_sub(b'0').filter(|&digit| digit <= 9)?);
    }
    for eight in eights {
        value = value * 100_000_000 + eight_digits(*eight)?;
    }
    // Nineteen nines fit into 64 bits, but not into the 63 that an id has.
    RecordId::from_stored(i64::try_from(value).ok()?)
}

/// The number that eight digits write, found by adding neighbours: ones to tens, those to hundreds,
/// those to ten thousands, four, two and one at a time.
fn eight_digits(text: [u8; 8]) -> Option<u64> {
    const HIGH_NIBBLES: u64 = 0xf0f0_f0f0_f0f0_f0f0;
    const ZEROS: u64 = 0x3030_3030_3030_3030;
    let text = u64::from_le_bytes(text);
    // `0` to `9` are 0x30 to 0x39: the high half is 3, and stays 3 when 6 is added. A byte that
    // carries into the next one has failed the first test already.
    let above_nine = text.wrapping_add(0x0606_0606_0606_0606);
    if text & HIGH_NIBBLES != ZEROS || above_nine & HIGH_NIBBLES != ZEROS {
        return None;
    }
    let ones = text - ZEROS;
    let pairs = (ones.wrapping_mul(1 + (10 << 8)) >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs.wrapping_mul(1 + (100 << 16)) >> 16) & 0x0000_ffff_0000_ffff;
    Some(fours.wrapping_mul(1 + (10_000 << 32)) >> 32)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_short_way_takes_plain_ids() {
        for (cell, expected) in [
            ("1000000000", Some(1_000_000_000)),
            ("1234567890123456", Some(1_234_567_890_123_456)),
            ("4104050000022640405", Some(4_104_050_000_022_640_405)),
            ("zcrm_4104050000022640405", Some(4_104_050_000_022_640_405)),
            ("9223372036854775807", Some(i64::MAX)),
            ("9223372036854775808", None),
            ("9999999999999999999", None),
            ("0410405000002264040", None),
            ("123456789", None),
            ("12345678901234567890", None),
            (" 4104050000022640405", None),
            ("410405000002264040:", None),
            ("41040500000226/0405", None),
            ("4104050000022640\u{660}1", None),
            ("", None),
        ] {
            assert_eq!(plain_id(cell).map(RecordId::get), expected, "{cell}");
        }
    }

    proptest! {
        #[test]
        fn the_short_way_and_the_long_one_agree(
            cell in prop_oneof![
                "(zcrm_)?[0-9]{8,21}",
                "[0-9]{0,12}[ -~][0-9]{0,12}",
                any::<i64>().prop_map(|id| id.to_string()),
                any::<String>(),
            ],
        ) {
            let long = cell.parse::<RecordId>().ok();
            let short = plain_id(&cell);
            prop_assert!(short.is_none() || short == long, "{cell:?}: {short:?}, {long:?}");
            if cell.trim() == cell {
                prop_assert_eq!(short, long);
            }
        }
    }
}
