//! How a run is told with `--json`: JSON Lines, each with a `type`. Types and keys are a contract.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::cli::blocked::WaitRow;
use crate::cli::context::Whereabouts;
use crate::cli::exit::Exit;
use crate::cli::running::{meaning_of, not_allowed_in_words, stop_in_words};
use crate::domain::id::{EntryId, RequestId, RunId};
use crate::domain::recheck::Found;
use crate::domain::state::EntryState;
use crate::domain::time::Timestamp;
use crate::reconcile::options::{NotAllowed, Progress, Summary};

/// A line.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Line<'a> {
    Started {
        run: i64,
        entries: u64,
        left_open: u64,
        reopened: u64,
        #[serde(flatten)]
        place: Option<&'a Whereabouts>,
        workflows: bool,
    },
    Contact {
        org: &'a str,
    },
    Batch {
        batch_id: String,
        module: &'a str,
        http_status: Option<u16>,
        done: u64,
        failed: u64,
        queued: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        job_id: Option<&'a str>,
        unknown: u64,
        returned: u64,
        problem: Option<&'a str>,
    },
    JobOver {
        job_id: &'a str,
        ending: &'a str,
        total: Option<u64>,
        deleted: Option<u64>,
        failed: Option<u64>,
    },
    Evidence {
        module: &'a str,
        done: u64,
        absent: u64,
        failed: u64,
        pending: u64,
        undecided: u64,
    },
    Rechecked {
        entry_id: String,
        module: &'a str,
        found: &'static str,
        at: Timestamp,
    },
    Waiting {
        seconds: f64,
        why: &'a str,
    },
    Interrupted,
    Parked {
        request_id: String,
    },
    NotAllowed {
        what: &'a str,
        code: &'a str,
        message: &'a str,
    },
    Warning {
        message: &'a str,
    },
    Summary(Box<SummaryLine<'a>>),
}

/// The last line of a run.
#[derive(Serialize)]
pub(crate) struct SummaryLine<'a> {
    exit_code: u8,
    meaning: &'static str,
    next: &'a str,
    entries: BTreeMap<&'static str, u64>,
    calls: u64,
    credits: u64,
    sent: u64,
    reopened: u64,
    /// Of a recheck: how many things were found where.
    #[serde(skip_serializing_if = "Option::is_none")]
    rechecked: Option<BTreeMap<&'static str, u64>>,
    failed: u64,
    unfinished: u64,
    undecided: u64,
    /// Pending entries that wait for another one for the same thing, and the first of them.
    blocked: u64,
    waits_for: Vec<WaitRow>,
    awaiting_approval: u64,
    parked: Vec<String>,
    /// Zoho's ids of the jobs that are not over.
    jobs: &'a [String],
    stopped_by: Option<String>,
    /// What Zoho does not allow, where the rest of the run went on.
    not_allowed: Vec<String>,
    warnings: &'a [String],
    run: Option<i64>,
    #[serde(flatten)]
    place: Whereabouts,
    workflows: bool,
}

/// One step of a run: one line, but for what was seen of many entries.
pub(crate) fn steps<'a>(
    of: &'a Progress,
    place: Option<&'a Whereabouts>,
    workflows: bool,
) -> Vec<Line<'a>> {
    let Progress::Rechecked { module, at, seen } = of else {
        return step(of, place, workflows).into_iter().collect();
    };
    let line = |(entry, found): &(EntryId, Found)| Line::Rechecked {
        entry_id: entry.to_string(),
        module: module.as_str(),
        found: found.wire_name(),
        at: *at,
    };
    seen.iter().map(line).collect()
}

fn step<'a>(
    step: &'a Progress,
    place: Option<&'a Whereabouts>,
    workflows: bool,
) -> Option<Line<'a>> {
    Some(match step {
        Progress::Rechecked { .. } => return None,
        &Progress::Started { run, entries, left_open, reopened } => {
            Line::Started { run: run.get(), entries, left_open, reopened, place, workflows }
        }
        Progress::Contact { org } => Line::Contact { org },
        Progress::Batch {
            batch,
            module,
            http_status,
            done,
            failed,
            queued,
            job,
            unknown,
            returned,
            problem,
        } => Line::Batch {
            batch_id: batch.to_string(),
            module: module.as_str(),
            http_status: *http_status,
            done: *done,
            failed: *failed,
            queued: *queued,
            job_id: job.as_deref(),
            unknown: *unknown,
            returned: *returned,
            problem: problem.as_deref(),
        },
        Progress::Evidence { module, done, absent, failed, pending, undecided } => Line::Evidence {
            module: module.as_str(),
            done: *done,
            absent: *absent,
            failed: *failed,
            pending: *pending,
            undecided: *undecided,
        },
        Progress::JobOver { job, ending, total, deleted, failed } => Line::JobOver {
            job_id: job,
            ending: ending.wire_name(),
            total: *total,
            deleted: *deleted,
            failed: *failed,
        },
        Progress::Waiting { duration, why } => {
            Line::Waiting { seconds: duration.as_secs_f64(), why }
        }
        Progress::Interrupted => Line::Interrupted,
        Progress::Parked { request, .. } => Line::Parked { request_id: request.to_string() },
        Progress::NotAllowed(NotAllowed { what, code, message }) => {
            Line::NotAllowed { what, code, message }
        }
        Progress::Warning(message) => Line::Warning { message },
    })
}

/// What a run came to.
pub(crate) fn summary<'a>(
    summary: &'a Summary,
    exit: Exit,
    next: &'a str,
    waits_for: Vec<WaitRow>,
    place: Whereabouts,
    workflows: bool,
) -> Line<'a> {
    Line::Summary(Box::new(SummaryLine {
        exit_code: exit.code(),
        meaning: meaning_of(summary, exit),
        next,
        entries: by_state(&summary.totals),
        calls: summary.calls,
        credits: summary.credits,
        sent: summary.sent,
        reopened: summary.reopened,
        rechecked: summary.rechecked.as_ref().map(by_place),
        failed: summary.failed,
        unfinished: summary.unfinished,
        undecided: summary.undecided,
        blocked: summary.blocked.entries,
        waits_for,
        awaiting_approval: summary.awaiting_approval,
        parked: summary.parked.iter().map(RequestId::to_string).collect(),
        jobs: &summary.jobs,
        stopped_by: summary.stop.as_ref().map(stop_in_words),
        not_allowed: summary.not_allowed.iter().map(not_allowed_in_words).collect(),
        warnings: &summary.warnings,
        run: summary.run.map(RunId::get),
        place,
        workflows,
    }))
}

/// Every place with its count, those where nothing was found too.
fn by_place(found: &BTreeMap<Found, u64>) -> BTreeMap<&'static str, u64> {
    let count = |one: &Found| (one.wire_name(), found.get(one).copied().unwrap_or(0));
    Found::ALL.iter().map(count).collect()
}

/// Every state with its count, those without any entries too.
pub(crate) fn by_state(totals: &BTreeMap<EntryState, u64>) -> BTreeMap<&'static str, u64> {
    EntryState::ALL
        .iter()
        .map(|state| (state.wire_name(), totals.get(state).copied().unwrap_or(0)))
        .collect()
}
