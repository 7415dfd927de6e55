//! Answers that make no sense, one after the other, for every operation.

use std::time::Duration;

use zoho_journal::clock::SystemClock;
use zoho_journal::domain::scope::Task;
use zoho_journal::reconcile::options::RunOptions;

use crate::middle::{Middle, Way};
use crate::world::{Ask, World, config};

/// Answers that Zoho, a proxy or an enemy may give. Whatever the journal makes of them, it must verify, and
/// runs must end.
const ODD: &[(u16, &str)] = &[
    (
        200,
        r#"{"data":[{"code":"SUCCESS","details":{"id":"<0>","tags":[]}},{"code":"INVALID_DATA","details":{"id":"<0>"}},{"code":"SUCCESS","details":{"id":"<1>"}}]}"#,
    ),
    (
        200,
        r#"{"data":[{"code":"SUCCESS","details":{}},{"code":"SUCCESS","details":{"id":"<1>"}}]}"#,
    ),
    (
        207,
        r#"{"data":[{"code":"NOT_APPROVED","details":{}},{"code":"NOT_APPROVED","details":{}},{"code":"SUCCESS","details":{"id":"<1>"}}]}"#,
    ),
    (200, r#"{"data":[]}"#),
    (200, r#"{"code":"SUCCESS","details":{},"message":"x","status":"success"}"#),
    (200, r#"{"code":"no code","message":"m"}"#),
    (400, r#"{"code":"INVALID_DATA","details":{"id":"<1>"},"message":"m"}"#),
    (400, r#"{"code":"INVALID_DATA","details":{"id":"1"},"message":"m"}"#),
    (400, r#"{"code":"INVALID_DATA","details":{},"message":"m"}"#),
    (400, r#"{"code":"INVALID_DATA","details":{"json_path":"$.ids[1]"},"message":"m"}"#),
    (
        400,
        r#"{"code":"INVALID_DATA","details":{"json_path":"$.mass_delete[0].tags[1].id"},"message":"m"}"#,
    ),
    (
        400,
        r#"{"code":"INVALID_DATA","details":{"json_path":"$.tags","api_name":"tags"},"message":"m"}"#,
    ),
    (200, r#"{"tags":{"code":"SUCCESS","details":{"id":"<0>"}}}"#),
    (200, r#"{"tags":[{"code":"SUCCESS","details":{"id":"<0>"}}],"data":[]}"#),
    (200, "[]"),
    (200, "<html>"),
    (204, ""),
    (200, ""),
    (502, r#"{"data":[{"code":"SUCCESS","details":{"id":"<0>"}}]}"#),
    (503, r#"{"code":"INVALID_DATA","details":{"id":"<0>"},"message":"m"}"#),
    (429, r#"{"data":[{"code":"SUCCESS","details":{"id":"<0>"}}]}"#),
    (
        200,
        r#"{"data":[{"code":"SUCCESS","details":{"id":"<0>","tags":[{"name":"Prime"}]}},{"code":"SUCCESS","details":{"id":"<1>","tags":["prime"]}}]}"#,
    ),
    (202, r#"{"code":"SCHEDULED","details":{"job_id":"x y"}}"#),
    (202, r#"{"code":"FAILED","details":{"job_id":"12345"}}"#),
    (202, r#"{"code":"SUCCESS","details":{"job_id":"12345"}}"#),
    (202, r#"{"code":"202","details":{"job_id":"job_789"}}"#),
    (200, r#"{"mass_delete":[{"code":"SCHEDULED","details":{"job_id":"12345"}}]}"#),
    (
        200,
        r#"{"data":[{"code":"\u0053UCCESS","details":{"id":"<0>"},"message":"\ud83d\ude00\u0000"}]}"#,
    ),
    (200, r#"{"data":[{"code":"SUCCESS","code":"INVALID_DATA","details":{"id":"<0>"}}]}"#),
    (200, r#"{"data":[[{"code":"SUCCESS","details":{"id":"<0>"}}]]}"#),
    (200, r#"{"data":[{"code":"SUCCESS","details":{"id":<0>}}]}"#),
    (200, r#"{"data":[{"code":"SUCCESS","details":{"id":"0<0>"}}]}"#),
    (200, r#"{"data":{"code":"RECORD_LOCKED","details":{"id":"<2>"},"message":" m "}}"#),
    (413, "<html>too large</html>"),
    (414, ""),
    (500, r#"{"code":"INTERNAL_ERROR","details":{},"message":"m","status":"error"}"#),
    (500, r#"{"data":[{"code":"INTERNAL_ERROR","details":{"id":"<0>"},"message":"m"}]}"#),
    (400, r#"{"code":"ALREADY_SCHEDULED","details":{},"message":"m"}"#),
    (400, r#"{"code":"LIMIT_EXCEEDED","details":{},"message":"m"}"#),
    (
        200,
        r#"{"code":"AMBIGUITY_DURING_PROCESSING","details":{"ambiguity_due_to":[]},"message":"m"}"#,
    ),
    (200, r#"{"error":"invalid_code"}"#),
    (400, r#"{"code":4,"error":"x","error_info":"y"}"#),
];

async fn odd(number: usize, status: u16, body: &'static str) {
    let records = [("Leads", 3), ("Campaigns", 1), ("Contacts", 3), ("Deals", 3)];
    let mut world = World::with(config(&records));
    let (leads, contacts) = (world.live("Leads"), world.live("Contacts"));
    let (campaign, deals) = (world.live("Campaigns")[0], world.live("Deals"));
    world.zoho.tag("Leads", &["Prime", "Hot"], &leads);
    world.zoho.link("Campaigns", campaign, "Contacts", &contacts);
    let tags = world.zoho.tag("Contacts", &["a", "b", "c"], &contacts);
    let asks = [
        Ask::untag("Leads", &["Prime", "Hot"], &leads),
        Ask::unlink("Campaigns", campaign, "Contacts", &contacts),
        Ask::new("Contacts", Task::DeleteTags, &tags),
        Ask::new("Deals", Task::Delete, &deals),
    ];
    for ask in asks {
        let operation = ask.task.operation();
        let request = world.ask(&ask);
        for round in 0..3 {
            // At first all calls are answered so, then only the first one, then none.
            let middle = Middle::new(&world).submits(move |call| {
                if round == 0 || (round == 1 && call == 0) {
                    Way::Says(status, body.to_owned())
                } else {
                    Way::Straight
                }
            });
            let options = RunOptions {
                wanted: Some(vec![request]),
                wait: Duration::from_millis(200),
                ..world.options()
            };
            let run = world.run_on(middle, SystemClock, options);
            let ended = tokio::time::timeout(Duration::from_secs(20), run).await;
            let told = format!("{number} {operation} {status} {body} round {round}");
            match ended {
                Err(tokio::time::error::Elapsed { .. }) => panic!("HANGS: {told}"),
                Ok(Err(error)) => panic!("BREAKS: {error}: {told}"),
                Ok(Ok(_)) => {}
            }
            if let Err(why) = zoho_journal::evidence::verify::check_journal(&world.reader()) {
                panic!("FALSE ALARM: {why:?}: {told}");
            }
        }
    }
}

#[test]
fn odd_answers_make_no_run_hang_or_break_and_raise_no_false_alarm() {
    // Most of the time is spent waiting for the disk.
    let begun: Vec<_> = ODD
        .iter()
        .enumerate()
        .map(|(number, (status, body))| {
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                runtime.unwrap().block_on(odd(number, *status, body));
            })
        })
        .collect();
    let said = |why: Box<dyn std::any::Any + Send>| why.downcast_ref::<String>().cloned();
    let failures: Vec<Option<String>> =
        begun.into_iter().filter_map(|one| one.join().err().map(said)).collect();
    assert!(failures.is_empty(), "{failures:?}");
}
