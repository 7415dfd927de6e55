//! Lists whose rows name a parent and an id.

use proptest::prelude::*;

use super::*;

const P: &str = "4104050000022640001";
const Q: &str = "4104050000022640002";

fn pair_rule<'a>(parent: &'a str, id: Option<&'a str>) -> ColumnRule<'a> {
    ColumnRule { parent_column: Some(parent), ..rule(id) }
}

fn take_pairs(text: &str, parent: &str, id: &str) -> Result<Intake, IntakeError> {
    let input = Input::new("pairs.csv", text.as_bytes());
    read(&[], Some(input), &pair_rule(parent, Some(id)))
}

fn pairs(text: &str) -> Intake {
    take_pairs(text, "Campaign", "Lead").unwrap()
}

/// `parent/id@row …`
fn shown(intake: &Intake) -> String {
    let shown = |item: &SourcedId| format!("{}/{}@{}", item.parent.unwrap(), item.target, item.row);
    intake.items.iter().map(shown).collect::<Vec<_>>().join(" ")
}

#[test]
fn pairs_ascend_by_parent_and_id_whatever_the_order_of_rows_and_columns() {
    let expected = format!("{P}/{A}@4 {P}/{B}@2 {Q}/{A}@3");
    let comma = format!("Campaign,Lead\n{P},{B}\n{Q},{A}\n{P},{A}\n");
    let other =
        format!("Lead;Name;Campaign\r\nzcrm_{B};x;{P}\r\n{A};\"a;b\";zcrm_{Q}\r\n{A};;{P}\r\n");
    for text in [comma, other] {
        let intake = pairs(&text);
        assert_eq!(shown(&intake), expected, "{text}");
        assert_eq!((intake.rejected.len(), intake.duplicates.len()), (0, 0));
    }
    let intake = pairs(&format!("Campaign,Lead\n{P},{B}\n"));
    let first = FirstRow { place: Place::Line(2), parent: Some(P.to_owned()), value: B.to_owned() };
    assert_eq!(intake.source.first_rows, [first]);
    let Layout::Csv { column, parent_column, .. } = layout(&intake) else { panic!() };
    assert_eq!((column.as_str(), parent_column.as_deref()), ("Lead", Some("Campaign")));
}

#[test]
fn only_the_same_pair_is_a_duplicate() {
    let text = format!("Campaign,Lead\n{P},{A}\n{Q},{A}\n{P},{B}\n{P},zcrm_{A}\n");
    let intake = pairs(&text);
    assert_eq!(shown(&intake), format!("{P}/{A}@2 {P}/{B}@4 {Q}/{A}@3"));
    let duplicate = DuplicateRow {
        place: Place::Line(5),
        parent: Some(P.parse().unwrap()),
        value: A.parse().unwrap(),
        first: Place::Line(2),
    };
    assert_eq!(intake.duplicates, [duplicate]);
    assert_eq!(intake.source.rows, 4);
}

#[test]
fn an_invalid_row_says_which_column_is_wrong() {
    let long = "9".repeat(3000);
    let text = format!(
        "Campaign,Lead,Name\n{P},{A},x\n,{A},x\n{P},,x\n4.1E+17,{A},x\n{P},0{A},x\n12,34,x\n{P},{A}\n\
         {P},{A},x,y\nCampaign,Lead,Name\n{P},Lead,x\n{long},{A},x\n{P},{A} {B},x\n=1,\u{202e},x\n"
    );
    let intake = pairs(&text);
    assert_eq!(shown(&intake), format!("{P}/{A}@2"));
    assert_eq!(intake.source.rows, 13);
    let told: Vec<(u64, &str, &str)> = rejected(&intake);
    let digits = "not a record id: only digits are allowed, with an optional zcrm_ before them";
    let begins = |line: u64, value: &str, reason: &str| {
        let row = told.iter().find(|row| row.0 == line).unwrap();
        assert_eq!((&row.1[..row.1.len().min(40)], row.2), (value, reason), "line {line}");
    };
    begins(3, "", "column \"Campaign\": empty");
    begins(4, "", "column \"Lead\": empty");
    begins(
        5,
        "4.1E+17",
        "column \"Campaign\": a spreadsheet turned this id into a rounded number; export it again as text",
    );
    begins(6, &format!("0{A}"), "column \"Lead\": not a record id: it begins with a zero");
    // Of two wrong cells the first to be mended is told.
    begins(7, "12", "column \"Campaign\": not a record id: 2 digits, expected 10 to 19");
    begins(8, A, "2 cells, expected 3");
    begins(9, A, "4 cells, expected 3");
    begins(10, "Campaign", "column \"Campaign\": the header once more, in the middle of the file");
    begins(11, "Lead", "column \"Lead\": the header once more, in the middle of the file");
    begins(12, &long[..40], "column \"Campaign\": not a record id: more than 1024 bytes");
    begins(13, &format!("{A} {B}"), &format!("column \"Lead\": {digits}"));
    begins(14, "=1", &format!("column \"Campaign\": {digits}"));
}

#[test]
fn both_columns_must_be_there_once_and_be_two() {
    let told = |text: &str, parent: &str, id: &str| {
        let error = take_pairs(text, parent, id).unwrap_err();
        format!("{error} | {}", error.hint().unwrap())
    };
    let header = "Campaign,Lead,x,x\n";
    assert_eq!(
        told(header, "campaign", "Lead"),
        "pairs.csv: no column is named \"campaign\"; its columns are \"Campaign\", \"Lead\", \"x\", \"x\" | \
         did you mean --parent-column \"Campaign\""
    );
    assert_eq!(
        told(header, "Campaign", "Leads"),
        "pairs.csv: no column is named \"Leads\"; its columns are \"Campaign\", \"Lead\", \"x\", \"x\" | \
         name the column with --id-column NAME"
    );
    assert_eq!(
        told(header, "Lead", "Lead"),
        "pairs.csv: \"Lead\" is named for the parents and for the ids; its columns are \"Campaign\", \
         \"Lead\", \"x\", \"x\" | name another column with --parent-column NAME or --id-column NAME"
    );
    assert!(
        told(header, "x", "Lead").starts_with("pairs.csv: more than one column is named \"x\"")
    );
    assert_eq!(
        told(&format!("{A}\n{B}\n"), "Campaign", "Lead"),
        "pairs.csv: a plain list of ids without a header, so there is no column \"Campaign\" | give a CSV \
         file with a header and two columns"
    );
}

#[test]
fn a_file_that_was_rounded_in_either_column_is_refused() {
    let refused = |text: &str| take_pairs(text, "Campaign", "Lead").unwrap_err();
    let ids = format!("Campaign,Lead\n{P},4104050000022640000\n{Q},4104050000022650000\n");
    assert_eq!(
        refused(&ids).to_string(),
        "pairs.csv was rounded by a spreadsheet: every long id ends in zeros after its 15th digit (line 2: \
         4104050000022640000, line 3: 4104050000022650000)"
    );
    // One parent on every row is rounded as easily as many.
    let parents = format!("Campaign,Lead\n4104050000022640000,{A}\n4104050000022640000,{B}\n");
    let error = refused(&parents);
    assert!(error.to_string().contains("every long parent id ends in zeros"), "{error}");
    assert!(error.hint().unwrap().contains("give that id as RECORD_ID"), "{error}");
    let one_exact = format!("Campaign,Lead\n4104050000022640000,{A}\n{P},{B}\n");
    assert_eq!(pairs(&one_exact).items.len(), 2);
}

#[test]
fn arguments_have_no_parent() {
    let input = || Some(Input::new("pairs.csv", "Campaign,Lead\n".as_bytes()));
    let refused = read(&[A.to_owned()], input(), &pair_rule("Campaign", Some("Lead")));
    assert!(matches!(refused, Err(IntakeError::NoParent)));
}

#[test]
fn a_file_of_pairs_is_never_taken_for_one_parents_list() {
    let campaigns = "Campaigns".parse().unwrap();
    let text = format!("Campaign Id,Lead Id\n{P},{A}\n");
    let take = |id_column| {
        let one_parent = ColumnRule { parents: Some(&campaigns), ..rule(id_column) };
        read(&[], Some(Input::new("pairs.csv", text.as_bytes())), &one_parent)
    };
    let told = take(None).unwrap_err().to_string();
    assert!(told.contains("may hold the ids (\"Lead Id\", \"Campaign Id\")"), "{told}");
    assert_eq!(take(Some("Lead Id")).unwrap().items.len(), 1);
}

#[test]
fn an_export_of_records_is_no_list_of_tags() {
    let tags = ColumnRule { of: Things::Tags, ..rule(None) };
    let read = |text: String| read(&[], Some(Input::new("t.csv", text.as_bytes())), &tags);
    assert!(read(format!("Record Id,Name\n{A},x\n")).is_err());
    for header in ["id", "Tag ID", "Tag Id"] {
        assert_eq!(read(format!("{header},Name\n{A},x\n")).unwrap().items.len(), 1, "{header}");
    }
}

proptest! {
    #[test]
    fn every_pair_comes_back_once_and_every_row_is_accounted_for(
        rows in prop::collection::vec((0_u8..4, 0_u8..6, any::<bool>()), 0..60),
    ) {
        let mut text = "Lead,Campaign\n".to_owned();
        let id = |number: u8| 4_104_050_000_022_640_001_i64 + i64::from(number);
        let mut expected = std::collections::BTreeSet::new();
        let mut invalid = 0;
        for (parent, target, valid) in &rows {
            let cell = if *valid { id(*target).to_string() } else { format!("{target}") };
            text += &[&cell, ",zcrm_", &id(*parent).to_string(), "\n"].concat();
            if *valid {
                expected.insert((id(*parent), id(*target)));
            } else {
                invalid += 1;
            }
        }
        let intake = pairs(&text);
        let found: Vec<(i64, i64)> =
            intake.items.iter().map(|item| (item.parent.unwrap().get(), item.target.get())).collect();
        prop_assert_eq!(found, expected.into_iter().collect::<Vec<_>>());
        prop_assert_eq!(intake.rejected.len(), invalid);
        let all = intake.items.len() + intake.rejected.len() + intake.duplicates.len();
        prop_assert_eq!(all, rows.len());
    }

    #[test]
    fn any_bytes_are_taken_or_refused_as_pairs(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut text = b"Campaign,Lead\n".to_vec();
        text.extend(bytes);
        if let Ok(intake) = read(
            &[],
            Some(Input::new("pairs.csv", &text[..])),
            &pair_rule("Campaign", Some("Lead")),
        ) {
            let all = intake.items.len() + intake.rejected.len() + intake.duplicates.len();
            prop_assert_eq!(u64::try_from(all).unwrap(), intake.source.rows);
            prop_assert!(intake.items.iter().all(|item| item.parent.is_some()));
        }
    }
}
