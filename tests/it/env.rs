//! The real binary in an environment of its own, and a simulated Zoho in this process.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use serde_json::Value;
use tempfile::TempDir;
use zoho_journal::simulator::{Config, Simulator, WriteSeen};

use crate::world::agree;

/// Nothing here takes so long; a test that would hang fails instead.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// A home directory, a journal's path, and a Zoho.
pub struct Env {
    pub dir: TempDir,
    pub zoho: Simulator,
    /// Each write call as it arrives.
    pub writes: Receiver<WriteSeen>,
    vars: BTreeMap<String, String>,
}

/// How a command ended and what it said.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
    line: String,
}

pub fn config(leads: usize) -> Config {
    Config { records: vec![("Leads".to_owned(), leads)], ..Config::default() }
}

impl Env {
    /// A Zoho with so many leads and a new journal.
    pub fn new(leads: usize) -> Self {
        Self::with(config(leads))
    }

    pub fn with(config: Config) -> Self {
        let env = Self::without_journal(config);
        env.journal(["init"]).exits(0);
        env
    }

    pub fn without_journal(config: Config) -> Self {
        let (seen, writes) = channel();
        let seen = std::sync::Mutex::new(seen);
        let hook = move |write: &WriteSeen| {
            // A test that does not look at writes has dropped nothing: the receiver lives in the Env.
            seen.lock().unwrap().send(write.clone()).ok();
        };
        let config = Config { on_write: Some(Arc::new(hook)), retry_after_s: 0, ..config };
        let zoho = Simulator::start_blocking(config).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name).display().to_string();
        let vars = [
            ("HOME", at("home")),
            ("XDG_DATA_HOME", at("data")),
            ("XDG_CONFIG_HOME", at("config")),
            ("XDG_CACHE_HOME", at("cache")),
            ("JOURNAL_DB", at("journal.db")),
            ("JOURNAL_API_URL", zoho.api_url()),
            ("JOURNAL_QUARANTINE", "200ms".to_owned()),
            ("ZOHO_ACCESS_TOKEN", zoho.access_token()),
        ];
        let vars = vars.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        std::fs::create_dir(dir.path().join("home")).unwrap();
        Self { dir, zoho, writes, vars }
    }

    pub fn set(&mut self, name: &str, value: impl Into<String>) -> &mut Self {
        self.vars.insert(name.to_owned(), value.into());
        self
    }

    pub fn unset(&mut self, name: &str) -> &mut Self {
        self.vars.remove(name);
        self
    }

    pub fn db(&self) -> PathBuf {
        PathBuf::from(&self.vars["JOURNAL_DB"])
    }

    /// A file in the environment's own directory.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.dir.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.display().to_string()
    }

    pub fn command<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_journal"));
        command.args(args).env_clear().envs(&self.vars).current_dir(self.dir.path());
        command
    }

    /// The program in a shell, for pipes, limits and signals that are ignored. `"$@"` is the program.
    pub fn shell<'a>(&self, script: &str, args: impl IntoIterator<Item = &'a str>) -> Ran {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script, "sh", env!("CARGO_BIN_EXE_journal")]).args(args);
        command.env_clear().envs(&self.vars).env("PATH", "/usr/bin:/bin");
        command.current_dir(self.dir.path()).stdin(Stdio::null());
        Ran::of(script, &command.output().unwrap())
    }

    /// Runs to the end, with nothing on standard input.
    pub fn journal<'a>(&self, args: impl IntoIterator<Item = &'a str> + Clone) -> Ran {
        let output = self.command(args.clone()).stdin(Stdio::null()).output().unwrap();
        Ran::of(&words(args), &output)
    }

    /// Runs to the end with this on standard input.
    pub fn journal_reading<'a>(
        &self,
        args: impl IntoIterator<Item = &'a str> + Clone,
        input: impl AsRef<[u8]>,
    ) -> Ran {
        let mut child = self.spawn(args.clone(), Stdio::piped());
        // Who refuses early does not read to the end.
        child.stdin.take().unwrap().write_all(input.as_ref()).ok();
        Ran::of(&words(args), &child.wait_with_output().unwrap())
    }

    /// Starts it with its output kept.
    pub fn start<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Child {
        self.spawn(args, Stdio::null())
    }

    fn spawn<'a>(&self, args: impl IntoIterator<Item = &'a str>, stdin: Stdio) -> Child {
        let mut command = self.command(args);
        command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    }

    /// Records the deletion of these leads, one id a line, and gives the request's name.
    pub fn record(&self, ids: &[u64]) -> String {
        let args = ["delete", "Leads", "--from", "-", "--reason", "clean-up", "--json"];
        let recorded = self.journal_reading(args, lines(ids)).exits(0).json();
        recorded["request_id"].as_str().unwrap().to_owned()
    }

    pub fn leads(&self) -> Vec<u64> {
        self.zoho.snapshot().modules["Leads"].live.clone()
    }

    /// How many write calls reached Zoho.
    pub fn sent(&self) -> usize {
        self.zoho.requests().iter().filter(|one| one.is_write).count()
    }

    /// The next write call.
    pub fn next_write(&self) -> WriteSeen {
        self.writes.recv_timeout(PATIENCE).expect("no write call came")
    }

    /// The journal through a plain SQLite client that only reads.
    pub fn sqlite(&self) -> Connection {
        let conn = Connection::open_with_flags(self.db(), OpenFlags::SQLITE_OPEN_READ_ONLY);
        conn.unwrap()
    }

    /// How many events the log holds.
    pub fn events(&self) -> i64 {
        self.sqlite().query_row("SELECT size FROM head", [], |row| row.get(0)).unwrap()
    }

    /// Every entry with its record and state.
    pub fn entries(&self) -> Vec<(i64, u64, String)> {
        let conn = self.sqlite();
        let sql = "SELECT e.id, e.target, w.name FROM entry e
                   JOIN word w ON w.kind = 'state' AND w.number = e.state ORDER BY e.id";
        let mut statement = conn.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| {
            let (entry, target): (i64, i64) = (row.get(0)?, row.get(1)?);
            Ok((entry, u64::try_from(target).unwrap(), row.get(2)?))
        });
        rows.unwrap().map(Result::unwrap).collect()
    }

    /// How many entries stand in each state, as `done 3, failed 1`.
    pub fn states(&self) -> String {
        let mut totals: BTreeMap<String, u64> = BTreeMap::new();
        for (_, _, state) in self.entries() {
            *totals.entry(state).or_default() += 1;
        }
        let words: Vec<String> = totals.iter().map(|(state, n)| format!("{state} {n}")).collect();
        words.join(", ")
    }

    /// The journal tells the truth about Zoho, item by item: nothing was done twice by our calls, `done` was
    /// done by one, `absent` not by one, and no call changed anything of the others, but for those that
    /// nobody claims to know about.
    #[track_caller]
    pub fn agrees(&self) {
        agree(&self.db(), &self.zoho);
    }
}

impl Ran {
    fn of(line: &str, output: &Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout.clone()).unwrap(),
            stderr: String::from_utf8(output.stderr.clone()).unwrap(),
            line: line.to_owned(),
        }
    }

    pub fn of_child(child: Child) -> Self {
        Self::of("(in the background)", &child.wait_with_output().unwrap())
    }

    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self}");
        self
    }

    /// The one JSON document on stdout.
    #[track_caller]
    pub fn json(&self) -> Value {
        let [document] = &self.json_lines()[..] else { panic!("not one document: {self}") };
        document.clone()
    }

    #[track_caller]
    pub fn json_lines(&self) -> Vec<Value> {
        let parse = |line: &str| -> Value {
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}: {self}"))
        };
        self.stdout.lines().map(parse).collect()
    }

    /// The last line of a run.
    #[track_caller]
    pub fn summary(&self) -> Value {
        let last = self.json_lines().pop().unwrap_or_default();
        assert_eq!(last["type"], "summary", "{self}");
        assert_eq!(last["exit_code"].as_i64(), self.code.map(i64::from), "{self}");
        last
    }

    /// The error with `--json`: one document with these keys and no others.
    #[track_caller]
    pub fn error(&self) -> String {
        let document = self.json();
        let error = document["error"].as_object().unwrap_or_else(|| panic!("no error: {self}"));
        assert_eq!(error.keys().collect::<Vec<_>>(), ["code", "hint", "message"], "{self}");
        assert_eq!(error["code"].as_i64(), self.code.map(i64::from), "{self}");
        error["message"].as_str().unwrap().to_owned()
    }

    /// What it said on both, stdout first.
    pub fn said(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }
}

impl std::fmt::Display for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let code = self.code.map_or_else(|| "a signal".to_owned(), |code| code.to_string());
        write!(f, "journal {} ended with {code}\n{}{}", self.line, self.stdout, self.stderr)
    }
}

fn words<'a>(args: impl IntoIterator<Item = &'a str>) -> String {
    args.into_iter().collect::<Vec<_>>().join(" ")
}

/// One id a line.
pub fn lines(ids: &[u64]) -> String {
    let mut text = String::new();
    for id in ids {
        writeln!(text, "{id}").unwrap();
    }
    text
}

/// Sends a signal, such as `INT`.
pub fn signal(child: &Child, name: &str) {
    let script = format!("kill -{name} {}", child.id());
    assert!(Command::new("/bin/sh").args(["-c", &script]).status().unwrap().success());
}

/// Snapshots without what differs from run to run.
pub fn filtered(env: &Env, check: impl FnOnce()) {
    let mut settings = insta::Settings::clone_current();
    let dir = env.dir.path().display().to_string();
    settings.add_filter(&plain(&dir), "[DIR]");
    settings.add_filter(&plain(&env.zoho.api_url()), "[ZOHO]");
    settings.add_filter(&env.zoho.org_id().to_string(), "[ORG]");
    settings.add_filter(r"\b[0-9a-f]{32}\b", "[JOURNAL]");
    settings.add_filter(r"\[JOURNAL\]\+[0-9a-f]{8}\+[A-Za-z0-9+/=]+", "[JOURNAL]+[KEY]");
    settings.add_filter(r"\b\d{4}-\d\d-\d\dT[0-9:.]+Z", "[TIME]");
    settings.add_filter(r"process id \d+", "process id [PID]");
    settings.add_filter(r" on [^ ,]+, since", " on [HOST], since");
    settings.bind(check);
}

fn plain(text: &str) -> String {
    text.chars()
        .flat_map(|c| (!c.is_alphanumeric()).then_some('\\').into_iter().chain([c]))
        .collect()
}

/// The user who runs the tests.
pub fn whoami(env: &Env) -> String {
    let ran = env.shell("id -un", []);
    ran.stdout.trim().to_owned()
}

/// Whether a path is there.
pub fn exists(path: impl AsRef<Path>) -> bool {
    path.as_ref().exists()
}
