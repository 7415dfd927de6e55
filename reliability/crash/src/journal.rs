//! One command of the program: started, waited for, and what it said.

use std::fmt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde_json::Value;

/// No command takes so long, unless it hangs: a run waits two minutes for a lock that another process holds.
pub const PATIENCE: Duration = Duration::from_mins(3);

/// The exit codes that the README lists.
const DOCUMENTED: [i32; 13] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 130];

/// How a command ended and what it said.
#[derive(Debug)]
pub struct Ran {
    /// The exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Its data.
    pub stdout: String,
    /// Its talk.
    pub stderr: String,
    line: String,
}

impl Ran {
    fn of(line: String, output: &Output) -> Self {
        Self {
            code: output.status.code(),
            signal: output.status.signal(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            line,
        }
    }

    /// Whether it said that all was well.
    pub fn succeeded(&self) -> bool {
        self.code == Some(0)
    }

    /// Fails unless it ended with one of these codes.
    pub fn exits(self, codes: &[i32]) -> Result<Self> {
        ensure!(self.code.is_some_and(|code| codes.contains(&code)), "expected {codes:?}: {self}");
        Ok(self)
    }

    /// Fails when it panicked, or ended in a way that no document names.
    pub fn is_clean(&self) -> Result<()> {
        ensure!(!self.stderr.contains("panicked at"), "it panicked: {self}");
        if let Some(code) = self.code {
            ensure!(DOCUMENTED.contains(&code), "an exit code that is not documented: {self}");
            ensure!(
                code == 0 || !self.stderr.is_empty() || !self.stdout.is_empty(),
                "no word: {self}"
            );
        }
        Ok(())
    }

    /// Whether it said why it failed, if it did.
    pub fn spoke(&self) -> bool {
        self.code.is_none_or(|code| code == 0) || !self.stderr.is_empty() || !self.stdout.is_empty()
    }

    /// The lines of JSON on its stdout that came out whole.
    pub fn documents(&self) -> Vec<Value> {
        let whole = self.stdout.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        whole.filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// The last of them.
    pub fn document(&self) -> Result<Value> {
        self.documents().pop().ok_or_else(|| anyhow!("no JSON: {self}"))
    }
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { code, signal, stdout, stderr, line } = self;
        write!(f, "`{line}` ended with code {code:?}, signal {signal:?}\n{stdout}{stderr}")
    }
}

/// Starts a command in a process group of its own, with nothing to read and its output kept.
pub fn start(command: &mut Command) -> Result<Child> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.process_group(0).spawn().with_context(|| format!("starting {command:?}"))
}

/// Runs a command to its end, which has to come in time.
pub fn run(command: &mut Command) -> Result<Ran> {
    let words = command.get_args().map(|word| word.to_string_lossy().into_owned());
    let line = words.collect::<Vec<_>>().join(" ");
    let child = start(command)?;
    finish(line, child)
}

/// Waits for a started command.
pub fn finish(line: String, child: Child) -> Result<Ran> {
    let group = Pid::from_raw(i32::try_from(child.id())?);
    let (tell, told) = mpsc::channel();
    // The receiver waits for the answer, except for the end of this whole program.
    let wait = move || drop(tell.send(child.wait_with_output()));
    std::thread::Builder::new().name("waits".to_owned()).spawn(wait)?;
    if let Ok(output) = told.recv_timeout(PATIENCE) {
        return Ok(Ran::of(line, &output?));
    }
    killpg(group, Signal::SIGKILL).context("ending a command that hangs")?;
    let output = told.recv()??;
    bail!("it hangs: {}", Ran::of(line, &output));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Ran {
        run(Command::new("/bin/sh").args(["-c", script])).unwrap()
    }

    #[test]
    fn code_and_signal_are_told_apart_and_panics_are_seen() {
        assert!(shell("exit 0").succeeded());
        assert!(shell("echo no >&2; exit 12").exits(&[12]).is_ok());
        assert!(shell("exit 12").exits(&[0, 3]).is_err());
        let killed = shell("kill -9 $$");
        assert_eq!((killed.code, killed.signal), (None, Some(9)));
        assert!(killed.is_clean().is_ok());
        assert!(shell("echo \"thread main panicked at x\" >&2; exit 1").is_clean().is_err());
        assert!(shell("echo x; exit 101").is_clean().is_err());
        assert!(
            !shell("exit 1").spoke() && shell("exit 0").spoke() && shell("echo x; exit 1").spoke()
        );
    }

    #[test]
    fn only_lines_that_came_out_whole_are_read() {
        let ran = shell(r#"printf '{"a":1}\n{"b":2}'"#);
        assert_eq!(ran.documents(), [serde_json::json!({"a": 1})]);
    }
}
