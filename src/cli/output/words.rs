//! Numbers and spans of time as people read them. Machines get plain digits and RFC 3339.

use std::time::Duration;

/// A number with its thousands apart: `1,234,567`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A number with its noun: `1 entry`, `2,000 entries`.
pub fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(number), if number == 1 { one } else { many })
}

/// A span of time in its two largest units: `2 min 5 s`, `3 h`, `less than 1 s`.
pub fn in_words(span: Duration) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    // Beyond minutes nobody asks for the fraction, and rounding up would tell of 60 s.
    let mut rest = span.as_secs();
    let mut parts = Vec::new();
    for (seconds, unit) in UNITS {
        let count = rest / seconds;
        rest %= seconds;
        if count > 0 {
            parts.push(format!("{} {unit}", grouped(count)));
        }
        // The second unit is the one right below the first, even when there is none of it.
        if parts.len() == 2 || (!parts.is_empty() && count == 0) {
            break;
        }
    }
    if parts.is_empty() {
        if span.is_zero() { "0 s" } else { "less than 1 s" }.to_owned()
    } else {
        parts.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        for (number, shown) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (1_234_567, "1,234,567"),
            (u64::MAX, "18,446,744,073,709,551,615"),
        ] {
            assert_eq!(grouped(number), shown);
        }
        assert_eq!(counted(1, "entry", "entries"), "1 entry");
        assert_eq!(counted(2_000, "entry", "entries"), "2,000 entries");
        assert_eq!(counted(0, "entry", "entries"), "0 entries");
    }

    #[test]
    fn spans_name_their_two_largest_units() {
        for (millis, shown) in [
            (0, "0 s"),
            (400, "less than 1 s"),
            (1_999, "1 s"),
            (125_000, "2 min 5 s"),
            (120_000, "2 min"),
            (3_600_000, "1 h"),
            (3_605_000, "1 h"),
            (7_499_000, "2 h 4 min"),
            (90_000_000, "1 d 1 h"),
            (5_184_000_000, "60 d"),
        ] {
            assert_eq!(in_words(Duration::from_millis(millis)), shown);
        }
    }
}
