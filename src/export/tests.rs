use crate::domain::calls::Versions;
use crate::domain::evidence::UNDECIDED;
use crate::domain::evidence::deletion::Facts;
use crate::domain::id::RequestId;
use crate::domain::policy::ApprovalPolicy;
use crate::domain::state::{EntryState, Outcome, Verdict};
use crate::domain::target::Product;
use crate::domain::time::Timestamp;
use crate::export::{AsOf, Format, Style, View, export};
use crate::store::query::EntryFilter;
use crate::store::recording::{InvalidRow, RepeatedRow};
use crate::store::testing::{Ask, Journal, OTHER, USER, in_bin, record, still_there};

fn as_of(now: Timestamp) -> AsOf {
    AsOf { now, versions: Versions::default() }
}

fn text_at(
    journal: &Journal,
    view: View,
    filter: &EntryFilter,
    style: Style,
    now: Timestamp,
) -> String {
    let mut bytes = Vec::new();
    let rows = export(&journal.reader(), view, filter, style, as_of(now), &mut bytes).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    if filter.is_empty() {
        let lines = text.lines().count() - usize::from(style.format == Format::Csv);
        assert_eq!(usize::try_from(rows).unwrap(), lines);
    }
    text
}

fn csv(journal: &Journal, view: View) -> String {
    text_at(journal, view, &EntryFilter::default(), Style::csv(), journal.now)
}

/// R1: E1 done, E2 refused, E3 lost and found deleted by us, E4 deleted by somebody else, E5 undecided,
/// E6 in flight, E7 waiting.
fn story() -> Journal {
    let mut journal = Journal::new();
    journal.delete(1, 7);
    journal.start("sync");
    let first = journal.begin(&[1, 2]);
    let locked = (Outcome::Failed, "RECORD_LOCKED", "the record is locked");
    journal.answer(&first, &[(Outcome::Done, "SUCCESS", "record deleted"), locked]);
    let sent = journal.now;
    let lost = journal.begin(&[3, 4, 5]);
    journal.lose(&lost);
    journal.pass(120);
    journal.find(&[
        (3, Verdict::Done, "", in_bin(USER, sent)),
        (4, Verdict::Absent, "", in_bin(OTHER, sent)),
        (5, Verdict::Undecided, UNDECIDED, Facts::default()),
    ]);
    drop(journal.begin(&[6]));
    journal
}

/// Without the hashes, which follow from the bytes of the events.
fn without_hashes(text: &str) -> String {
    let is_hash =
        |word: &str| word.len() == 64 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let shown = |word| if is_hash(word) { "<hash>" } else { word };
    text.split(',').map(shown).collect::<Vec<_>>().join(",")
}

fn lines(text: &str) -> Vec<String> {
    assert!(text.ends_with("\r\n"));
    text.split_terminator("\r\n").map(without_hashes).collect()
}

/// Header and rows as they are given to auditors: a change here breaks what they built on it.
#[test]
fn the_entries_csv_is_pinned() {
    let asked = "Anna,2026-11-22T10:00:00.000Z,erasure request,GDPR-17,leads.csv,,";
    let who = "production,anna (uid 1000)";
    let scope = |number: i64| {
        format!(
            "E{number},R1,delete,crm,zcrm_410405000000000099,Leads,zcrm_41040500000226400{number},,,"
        )
    };
    assert_eq!(
        lines(&csv(&story(), View::Entries)),
        [
            "entry_id,request_id,operation,product,org,module,target_id,parent_id,related_list,tags,state,code,message,http_status,attempts,batch_id,job_id,requested_by,requested_at,reason,ticket,source,approved_by,approved_at,submitted_at,settled_at,settled_by,evidence,undo,undo_until,undone_by,log_index,leaf_hash,environment,recorded_by,performed_by,rechecked,rechecked_at,in_words".to_owned(),
            format!("{},done,SUCCESS,record deleted,200,1,B1,,{asked},2026-11-22T10:00:00.000Z,2026-11-22T10:00:01.000Z,answer,,possible,2027-01-21T10:00:00.000Z,,6,<hash>,{who},zcrm_410405000000000001,,,Deleted on 2026-11-22 at Anna's request (GDPR-17); Zoho confirmed it; it can be restored until 2027-01-21.", scope(1)),
            format!("{},failed,RECORD_LOCKED,the record is locked,200,1,B1,,{asked},2026-11-22T10:00:00.000Z,2026-11-22T10:00:01.000Z,answer,,nothing_to_undo,,,6,<hash>,{who},zcrm_410405000000000001,,,\"Not done, tried on 2026-11-22 at Anna's request (GDPR-17): Zoho refused it with RECORD_LOCKED, which means: the record is locked: wait until image validation or the merge of duplicates is over, or unlock it, then run journal replay.\"", scope(2)),
            format!("{},done,,the record was deleted by our user while our call was open,,1,B2,,{asked},2026-11-22T10:00:01.000Z,2026-11-22T10:02:31.000Z,evidence,bin 2026-11-22T10:00:01.000Z by us,possible,2027-01-21T10:00:01.000Z,,9,<hash>,{who},zcrm_410405000000000001,,,\"Deleted on 2026-11-22 at Anna's request (GDPR-17); no clear answer came, but Zoho's recycle bin shows that this call did it; it can be restored until 2027-01-21.\"", scope(3)),
            format!("{},absent,,the record was deleted by somebody else,,1,B2,,{asked},2026-11-22T10:00:01.000Z,2026-11-22T10:02:31.000Z,evidence,bin 2026-11-22T10:00:01.000Z by another user,nothing_to_undo,,,9,<hash>,{who},zcrm_410405000000000001,,,Already gone: the record was deleted by somebody else on 2026-11-22; nothing was changed at Anna's request (GDPR-17).", scope(4)),
            format!("{},unknown,UNDECIDED,\"the record cannot be read, and the list of deletions is closed to us\",,1,B2,,{asked},2026-11-22T10:00:01.000Z,,,,,,,,,{who},zcrm_410405000000000001,,,\"Not known: sent on 2026-11-22 at Anna's request (GDPR-17), and reading at Zoho could not decide what happened (the record cannot be read, and the list of deletions is closed to us); a person must settle it.\"", scope(5)),
            format!("{},in_flight,,,,1,B3,,{asked},,,,,,,,,,{who},zcrm_410405000000000001,,,Being sent to Zoho at Anna's request (GDPR-17); what Zoho did is not known yet.", scope(6)),
            format!("{},pending,,,,0,,,{asked},,,,,,,,,,{who},,,,Waiting to be sent since 2026-11-22 at Anna's request (GDPR-17); nothing has been changed so far.", scope(7)),
        ]
    );
}

#[test]
fn json_rows_have_the_columns_names_bare_ids_and_null_for_nothing() {
    let journal = story();
    let style = Style { row_type: Some("entry"), ..Style::jsonl() };
    let text = text_at(&journal, View::Entries, &EntryFilter::default(), style, journal.now);
    let first = text.lines().next().unwrap();
    assert!(first.starts_with(
        r#"{"type":"entry","entry_id":"E1","request_id":"R1","operation":"delete","product":"crm","org":"410405000000000099","module":"Leads","target_id":"410405000002264001","parent_id":null,"related_list":null,"tags":null,"state":"done","code":"SUCCESS","message":"record deleted","http_status":200,"attempts":1,"batch_id":"B1","job_id":null,"#
    ));
    for line in text.lines() {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        let keys = row.as_object().unwrap();
        assert_eq!(keys.len(), View::Entries.columns().len() + 1);
        assert!(View::Entries.columns().iter().all(|name| keys.contains_key(*name)));
    }
}

#[test]
fn the_other_views_are_pinned() {
    let mut journal = Journal::new();
    journal.ask(&Ask {
        records: vec![record(1)],
        repeated: vec![RepeatedRow { parent: None, line: 3, target: record(1) }],
        invalid: vec![InvalidRow {
            line: 4,
            value: "=cmd()".to_owned(),
            reason: "not a record id".to_owned(),
        }],
        ..Ask::default()
    });
    journal.start("sync");
    let prepared = journal.begin(&[1]);
    journal.succeed(&prepared);
    assert_eq!(
        lines(&csv(&journal, View::Attempts)),
        [
            "entry_id,request_id,operation,product,module,target_id,attempt,batch_id,ending,outcome,code,message,http_status,submitted_at,ended_at,performed_by,log_index,leaf_hash,job_id",
            "E1,R1,delete,crm,Leads,zcrm_410405000002264001,1,B1,answered,done,SUCCESS,record deleted,200,2026-11-22T10:00:00.000Z,2026-11-22T10:00:01.000Z,zcrm_410405000000000001,6,<hash>,",
        ]
    );
    assert_eq!(
        lines(&csv(&journal, View::Batches)),
        [
            "batch_id,run,api_version,request,entries,size,begun_at,send_by,submitted_at,ended_at,ending,http_status,complete,performed_by,begun_log_index,log_index,leaf_hash,operation,product,module,job_id",
            "B1,1,v8,DELETE /crm/v8/Leads/{id}?wf_trigger=true,E1,1,2026-11-22T10:00:00.000Z,2026-11-22T10:00:10.000Z,2026-11-22T10:00:00.000Z,2026-11-22T10:00:01.000Z,answered,200,true,zcrm_410405000000000001,5,6,<hash>,delete,crm,Leads,",
        ]
    );
    assert_eq!(
        lines(&csv(&journal, View::Requests)),
        [
            "request_id,operation,product,org,environment,module,workflows,requested_by,requested_at,recorded_by,reason,ticket,source,source_kind,source_sha256,source_column,source_rows,entries,duplicates,rejected,policy,not_before,valid_until,parked,awaiting_approval,pending,in_flight,queued,unknown,done,absent,failed,held,cancelled,log_index,leaf_hash,related_list,tags,snapshot",
            "R1,delete,crm,zcrm_410405000000000099,production,Leads,true,Anna,2026-11-22T10:00:00.000Z,anna (uid 1000),erasure request,GDPR-17,leads.csv,file,<hash>,Record Id,3,1,1,1,never,,2026-12-22T10:00:00.000Z,false,0,0,0,0,0,1,0,0,0,0,0,<hash>,,,",
        ]
    );
    assert_eq!(
        lines(&csv(&journal, View::Rejected)),
        [
            "request_id,line,value,reason",
            "R1,3,zcrm_410405000002264001,duplicate of E1",
            "R1,4,'=cmd(),not a record id",
        ]
    );
    let events = csv(&journal, View::Events);
    assert!(events.starts_with(
        "log_index,at,kind,leaf_hash,event\r\n0,2026-11-22T10:00:00.000Z,request_recorded,"
    ));
    let style = Style::jsonl();
    let events = text_at(&journal, View::Events, &EntryFilter::default(), style, journal.now);
    let second: serde_json::Value = serde_json::from_str(events.lines().nth(1).unwrap()).unwrap();
    assert_eq!(second["log_index"], 1);
    assert_eq!(second["event"]["kind"], "run_started");
}

#[test]
fn texts_of_others_cannot_run_in_a_spreadsheet_break_rows_or_steer_a_terminal() {
    let mut journal = Journal::new();
    journal.ask(&Ask {
        records: vec![record(1)],
        requested_by: "=HYPERLINK(\"http://evil\")",
        reason: "a;b,\"c\"\r\nd\u{1b}[2J",
        ticket: Some("+1"),
        ..Ask::default()
    });
    let all = EntryFilter::default();
    let cells = |style: Style, delimiter: u8| -> Vec<String> {
        let text = text_at_now(&journal, &all, style);
        let mut reader =
            csv::ReaderBuilder::new().delimiter(delimiter).from_reader(text.as_bytes());
        let row = reader.records().next().unwrap().unwrap();
        [17, 19, 20, 6].map(|column| row[column].to_owned()).to_vec()
    };
    let tame = [
        "'=HYPERLINK(\"http://evil\")",
        "a;b,\"c\"\r\nd\\u{1b}[2J",
        "'+1",
        "zcrm_410405000002264001",
    ];
    assert_eq!(cells(Style::csv(), b','), tame);
    let semicolon = Style { delimiter: ";".parse().unwrap(), ..Style::csv() };
    assert_eq!(cells(semicolon, b';'), tame);
    let raw = Style { raw: true, bare_ids: true, ..Style::csv() };
    assert_eq!(
        cells(raw, b','),
        ["=HYPERLINK(\"http://evil\")", "a;b,\"c\"\r\nd\u{1b}[2J", "+1", "410405000002264001"]
    );
    // JSON escapes what a terminal would obey and keeps every text as it is.
    let json = text_at_now(&journal, &all, Style::jsonl());
    assert!(!json.contains('\u{1b}') && json.contains("\\u001b[2J"));
    let row: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(row["reason"], "a;b,\"c\"\r\nd\u{1b}[2J");
    assert_eq!(row["requested_by"], "=HYPERLINK(\"http://evil\")");
}

fn text_at_now(journal: &Journal, filter: &EntryFilter, style: Style) -> String {
    let mut bytes = Vec::new();
    export(&journal.reader(), View::Entries, filter, style, as_of(journal.now), &mut bytes)
        .unwrap();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn a_byte_order_mark_comes_first_when_wanted() {
    let text = text_at_now(&story(), &EntryFilter::default(), Style { bom: true, ..Style::csv() });
    assert!(text.starts_with("\u{feff}entry_id,"));
    assert!("x".parse::<crate::export::Delimiter>().is_err());
}

/// Undo and its end, by product, bin and clock.
#[test]
fn what_can_be_brought_back_depends_on_bin_product_and_clock() {
    let mut journal = Journal::new();
    journal.delete(1, 1);
    journal.ask(&Ask {
        product: Product::Bigin,
        module: "Contacts",
        records: vec![record(2)],
        ..Ask::default()
    });
    journal.ask(&Ask { module: "Notes", records: vec![record(3)], ..Ask::default() });
    let run = journal.start("sync");
    journal.write(|tx| tx.see_module(run, Product::Crm, &"Notes".parse().unwrap(), Some(false)));
    for (product, module, entry) in
        [(Product::Crm, "Leads", 1), (Product::Bigin, "Contacts", 2), (Product::Crm, "Notes", 3)]
    {
        let prepared = journal.begin_in(product, module, &[entry]);
        journal.succeed(&prepared);
    }
    let undo = |now: Timestamp| -> Vec<String> {
        let all = EntryFilter::default();
        let text = text_at(&journal, View::Entries, &all, Style::jsonl(), now);
        let told = |line: &str| {
            let row: serde_json::Value = serde_json::from_str(line).unwrap();
            let words = row["in_words"].as_str().unwrap().rsplit("; ").next().unwrap().to_owned();
            format!("{} {} {words}", row["undo"], row["undo_until"])
        };
        text.lines().map(told).collect()
    };
    let never = r#""impossible" null it cannot be restored."#;
    let until = r#""2027-01-21T10:00:00.000Z""#;
    assert_eq!(
        undo(journal.now),
        [&format!(r#""possible" {until} it can be restored until 2027-01-21."#), never, never]
    );
    assert_eq!(
        undo("2027-01-21T10:00:00Z".parse().unwrap())[0],
        format!(r#""expired" {until} it could be restored until 2027-01-21, which has passed."#)
    );
}

#[test]
fn words_for_what_is_not_settled_and_for_what_evidence_refused() {
    let mut journal = Journal::new();
    journal.ask(&Ask {
        records: vec![record(1)],
        module: "Contacts",
        policy: ApprovalPolicy::Always,
        ticket: None,
        ..Ask::default()
    });
    journal.delete(2, 5);
    journal.start("sync");
    let prepared = journal.begin(&[2, 3, 4]);
    let unknown = |code| (Outcome::Unknown, code, "said");
    journal.answer(
        &prepared,
        &[unknown("INVALID_DATA"), unknown("INTERNAL_ERROR"), unknown("SOMETHING_NEW")],
    );
    journal.find(&[
        (2, Verdict::Failed, "INVALID_DATA", still_there()),
        (3, Verdict::Failed, "INTERNAL_ERROR", still_there()),
    ]);
    let given_back = journal.begin(&[5]);
    journal.give_back(&given_back);
    let text = text_at_now(&journal, &EntryFilter::default(), Style::jsonl());
    let words: Vec<String> = text
        .lines()
        .map(|line| {
            let row: serde_json::Value = serde_json::from_str(line).unwrap();
            format!("{} {}", row["code"], row["in_words"].as_str().unwrap())
        })
        .collect();
    assert_eq!(
        words,
        [
            "null Waiting for approval since 2026-11-22 at Anna's request; nothing has been sent.",
            "\"INVALID_DATA\" Not done, tried on 2026-11-22 at Anna's request (GDPR-17): Zoho refused our call, and the record is still there (INVALID_DATA: no such record: deleted before, never there, or not visible to the token's user).",
            "\"INTERNAL_ERROR\" Not done, tried on 2026-11-22 at Anna's request (GDPR-17): the record is still there: our call changed nothing (INTERNAL_ERROR).",
            "\"SOMETHING_NEW\" Not known yet: sent on 2026-11-22 at Anna's request (GDPR-17), but Zoho gave no clear answer; what happened is read at Zoho before anything is sent again.",
            "null Waiting to be sent again at Anna's request (GDPR-17); what was tried so far changed nothing at Zoho.",
        ]
    );
}

/// A refusal leaves one thing open that an answer that got lost does not.
#[test]
fn a_deletion_in_the_time_of_a_refused_call_is_said_to_be_perhaps_its_own() {
    let mut journal = Journal::new();
    journal.delete(1, 2);
    journal.start("sync");
    let sent = journal.now;
    let refused = journal.begin(&[1]);
    journal.answer(&refused, &[(Outcome::Unknown, "INVALID_DATA", "record not deleted")]);
    let lost = journal.begin(&[2]);
    journal.lose(&lost);
    journal.find(&[
        (1, Verdict::Undecided, UNDECIDED, in_bin(USER, sent)),
        (2, Verdict::Undecided, UNDECIDED, in_bin(USER, sent)),
    ]);
    let text = text_at_now(&journal, &EntryFilter::default(), Style::jsonl());
    let messages: Vec<String> = text
        .lines()
        .map(|line| {
            let row: serde_json::Value = serde_json::from_str(line).unwrap();
            row["message"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(
        messages,
        [
            "Zoho refused our call, and the record was deleted in its time: perhaps by it, if it was delivered twice",
            "the record is deleted, but nothing tells whether by our call",
        ]
    );
}

#[test]
fn a_view_refuses_a_filter_that_it_would_ignore() {
    let request = EntryFilter { requests: vec![RequestId::new(1)], ..EntryFilter::default() };
    let state = EntryFilter { states: vec![EntryState::Done], ..EntryFilter::default() };
    let taken = |filter: &EntryFilter| -> Vec<&str> {
        View::ALL.iter().filter(|view| view.takes(filter)).map(|view| view.wire_name()).collect()
    };
    assert_eq!(taken(&EntryFilter::default()).len(), View::ALL.len());
    assert_eq!(taken(&request), ["entries", "attempts", "requests", "rejected", "undo"]);
    assert_eq!(taken(&state), ["entries", "attempts", "undo"]);
}

/// What is rendered once and copied must not leak from one entry into another.
#[test]
fn rows_of_many_different_stories_are_the_same_alone_and_together() {
    let mut journal = Journal::new();
    journal.delete(1, 120);
    journal.start("sync");
    for first in (1..=120).step_by(40) {
        let prepared = journal.begin(&(first..first + 40).collect::<Vec<_>>());
        let codes: Vec<String> = (0..40).map(|number| format!("CODE_{}", number % 23)).collect();
        let results: Vec<_> =
            codes.iter().map(|code| (Outcome::Failed, code.as_str(), "")).collect();
        journal.answer(&prepared, &results);
    }
    let together = text_at_now(&journal, &EntryFilter::default(), Style::csv());
    for (number, line) in (1..).zip(together.split_terminator("\r\n").skip(1)) {
        let entries = vec![crate::domain::id::EntryId::new(number)];
        let filter = EntryFilter { entries, ..EntryFilter::default() };
        let alone = text_at_now(&journal, &filter, Style::csv());
        assert_eq!(alone.split_terminator("\r\n").nth(1), Some(line));
    }
}
