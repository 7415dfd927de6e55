use super::capture::Memory;
use super::*;

struct Broken(io::ErrorKind);

impl Write for Broken {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(self.0.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn json() -> Options {
    Options { json: true, ..Options::default() }
}

#[test]
fn data_goes_to_stdout_and_talk_to_stderr() {
    let (mut out, captured) = Out::captured(Options::default());
    out.data_line("R1").unwrap();
    out.say("recorded 3 entries");
    out.detail("not without -v");
    out.warn("no token");
    out.finish().unwrap();
    assert_eq!(captured.stdout(), "R1\n");
    assert_eq!(captured.stderr(), "recorded 3 entries\nwarning: no token\n");
}

#[test]
fn quiet_silences_talk_but_not_warnings() {
    let options = Options { quiet: true, verbose: true, ..Options::default() };
    let (mut out, captured) = Out::captured(options);
    out.say("talk");
    out.detail("detail");
    out.warn("watch out");
    assert_eq!(captured.stderr(), "warning: watch out\n");
}

#[test]
fn rows_wait_and_lines_do_not() {
    let (mut out, captured) = Out::captured(json());
    out.json_row(&1).unwrap();
    out.data_row("2").unwrap();
    assert_eq!(captured.stdout(), "");
    out.say("talk brings out what came before it");
    assert_eq!(captured.stdout(), "1\n2\n");
    out.json_row(&3).unwrap();
    out.json_line(&4).unwrap();
    assert_eq!(captured.stdout(), "1\n2\n3\n4\n");
    out.data_bytes(b"5\x1b\n").unwrap();
    writeln!(out.data_writer(), "6").unwrap();
    out.finish().unwrap();
    assert!(captured.stdout().ends_with("5\x1b\n6\n"));
}

#[test]
fn outside_text_cannot_reach_the_terminal_by_any_way() {
    let hostile = "\u{1b}[31mx\nerror: forged\u{202e}";
    let options = Options { json: true, verbose: true, color: Color::Never, ..Options::default() };
    let (mut out, captured) = Out::captured(options);
    out.data_line(hostile).unwrap();
    out.data_row(Line::new().toned(Tone::Bad, hostile)).unwrap();
    out.json_line(&hostile).unwrap();
    out.say(hostile);
    out.detail(hostile);
    out.warn(hostile);
    out.confirm(&mut &b"no"[..], hostile, "yes");
    out.error(&Report {
        code: 1,
        message: hostile.to_owned(),
        causes: vec![hostile.to_owned()],
        hint: Some(hostile.to_owned()),
    })
    .unwrap();
    let mut table = Table::new([(hostile, Align::Left)]);
    table.row([hostile]);
    out.table(&table).unwrap();
    let said = captured.stdout() + &captured.stderr();
    let acting = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
    assert!(!said.contains(acting), "{said:?}");
    assert!(!said.lines().any(|line| line.starts_with("error: forged")));
}

#[test]
fn an_error_is_told_to_people_and_to_machines() {
    let report = Report {
        code: 10,
        message: "no journal at /data/x.db".to_owned(),
        causes: vec!["it does not exist".to_owned()],
        hint: Some("run `journal init`".to_owned()),
    };
    let (mut out, captured) = Out::captured(json());
    out.error(&report).unwrap();
    assert_eq!(
        captured.stdout(),
        "{\"error\":{\"code\":10,\"message\":\"no journal at /data/x.db: it does not exist\",\
         \"hint\":\"run `journal init`\"}}\n"
    );
    assert_eq!(
        captured.stderr(),
        "error: no journal at /data/x.db\n  caused by: it does not exist\nhint: run `journal init`\n"
    );
    let (mut out, captured) = Out::captured(Options::default());
    out.error(&report).unwrap();
    assert_eq!(captured.stdout(), "");
}

#[derive(Debug, thiserror::Error)]
#[error("cannot open the journal")]
struct Outer(#[source] OutputError);

#[test]
fn a_report_follows_the_sources_without_repeating_them() {
    let source = io::Error::other("disk on fire");
    let report = Report::of(1, &Outer(OutputError::Failed(source)), None);
    assert_eq!(report.message, "cannot open the journal");
    assert_eq!(report.causes, ["cannot write the output: disk on fire"]);
}

#[test]
fn a_reader_that_went_away_is_a_clean_end() {
    let out = |kind| Out::new(Options::default(), Box::new(Broken(kind)), Box::new(io::sink()));
    let closed = out(io::ErrorKind::BrokenPipe).data_line("x");
    assert!(matches!(closed, Err(OutputError::Closed)));
    let full = out(io::ErrorKind::StorageFull).data_line("x");
    assert!(matches!(full, Err(OutputError::Failed(_))));
    let mut buffered = out(io::ErrorKind::BrokenPipe);
    buffered.data_row("x").unwrap();
    assert!(matches!(buffered.finish(), Err(OutputError::Closed)));
}

#[test]
fn talk_that_nobody_hears_is_no_error() {
    let broken = Box::new(Broken(io::ErrorKind::BrokenPipe));
    let (memory, options) = (Memory::default(), json());
    let mut out = Out::new(options, Box::new(memory.clone()), broken);
    out.say("hello?");
    out.error(&Report::default()).unwrap();
    assert!(memory.text().starts_with("{\"error\""));
}

#[test]
fn colours_come_only_when_asked_for_or_on_a_terminal() {
    let said = |color| {
        let options = Options { color, ..Options::default() };
        let (mut out, captured) = Out::captured(options);
        out.data_line(Line::new().toned(Tone::Good, "done").text(" 3")).unwrap();
        captured.stdout()
    };
    assert_eq!(said(Color::Auto), "done 3\n");
    assert_eq!(said(Color::Never), "done 3\n");
    assert_eq!(said(Color::Always), "\u{1b}[32mdone\u{1b}[0m 3\n");
    assert_eq!("always".parse(), Ok(Color::Always));
    assert!("sometimes".parse::<Color>().is_err());
}

#[test]
fn only_the_expected_answer_is_a_yes() {
    let (mut out, captured) = Out::captured(Options::default());
    let mut ask = |answer: &[u8], expected| out.confirm(&mut &answer[..], "Delete 3? ", expected);
    assert!(ask(b"delete 3\n", "delete 3"));
    assert!(ask(b"  delete 3\r\n", "delete 3"));
    assert!(ask(b"delete 3", "delete 3"));
    for no in [&b""[..], b"\n", b"y\n", b"Delete 3\n", b"delete 30\n", b"\xff\n"] {
        assert!(!ask(no, "delete 3"));
    }
    assert!(!ask(b"\n", ""));
    assert!(!ask(&b"delete 3 ".repeat(1_000), "delete 3"));
    assert!(captured.stderr().starts_with("Delete 3?"));
    assert_eq!(captured.stdout(), "");
}

#[test]
fn a_question_reads_no_more_than_its_own_line() {
    let (mut out, _captured) = Out::captured(Options::default());
    let mut input = &b"yes\nnext"[..];
    assert!(out.confirm(&mut input, "Sure?", "yes"));
    assert_eq!(input, b"next");
}

#[test]
fn progress_without_a_terminal_says_nothing() {
    let (mut out, captured) = Out::captured(Options::default());
    let progress = out.progress("sync", Some(10));
    progress.reached(3);
    progress.advanced(1);
    progress.note("R1");
    out.say("still going");
    progress.finish();
    out.finish().unwrap();
    assert_eq!(captured.stderr(), "still going\n");
}
