//! `show`, `jobs`, `status`, `list` and `log` over untagging, unlinking and deleting tags.

use crate::cli::exit::Exit;
use crate::cli::testing::run;
use crate::domain::state::Outcome;
use crate::store::query::stories::{JOB, carries, things, untag};
use crate::store::testing::Journal;

/// Lines of `show` without the time that passes while the test runs.
fn shown(journal: &Journal, what: &str) -> Vec<String> {
    let shown = run(&journal.path(), &["show", what]);
    assert_eq!(shown.exit, Exit::Done, "{}", shown.stderr);
    let line = |line: &str| match line.split_once(", for ") {
        Some((since, _)) => format!("{since}, for …"),
        None => line.to_owned(),
    };
    shown.stdout.lines().map(line).collect()
}

#[test]
fn an_untagged_record_is_shown_with_its_tags_and_what_was_there_before() {
    assert_eq!(
        shown(&things(), "E3"),
        [
            "E3 untag Leads 410405000002264003 in R1: done",
            "  2026-11-22T10:00:00.000Z  #0      recorded by anna (uid 1000) for Anna: clean-up (OPS-7); from things.csv, row 4",
            "  2026-11-22T10:00:00.000Z  #8      read before the call: tags there: =1+1, Prime",
            "  2026-11-22T10:00:01.000Z  #11     in B2 of run 1, a call for 2 entries: POST /crm/v8/Leads/actions/remove_tags",
            "  2026-11-22T10:00:31.000Z  #12     B2 got no answer: the call timed out",
            "  2026-11-22T10:02:31.000Z  #13     read: tags left: none, record modified 2026-11-22T10:02:31.000Z; so done: the record carries none of the tags; it did before our call, and a call of ours may have been carried out in between",
            "  tags          =1+1, Prime",
            "  before        tags there: =1+1, Prime",
            "  in words      Tags \"=1+1\" and \"Prime\" removed on 2026-11-22 at Anna's request (OPS-7); no clear answer came, but what was read at Zoho shows the tags there before and gone after this call; what was removed can be put back.",
        ]
    );
    let never = shown(&things(), "E2");
    assert!(never[2].ends_with("read before the call: not there; so nothing was sent"));
    assert_eq!(never[4], "  before        not there");
    let unread = shown(&things(), "E5");
    assert!(unread.contains(&"  before        not read (--no-snapshot)".to_owned()), "{unread:?}");
}

/// The call was given back; meanwhile somebody took one of the tags away and put another one there.
#[test]
fn what_counts_as_there_before_is_what_was_read_last() {
    let mut journal = Journal::new();
    journal.wish(&untag(&["Prime", "Hot", "Cold"], &[1]));
    journal.start("sync");
    journal.snapshot("Leads", &[(1, carries(&["Prime", "Hot"], None))]);
    let unsent = journal.carry(&[1], None);
    journal.give_back(&unsent);
    journal.snapshot("Leads", &[(1, carries(&["Prime", "Cold"], None))]);
    let sent = journal.carry(&[1], None);
    journal.answer(&sent, &[(Outcome::Done, "SUCCESS", "tags updated successfully")]);
    let lines = shown(&journal, "E1");
    assert!(lines.contains(&"  before        tags there: Prime, Cold".to_owned()), "{lines:?}");
    let row = run(&journal.path(), &["show", "E1", "--json"]).json();
    assert_eq!(row["entry"]["evidence"], "snapshot: tags there: Prime, Cold");
}

#[test]
fn a_related_record_is_shown_with_parent_list_and_what_the_refusal_names() {
    let journal = things();
    let done = shown(&journal, "E6");
    for line in [
        "  list          Leads of Campaigns 410405000002264101",
        "  before        in the list, Member_Status Active",
    ] {
        assert!(done.contains(&line.to_owned()), "{line}: {done:?}");
    }
    let refused = shown(&journal, "E8");
    let from = refused.iter().position(|line| line.contains("B5 answered")).unwrap();
    assert_eq!(
        refused[from..from + 9].join("\n"),
        [
            "  2026-11-22T10:02:34.000Z  #22     B5 answered with HTTP 400: failed, INVALID_DATA, the relation name given seems to be invalid",
            "                                     {",
            r#"                                       "code": "INVALID_DATA","#,
            r#"                                       "details": {"#,
            r#"                                         "resource_path_index": 2"#,
            "                                       },",
            r#"                                       "message": "the relation name given seems to be invalid","#,
            r#"                                       "status": "error""#,
            "                                     }",
        ]
        .join("\n")
    );
    assert_eq!(refused[from + 9].trim(), "what was wrong in the path: its part 2, counted from 0");
    // Told by the place that was wrong, not by the code alone.
    let json = run(&journal.path(), &["show", "E8", "--json"]).json();
    assert!(json["advice"].as_str().unwrap().starts_with("no related list of this name"));
    let step = json["story"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(step["named"]["resource_path_index"], 2);
}

#[test]
fn a_tag_is_shown_with_its_job_and_how_that_ended() {
    let journal = things();
    let done = shown(&journal, "E9");
    let steps: Vec<&str> =
        done.iter().filter(|line| line.starts_with("  2026")).map(|line| &line[28..]).collect();
    assert_eq!(
        steps[1..],
        [
            "#24     read before the call: tag there: Prime, colour #57B1FD",
            "#25     in B6 of run 1, a call for 2 entries: POST /crm/v8/settings/tags/actions/mass_delete",
            "#26     B6 answered with HTTP 202: queued, SCHEDULED, tags scheduled successfully; Zoho's job 4876876000005871001",
            "#27     Zoho's job 4876876000005871001 completed: 1 of 2 deleted, 1 not deleted",
            "#28     read: tag not there; so done: the tag is not there, and Zoho's job for it is over",
        ]
    );
    let ended = format!(
        "  job           {JOB}: completed: 1 of 2 deleted, 1 not deleted at 2026-11-22T10:03:35.000Z"
    );
    assert!(done.contains(&ended), "{done:?}");
    let open = shown(&journal, "E11");
    let since = "  job           =cmd(): open since 2026-11-22T10:03:36.000Z, for …".to_owned();
    assert!(open.contains(&since), "{open:?}");
    let json = run(&journal.path(), &["show", "E9", "--json"]).json();
    assert_eq!(json["story"][1]["facts"]["tag"]["seen"]["name"], "Prime");
    assert_eq!(json["story"][4]["job_id"], JOB);
}

#[test]
fn a_batch_is_shown_with_line_body_and_job_as_they_were_sent() {
    let journal = things();
    let lines = shown(&journal, "B6");
    for line in [
        "  request       POST /crm/v8/settings/tags/actions/mass_delete",
        r#"  body          {"mass_delete":[{"module":{"id":"410405000002264900","api_name":"Leads"},"tags":[{"id":"410405000002264201"},{"id":"410405000002264202"}]}]}"#,
        "  job           4876876000005871001: completed: 1 of 2 deleted, 1 not deleted at 2026-11-22T10:03:35.000Z",
    ] {
        assert!(lines.contains(&line.to_owned()), "{line}: {lines:?}");
    }
    let json = run(&journal.path(), &["show", "B4", "B7", "--json"]).json();
    assert_eq!(
        json[0]["request"],
        "DELETE /crm/v8/Campaigns/410405000002264101/Leads?ids=410405000002264006,410405000002264007"
    );
    assert_eq!((&json[0]["operation"], &json[0]["job"]), (&"unlink".into(), &().into()));
    assert_eq!(json[1]["job"]["job_id"], "=cmd()");
    assert!(json[1]["job"]["ended_at"].is_null());
}

#[test]
fn a_request_is_shown_with_what_it_takes_away() {
    let journal = things();
    let lines = |what: &str| shown(&journal, what);
    assert!(lines("R1").contains(&"  tags          =1+1, Prime".to_owned()));
    assert!(lines("R1").contains(&"  before        what is there is read and kept".to_owned()));
    let unread = "  before        what is there is not read (--no-snapshot)".to_owned();
    assert!(lines("R2").contains(&unread));
    assert!(lines("R3").contains(&"  list          Leads of 2 records of Campaigns".to_owned()));
    assert!(lines("R4").contains(&"  module id     410405000002264900".to_owned()));
    for what in ["R1", "R2", "R3", "R4"] {
        assert!(!lines(what).iter().any(|line| line.contains("workflows")), "{what}");
    }
    let json = run(&journal.path(), &["show", "R3", "--json"]).json();
    assert_eq!((&json["related_list"], &json["parents"]), (&"Leads".into(), &2.into()));
    let json = run(&journal.path(), &["show", "R2", "--json"]).json();
    assert_eq!((&json["tags"][0], &json["snapshot"]), (&"Prime".into(), &false.into()));
}

#[test]
fn jobs_are_told_with_what_they_are_for_and_since_when() {
    let journal = things();
    let open = run(&journal.path(), &["jobs"]);
    assert_eq!(open.exit, Exit::Done);
    let lines = open.lines();
    assert_eq!(lines[0], "   job  operation    module  request  batch  entries  state");
    assert!(
        lines[1].starts_with(
            "=cmd()  delete-tags  Leads   R4          B7        1  open since 2026-11-22T10:03:36.000Z"
        ),
        "{}",
        lines[1]
    );
    assert_eq!(lines.len(), 2);
    assert!(open.stderr.contains("journal sync --wait 10m"), "{}", open.stderr);
    let all = run(&journal.path(), &["jobs", "--all"]);
    assert!(all.stdout.contains(
        "4876876000005871001  delete-tags  Leads   R4          B6        2  completed: 1 of 2 deleted, 1 not deleted at 2026-11-22T10:03:35.000Z"
    ));
    let json = run(&journal.path(), &["jobs", "--all", "--json"]).json();
    let jobs = json["jobs"].as_array().unwrap();
    assert_eq!(jobs.len(), 2);
    assert_eq!((&jobs[0]["job_id"], &jobs[0]["request_ids"][0]), (&JOB.into(), &"R4".into()));
    assert_eq!((&jobs[0]["ending"], &jobs[0]["deleted"]), (&"completed".into(), &1.into()));
    assert_eq!((&jobs[0]["seconds"], &jobs[0]["entries"]), (&60.into(), &"E9-E10".into()));
    assert_eq!(jobs[1]["accepted_at"], "2026-11-22T10:03:36.000Z");
    assert_eq!(json["open"], 1);
    let none = run(&Journal::new().path(), &["jobs"]);
    assert_eq!((none.exit, none.stdout.as_str()), (Exit::Done, "no open jobs\n"));
    let none = run(&Journal::new().path(), &["jobs", "--json"]).json();
    assert_eq!(none["jobs"], serde_json::json!([]));
}

#[test]
fn status_counts_open_jobs_and_says_to_wait_for_them() {
    let mut journal = things();
    journal.end(4);
    let json = run(&journal.path(), &["status", "--json"]).json();
    assert_eq!((&json["jobs_open"], &json["entries"]["queued"]), (&1.into(), &1.into()));
    let lines = run(&journal.path(), &["status"]).stdout;
    assert!(lines.contains("jobs      1 job that Zoho has not finished"), "{lines}");
    assert!(json["next"].as_str().unwrap().starts_with("journal sync --wait 10m"), "{lines}");
}

#[test]
fn entries_are_found_by_parent_record_and_tag_and_by_operation() {
    let journal = things();
    let found = |arguments: &[&str]| -> Vec<String> {
        let all: Vec<&str> = ["list", "--json"].iter().chain(arguments).copied().collect();
        let rows = run(&journal.path(), &all).stdout;
        let rows = rows.lines().map(|row| serde_json::from_str::<serde_json::Value>(row).unwrap());
        rows.map(|row| row["entry_id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(found(&["--operation", "untag"]).len(), 5);
    assert_eq!(found(&["--operation", "unlink", "--operation", "delete-tags"]).len(), 6);
    assert_eq!(found(&["--id", "410405000002264101"]), ["E6", "E7"]);
    assert_eq!(found(&["--id", "410405000002264102"]), ["E8"]);
    assert_eq!(found(&["--id", "zcrm_410405000002264006"]), ["E6"]);
    assert_eq!(found(&["--id", "410405000002264201"]), ["E9"]);
    assert_eq!(found(&["--id", "410405000002264101", "--state", "done"]), ["E6"]);
    // What is in the lists of a record is told with its own id.
    let parent = run(&journal.path(), &["show", "410405000002264101"]).stdout;
    assert!(parent.contains("410405000002264006: Taken out of the list Leads"), "{parent}");
}

#[test]
fn the_log_tells_each_new_kind_of_event_on_one_line() {
    let journal = things();
    let log = run(&journal.path(), &["log"]).stdout;
    for words in [
        "R1: untag 4 of Leads, tags =1+1;Prime for Anna: clean-up (OPS-7)",
        "R2: untag 1 of Leads, tags Prime, without a snapshot for Anna: clean-up (OPS-7)",
        "R3: unlink 3 of Campaigns, list Leads for Anna: clean-up (OPS-7)",
        "R4: its module has the id 410405000002264900",
        "Leads: read E1-E4 before the call; E2 never there",
        "B1: POST /crm/v8/Leads/{id}/actions/remove_tags {\"tags\":[{tags}]} with E1",
        "B6: HTTP 202, job 4876876000005871001: E9-E10 queued SCHEDULED",
        "the job of B6 completed: 1 of 2 deleted, 1 not deleted",
    ] {
        assert!(log.lines().any(|line| line.ends_with(words)), "{words}:\n{log}");
    }
}

/// CRM v8 Remove Tags page and OAS tags.json: NO_PERMISSION with its permissions, NOT_ALLOWED with places.
#[test]
fn permissions_and_places_that_zoho_names_are_shown_harmless() {
    let mut journal = Journal::new();
    journal.wish(&untag(&["Prime"], &[1]));
    journal.start("sync");
    journal.snapshot("Leads", &[(1, carries(&["Prime"], None))]);
    let call = journal.carry(&[1], None);
    let body = r#"{"code":"NOT_ALLOWED","details":{"permissions":["Crm_Implied_Edit_Leads","Crm_Implied_Tags_Leads"],"associated_places":[{"type":"Workflow","resources":["\u001b[2JFollow up"]}]},"message":"tags has been associated to features","status":"error"}"#;
    journal.answer_whole(&call, 400, body, (Outcome::Failed, None));
    let lines = shown(&journal, "E1");
    let named: Vec<&str> = lines
        .iter()
        .map(|line| line.trim())
        .filter(|line| line.starts_with("permissions that") || line.starts_with("used by"))
        .collect();
    assert_eq!(
        named,
        [
            "permissions that lack: Crm_Implied_Edit_Leads, Crm_Implied_Tags_Leads",
            "used by Workflow: \\u{1b}[2JFollow up",
        ]
    );
    assert!(!lines.join("\n").contains('\u{1b}'));
}
