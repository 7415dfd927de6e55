//! Errors of commands: what happened, which exit code, and what to type next.

use std::error::Error;
use std::io::ErrorKind;
use std::path::Path;

use crate::cli::exit::Exit;
use crate::cli::output::{OutputError, Report};
use crate::evidence::anchor::AnchorState;
use crate::evidence::keeper::KeeperError;
use crate::evidence::key::KeyError;
use crate::platform::{FileProblem, shell_quoted};
use crate::store::StoreError;
use crate::store::moving::Departure;

/// What to do when the disk is full.
const MAKE_ROOM: &str =
    "the disk is full; what was reported before is safe: make room and run it again";

/// What to do with a copy.
const COPY: &str = "it can be listed, exported and verified; give the journal itself with --db; where that is lost, \
                    journal adopt --reason TEXT makes a journal of the copy";

/// What to do while it is paused.
const RESUME: &str = "journal resume ends the pause; nothing was sent";

/// A command failed.
#[derive(Debug)]
pub struct CliError {
    exit: Exit,
    source: Box<dyn Error + Send + Sync>,
    hint: Option<String>,
}

impl CliError {
    /// An error with its exit code.
    pub fn new(exit: Exit, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { exit, source: source.into(), hint: None }
    }

    /// Adds what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds what to do, where nothing better is known.
    #[must_use]
    pub fn or_hint(mut self, hint: &str) -> Self {
        self.hint.get_or_insert_with(|| hint.to_owned());
        self
    }

    /// How the command ended.
    pub fn exit(&self) -> Exit {
        self.exit
    }

    /// As it is told.
    pub fn report(&self) -> Report {
        Report::of(self.exit.code(), self.source.as_ref(), self.hint.clone())
    }

    /// Whether the reader of our output went away, which is no error.
    pub fn is_closed_output(&self) -> bool {
        matches!(self.source.downcast_ref(), Some(OutputError::Closed))
    }
}

impl From<OutputError> for CliError {
    fn from(error: OutputError) -> Self {
        Self::new(Exit::Error, error)
    }
}

impl From<StoreError> for CliError {
    fn from(error: StoreError) -> Self {
        let (exit, hint) = match &error {
            StoreError::NoJournal(path) => (
                Exit::NoJournal,
                Some(format!(
                    "journal init --db {} makes one; or give the right --db",
                    shell_quoted(path)
                )),
            ),
            StoreError::Exists(_) => (
                Exit::Error,
                Some("a journal is never overwritten: choose another --db".to_owned()),
            ),
            StoreError::NotAJournal { .. } | StoreError::HalfMade(_) => {
                (Exit::Error, Some("check --db, JOURNAL_DB and the profile".to_owned()))
            }
            StoreError::SchemaTooNew { .. } => {
                (Exit::Error, Some("use the newer program that wrote it".to_owned()))
            }
            StoreError::SchemaTooOld { .. } => (
                Exit::Error,
                Some(
                    "the next command that writes upgrades it, after a copy: journal sync"
                        .to_owned(),
                ),
            ),
            StoreError::Copy(_) => (Exit::Error, Some(COPY.to_owned())),
            StoreError::Departed(departure) => (Exit::Refused, Some(elsewhere(departure))),
            StoreError::BadCopy { .. } => (
                Exit::Error,
                Some("journal verify says whether the journal itself is damaged".to_owned()),
            ),
            StoreError::DiskFull { .. } => (Exit::Error, Some(MAKE_ROOM.to_owned())),
            StoreError::Busy { .. } => {
                (Exit::Error, Some("wait for the other command to end and try again".to_owned()))
            }
            StoreError::OtherTarget { .. } => (
                Exit::Refused,
                Some(
                    "use the journal of that target, or journal init --db for a new one".to_owned(),
                ),
            ),
            StoreError::OverCap { entries, .. } => (
                Exit::Refused,
                Some(format!("look at journal plan, then allow it with --max-entries {entries}")),
            ),
            StoreError::Paused(_) => (Exit::Refused, Some(RESUME.to_owned())),
            StoreError::StaleRun { .. } => {
                (Exit::AlreadyRunning, Some("journal status shows the run that is on".to_owned()))
            }
            StoreError::Corrupt { .. } | StoreError::Event { .. } => {
                (Exit::Error, Some("journal verify says what is damaged".to_owned()))
            }
            StoreError::NotFound(_) => {
                (Exit::Error, Some("journal list shows what is recorded".to_owned()))
            }
            StoreError::Unsafe(_)
            | StoreError::Io { .. }
            | StoreError::Sqlite { .. }
            | StoreError::Conflict { .. }
            | StoreError::Transition(_)
            | StoreError::Entropy(_)
            | StoreError::WriterGone => (Exit::Error, None),
        };
        Self { exit, source: Box::new(error), hint }
    }
}

impl From<KeeperError> for CliError {
    fn from(error: KeeperError) -> Self {
        let hint = match error {
            KeeperError::Store(error) => return error.into(),
            KeeperError::NotAnchored { ref state, .. } => {
                let hint = unanchored(state);
                return Self::new(Exit::NotVerified, error).hint(hint);
            }
            KeeperError::NotWhole { .. } => {
                let hint = "keep a copy of every file; journal verify lists all that is wrong: go on with a backup \
                            that verifies";
                return Self::new(Exit::NotVerified, error).hint(hint);
            }
            KeeperError::NothingToAdopt { .. } => {
                return Self::new(Exit::Refused, error)
                    .hint("it can be used as it is: journal status");
            }
            KeeperError::BatchIsOpen(_) => {
                let hint = "journal replay finds out what became of it; then move the journal";
                return Self::new(Exit::Refused, error).hint(hint);
            }
            KeeperError::Interrupted { ref remains, .. } => {
                let files: Vec<String> = remains.iter().map(|file| shell_quoted(file)).collect();
                Some(format!("rm {} and run journal init again", files.join(" ")))
            }
            KeeperError::NotPublished(_) => {
                Some("the next writing command publishes it; journal verify checks it".to_owned())
            }
            KeeperError::Key(KeyError::Damaged { .. }) => {
                Some("put its backup back, or move it away: then a new key is made".to_owned())
            }
            KeeperError::RunIsOn { .. } => {
                let hint = "wait for it to end; journal status shows how it goes";
                return Self::new(Exit::AlreadyRunning, error).hint(hint);
            }
            KeeperError::RunGoesOn { .. } | KeeperError::RunUsesKey { .. } => {
                let hint =
                    "nothing was changed; wait for it to end: journal status shows how it goes";
                return Self::new(Exit::AlreadyRunning, error).hint(hint);
            }
            KeeperError::BackupTaken(ref path) => {
                Some(format!("move {} away and run it again", shell_quoted(path)))
            }
            KeeperError::CopyTaken(ref path)
                if path.extension().is_some_and(|end| end == "part") =>
            {
                Some(
                    "another backup is being made there, or one was killed: then remove it"
                        .to_owned(),
                )
            }
            KeeperError::CopyTaken(_) => Some("choose another name for the copy".to_owned()),
            KeeperError::Unsupported(_)
            | KeeperError::Rights(_)
            | KeeperError::Network { .. }
            | KeeperError::GroupDirectory { .. }
            | KeeperError::LeftOver(_)
            | KeeperError::Key(_)
            | KeeperError::Note(_)
            | KeeperError::Entropy(_) => None,
        };
        Self { exit: Exit::Error, source: Box::new(error), hint }
    }
}

/// What to do where a journal is closed.
fn elsewhere(departure: &Departure) -> String {
    let there = departure.to.as_ref().map_or_else(
        || "go on with the journal there".to_owned(),
        |to| format!("go on there: journal --db {} status", shell_quoted(Path::new(to))),
    );
    format!(
        "{there}; nothing is written here any more; only where that file is lost: journal adopt --reason TEXT"
    )
}

/// What to do with a journal that does not extend its anchor.
fn unanchored(state: &AnchorState) -> &'static str {
    match state {
        AnchorState::Extends { .. } | AnchorState::Behind { .. } | AnchorState::Missing => {
            "keep a copy of every file and run journal verify; if there is a newer copy, put that one back; else \
             journal adopt --reason TEXT goes on from here: what the lost part of the log may have sent is read \
             at Zoho before anything is sent"
        }
        AnchorState::Forked { .. } => {
            "keep a copy of every file and run journal verify: this is no older copy, so journal adopt does not \
             help; go on with a backup that verifies (put it in this one's place, then journal adopt --reason TEXT)"
        }
        AnchorState::BadSignature(_) | AnchorState::Unreadable(_) => {
            "keep a copy of every file and run journal verify; if the right .anchor file is lost, move this one \
             away: then it counts as missing, and journal adopt --reason TEXT goes on"
        }
    }
}

/// Errors that are the user's data or surroundings, exit code 1.
macro_rules! plain_errors {
    ($($kind:ty),+ $(,)?) => {$(
        impl From<$kind> for CliError {
            fn from(error: $kind) -> Self {
                Self::new(Exit::Error, error)
            }
        }
    )+};
}
plain_errors!(std::io::Error, serde_json::Error);

impl From<FileProblem> for CliError {
    fn from(error: FileProblem) -> Self {
        let full = matches!(&error, FileProblem::Io { source, .. } if source.kind() == ErrorKind::StorageFull);
        let told = Self::new(Exit::Error, error);
        if full { told.hint(MAKE_ROOM) } else { told }
    }
}

impl From<crate::config::ConfigError> for CliError {
    fn from(error: crate::config::ConfigError) -> Self {
        Self::new(Exit::Usage, error)
            .hint("journal config show lists every setting and where it comes from")
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::platform::FileProblem;

    #[test]
    fn a_journal_that_cannot_be_kept_has_the_exit_code_of_the_contract() {
        let path = PathBuf::from("acme.db");
        let told = |error: KeeperError| {
            let error = CliError::from(error);
            (error.exit().code(), error.report().hint.unwrap_or_default())
        };
        let unanchored =
            KeeperError::NotAnchored { path: path.clone(), state: Box::new(AnchorState::Missing) };
        let (code, hint) = told(unanchored);
        assert_eq!(code, 12);
        assert!(hint.contains("journal verify"), "{hint}");
        let (code, hint) = told(StoreError::NoJournal(path.clone()).into());
        assert_eq!(code, 10);
        assert!(hint.contains("journal init"), "{hint}");
        assert_eq!(told(FileProblem::Link(path.clone()).into()).0, 1);
        let remains = vec![path.clone(), PathBuf::from("my acme.db-wal")];
        let (code, hint) = told(KeeperError::Interrupted { path, remains });
        assert_eq!(code, 1);
        assert_eq!(hint, "rm acme.db 'my acme.db-wal' and run journal init again");
    }
}
