//! Certificates by the thousand: whatever the binary writes holds for this program, for the one in Python and for the
//! one in Go, and none of them takes any with a byte changed. `docs/auditor.md` says how to do the same by hand.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use zoho_journal::evidence::certificate::Certificate;
use zoho_journal::simulator::Fault;

use crate::cli_certificate::{
    contrib, go_program, has_python, key_file, named, write_all as write,
};
use crate::cli_certificate_decided::{DECIDED, decided};
use crate::env::{Env, lines};

/// Leads that three requests delete, each of as many as certificates are written of at once, or fewer.
const PARTS: [usize; 3] = [800, 700, 500];

/// Requests that were approved, refused, withdrawn, held, let go, answered, lost, undone and looked at again, of more
/// than two thousand entries.
fn many() -> (Env, Vec<&'static str>) {
    let env = Env::new(PARTS.iter().sum());
    let leads = env.leads();
    let (first, rest) = leads.split_at(PARTS[0]);
    let (second, third) = rest.split_at(PARTS[1]);
    env.zoho.tag("Leads", &["Prime"], &third[..60]);
    for id in &first[..40] {
        assert!(env.zoho.lock(*id));
    }
    for id in &second[..70] {
        assert!(env.zoho.delete_as_other_user(*id));
    }
    let ask = |words: &str, ids: &[u64]| {
        let args =
            words.split(' ').chain(["--from", "-", "--reason", "asked by <b>them</b> \u{fc}"]);
        env.journal_reading(args.collect::<Vec<_>>(), lines(ids)).exits(0);
    };
    let does = |words: &str| env.journal(words.split(' ').collect::<Vec<_>>());
    let hold = |ids: &[u64]| {
        let args = ["hold", "add", "Leads", "--from", "-", "--reason", "case 7", "--as", "Carla"];
        env.journal_reading(args, lines(ids)).exits(0);
    };
    hold(&first[60..90]);
    ask("untag Leads --tag Prime", &third[..60]);
    ask("delete Leads --require-approval always --requested-by Anna --ticket OPS-7", first);
    ask("delete Leads", second);
    // Ids that Zoho never knew, among others.
    let strangers: Vec<u64> = (0..30).map(|at| 99_999_999_990_000 + at).collect();
    ask("delete Leads --require-approval always", &[third, &strangers].concat());
    hold(&second[100..130]);
    does("approve R2 --as Bert").exits(0);
    does("cancel E161-E180 E901-E930 --reason objection --as Dora").exits(0);
    let faults = [Fault::LoseAnswer, Fault::MissingId, Fault::HtmlApplied, Fault::Html];
    env.zoho.plan_faults(faults.into());
    does("sync --yes");
    does("approve R4 --as Bert").exits(0);
    let released: Vec<String> = first[60..75].iter().map(u64::to_string).collect();
    let release = ["hold", "release", "Leads", "--reason", "over"];
    env.journal(release.into_iter().chain(released.iter().map(String::as_str)).collect::<Vec<_>>())
        .exits(0);
    does("sync --yes");
    does("undo E401-E450 --reason mistake").exits(0);
    does("sync --yes");
    for id in &second[300..320] {
        assert!(env.zoho.purge(*id));
    }
    does("recheck E1151-E1250").exits(0);
    (env, vec!["R1", "R2", "R3", "R4", "R5"])
}

/// Certificates of all entries, in one directory: names and states.
fn write_all(env: &Env, requests: &[&str], out: &str) -> BTreeMap<String, String> {
    let mut states = BTreeMap::new();
    let write = |request: &&str| env.start(["certificate", request, "-o", out, "--json"]);
    // At once, as several people would.
    for child in requests.iter().map(write).collect::<Vec<Child>>() {
        let written = crate::env::Ran::of_child(child).exits(0).json();
        for one in written["certificates"].as_array().unwrap() {
            let text = |key: &str| one[key].as_str().unwrap().to_owned();
            states.insert(format!("{}.certificate.json", text("entry")), text("state"));
        }
    }
    states
}

/// Where a byte is changed, and how: the same on every run.
struct Dice(u64);

impl Dice {
    /// Steele and Vigna's `SplitMix64`.
    fn roll(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % u64::try_from(below).unwrap()).unwrap()
    }
}

/// The same files, each with one byte changed.
fn change_a_byte_of_each<'n>(out: &Path, changed: &Path, names: impl Iterator<Item = &'n String>) {
    std::fs::create_dir(changed).unwrap();
    let mut dice = Dice(2026);
    for name in names {
        let mut bytes = std::fs::read(out.join(name)).unwrap();
        let at = dice.roll(bytes.len());
        bytes[at] ^= u8::try_from(1 + dice.roll(255)).unwrap();
        std::fs::write(changed.join(name), bytes).unwrap();
    }
}

/// The programs that are here, each over all files at once: name, and how it is called.
fn programs(env: &Env, key: &str) -> Vec<(&'static str, Command)> {
    let mut all = vec![("Rust", env.command(["verify", "--json", "--key", key, "--certificate"]))];
    if has_python() {
        let mut python = Command::new("python3");
        python.args([contrib("verify_certificate.py").as_str(), "--key", key]);
        python.env("PYTHONDONTWRITEBYTECODE", "1");
        all.push(("Python", python));
    }
    if let Some(program) = go_program() {
        let mut go = Command::new(program);
        go.arg(std::fs::read_to_string(key).unwrap().trim_end());
        all.push(("Go", go));
    }
    all
}

/// What a program says of each file: its state, or nothing where it is refused.
type Verdicts = BTreeMap<String, Option<String>>;

fn of_rust(told: &str) -> Verdicts {
    let report: Value = serde_json::from_str(told).unwrap();
    let files = report["certificates"].as_array().unwrap().iter();
    let told = files.map(|one| {
        let state = one["state"].as_str().filter(|_| one["ok"] == true).map(str::to_owned);
        (one["file"].as_str().unwrap().to_owned(), state)
    });
    told.collect()
}

fn of_others(told: &str) -> Verdicts {
    let mut all = Verdicts::new();
    let mut lines = told.lines();
    while let Some(line) = lines.next() {
        if let Some(name) = line.strip_prefix("verified: ") {
            let said = lines.next().unwrap().trim_start();
            let state = said.split(" is ").nth(1).unwrap().split(',').next().unwrap();
            all.insert(name.to_owned(), Some(state.to_owned()));
        } else if let Some(refused) = line.strip_prefix("NOT verified: ") {
            all.insert(refused.split(": ").next().unwrap().to_owned(), None);
        }
    }
    all
}

/// All programs at the same time, in a directory that holds the files.
fn ask_all(
    env: &Env,
    key: &str,
    at: &Path,
    names: &[&str],
) -> Vec<(&'static str, Option<i32>, Verdicts)> {
    let start = |(name, mut command): (&'static str, Command)| {
        let command = command.args(names).current_dir(at);
        (name, command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap())
    };
    let running: Vec<_> = programs(env, key).into_iter().map(start).collect();
    std::thread::scope(|scope| {
        let wait = |(name, child): (&'static str, Child)| {
            scope.spawn(move || {
                let ended = child.wait_with_output().unwrap();
                let told = String::from_utf8(ended.stdout).unwrap();
                let read = if name == "Rust" { of_rust } else { of_others };
                (name, ended.status.code(), read(&told))
            })
        };
        let waiting: Vec<_> = running.into_iter().map(wait).collect();
        waiting.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
fn thousands_of_certificates_hold_for_three_programs_and_none_with_a_changed_byte() {
    let (env, requests) = many();
    // Each of some twenty thousand files is made durable: in memory, where that is to be had, it costs nothing.
    let place = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let (out, changed) = (place.path().join("out"), place.path().join("changed"));
    let states = write_all(&env, &requests, out.to_str().unwrap());
    assert!(states.len() >= 2_000, "{}", states.len());
    let stood: BTreeMap<String, String> = env
        .entries()
        .into_iter()
        .map(|(entry, _, state)| (format!("E{entry}.certificate.json"), state))
        .collect();
    assert_eq!(states, stood);
    let seen: BTreeSet<&str> = states.values().map(String::as_str).collect();
    let expected = ["absent", "cancelled", "done", "failed", "held"];
    assert!(seen.is_superset(&expected.into()), "{}", env.states());

    let key = key_file(&env);
    change_a_byte_of_each(&out, &changed, states.keys());
    let names: Vec<&str> = states.keys().map(String::as_str).collect();
    let good: Verdicts =
        states.iter().map(|(name, state)| (name.clone(), Some(state.clone()))).collect();
    let none: Verdicts = states.keys().map(|name| (name.clone(), None)).collect();
    for (at, code, expected) in [(&out, 0, &good), (&changed, 12, &none)] {
        for (program, ended, told) in ask_all(&env, &key, at, &names) {
            assert_eq!(ended, Some(code), "{program}");
            assert!(told == *expected, "{program}: {}", difference(&told, expected));
        }
    }
}

/// What is told otherwise than expected, in short.
fn difference(told: &Verdicts, expected: &Verdicts) -> String {
    let mut text = format!("{} files of {}", told.len(), expected.len());
    for (name, state) in
        expected.iter().filter(|(name, state)| told.get(*name) != Some(state)).take(5)
    {
        write!(text, "; {name}: {:?}, not {state:?}", told.get(name)).unwrap();
    }
    text
}

/// Every event of every certificate left out, doubled, and exchanged with the next, each on its own.
#[test]
fn three_programs_agree_on_what_may_be_left_out_and_refuse_any_other_order() {
    let env = decided();
    let key = key_file(&env);
    let args: Vec<&str> = DECIDED.iter().copied().chain(["-o", "out"]).collect();
    let files = write(&env, &args);
    let place = tempfile::tempdir().unwrap();
    let mut edited = Vec::new();
    for (number, file) in named(&files, ".certificate.json").into_iter().enumerate() {
        let whole = Certificate::parse(&std::fs::read(file).unwrap()).unwrap();
        for at in 0..whole.events.len() {
            let (mut less, mut twice, mut other) = (whole.clone(), whole.clone(), whole.clone());
            less.events.remove(at);
            twice.events.insert(at, whole.events[at].clone());
            other.events[at..].rotate_left(1);
            for (how, certificate) in [("less", less), ("twice", twice), ("other", other)] {
                let name = format!("{number}.{at}.{how}.json");
                if certificate != whole {
                    std::fs::write(place.path().join(&name), certificate.to_json()).unwrap();
                    edited.push(name);
                }
            }
        }
    }
    let names: Vec<&str> = edited.iter().map(String::as_str).collect();
    let told = ask_all(&env, &key, place.path(), &names);
    let expected = &told[0].2;
    let accepted = expected.iter().filter(|(_, state)| state.is_some()).map(|(name, _)| name);
    let accepted: Vec<&String> = accepted.collect();
    assert!(accepted.iter().all(|name| name.ends_with("less.json")), "{accepted:?}");
    assert!(accepted.len() < edited.len() / 4 && !accepted.is_empty(), "{accepted:?}");
    for (program, _, said) in &told {
        assert!(said == expected, "{program}: {}", difference(said, expected));
    }
}
