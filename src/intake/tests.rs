//! The contract of recording, from bytes to ids.

mod pairs;
mod properties;

use std::io::{self, Read};
use std::sync::LazyLock;

use sha2::{Digest, Sha256};

use super::*;
use crate::domain::id::ModuleName;
use crate::domain::target::Product;

const A: &str = "4104050000022640405";
const B: &str = "4104050000022640417";
const C: &str = "4104050000022640429";

fn module() -> &'static ModuleName {
    static MODULE: LazyLock<ModuleName> = LazyLock::new(|| "Leads".parse().unwrap());
    &MODULE
}

fn rule(id_column: Option<&str>) -> ColumnRule<'_> {
    let of = Things::Records(module());
    ColumnRule { of, product: Product::Crm, id_column, parent_column: None, parents: None }
}

fn take(bytes: impl Read, id_column: Option<&str>) -> Result<Intake, IntakeError> {
    read(&[], Some(Input::new("leads.csv", bytes)), &rule(id_column))
}

fn from(text: &str) -> Intake {
    take(text.as_bytes(), None).unwrap()
}

fn refused(bytes: &[u8]) -> IntakeError {
    take(bytes, None).unwrap_err()
}

/// `id@row …`, so that expectations read as a line.
fn items(intake: &Intake) -> String {
    let shown = |item: &SourcedId| format!("{}@{}", item.target, item.row);
    intake.items.iter().map(shown).collect::<Vec<_>>().join(" ")
}

fn rejected(intake: &Intake) -> Vec<(u64, &str, &str)> {
    let row = |row: &RejectedRow| row.place.number();
    intake.rejected.iter().map(|one| (row(one), one.value.as_str(), one.reason.as_str())).collect()
}

fn layout(intake: &Intake) -> Layout {
    intake.source.file.as_ref().unwrap().layout.clone()
}

fn csv_layout(column: &str, delimiter: char) -> Layout {
    Layout::Csv { column: column.to_owned(), parent_column: None, delimiter }
}

/// Hands out one byte a time, with interruptions, as a slow pipe may.
struct Trickle<'a>(&'a [u8], bool);

impl Read for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.1 = !self.1;
        if self.1 {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let count = buffer.len().min(1);
        (&mut self.0).read(&mut buffer[..count])
    }
}

#[test]
fn the_forms_that_zoho_and_spreadsheets_write_are_read() {
    let list = Layout::PlainList;
    let record_id = csv_layout("Record Id", ',');
    for (text, expected, expected_layout) in [
        (format!("{A}\n{B}\n"), format!("{A}@1 {B}@2"), &list),
        (format!("{B}\r\n{A}"), format!("{A}@2 {B}@1"), &list),
        (format!("\u{feff}\n \n{A}\n\n{B}\n\n"), format!("{A}@3 {B}@5"), &list),
        (format!("zcrm_{A}\n\"{B}\"\n"), format!("{A}@1 {B}@2"), &list),
        (format!("  {A} \r\n\t{B}\r\n"), format!("{A}@1 {B}@2"), &list),
        (format!("Record Id\n{A}\n"), format!("{A}@2"), &record_id),
        (
            format!("\u{feff}Name,Record Id\r\nx,zcrm_{A}\r\n\r\ny,\"{B}\"\r\n"),
            format!("{A}@2 {B}@4"),
            &record_id,
        ),
        (
            format!("\n\n\"Record Id\",\"Note\"\n{A},\"two\nlines, \"\"quoted\"\"\"\n\n{B},\n"),
            format!("{A}@4 {B}@7"),
            &record_id,
        ),
        (format!("\"Note\r\nmore\",Record Id\r\nx,{A}\r\n"), format!("{A}@3"), &record_id),
        (format!("Name;Lead ID\nMüller, 山田;{A}"), format!("{A}@2"), &csv_layout("Lead ID", ';')),
        (format!("id\tName\n{A}\tx\n"), format!("{A}@2"), &csv_layout("id", '\t')),
        ("Record Id,Name\n".to_owned(), String::new(), &record_id),
    ] {
        for intake in [from(&text), take(Trickle(text.as_bytes(), false), None).unwrap()] {
            assert_eq!(items(&intake), expected, "{text:?}");
            assert_eq!(&layout(&intake), expected_layout, "{text:?}");
            assert_eq!(rejected(&intake), [], "{text:?}");
            let file = intake.source.file.unwrap();
            assert_eq!(file.bytes, u64::try_from(text.len()).unwrap());
            assert_eq!(file.sha256, <[u8; 32]>::from(Sha256::digest(&text)));
        }
    }
}

#[test]
fn invalid_rows_are_reported_with_line_value_and_reason() {
    let long = "9".repeat(3000);
    let text = format!(
        "Record Id,Name\n{A},ok\n,empty\n4.10405E+17,x\nabc,x\n{B}\n{C},a,b\n,,\nRecord Id,Name\n\
         \"\",x\n{long},x\n{A} {B},x\n\u{feff}Record Id,Name\n"
    );
    let intake = from(&text);
    assert_eq!(items(&intake), format!("{A}@2"));
    assert_eq!(intake.source.rows, 12);
    let scientific = "a spreadsheet turned this id into a rounded number; export it again as text";
    let digits = "not a record id: only digits are allowed, with an optional zcrm_ before them";
    let header = "the header once more, in the middle of the file";
    assert_eq!(
        rejected(&intake),
        [
            (3, "", "empty"),
            (4, "4.10405E+17", scientific),
            (5, "abc", digits),
            (6, B, "1 cell, expected 2"),
            (7, C, "3 cells, expected 2"),
            (8, "", "3 cells, expected 2"),
            (9, "Record Id", header),
            (10, "", "empty"),
            (11, &long[..1024], "not a record id: more than 1024 bytes"),
            (12, &format!("{A} {B}")[..], digits),
            (13, "\u{feff}Record Id", header),
        ]
    );
    assert_eq!(intake.rejected[8].shown().chars().count(), 120);
    assert_eq!(
        serde_json::to_string(&intake.rejected[0]).unwrap(),
        r#"{"line":3,"value":"","reason":"empty"}"#
    );
}

#[test]
fn a_list_that_begins_with_a_damaged_id_is_still_a_list() {
    for first in ["4.10405E+17", "0410405", "42", "99999999999999999999"] {
        let intake = from(&format!("{first}\n{A}\nRecord Id\n"));
        assert_eq!(layout(&intake), Layout::PlainList);
        assert_eq!(items(&intake), format!("{A}@2"));
        assert_eq!(rejected(&intake).len(), 2, "{first}");
    }
}

#[test]
fn the_first_of_equal_ids_counts_and_the_others_name_it() {
    let intake = from(&format!("{B}\n{A}\nzcrm_{B}\n{A}\n{B}\n"));
    assert_eq!(items(&intake), format!("{A}@2 {B}@1"));
    let (a, b) = (A.parse().unwrap(), B.parse().unwrap());
    let duplicate = |line, value, first| DuplicateRow {
        place: Place::Line(line),
        parent: None,
        value,
        first: Place::Line(first),
    };
    assert_eq!(intake.duplicates, [duplicate(3, b, 1), duplicate(4, a, 2), duplicate(5, b, 1)]);
    assert_eq!(intake.source.rows, 5);
}

#[test]
fn arguments_come_before_a_file_and_keep_their_positions() {
    let rule = rule(None);
    let ids = [B.to_owned(), "x".to_owned(), B.to_owned()];
    let alone = read(&ids, None, &rule).unwrap();
    assert_eq!(items(&alone), format!("{B}@1"));
    assert_eq!(alone.source.name, "command line");
    assert_eq!(alone.source.file, None);
    assert_eq!(alone.source.first_rows.len(), 3);
    assert_eq!(alone.rejected[0].place.to_string(), "argument 2");

    let text = format!("{A}\n{B}\ny\n");
    let both = read(&ids, Some(Input::new("l.txt", text.as_bytes())), &rule).unwrap();
    assert_eq!(items(&both), format!("{A}@4 {B}@1"));
    assert_eq!(both.source.place(4), Place::Line(1));
    assert_eq!(both.source.place(3), Place::Argument(3));
    assert_eq!(both.source.name, "command line and l.txt");
    assert_eq!(both.source.first_rows[0].value, A);
    let places: Vec<String> =
        both.duplicates.iter().map(|one| format!("{} of {}", one.place, one.first)).collect();
    assert_eq!(places, ["argument 3 of argument 1", "line 2 of argument 1"]);
    assert_eq!(both.rejected[1].place, Place::Line(3));

    assert!(matches!(read(&[], None, &rule), Err(IntakeError::NoIds)));
}

#[test]
fn three_rows_are_echoed_harmlessly_and_no_more() {
    let intake = from(&format!("Record Id,Name\n\x1b[31m,x\n\n{A},x\n,x\n{B},x\n"));
    let echoed: Vec<_> = intake
        .source
        .first_rows
        .iter()
        .map(|row| (row.place.number(), row.value.as_str()))
        .collect();
    assert_eq!(echoed, [(2, "\\u{1b}[31m"), (4, A), (5, "")]);
}

#[test]
fn a_file_that_a_spreadsheet_rounded_is_refused() {
    for text in [
        "410405000002264000\n410405000002265000\n",
        "4104050000022640000\n4104050000022650000\nabc\n",
        // Neighbours that were rounded to the same number.
        "4104050000022640000\n4104050000022640000\n",
        // Sixteen digits keep one place too few; short ids say nothing.
        "1234567890123450\n1234567890\n1234567890123460\n",
        "Record Id,Name\n410405000002264000,x\nzcrm_410405000002265000,y\n",
    ] {
        let error = refused(text.as_bytes());
        assert!(matches!(error, IntakeError::Rounded { .. }), "{text}");
        assert!(error.hint().unwrap().contains("without opening it"));
    }
    for text in [
        // One alone may be what it says, and a single exact id shows that the file was not rounded.
        "410405000002264000\n".to_owned(),
        format!("410405000002264000\n410405000002265000\n{A}\n"),
        "123456789012000\n123456789013000\n".to_owned(),
        "410405000002264000\n410405000002265100\n410405000002265010\n".to_owned(),
    ] {
        assert_eq!(from(&text).rejected, [], "{text}");
    }
    let error = refused(b"Record Id\n\n410405000002264000\nx\n410405000002265000\n");
    assert_eq!(
        error.to_string(),
        "leads.csv was rounded by a spreadsheet: every long id ends in zeros after its 15th digit \
         (line 3: 410405000002264000, line 5: 410405000002265000)"
    );
}

#[test]
fn other_encodings_are_named_with_the_line() {
    let utf16 = |text: &str, bom: bool, big: bool| -> Vec<u8> {
        let bytes = |unit: u16| {
            if big { unit.to_be_bytes() } else { unit.to_le_bytes() }
        };
        let mark = bom.then_some('\u{feff}');
        let text: String = mark.into_iter().chain(text.chars()).collect();
        text.encode_utf16().flat_map(bytes).collect()
    };
    let text = format!("Record Id\r\n{A}\r\n");
    let mut latin = format!("Record Id,Name\n{A},x\n{B},M").into_bytes();
    latin.extend_from_slice(b"\xfcller\n");
    let mut far = b"Record Id\n".repeat(20_000);
    far.extend_from_slice(b"\xe4");
    for (bytes, line, encoding) in [
        (utf16(&text, true, false), 1, Encoding::Utf16Le),
        (utf16(&text, true, true), 1, Encoding::Utf16Be),
        (utf16(&text, false, false), 1, Encoding::Utf16Le),
        (utf16(&text, false, true), 1, Encoding::Utf16Be),
        (latin, 3, Encoding::Legacy),
        (far, 20_001, Encoding::Legacy),
        (b"Record Id\n1\0".to_vec(), 2, Encoding::Binary),
        (b"PK\x03\x04\x00\x00".to_vec(), 1, Encoding::Binary),
        (vec![0; 100_000], 1, Encoding::Binary),
        (b"Record Id\n\xe2\x82".to_vec(), 2, Encoding::Legacy),
        (b"Record Id\n\xc0\x80".to_vec(), 2, Encoding::Legacy),
        (b"Record Id\n\xed\xa0\x80".to_vec(), 2, Encoding::Legacy),
    ] {
        for error in [refused(&bytes), take(Trickle(&bytes, false), None).unwrap_err()] {
            assert!(
                matches!(error, IntakeError::Encoding { line: l, encoding: e, .. } if (l, e) == (line, encoding)),
                "{error} instead of line {line}, {encoding}"
            );
            assert!(error.hint().is_some());
        }
    }
}

#[test]
fn a_row_without_end_is_refused_before_it_is_held() {
    let open_quote = format!("Record Id,Name\n{A},x\n{B},\"y\n{C},z\n");
    assert_eq!(
        refused(open_quote.as_bytes()).to_string(),
        "leads.csv, line 3: a quote is opened here and never closed"
    );
    for open in ["\"", "Record Id\n\"", &format!("{A}\n\"{B}")] {
        let error = refused(open.as_bytes());
        let is_open = matches!(error, IntakeError::Malformed { problem: Malformed::OpenQuote, .. });
        assert!(is_open, "{open:?}: {error}");
    }
    // Endless input shows that it is not read to its end.
    let endless = |head: &str, byte| {
        let head = io::Cursor::new(head.to_owned().into_bytes());
        take(head.chain(io::repeat(byte)), None).unwrap_err().to_string()
    };
    let at = |line| format!("leads.csv, line {line}: a row of more than 1048576 bytes");
    assert_eq!(endless("", b'9'), at(1));
    assert_eq!(endless("\n\n", b'x'), at(3));
    assert_eq!(endless(&format!("Record Id\n{A}\n"), b'9'), at(3));
    assert_eq!(endless(&format!("{A}\n{B}\n\""), b'\n'), at(3));
    let long = format!("Record Id,Note\n{A},{}\n", "x".repeat(1_048_576));
    assert_eq!(refused(long.as_bytes()).to_string(), at(2));
    // A long text beside the id is none of our business, nor is any number of empty lines.
    let fine = format!("Record Id,Note\n{A},{}\n", "x".repeat(1_000_000));
    assert_eq!(items(&from(&fine)), format!("{A}@2"));
    let empty_lines = format!("{A}{}{B}", "\n".repeat(3_000_000));
    assert_eq!(items(&from(&empty_lines)), format!("{A}@1 {B}@3000001"));
}

#[test]
fn what_cannot_be_read_says_so() {
    for empty in ["", "\n", "\u{feff}", "\u{feff} \r\n\t\n"] {
        assert!(matches!(refused(empty.as_bytes()), IntakeError::Empty { .. }));
    }
    let error = Input::open(Path::new("/nonexistent/private/leads.csv")).unwrap_err();
    assert!(error.to_string().starts_with("cannot read leads.csv: "), "{error}");
    let folder = tempfile::tempdir().unwrap();
    let result = Input::open(folder.path()).and_then(|input| {
        let rule = rule(None);
        read(&[], Some(input), &rule)
    });
    assert!(matches!(result, Err(IntakeError::Unreadable { .. })));
    let path = folder.path().join("ids.txt");
    std::fs::write(&path, A).unwrap();
    assert_eq!(Input::open(&path).unwrap().name, "ids.txt");
}

#[test]
fn an_unclear_column_lists_what_there_is() {
    let refusal = |text: &str, id_column| {
        let error = take(text.as_bytes(), id_column).unwrap_err();
        format!("{error} | {}", error.hint().unwrap())
    };
    let text = format!("Lead Id,Record Id,\x1b[2J\n{A},{B},\n");
    assert_eq!(
        refusal(&text, None),
        "leads.csv: more than one column may hold the ids (\"Lead Id\", \"Record Id\"); its \
         columns are \"Lead Id\", \"Record Id\", \"\\u{1b}[2J\" | name the column with --id-column NAME"
    );
    assert_eq!(items(&take(text.as_bytes(), Some("Record Id")).unwrap()), format!("{B}@2"));
    assert_eq!(
        refusal("foo\n1\n", None),
        "leads.csv: no column has a name that Zoho gives to ids; its columns are \"foo\" | name \
         the column with --id-column NAME; known names are Record Id, id, Id, ID, Lead ID, Lead Id"
    );
    assert_eq!(
        refusal(&format!("{A},x\n"), None),
        format!(
            "leads.csv: the first line holds an id where a header should name the columns; its columns \
             are \"{A}\", \"x\" | add a header line, or give a plain list with one id a line"
        )
    );
    assert_eq!(
        refusal("Record Id,Name\n", Some("record id")),
        "leads.csv: no column is named \"record id\"; its columns are \"Record Id\", \"Name\" | did you \
         mean --id-column \"Record Id\""
    );
    assert_eq!(
        refusal("x,x\n", Some("x")),
        "leads.csv: more than one column is named \"x\"; its columns are \"x\", \"x\" | rename one of \
         the two, so that it is certain which one is meant"
    );
    assert_eq!(
        refusal(A, Some("Record Id")),
        "leads.csv: a plain list of ids without a header, so there is no column \"Record Id\" | leave \
         --id-column out"
    );
}
