//! `--snapshot full`: no record is deleted before a whole copy of it is kept, encrypted; it can be read back, shredded,
//! and everything else still verifies.

#![cfg(feature = "full-snapshot")]

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use age::x25519::Identity;
use serde_json::Value;
use zoho_journal::simulator::Config;

use crate::env::{Env, PATIENCE, Ran, config, lines, signal};

/// An environment and whoever can read the copies.
pub struct World {
    pub env: Env,
    key: Identity,
}

impl World {
    pub fn new(leads: usize) -> Self {
        Self::with(config(leads))
    }

    pub fn with(config: Config) -> Self {
        let mut env = Env::with(config);
        let key = Identity::generate();
        env.set("JOURNAL_SNAPSHOT_RECIPIENT", key.to_public().to_string());
        Self { env, key }
    }

    /// Records the deletion of these leads, with full snapshots.
    pub fn record(&self, ids: &[u64], more: &[&str]) -> Ran {
        let args = ["delete", "Leads", "--from", "-", "--reason", "clean-up", "--snapshot", "full"];
        let args: Vec<&str> = args.iter().chain(more).copied().collect();
        self.env.journal_reading(args, lines(ids)).exits(0)
    }

    /// To whom the copies are encrypted.
    pub fn recipient(&self) -> String {
        self.key.to_public().to_string()
    }

    pub fn deleted(leads: usize) -> Self {
        let world = Self::new(leads);
        let ids = world.env.leads();
        world.record(&ids, &[]);
        world.env.journal(["sync", "--yes"]).exits(0);
        assert_eq!(world.env.states(), format!("done {leads}"));
        world
    }

    /// The clear text of what `journal snapshot` writes for an entry.
    fn read_back(&self, entry: &str, directory: &str) -> Value {
        let ran = self.env.journal(["snapshot", entry, "-o", directory, "--json"]).exits(0).json();
        let file = ran["snapshots"][0]["file"].as_str().unwrap().to_owned();
        let path = self.env.dir.path().join(&file);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(ran["next"], format!("age -d -i key.txt {file}"));
        let text = age::decrypt(&self.key, &fs::read(path).unwrap()).unwrap();
        serde_json::from_slice(&text).unwrap()
    }

    pub fn files(&self) -> i64 {
        let sql = "SELECT count(*) FROM full_snapshot WHERE file IS NOT NULL";
        self.env.sqlite().query_row(sql, [], |row| row.get(0)).unwrap()
    }

    /// Whole reads that reached Zoho.
    fn whole_reads(&self) -> usize {
        let requests = self.env.zoho.requests();
        requests.iter().filter(|one| !one.is_write && is_whole(&one.url)).count()
    }
}

fn is_whole(path: &str) -> bool {
    path.split('?')
        .next()
        .unwrap_or_default()
        .rsplit('/')
        .next()
        .is_some_and(|last| last.len() >= 16 && last.bytes().all(|byte| byte.is_ascii_digit()))
        && !path.contains("fields=")
}

/// The record as Zoho shows it, by a client of its own.
fn record_at_zoho(world: &World, id: u64) -> Value {
    let url = format!("{}/crm/v8/Leads/{id}", world.env.zoho.api_url());
    let token = world.env.zoho.access_token();
    let body = zoho_get(&url, &token);
    let answer: Value = serde_json::from_str(&body).unwrap();
    answer["data"][0].clone()
}

/// A GET over a plain socket.
fn zoho_get(url: &str, token: &str) -> String {
    let rest = url.strip_prefix("http://").unwrap();
    let (host, path) = rest.split_once('/').unwrap();
    let mut socket = TcpStream::connect(host).unwrap();
    write!(
        socket,
        "GET /{path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Zoho-oauthtoken {token}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut text = String::new();
    socket.read_to_string(&mut text).unwrap();
    let start = text.find('{').unwrap_or_else(|| panic!("{text}"));
    let end = text.rfind('}').unwrap();
    text[start..=end].to_owned()
}

#[track_caller]
pub fn verifies(env: &Env) {
    let ran = env.journal(["verify", "--json"]).exits(0);
    assert_eq!(ran.json()["ok"], true, "{ran}");
}

/// All files below a directory.
fn files_below(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files_below(&path)) } else { found.push(path) }
    }
    found
}

#[track_caller]
fn nowhere(world: &World, text: &str) {
    for path in files_below(world.env.dir.path()) {
        let bytes = fs::read(&path).unwrap();
        let found = bytes.windows(text.len()).any(|part| part == text.as_bytes());
        assert!(!found, "{text} stands in {}", path.display());
    }
}

#[test]
fn a_record_is_kept_whole_before_it_is_deleted_and_reads_back_as_it_was() {
    let world = World::new(3);
    let env = &world.env;
    let ids = env.leads();
    let before: Vec<Value> = ids.iter().map(|id| record_at_zoho(&world, *id)).collect();
    let name = before[0]["Full_Name"].as_str().unwrap().to_owned();
    let recorded = world.record(&ids, &["--snapshot-retention", "30d"]);
    assert!(
        recorded.stdout.contains("it is read whole (one more call and credit each)"),
        "{recorded}"
    );
    let plan = env.journal(["plan", "--json"]).exits(0).json();
    // Org, user, module, three whole records, one call.
    assert_eq!((&plan["calls"], &plan["credits"]), (&7.into(), &7.into()), "{plan}");
    assert_eq!(plan["full_snapshots"], 3);
    let mut said = env.journal(["plan"]).exits(0).said();
    assert!(said.contains("3 records are read whole and kept, encrypted"), "{said}");
    // Somebody reads the journal, so that nothing leaves its write-ahead log.
    let reader = env.sqlite();
    reader.execute_batch("BEGIN; SELECT count(*) FROM entry;").unwrap();
    let ran = env.journal(["sync", "--yes", "-v"]).exits(0);
    said.push_str(&ran.said());
    nowhere(&world, &name);
    drop(reader);
    assert_eq!((env.states().as_str(), world.files(), world.whole_reads()), ("done 3", 3, 6));
    assert!(
        env.zoho.requests().iter().rposition(|one| is_whole(&one.url)).unwrap()
            < env.zoho.requests().iter().position(|one| one.is_write).unwrap()
    );
    let (_, first, _) = env.entries()[0].clone();
    let at = ids.iter().position(|id| *id == first).unwrap();
    assert_eq!(world.read_back("E1", "out"), before[at]);
    // Nothing is overwritten.
    let again = env.journal(["snapshot", "E1", "-o", "out"]).exits(1);
    assert!(again.stderr.contains("nothing is overwritten"), "{again}");
    for args in
        [&["show", "E1"][..], &["show", "R1"], &["log"], &["list"], &["status"], &["doctor"]]
    {
        said.push_str(&env.journal(args.iter().copied()).said());
    }
    for view in ["entries", "attempts", "batches", "requests", "events", "undo"] {
        said.push_str(&env.journal(["export", "--view", view]).exits(0).stdout);
    }
    fs::remove_dir_all(env.dir.path().join("out")).unwrap();
    nowhere(&world, &name);
    assert!(!said.contains(&name), "{said}");
    assert!(said.contains("journal snapshot E1 -o DIR"), "{said}");
    verifies(env);
    env.agrees();
}

#[test]
fn the_age_program_itself_reads_what_is_handed_out() {
    let world = World::deleted(1);
    let env = &world.env;
    env.journal(["snapshot", "E1", "-o", "out"]).exits(0);
    let secret = age::secrecy::ExposeSecret::expose_secret(&world.key.to_string()).to_owned();
    let key = env.file("key.txt", format!("{secret}\n"));
    let file = env.dir.path().join("out/E1.json.age");
    let ran = Command::new("age").args(["-d", "-i", &key]).arg(&file).output();
    let Ok(ran) = ran else {
        eprintln!("SKIPPED: the program age is not installed");
        return;
    };
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let record: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(record["id"], env.entries()[0].1.to_string());
}

#[test]
fn what_is_missing_or_wrong_is_refused_before_anything_is_recorded() {
    let mut env = Env::new(1);
    let id = env.leads()[0].to_string();
    let full = ["delete", "Leads", id.as_str(), "--reason", "x", "--snapshot", "full"];
    let refused = |ran: Ran, why: &str| {
        let ran = ran.exits(2);
        assert!(ran.stderr.contains(why), "{ran}");
    };
    refused(env.journal(full), "needs somebody's key to encrypt to");
    let with = |more: &[&'static str]| -> Vec<String> {
        full.iter().chain(more).map(|word| (*word).to_owned()).collect()
    };
    for (more, why) in [
        (&["--snapshot-recipient", "anna"][..], "not an age recipient"),
        (
            &[
                "--snapshot-recipient",
                "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8q",
            ],
            "is no age recipient",
        ),
        (
            &[
                "--snapshot-recipient",
                "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX",
            ],
            "that is a secret key",
        ),
    ] {
        let args = with(more);
        let ran = env.journal(args.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(!ran.said().contains("GFPYY"), "{ran}");
        refused(ran, why);
    }
    env.set("JOURNAL_SNAPSHOT_RECIPIENT", "age1nonsense");
    refused(env.journal(full), "environment JOURNAL_SNAPSHOT_RECIPIENT");
    let key = Identity::generate().to_public().to_string();
    env.set("JOURNAL_SNAPSHOT_RECIPIENT", key);
    let args = with(&["--snapshot-retention", "0s"]);
    refused(
        env.journal(args.iter().map(String::as_str).collect::<Vec<_>>()),
        "too short or too long",
    );
    let alone = ["delete", "Leads", id.as_str(), "--reason", "x", "--snapshot-retention", "9d"];
    refused(env.journal(alone), "add --snapshot full, or leave them out");
    let untag =
        ["untag", "Leads", id.as_str(), "--tag", "A", "--reason", "x", "--snapshot", "full"];
    refused(env.journal(untag), "untag deletes no record, so there is no full snapshot");
    assert_eq!(env.sqlite().query_row("SELECT count(*) FROM request", [], |row| row.get(0)), Ok(0));
    // The retention has a default, and the recipient is nobody's in the log.
    let told =
        env.journal(full.iter().copied().chain(["--json"]).collect::<Vec<_>>()).exits(0).json();
    assert_eq!(told["full_snapshots"]["retention"], 90 * 24 * 3600);
    let log = env.journal(["log", "--kind", "request_recorded", "--json"]).exits(0).stdout;
    assert!(log.contains("\"full_retention_ms\":7776000000") && !log.contains("age1"), "{log}");
}

/// What stands between the program and Zoho: it hands every call on, but for those that it is told about.
struct Gate {
    url: String,
    /// How many calls it withheld.
    withheld: Arc<AtomicUsize>,
}

/// What becomes of a call that the gate withholds.
#[derive(Clone, Copy)]
enum Withheld {
    /// The connection closes.
    Closed,
    /// Nothing comes back while anybody waits.
    Silent,
}

impl Gate {
    /// Before this Zoho; `which` looks at the first line of each call.
    fn before(
        zoho: &str,
        how: Withheld,
        which: impl Fn(&str) -> bool + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (zoho, which) = (zoho.strip_prefix("http://").unwrap().to_owned(), Arc::new(which));
        let withheld = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&withheld);
        std::thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                let (zoho, which, count) = (zoho.clone(), Arc::clone(&which), Arc::clone(&count));
                std::thread::spawn(move || hand_on(socket, &zoho, &*which, how, &count));
            }
        });
        Self { url, withheld }
    }

    /// Waits until a call was withheld.
    fn wait(&self) {
        let began = Instant::now();
        while self.withheld.load(Ordering::SeqCst) == 0 {
            assert!(began.elapsed() < PATIENCE, "no such call came");
            std::thread::yield_now();
        }
    }
}

/// One call on one connection, which is closed after it. None of them has a body.
fn hand_on(
    mut socket: TcpStream,
    zoho: &str,
    which: &(dyn Fn(&str) -> bool + Send + Sync),
    how: Withheld,
    count: &AtomicUsize,
) {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        match socket.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return,
        }
    }
    let head = String::from_utf8(head).unwrap();
    if which(head.lines().next().unwrap()) {
        count.fetch_add(1, Ordering::SeqCst);
        if let Withheld::Silent = how {
            // Until whoever asked goes away.
            drop(socket.read(&mut byte));
        }
        return;
    }
    let mut upstream = TcpStream::connect(zoho).unwrap();
    let head = head.replacen("\r\n\r\n", "\r\nconnection: close\r\n\r\n", 1);
    upstream.write_all(head.as_bytes()).unwrap();
    // Whoever asked may be gone.
    drop(std::io::copy(&mut upstream, &mut socket));
}

fn is_whole_read(line: &str) -> bool {
    line.starts_with("GET ") && line.split(' ').nth(1).is_some_and(is_whole)
}

#[test]
fn a_copy_that_cannot_be_read_keeps_its_record_and_a_replay_finishes() {
    for how in [Withheld::Closed, Withheld::Silent] {
        let mut world = World::new(4);
        let ids = world.env.leads();
        world.record(&ids[..3], &[]);
        // Zoho answers one whole read, and no more.
        let seen = AtomicUsize::new(0);
        let which =
            move |line: &str| is_whole_read(line) && seen.fetch_add(1, Ordering::SeqCst) > 0;
        let gate = Gate::before(&world.env.zoho.api_url(), how, which);
        let direct = world.env.zoho.api_url();
        world.env.set("JOURNAL_API_URL", gate.url.clone());
        // The tries end it, and not the waiting between them, however long chance makes that.
        let sync = ["sync", "--yes", "--wait", "60s", "--timeout", "2s", "--json"];
        let ran = world.env.journal(sync).exits(4);
        assert_eq!((world.env.states().as_str(), world.files()), ("pending 3", 1), "{ran}");
        assert_eq!(world.env.sent(), 0);
        let stopped = ran.json_lines().into_iter().find(|line| line["type"] == "stopped");
        let why = stopped.map_or_else(|| ran.said(), |line| line.to_string());
        assert!(why.contains("whole records of Leads before deleting them"), "{ran}");
        verifies(&world.env);
        world.env.set("JOURNAL_API_URL", direct);
        world.env.journal(["replay", "--yes"]).exits(0);
        // The one of the first run was read anew.
        assert_eq!((world.env.states().as_str(), world.files()), ("done 3", 4));
        verifies(&world.env);
        world.env.agrees();
    }
}

#[test]
fn a_missing_scope_keeps_what_wants_a_copy_and_the_rest_goes_on() {
    let scopes = [
        "ZohoCRM.org.READ",
        "ZohoCRM.users.READ",
        "ZohoCRM.settings.ALL",
        "ZohoCRM.modules.DELETE",
    ];
    let scopes = Some(scopes.map(str::to_owned).to_vec());
    let world = World::with(Config { scopes, ..config(4) });
    let env = &world.env;
    let ids = env.leads();
    world.record(&ids[..3], &[]);
    env.record(&ids[3..]);
    let ran = env.journal(["sync", "--yes"]).exits(5);
    assert_eq!((env.states().as_str(), world.files()), ("done 1, pending 3", 0), "{ran}");
    assert!(
        ran.stderr.contains("reading whole records of Leads before deleting them (scope"),
        "{ran}"
    );
    assert!(ran.stderr.contains("OAUTH_SCOPE_MISMATCH"), "{ran}");
    verifies(env);
    env.agrees();
}

#[test]
fn what_is_not_there_has_no_copy_and_zoho_says_so() {
    let world = World::new(2);
    let env = &world.env;
    world.record(&[env.leads()[0], 615_574_000_009_999_999], &[]);
    env.journal(["sync", "--yes"]).exits(3);
    assert_eq!((env.states().as_str(), world.files()), ("done 1, failed 1", 1));
    let failed = env.entries().into_iter().find(|(.., state)| state == "failed").unwrap();
    let entry = format!("E{}", failed.0);
    let shown = env.journal(["show", &entry]).exits(0);
    assert!(shown.stdout.contains("none: there was no record to read"), "{shown}");
    let ran = env.journal(["snapshot", &entry, "-o", "out"]).exits(1);
    assert!(ran.stderr.contains(&format!("{entry} has no full snapshot")), "{ran}");
    // The same in a whole request: what there is is written.
    let ran = env.journal(["snapshot", "R1", "-o", "out", "--json"]).exits(1).json();
    assert_eq!(
        (ran["snapshots"].as_array().unwrap().len(), &ran["without"][0]),
        (1, &entry.into())
    );
    verifies(env);
}

#[test]
fn a_run_killed_between_copy_and_claim_deletes_nothing_and_the_next_one_copies_anew() {
    // Without a recycle bin records are looked at once more right before the claim.
    let records = vec![("Logs__c".to_owned(), 2)];
    let mut world = World::with(Config { records, ..Config::default() });
    let ids = lines(&world.env.zoho.snapshot().modules["Logs__c"].live);
    let args = ["delete", "Logs__c", "--from", "-", "--reason", "x", "--snapshot", "full"];
    world.env.journal_reading(args, ids).exits(0);
    let direct = world.env.zoho.api_url();
    let gate = Gate::before(&direct, Withheld::Silent, |line| {
        line.starts_with("GET ") && line.contains("/Logs__c?ids=")
    });
    world.env.set("JOURNAL_API_URL", gate.url.clone());
    let mut run = world.env.start(["sync", "--yes", "--timeout", "10m", "--quarantine", "11m"]);
    gate.wait();
    signal(&run, "KILL");
    run.wait().unwrap();
    assert_eq!((world.env.states().as_str(), world.files()), ("pending 2", 2));
    verifies(&world.env);
    world.env.set("JOURNAL_API_URL", direct);
    world.env.journal(["replay", "--yes"]).exits(0);
    assert_eq!((world.env.states().as_str(), world.files()), ("done 2", 4));
    assert_eq!(world.env.sent(), 1);
    // What no call can bring back is told with its copy.
    let report = world.env.journal(["undo-report", "-o", "undo.csv"]).exits(3);
    assert!(
        report.stdout.contains("Of 2 entries that no call can bring back a full copy is kept"),
        "{report}"
    );
    let csv = fs::read_to_string(world.env.dir.path().join("undo.csv")).unwrap();
    assert!(csv.contains("; a full copy is kept, encrypted: journal snapshot E1"), "{csv}");
    verifies(&world.env);
    world.env.agrees();
}

#[test]
fn caps_count_the_reads_and_every_run_gets_on() {
    let world = World::new(12);
    let env = &world.env;
    world.record(&env.leads(), &[]);
    for done in [3, 6, 9] {
        // Org, user and module, then as many whole records as leave room for their call.
        let ran = env.journal(["sync", "--yes", "--max-calls", "7", "--concurrency", "1"]).exits(6);
        assert_eq!(env.states(), format!("done {done}, pending {}", 12 - done), "{ran}");
    }
    env.journal(["sync", "--yes"]).exits(0);
    assert_eq!((env.states().as_str(), world.files()), ("done 12", 12));
    verifies(env);
}
