//! Files of ids. The first byte chooses how the column is found.

use zoho_journal::domain::id::ModuleName;
use zoho_journal::domain::target::Product;
use zoho_journal::intake::{ColumnRule, Input, Intake, Things, read};

pub fn import_csv(data: &[u8]) {
    let Some((rule, file)) = super::choice(data, &[0_u8, 1, 2, 3, 4]) else { return };
    let take = || take(rule, file);
    let first = take();
    // The same bytes say the same.
    assert_eq!(first, take());
    let Some(intake) = first else { return };
    let rows = intake.items.len() + intake.rejected.len() + intake.duplicates.len();
    assert_eq!(u64::try_from(rows).unwrap(), intake.source.rows, "every row is one of three");
    let text = String::from_utf8_lossy(file).replace('"', "");
    for item in &intake.items {
        let digits = item.target.to_string();
        assert!((10..=19).contains(&digits.len()), "{digits}");
        assert!(text.contains(&digits), "{digits} does not stand in the file");
        assert_eq!(item.parent.is_some(), rule == 3);
    }
    assert!(
        intake.items.is_sorted_by(|a, b| (a.parent, a.target) < (b.parent, b.target)),
        "each once, in order"
    );
    for row in &intake.rejected {
        assert!(!row.reason.is_empty());
        assert!(!row.shown().contains(|c: char| c.is_control()), "{:?}", row.shown());
    }
    for row in &intake.duplicates {
        let same = |item: &&zoho_journal::intake::SourcedId| {
            (item.parent, item.target) == (row.parent, row.value)
        };
        assert!(intake.items.iter().any(|item| same(&item)), "{row:?}");
        assert!(row.first < row.place, "{row:?}");
    }
    let file_read = intake.source.file.as_ref().unwrap();
    assert_eq!(file_read.bytes, u64::try_from(file.len()).unwrap(), "all of it was hashed");
}

fn take(rule: u8, file: &[u8]) -> Option<Intake> {
    let leads: ModuleName = "Leads".parse().unwrap();
    let campaigns: ModuleName = "Campaigns".parse().unwrap();
    let rule = ColumnRule {
        of: if rule == 1 { Things::Tags } else { Things::Records(&leads) },
        product: if rule == 4 { Product::Bigin } else { Product::Crm },
        id_column: (rule == 2 || rule == 3).then_some("id"),
        parent_column: (rule == 3).then_some("parent"),
        parents: (rule == 4).then_some(&campaigns),
    };
    match read(&[], Some(Input::new("ids.csv", file)), &rule) {
        Ok(intake) => Some(intake),
        Err(error) => {
            assert!(!error.to_string().contains(|c: char| c.is_control() && c != '\n'), "{error}");
            None
        }
    }
}
