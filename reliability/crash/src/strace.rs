//! `strace` as a tool that lists system calls, kills at one, or lets one fail; and what it wrote down.

use std::ffi::OsString;
use std::fmt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::str::FromStr;

use anyhow::{anyhow, bail};

/// The errors that calls are made to fail with.
const ERRORS: [&str; 2] = ["EIO", "ENOSPC"];

/// What happens at a system call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Blow {
    /// The process is killed before the call is made.
    Kill,
    /// The call fails with this error, once.
    Once(&'static str),
    /// This call and all later ones like it fail.
    ForEver(&'static str),
}

impl fmt::Display for Blow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kill => f.write_str("KILL"),
            Self::Once(error) => f.write_str(error),
            Self::ForEver(error) => write!(f, "{error}+"),
        }
    }
}

impl FromStr for Blow {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let (name, for_ever) = text.strip_suffix('+').map_or((text, false), |name| (name, true));
        let known = |error: &&&str| **error == name;
        Ok(match (ERRORS.iter().find(known), for_ever) {
            (Some(error), true) => Self::ForEver(error),
            (Some(error), false) => Self::Once(error),
            (None, _) if text == "KILL" => Self::Kill,
            (None, _) => bail!("{text} is neither KILL nor EIO, EIO+, ENOSPC or ENOSPC+"),
        })
    }
}

/// One place to strike: a call by its name, on a file or on anything, and the how-manieth of its thread it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Point {
    /// The system call.
    pub call: String,
    /// The file that it must be about, relative to the journal's directory.
    pub on: Option<String>,
    /// From 1, counted within each thread.
    pub when: u32,
    /// What happens.
    pub blow: Blow,
}

/// As `fdatasync@journal.db-wal:3:KILL`, which `--point` takes.
impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.call)?;
        if let Some(on) = &self.on {
            write!(f, "@{on}")?;
        }
        write!(f, ":{}:{}", self.when, self.blow)
    }
}

impl FromStr for Point {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let form = || anyhow!("\"{text}\" is no point: write fdatasync@journal.db-wal:3:KILL");
        let (rest, blow) = text.rsplit_once(':').ok_or_else(form)?;
        let (call, when) = rest.rsplit_once(':').ok_or_else(form)?;
        let (call, on) = call.split_once('@').map_or((call, None), |(call, on)| (call, Some(on)));
        Ok(Self {
            call: call.to_owned(),
            on: on.map(str::to_owned),
            when: when.parse().map_err(|_| form())?,
            blow: blow.parse()?,
        })
    }
}

/// What of a command `strace` looks at.
#[derive(Debug, Clone, Copy)]
pub enum Watch<'a> {
    /// These calls are written down with their files.
    List(&'a [&'a str]),
    /// This is done, in the journal's directory.
    Strike(&'a Point),
}

/// Whether there is a `strace` here that may trace.
pub fn works() -> bool {
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-e", "trace=none", "true"]);
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// The words that come before the program's own: `strace` and what it is to do.
pub fn words(watch: Watch<'_>, dir: &Path, notes: &Path) -> Vec<OsString> {
    let mut words: Vec<OsString> = ["strace", "-f", "-q", "-s", "0"].map(OsString::from).to_vec();
    // Faster by half, but then it sends no signals.
    if !matches!(watch, Watch::Strike(Point { blow: Blow::Kill, .. })) {
        words.push("--seccomp-bpf".into());
    }
    words.extend(["-o".into(), notes.into()]);
    match watch {
        Watch::List(calls) => {
            words.extend(["-y".into(), "-e".into(), format!("trace={}", calls.join(",")).into()]);
        }
        Watch::Strike(point) => {
            let call = &point.call;
            let what = match point.blow {
                Blow::Kill => format!("signal=KILL:when={}", point.when),
                Blow::Once(error) => format!("error={error}:when={}", point.when),
                Blow::ForEver(error) => format!("error={error}:when={}+", point.when),
            };
            // Only a call that is traced is struck.
            words.extend(["-e".into(), format!("trace={call}").into()]);
            words.extend(["-e".into(), format!("inject={call}:{what}").into()]);
            if let Some(on) = &point.on {
                words.extend(["-P".into(), dir.join(on).into()]);
            }
        }
    }
    words.push("--".into());
    words
}

/// Whether the notes say that the blow fell.
pub fn struck(notes: &str, blow: Blow) -> bool {
    match blow {
        Blow::Kill => notes.lines().any(|line| line.ends_with("+++ killed by SIGKILL +++")),
        Blow::Once(_) | Blow::ForEver(_) => notes.lines().any(|line| line.ends_with("(INJECTED)")),
    }
}

/// A call as it was written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The thread that made it.
    pub thread: u32,
    /// Its name.
    pub name: String,
    /// What it is about.
    pub about: About,
    /// Whether it gives a lock back.
    pub unlocks: bool,
}

/// What a call is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum About {
    /// A path, as given or as that of the descriptor.
    Path(String),
    /// A connection.
    Socket,
    /// None of these.
    Other,
}

/// The calls of notes made with [`Watch::List`], in their order.
pub fn calls(notes: &str) -> Vec<Call> {
    notes.lines().filter_map(call).collect()
}

/// `1234  openat(AT_FDCWD</tmp>, "/tmp/x", O_RDONLY) = 3</tmp/x>`, also where it is unfinished; no line on which a
/// call that was begun before goes on.
fn call(line: &str) -> Option<Call> {
    let (thread, rest) = line.split_once(' ')?;
    let thread = thread.parse().ok()?;
    let (name, arguments) = rest.trim_start().split_once('(')?;
    let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let unlocks = arguments.contains("F_UNLCK") && !arguments.contains("F_GETLK");
    is_name.then(|| Call { thread, name: name.to_owned(), about: about(name, arguments), unlocks })
}

fn about(name: &str, arguments: &str) -> About {
    // With a path the directory's descriptor comes first, and says nothing; a mapping's comes late.
    let quoted = arguments.split_once('"').and_then(|(_, rest)| rest.split_once('"'));
    let descriptor = if name == "mmap" {
        arguments.split(", ").nth(4).unwrap_or_default()
    } else {
        arguments.split([',', ')']).next().unwrap_or_default()
    };
    let takes_path = [
        "openat",
        "unlink",
        "unlinkat",
        "rename",
        "renameat",
        "renameat2",
        "mkdir",
        "mkdirat",
        "chmod",
        "fchmodat",
        "link",
        "linkat",
        "statx",
        "newfstatat",
    ];
    let descriptor = descriptor.split(" <unfinished").next().unwrap_or_default();
    let of_descriptor = descriptor.split_once('<').and_then(|(_, path)| path.strip_suffix('>'));
    if takes_path.contains(&name)
        && let Some((path, _)) = quoted.filter(|(path, _)| !path.is_empty())
    {
        return About::Path(path.to_owned());
    }
    match of_descriptor {
        Some(path) if path.starts_with('/') => About::Path(path.to_owned()),
        Some(socket) if socket.starts_with("socket:") || socket.starts_with("TCP") => About::Socket,
        Some(_) | None => About::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTES: &str = r#"100   openat(AT_FDCWD</tmp>, "/tmp/j/journal.db", O_RDWR|O_NOFOLLOW|O_CLOEXEC) = 3</tmp/j/journal.db>
101   pread64(3</tmp/j/journal.db>, ""..., 4096, 0) = 4096
101   fdatasync(4</tmp/j/journal.db-wal> <unfinished ...>
100   recvfrom(9<socket:[812]>, ""..., 8192, 0, NULL, NULL) = 120
101   <... fdatasync resumed>)         = 0
100   mmap(NULL, 32768, PROT_READ|PROT_WRITE, MAP_SHARED, 5</tmp/j/journal.db-shm>, 0) = 0x7f0
100   statx(3</tmp/j/journal.db>, "", AT_EMPTY_PATH, STATX_ALL, {...}) = 0
100   fcntl(5</tmp/j/journal.db-shm>, F_SETLK, {l_type=F_UNLCK, l_whence=SEEK_SET, l_start=120, l_len=1}) = 0
100   --- SIGPIPE {si_signo=SIGPIPE} ---
100   rename("/tmp/j/.a.tmp", "/tmp/j/a") = 0
100   +++ exited with 0 +++
"#;

    #[test]
    fn calls_are_read_with_thread_name_and_file() {
        let seen: Vec<(u32, String, About)> =
            calls(NOTES).into_iter().map(|call| (call.thread, call.name, call.about)).collect();
        let path = |text: &str| About::Path(text.to_owned());
        let expected = [
            (100, "openat", path("/tmp/j/journal.db")),
            (101, "pread64", path("/tmp/j/journal.db")),
            (101, "fdatasync", path("/tmp/j/journal.db-wal")),
            (100, "recvfrom", About::Socket),
            (100, "mmap", path("/tmp/j/journal.db-shm")),
            (100, "statx", path("/tmp/j/journal.db")),
            (100, "fcntl", path("/tmp/j/journal.db-shm")),
            (100, "rename", path("/tmp/j/.a.tmp")),
        ];
        let expected: Vec<_> = expected
            .into_iter()
            .map(|(thread, name, about)| (thread, name.to_owned(), about))
            .collect();
        assert_eq!(seen, expected);
        let unlocking: Vec<String> =
            calls(NOTES).into_iter().filter(|call| call.unlocks).map(|call| call.name).collect();
        assert_eq!(unlocking, ["fcntl"]);
    }

    #[test]
    fn a_blow_that_fell_is_told_from_one_that_did_not() {
        let failed = "7  write(1, \"\"..., 2) = -1 EIO (Input/output error) (INJECTED)\n7  +++ exited with 1 +++\n";
        let resumed = "7  <... write resumed>) = -1 EIO (Input/output error) (INJECTED)\n";
        let killed = "7  write(1, \"\"..., 2) = ?\n7  +++ killed by SIGKILL +++\n";
        assert!(struck(failed, Blow::Once("EIO")) && struck(resumed, Blow::ForEver("EIO")));
        assert!(struck(killed, Blow::Kill));
        assert!(!struck(NOTES, Blow::Kill) && !struck(NOTES, Blow::Once("EIO")));
        assert!(!struck(failed, Blow::Kill) && !struck(killed, Blow::Once("EIO")));
    }

    #[test]
    fn only_the_call_that_is_struck_is_traced() {
        let point = Point {
            call: "fdatasync".to_owned(),
            on: Some("journal.db-wal".to_owned()),
            when: 3,
            blow: Blow::ForEver("ENOSPC"),
        };
        let words = words(Watch::Strike(&point), Path::new("/tmp/j"), Path::new("/tmp/n"));
        let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
        let line = words.join(" ");
        assert!(line.ends_with(
            "-e trace=fdatasync -e inject=fdatasync:error=ENOSPC:when=3+ -P /tmp/j/journal.db-wal --"
        ));
    }

    #[test]
    fn a_point_is_read_back_from_what_is_shown() {
        for text in ["fdatasync@journal.db-wal:3:ENOSPC+", "connect:1:KILL", "read@keys/ab:12:EIO"]
        {
            assert_eq!(text.parse::<Point>().unwrap().to_string(), text);
        }
        for bad in ["", "read", "read:1", "read:x:EIO", "read:1:EPERM"] {
            assert!(bad.parse::<Point>().is_err(), "{bad}");
        }
    }
}
