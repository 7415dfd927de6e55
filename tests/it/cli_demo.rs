//! The README's first command: the whole story, against the simulator inside the program.

use serde_json::Value;

use crate::env::{Env, config};

#[test]
fn the_story_ends_as_told_and_leaves_its_files() {
    let env = Env::without_journal(config(1));
    let directory = env.dir.path().join("demo").display().to_string();
    let ended = env.journal(["demo", "--dir", &directory]).exits(0);
    for told in
        ["Recorded R1: delete 1,001 records of Leads", "done               999", "verified: "]
    {
        assert!(ended.stdout.contains(told), "{told}: {}", ended.stdout);
    }
    assert!(!ended.stderr.contains("not as told"), "{}", ended.stderr);
    let audit = std::fs::read_to_string(format!("{directory}/audit.csv")).unwrap();
    assert!(audit.starts_with("entry_id,request_id,operation,product,org,module,target_id,"));
    assert_eq!(audit.lines().count(), 1002);
    // A second story would overwrite the first one.
    env.journal(["demo", "--dir", &directory]).exits(1);
}

#[test]
fn the_story_as_json_lines_ends_with_a_summary() {
    let env = Env::without_journal(config(1));
    let directory = env.dir.path().join("demo").display().to_string();
    let ended = env.journal(["demo", "--json", "--dir", &directory]).exits(0);
    let lines: Vec<Value> =
        ended.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let kinds: Vec<&str> = lines.iter().map(|line| line["type"].as_str().unwrap()).collect();
    let (last, steps) = kinds.split_last().unwrap();
    assert_eq!(*last, "summary");
    assert!(steps.iter().all(|kind| *kind == "step") && steps.len() >= 9, "{kinds:?}");
    assert_eq!(lines.last().unwrap()["findings"], serde_json::json!([]));
}
