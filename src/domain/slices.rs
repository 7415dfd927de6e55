//! A raw answer as an envelope plus one slice of bytes per item; together the exact body.
//!
//! Each item's slice is sealed in that item's leaf, so that one person's slice can be blanked and
//! everything else still verifies.

use std::ops::Range;

/// The body without the given slices, which must not overlap.
pub fn envelope(body: &[u8], slices: &[Option<Range<usize>>]) -> Vec<u8> {
    let mut cuts: Vec<&Range<usize>> = slices.iter().flatten().collect();
    cuts.sort_by_key(|cut| cut.start);
    let mut rest = Vec::with_capacity(body.len() / 4);
    let mut at = 0;
    for cut in cuts {
        rest.extend_from_slice(body.get(at..cut.start).unwrap_or_default());
        at = cut.end.max(at);
    }
    rest.extend_from_slice(body.get(at..).unwrap_or_default());
    rest
}

/// Where the slices stand, in the order of the items, as pairs of LEB128 numbers: start, length. An item
/// without a slice has length 0.
pub fn encode_cuts(slices: &[Option<Range<usize>>]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(slices.len() * 4);
    for slice in slices {
        let (start, length) = slice.as_ref().map_or((0, 0), |cut| (cut.start, cut.len()));
        push_leb128(&mut bytes, start);
        push_leb128(&mut bytes, length);
    }
    bytes
}

/// The way back; `None` when the bytes are damaged.
pub fn decode_cuts(mut bytes: &[u8]) -> Option<Vec<Option<Range<usize>>>> {
    let mut slices = Vec::new();
    while !bytes.is_empty() {
        let start = take_leb128(&mut bytes)?;
        let length = take_leb128(&mut bytes)?;
        let end = start.checked_add(length)?;
        slices.push((length > 0).then_some(start..end));
    }
    Some(slices)
}

fn push_leb128(bytes: &mut Vec<u8>, mut number: usize) {
    loop {
        let low = u8::try_from(number & 0x7f).unwrap_or(0);
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return;
        }
        bytes.push(low | 0x80);
    }
}

fn take_leb128(bytes: &mut &[u8]) -> Option<usize> {
    let mut number = 0_usize;
    for shift in (0..usize::BITS).step_by(7) {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= usize::from(first & 0x7f).checked_shl(shift)?;
        if first & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn envelope_and_slices_are_the_whole_body() {
        let body = br#"{"data":[{"a":1},{"b":2}]}"#;
        let slices = [Some(17..24), None, Some(9..16)];
        assert_eq!(envelope(body, &slices), br#"{"data":[,]}"#);
        assert_eq!(&body[9..16], br#"{"a":1}"#);
    }

    #[test]
    fn cuts_come_back_and_damage_is_noticed() {
        let slices = vec![Some(0..1), None, Some(300..20_000), Some(128..256)];
        assert_eq!(decode_cuts(&encode_cuts(&slices)), Some(slices));
        assert_eq!(decode_cuts(&[0x80]), None);
        assert_eq!(decode_cuts(&[1]), None);
        assert_eq!(decode_cuts(&[0xff; 12]), None);
    }
}
