//! Replays the fuzzers' corpus, and changes of each of its files that a seed decides.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::as_conversions, reason = "tests")]

mod parsers;

use std::fs;
use std::path::{Path, PathBuf};

use parsers::{TARGETS, Target};

/// How many changed inputs a target gets.
const CHANGED: usize = 4000;
/// The same, where each signs and verifies.
const CHANGED_SIGNED: usize = 150;

struct Case {
    path: PathBuf,
    data: Vec<u8>,
}

fn corpus(target: &str) -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut paths: Vec<PathBuf> =
        fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().map(|path| Case { data: fs::read(&path).unwrap(), path }).collect()
}

/// Shows what failed, with the bytes.
fn run(check: Target, data: &[u8], what: &str) {
    let result = std::panic::catch_unwind(|| check(data));
    assert!(result.is_ok(), "{what}: {:?}", String::from_utf8_lossy(data));
}

/// xorshift64*: the same on every machine.
struct Seed(u64);

impl Seed {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(high).unwrap() % below.max(1)
    }
}

/// Bytes that parsers stumble over.
const PIECES: &[&[u8]] = &[
    b"\"",
    b"\\",
    b"\n",
    b"\r\n",
    b",",
    b";",
    b"\t",
    b"{",
    b"}",
    b"[",
    b"]",
    b"null",
    b":",
    b"\0",
    b"\xef\xbb\xbf",
    b"\xff",
    b"\xe2\x80\xae",
    b"4876876000000624001",
    b"4876876000000624002",
    b"9223372036854775808",
    b"\"code\":\"SUCCESS\"",
    b"\"code\":\"INVALID_DATA\"",
    b"\"id\":",
    b"-1",
    b"1e9",
    b"#",
    b"=",
    b"'''",
    b"\n\n",
    b"+",
    b" ",
];

fn changed(data: &[u8], other: &[u8], seed: &mut Seed) -> Vec<u8> {
    let mut data = data.to_vec();
    for _ in 0..=seed.next(3) {
        let at = seed.next(data.len() + 1);
        let to = (at + seed.next(16)).min(data.len());
        match seed.next(7) {
            0 if at < data.len() => data[at] ^= 1 << seed.next(8),
            1 => drop(data.drain(at..to)),
            2 => {
                let piece = data[at..to].to_vec();
                data.splice(at..at, piece).for_each(drop);
            }
            3 => data.truncate(at),
            4 => {
                let from = seed.next(other.len() + 1);
                data.truncate(at);
                data.extend_from_slice(&other[from..]);
            }
            _ => {
                let piece = PIECES[seed.next(PIECES.len())].iter().copied();
                data.splice(at..at, piece).for_each(drop);
            }
        }
    }
    data
}

fn replay(name: &str, changes: usize) {
    let (_, check) = TARGETS.iter().find(|(target, _)| *target == name).unwrap();
    let cases = corpus(name);
    assert!(cases.len() >= 100, "{name}: only {} files", cases.len());
    for case in &cases {
        run(*check, &case.data, &case.path.display().to_string());
    }
    let mut seed = Seed(0x006a_6f75_726e_616c);
    for turn in 0..changes {
        let case = &cases[turn % cases.len()];
        let other = &cases[seed.next(cases.len())];
        let data = changed(&case.data, &other.data, &mut seed);
        run(*check, &data, &format!("{} changed, turn {turn}", case.path.display()));
    }
}

#[test]
fn answers_to_write_calls() {
    replay("api_answer", CHANGED);
}

#[test]
fn answers_to_reads() {
    replay("api_read", CHANGED);
}

#[test]
fn answers_of_the_accounts_server() {
    replay("token_answer", CHANGED);
}

#[test]
fn files_of_ids() {
    replay("import_csv", CHANGED);
}

#[test]
fn settings_files() {
    replay("configuration", CHANGED);
}

#[test]
fn signed_notes() {
    replay("note", CHANGED_SIGNED);
}

#[test]
fn certificates() {
    replay("certificate", CHANGED);
}

#[test]
fn what_approvers_bring() {
    replay("approval", CHANGED);
}

#[test]
fn no_target_is_left_out() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let names = |folder: &Path| {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let mut names: Vec<String> =
            entries.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
        names.sort();
        names
    };
    let mut targets: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
    targets.sort_unstable();
    assert_eq!(names(&folder.join("fuzz_targets")), targets);
    assert_eq!(names(&folder.join("corpus")), targets);
}
