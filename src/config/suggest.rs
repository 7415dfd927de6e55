//! "Did you mean …?"

/// The name nearest to what was given, if it is near enough to be a slip.
pub(super) fn nearest<'a>(
    given: &str,
    names: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let given = given.to_ascii_lowercase().replace('-', "_");
    // A third of the letters, and at least two slips.
    let most = (given.chars().count() / 3).max(2);
    names
        .into_iter()
        .map(|name| (distance(&given, name), name))
        .filter(|(distance, name)| *distance <= most && *distance < name.chars().count())
        .min()
        .map(|(_, name)| name)
}

/// Levenshtein's distance, one row at a time. Input is capped to 64 characters: a hostile key of
/// megabytes must not cost quadratic time.
pub(crate) fn distance(left: &str, right: &str) -> usize {
    const LONGEST: usize = 64;
    let right: Vec<char> = right.chars().take(LONGEST).collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (index, l) in left.chars().take(LONGEST).enumerate() {
        let mut diagonal = index;
        let mut before = index + 1;
        let mut next = vec![before];
        for (r, above) in right.iter().zip(row.iter().skip(1)) {
            let replaced = diagonal + usize::from(l != *r);
            diagonal = *above;
            before = replaced.min(above + 1).min(before + 1);
            next.push(before);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_levenshteins() {
        assert_eq!(distance("", ""), 0);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", ""), 3);
        assert_eq!(distance("quarantaine", "quarantine"), 1);
    }

    #[test]
    fn only_a_slip_gets_a_suggestion() {
        let names = ["db", "timeout", "data_center"];
        assert_eq!(nearest("data-centre", names), Some("data_center"));
        assert_eq!(nearest("Timeout", names), Some("timeout"));
        assert_eq!(nearest("colour", names), None);
        assert_eq!(nearest("xy", names), None);
        assert_eq!(nearest(&"a".repeat(100_000), names), None);
    }
}
