//! The journal's file, what lies around it, and whose it is.

use std::path::Path;

use crate::cli::context::Context;
use crate::cli::doctor::check::{Check, Kind};
use crate::cli::doctor::to_set;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::output::words::counted;
use crate::cli::spending::Spending;
use crate::cli::standing;
use crate::cli::status::{Activity, activity, holds_to_review};
use crate::config::Key;
use crate::domain::plan::RequestOverview;
use crate::evidence::anchor::{Anchor, AnchorState};
use crate::evidence::keeper::{KeeperError, check_writer, lock_path};
use crate::platform::{self, Access, Sharing, shell_quoted};
use crate::store::Reader;
use crate::store::run::Binding;
use crate::store::shredding::FullSnapshotCounts;
use crate::store::upgrade::Older;

/// What the journal told.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Whose it is.
    pub(super) bound: Bound,
    /// Its requests that are not settled.
    pub(super) open: Vec<RequestOverview>,
}

/// Where a journal belongs.
#[derive(Debug, Default)]
pub(super) enum Bound {
    /// Nowhere yet: there is no journal, or no request in it.
    #[default]
    Nowhere,
    /// To this target, since its first request was recorded.
    To(Binding),
    /// It is there and cannot be read: it may belong anywhere, so that no token is sent.
    Unknown,
}

impl Bound {
    /// The org, once a run has bound it.
    pub(super) fn org(&self) -> Option<&str> {
        match self {
            Self::To(binding) => binding.org.as_deref(),
            Self::Nowhere | Self::Unknown => None,
        }
    }
}

/// Looks at the journal.
pub(super) fn look(context: &Context, checks: &mut Vec<Check>) -> Found {
    let db = context.db();
    if std::fs::symlink_metadata(&db)
        .is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound)
    {
        let message = format!("there is none at {}", shell_quoted(&db));
        let remedy = context.command("init");
        checks.push(Check::problem(Kind::NoJournal, "journal", message).remedy(remedy));
        checks.push(file_system(&db));
        return Found::default();
    }
    checks.push(file_system(&db));
    checks.push(rights(&db));
    // The anchor first: a writer in between would else make the journal look older than its anchor.
    let anchor = Sharing::seen_at(&db).map(|sharing| Anchor::of(&db, sharing).read(Access::Read));
    let reader = match context.reader() {
        Ok(reader) => reader,
        Err(error) => {
            checks.push(told("journal", &error));
            return Found { bound: Bound::Unknown, open: Vec::new() };
        }
    };
    checks.push(journal(&db, &reader));
    checks.extend(closed(context, &reader));
    checks.push(schema(&reader));
    if let Ok(published) = anchor {
        checks.push(match published.check(&reader, None) {
            Ok(state) => anchored(&state, context),
            Err(error) => told("anchor", &error.into()),
        });
    }
    checks.push(run(context, &reader));
    checks.push(spending(context, &reader));
    checks.extend(decisions(context, &reader));
    checks.extend(unswept(context, &reader));
    checks.extend(snapshots_due(context, &reader));
    found(&reader, checks)
}

/// What people decided that keeps runs back, and what somebody should look at.
fn decisions(context: &Context, reader: &Reader) -> Vec<Check> {
    let mut checks = Vec::new();
    match reader.pause() {
        Ok(Some(pause)) => checks.push(
            Check::warning("pause", format!("{pause}; no run sends anything"))
                .remedy(context.command("resume")),
        ),
        Ok(None) => {}
        Err(error) => checks.push(told("pause", &error.into())),
    }
    match reader.holds(false) {
        Ok(holds) => {
            let due = holds_to_review(&holds, context.now());
            if !due.is_empty() {
                let told = format!("to be reviewed by now: {}", due.join(" "));
                checks.push(Check::warning("holds", told).remedy(context.command("hold list")));
            }
        }
        Err(error) => checks.push(told("holds", &error.into())),
    }
    checks
}

/// What would keep the next run from making calls though all else is in order.
fn spending(context: &Context, reader: &Reader) -> Check {
    const NAME: &str = "credits";
    let spending = match Spending::of(context, reader) {
        Ok(spending) => spending,
        Err(error) => return told(NAME, &error),
    };
    if let Some(held_back) = spending.held_back() {
        return Check::warning(NAME, held_back).remedy("wait until then");
    }
    let used_up = [spending.daily_left, spending.org_credits_left].contains(&Some(0));
    let words = spending.in_words();
    if used_up {
        return Check::warning(NAME, words).remedy("wait: they come back over 24 hours");
    }
    Check::fine(NAME, words)
}

/// What was forgotten, as long as its bytes may still be there.
fn unswept(context: &Context, reader: &Reader) -> Option<Check> {
    const NAME: &str = "forgotten";
    match reader.is_unswept() {
        Ok(false) => None,
        Ok(true) => {
            let message = "bytes of what was forgotten may still lie in the journal's file";
            Some(Check::warning(NAME, message).remedy(context.command("forget --finish")))
        }
        Err(error) => Some(told(NAME, &error.into())),
    }
}

/// Full snapshots whose time is over.
fn snapshots_due(context: &Context, reader: &Reader) -> Option<Check> {
    const NAME: &str = "snapshots";
    match reader.full_snapshot_counts(context.now()) {
        Ok(FullSnapshotCounts { due: 0, .. }) => None,
        Ok(FullSnapshotCounts { due, .. }) => {
            let due = counted(due, "full snapshot is", "full snapshots are");
            let message = format!("{due} kept past the time that was set");
            Some(Check::warning(NAME, message).remedy(context.command("forget --snapshots-due")))
        }
        Err(error) => Some(told(NAME, &error.into())),
    }
}

/// An error of the library as a line.
fn told(name: &str, error: &CliError) -> Check {
    let report = error.report();
    let kind = if error.exit() == Exit::NoJournal { Kind::NoJournal } else { Kind::Other };
    let mut check = Check::problem(kind, name, report.message);
    check.remedy = report.hint;
    check
}

fn journal(db: &Path, reader: &Reader) -> Check {
    let path = shell_quoted(db);
    match reader.head() {
        Ok(head) => {
            Check::fine("journal", format!("{path}, {}", counted(head.size, "event", "events")))
        }
        Err(error) => told("journal", &error.into()),
    }
}

/// A journal that is not written to, whatever else is in order.
fn closed(context: &Context, reader: &Reader) -> Option<Check> {
    const NAME: &str = "closed";
    match standing::closed(context, reader, None) {
        Ok(None) => None,
        Ok(Some(closed)) => {
            Some(Check::problem(Kind::Other, NAME, closed.told).remedy(closed.next))
        }
        Err(error) => Some(told(NAME, &error)),
    }
}

fn file_system(db: &Path) -> Check {
    match platform::network_file_system(db) {
        Ok(None) => Check::fine("file_system", "the journal's directory is on a local disk"),
        Ok(Some(kind)) => {
            let message = format!(
                "{} lies on a network file system ({kind}), where neither locks nor SQLite work",
                shell_quoted(db)
            );
            Check::problem(Kind::Other, "file_system", message)
                .remedy("journal config set db PATH-ON-A-LOCAL-DISK")
        }
        Err(error) => Check::not_checked("file_system", error.to_string()),
    }
}

fn rights(db: &Path) -> Check {
    match check_writer(db) {
        Ok(Sharing::OwnerOnly) => Check::fine("rights", "only its owner can change the journal"),
        Ok(Sharing::Group) => {
            Check::fine("rights", "only its owner and its group can change the journal")
        }
        Err(KeeperError::Network { .. }) => {
            Check::not_checked("rights", "they mean nothing on a network file system")
        }
        Err(error) => told("rights", &error.into()),
    }
}

fn schema(reader: &Reader) -> Check {
    match reader.older() {
        Ok(None) => Check::fine("schema", "it is the one that this program writes"),
        Ok(Some(Older { from, to })) => Check::warning(
            "schema",
            format!(
                "{from}, of an older program; the next command that writes upgrades it to {to}, after a copy"
            ),
        ),
        Err(error) => told("schema", &error.into()),
    }
}

fn anchored(state: &AnchorState, context: &Context) -> Check {
    let message = format!("the journal {state}");
    match state {
        AnchorState::Extends { .. } => Check::fine("anchor", message),
        AnchorState::Missing | AnchorState::Behind { .. } => {
            let remedy = format!(
                "{}; where no newer copy is left, {}",
                context.command("verify"),
                context.command("adopt --reason TEXT")
            );
            Check::problem(Kind::Other, "anchor", message).remedy(remedy)
        }
        AnchorState::Forked { .. } | AnchorState::BadSignature(_) | AnchorState::Unreadable(_) => {
            Check::problem(Kind::Other, "anchor", message).remedy(context.command("verify"))
        }
    }
}

/// Whether a run is on. That is no problem, but explains why another one would not start.
fn run(context: &Context, reader: &Reader) -> Check {
    let last = reader.summary().ok().and_then(|summary| summary.last_run);
    match activity(&lock_path(&context.db()), last.as_ref()) {
        Activity::On(Some(by)) => Check::fine(
            "run",
            format!("{} is on, process {} on {}, since {}", by.command, by.pid, by.host, by.since),
        ),
        Activity::On(None) => Check::fine("run", "one is on"),
        Activity::Idle => Check::fine("run", "none is on, and the lock is free"),
        Activity::Died(_) => {
            Check::warning("run", "the last one died; the lock is free, and nothing is lost")
                .remedy(context.command("replay"))
        }
        Activity::Hidden => Check::not_checked("run", "this account may not look at the lock"),
    }
}

fn found(reader: &Reader, checks: &mut Vec<Check>) -> Found {
    let bound = match reader.binding() {
        Ok(binding) => binding.map_or(Bound::Nowhere, Bound::To),
        Err(error) => {
            checks.push(told("binding", &error.into()));
            Bound::Unknown
        }
    };
    let open = reader.overview(None, true).unwrap_or_else(|error| {
        checks.push(told("requests", &error.into()));
        Vec::new()
    });
    Found { bound, open }
}

/// Whether the settings lead where the journal belongs.
pub(super) fn target(context: &Context, found: &Found) -> Check {
    let given = match context.target() {
        Ok(given) => given,
        Err(error) => return told("target", &error),
    };
    let words =
        format!("data centre {}, {}, {}", given.data_center, given.environment, given.api_origin);
    let bound = match &found.bound {
        Bound::To(bound) => bound,
        Bound::Nowhere => {
            let message = format!("{words}; the first request binds the journal to it");
            return Check::fine("target", message);
        }
        Bound::Unknown => {
            let message = format!("{words}; the journal cannot be read, and may belong elsewhere");
            return Check::not_checked("target", message);
        }
    };
    let same = bound.data_center == given.data_center.wire_name()
        && bound.environment == given.environment.wire_name()
        && bound.api_origin == given.api_origin.as_str();
    if same {
        return Check::fine("target", words);
    }
    let Binding { data_center, environment, api_origin, .. } = bound;
    let message = format!(
        "the settings lead to {words}, and the journal belongs to data centre {data_center}, \
         {environment}, {api_origin}"
    );
    let settings = &context.settings;
    let remedy = if bound.data_center != given.data_center.wire_name() {
        to_set(context, Key::DataCenter, &settings.data_center, data_center)
    } else if bound.environment != given.environment.wire_name() {
        to_set(context, Key::Environment, &settings.environment, environment)
    } else {
        context.command("config show")
    };
    Check::problem(Kind::Other, "target", message).remedy(remedy)
}
