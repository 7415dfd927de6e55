use crate::cli::exit::Exit;
use crate::cli::testing::run;
use crate::domain::state::{Outcome, Verdict};
use crate::evidence::keeper::lock_path;
use crate::platform::{Holder, OsLock, Sharing};
use crate::store::testing::{Ask, Journal, record, still_there, story};

fn next(journal: &Journal) -> String {
    let shown = run(&journal.path(), &["status", "--json"]);
    assert_eq!(shown.exit, Exit::Done);
    let next = shown.json()["next"].as_str().unwrap().to_owned();
    let flag = format!(" --db {}", journal.path().display());
    assert!(next.ends_with(&flag), "{next}");
    next.replace(&flag, "").strip_prefix("journal ").unwrap().to_owned()
}

#[test]
fn the_keys_of_the_json_are_pinned() {
    let journal = story();
    let shown = run(&journal.path(), &["status", "--json"]).stdout;
    let path = journal.path().display().to_string();
    assert_eq!(
        shown.replace(&path, "DB"),
        concat!(
            r#"{"entries":{"awaiting_approval":0,"pending":1,"in_flight":1,"queued":0,"unknown":1,"done":2,"absent":1,"failed":1,"held":0,"cancelled":0},"#,
            r#""requests":1,"batches":4,"jobs_open":0,"#,
            r#""org":"410405000000000099","environment":"production","data_center":"eu","api_origin":"loopback","workflows":true,"#,
            r#""journal":"DB","events":13,"closed":null,"unswept":false,"full_snapshots":0,"full_snapshots_due":0,"open_batches":1,"parked":[],"pause":null,"awaiting_approval":[],"holds":0,"holds_to_review":[],"proposals":[],"undecided":1,"blocked":0,"waits_for":[],"#,
            r#""run":{"on":false,"died":true,"command":null,"since":null,"pid":null,"host":null},"#,
            r#""last_run":{"run":1,"command":"sync","started_at":"2026-11-22T10:00:00.000Z","ended_at":null,"exit_code":null},"#,
            r#""undo":{"possible":2,"soonest":"2027-01-21T10:00:00.000Z"},"#,
            r#""quarantine":120.0,"calls_24h":0,"credits_24h":0,"daily_credits":null,"daily_left":null,"#,
            r#""org_credits_left":null,"org_credits_at":null,"not_before":null,"#,
            r#""next":"journal replay --db DB"}"#,
            "\n"
        )
    );
    let empty = run(&Journal::new().path(), &["status", "--json"]).json();
    assert!(empty["org"].is_null() && empty["workflows"].is_null());
    assert_eq!(empty["environment"], "production");
}

#[test]
fn people_read_the_same_in_lines() {
    let journal = story();
    let shown = run(&journal.path(), &["status"]);
    let path = journal.path().display().to_string();
    assert_eq!(
        shown.stdout.replace(&path, "DB").lines().collect::<Vec<_>>(),
        [
            "journal   DB, 13 events",
            "org       410405000000000099 (production, data centre eu, a simulator on this machine)",
            "requests  1",
            "batches   4",
            "entries   pending 1, in_flight 1, unknown 1, done 2, absent 1, failed 1",
            "run       sync since 2026-11-22T10:00:00.000Z died without ending; it last wrote at 2026-11-22T10:02:31.000Z and left 1 batch open",
            "used      nothing in the last 24 hours",
            "undecided 1 entry: reading cannot tell what happened; journal settle records what a person decides",
            "unknown   quarantine 2 min: for so long a call without an answer may still take effect, and what is still there decides nothing",
            "undo      2 entries at most can be brought back, the first deadline from 2027-01-21T10:00:00.000Z on; journal undo-report counts them",
            "at Zoho   workflows WILL run",
            "next      journal replay --db DB",
        ]
    );
}

#[test]
fn whether_a_run_is_on_follows_from_the_lock_and_not_from_what_it_wrote() {
    let mut journal = story();
    let path = journal.path();
    let lock = lock_path(&path);
    let since = "2026-11-22T10:00:00Z".parse().unwrap();
    let holder = Holder { pid: 4711, host: "desk".to_owned(), command: "sync".to_owned(), since };
    let held = OsLock::try_acquire(&lock, Sharing::OwnerOnly, &holder).unwrap().unwrap();
    let shown = run(&path, &["status", "--json"]).json();
    assert_eq!((&shown["run"]["on"], &shown["run"]["pid"]), (&true.into(), &4711.into()));
    assert_eq!(next(&journal), "status");
    assert!(
        run(&path, &["status"])
            .stdout
            .contains("sync (process 4711 on desk, since 2026-11-22T10:00:00.000Z) is on")
    );
    drop(held);

    // A killed process leaves its note in the lock file, also when it died before it began a run.
    journal.end(4);
    let idle = run(&path, &["status", "--json"]).json();
    assert_eq!((&idle["run"]["on"], &idle["run"]["died"]), (&false.into(), &false.into()));
    assert_eq!(idle["last_run"]["exit_code"], 4);
    std::fs::write(&lock, serde_json::to_string(&holder).unwrap()).unwrap();
    let dead = run(&path, &["status", "--json"]).json();
    assert_eq!((&dead["run"]["on"], &dead["run"]["died"]), (&false.into(), &true.into()));
    assert!(
        run(&path, &["status"])
            .stdout
            .contains("since 2026-11-22T10:00:00.000Z) died without ending")
    );
}

#[test]
fn what_others_write_after_a_run_is_no_sign_of_its_life() {
    let mut journal = story();
    journal.delete(101, 102);
    let shown = run(&journal.path(), &["status"]).stdout;
    assert!(shown.contains(", 14 events"), "{shown}");
    assert!(shown.contains("; it last wrote at 2026-11-22T10:02:31.000Z and left"), "{shown}");
}

#[test]
fn the_next_command_follows_from_where_things_stand() {
    let mut journal = Journal::new();
    assert!(next(&journal).starts_with("delete MODULE --from FILE"));
    journal.delete(1, 3);
    assert_eq!(next(&journal), "sync");
    let run = journal.start("sync");
    journal.write(|tx| tx.park(run, crate::domain::id::RequestId::new(1), 100));
    assert_eq!(next(&journal), "show R1");
    journal.write(|tx| tx.unpark(run, crate::domain::id::RequestId::new(1)));
    let prepared = journal.begin(&[1, 2, 3]);
    assert_eq!(next(&journal), "replay");
    let done = (Outcome::Done, "SUCCESS", "");
    let unknown = (Outcome::Unknown, "", "");
    journal.answer(&prepared, &[done, unknown, (Outcome::Failed, "RECORD_LOCKED", "")]);
    assert_eq!(next(&journal), "replay");
    journal.find(&[(2, Verdict::Undecided, "UNDECIDED", still_there())]);
    journal.end(4);
    assert_eq!(
        next(&journal),
        "list --state unknown --code UNDECIDED, then journal settle E… --state done|absent|failed --reason TEXT"
    );
}

#[test]
fn approval_and_refusals_come_after_what_can_be_sent() {
    let mut journal = Journal::new();
    let ask = Ask {
        records: vec![record(1)],
        policy: crate::domain::policy::ApprovalPolicy::Always,
        ..Ask::default()
    };
    journal.ask(&ask);
    assert_eq!(next(&journal), "show R1");
    journal.delete(2, 2);
    assert_eq!(next(&journal), "sync");
}
