//! What holds for every input, likely or not.

use proptest::prelude::*;

use super::*;

/// Text that looks like what people feed it, so that the property below reaches every branch.
fn likely_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        5 => (1_000_000_000_i64..).prop_map(|id| id.to_string()),
        2 => (4_104_050_000_022_640_400_i64..4_104_050_000_022_640_405).prop_map(|id| format!("zcrm_{id}")),
        3 => Just("\n".to_owned()),
        2 => Just("\r\n".to_owned()),
        2 => Just(",".to_owned()),
        1 => Just("\"".to_owned()),
        1 => Just("Record Id".to_owned()),
        1 => Just(" ".to_owned()),
        1 => any::<String>(),
    ];
    let head = prop_oneof![
        Just(String::new()),
        Just("Record Id\n".to_owned()),
        Just("a,Record Id\r\n".to_owned()),
        Just(format!("\u{feff}{A}\n")),
    ];
    (head, prop::collection::vec(piece, 0..60)).prop_map(|(head, pieces)| head + &pieces.concat())
}

fn check(bytes: &[u8]) -> Result<(), TestCaseError> {
    // How the bytes arrive makes no difference, except for which of two flaws is met first.
    let slow = take(Trickle(bytes, false), None).ok();
    let intake = take(bytes, None).ok();
    prop_assert_eq!(&slow, &intake);
    let Some(intake) = intake else {
        return Ok(());
    };
    let all = intake.items.len() + intake.rejected.len() + intake.duplicates.len();
    prop_assert_eq!(u64::try_from(all).unwrap(), intake.source.rows);
    prop_assert!(intake.items.is_sorted_by(|a, b| a.target < b.target));
    let text = std::str::from_utf8(bytes).unwrap();
    let lines: Vec<&str> = text.split('\n').collect();
    for item in &intake.items {
        // The id really stands where it is said to; it may be broken up by quotes only.
        let rest = lines[usize::try_from(item.row).unwrap() - 1..].join("\n").replace('"', "");
        prop_assert!(rest.contains(&item.target.to_string()), "{item:?}");
    }
    if layout(&intake) == Layout::PlainList && !text.contains('"') {
        let rows = lines.iter().map(|line| line.trim_start_matches('\u{feff}'));
        let filled = rows.filter(|line| !line.trim().is_empty()).count();
        prop_assert_eq!(u64::try_from(filled).unwrap(), intake.source.rows);
    }
    Ok(())
}

proptest! {
    #[test]
    fn any_bytes_are_taken_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        check(&bytes)?;
    }

    #[test]
    fn every_row_is_accounted_for(text in likely_text()) {
        check(text.as_bytes())?;
    }

    #[test]
    fn ids_come_back_as_they_were_given(
        ids in prop::collection::btree_map(1_000_000_000_i64.., any::<bool>(), 1..50),
        crlf in any::<bool>(),
        header in any::<bool>(),
    ) {
        let end = if crlf { "\r\n" } else { "\n" };
        let mut text = if header { format!("Name;Record Id{end}") } else { String::new() };
        for (id, prefixed) in &ids {
            let prefix = if *prefixed { "zcrm_" } else { "" };
            let before = if header { "\"x;y\";" } else { "" };
            text += &[before, prefix, &id.to_string(), end].concat();
        }
        match take(text.as_bytes(), None) {
            Ok(intake) => {
                let back: Vec<i64> = intake.items.iter().map(|item| item.target.get()).collect();
                prop_assert_eq!(back, ids.into_keys().collect::<Vec<_>>());
            }
            Err(error) => {
                let is_rounded = matches!(error, IntakeError::Rounded { .. });
                prop_assert!(is_rounded, "{error}");
            }
        }
    }
}
