//! The writes of people who approve, withdraw, hold and pause, and what a run does because of them.

use super::Write;
use super::cases::{Case, pad, recording};
use super::full_cases;
use crate::domain::id::{EntryId, ModuleName, PolicyId, RecordId, RequestId};
use crate::domain::policy::ApprovalPolicy;
use crate::domain::ranges::EntryRanges;
use crate::store::approval::By;
use crate::store::cancelling::Withdrawn;
use crate::store::holding::NewHold;
use crate::store::releasing::Release;
use crate::store::testing::{Ask, Journal, record};

/// Writes of whoever has the journal open.
pub(super) const ANYBODY: &[Case] = &[
    Case {
        name: "approve",
        prepare: approve,
        writes: "entry update, node insert, request update, sealed insert, tally insert, tally update",
    },
    Case {
        name: "reject",
        prepare: reject,
        writes: "cancellation insert, entry update, node insert, sealed insert, tally insert, \
                 tally update",
    },
    Case {
        name: "cancel",
        prepare: cancel,
        writes: "cancellation insert, entry update, node insert, sealed insert, tally insert, \
                 tally update",
    },
    Case { name: "pause", prepare: pause, writes: "node insert, pause insert, sealed insert" },
    Case { name: "resume", prepare: resume, writes: "node insert, pause delete, sealed insert" },
    Case {
        name: "place_hold",
        prepare: place_hold,
        writes: "entry update, hold insert, hold_id insert, hold_secret insert, node insert, \
                 sealed insert, tally insert, tally update",
    },
    Case {
        name: "release",
        prepare: release,
        writes: "entry update, hold update, hold_id update, node insert, sealed insert, tally update",
    },
    Case {
        name: "record under a hold",
        prepare: record_held,
        writes: "binding insert, entry insert, entry update, node insert, rejected insert, \
                 request insert, scope insert, sealed insert, secret insert, tally insert, \
                 tally update",
    },
    Case {
        name: "set_policy",
        prepare: set_policy,
        writes: "node insert, policy insert, sealed insert",
    },
    Case {
        name: "approve_policy",
        prepare: approve_policy,
        writes: "node insert, policy update, sealed insert",
    },
    Case {
        name: "shred",
        prepare: full_cases::shred,
        writes: "full_snapshot update, node insert, sealed insert, shredding insert, sweep insert",
    },
    Case {
        name: "forget, with a full snapshot",
        prepare: full_cases::forget,
        writes: "answer update, attempt update, entry update, erasure insert, full_snapshot update, \
                 node insert, pruned insert, said insert, sealed insert, secret delete, \
                 secret insert, sweep insert",
    },
    Case {
        name: "reject_policy",
        prepare: reject_policy,
        writes: "node insert, policy update, sealed insert",
    },
];

/// Writes of a run.
pub(super) const OF_A_RUN: &[Case] = &[
    Case {
        name: "withhold",
        prepare: withhold,
        writes: "entry update, node insert, request update, tally insert, tally update",
    },
    Case {
        name: "keep_full_snapshots",
        prepare: full_cases::keep,
        writes: "full_snapshot insert, node insert, reading insert",
    },
    Case {
        name: "hold_back",
        prepare: hold_back,
        writes: "entry update, node insert, tally insert, tally update",
    },
];

fn by(who: &'static str) -> By<'static> {
    let (account, reason) = ("anna (uid 1000)", "it has to be");
    By { who, account, reason, program: "zoho-journal/0.1.0" }
}

fn leads() -> ModuleName {
    "Leads".parse().unwrap()
}

/// Three Leads that wait for a second person.
fn waiting(journal: &mut Journal) -> RequestId {
    let records = (1..=3).map(record).collect();
    let ask = Ask { records, policy: ApprovalPolicy::Always, ..Ask::default() };
    let request = journal.ask(&ask).request.unwrap();
    pad(journal);
    request
}

fn approve(journal: &mut Journal) -> Write {
    let request = waiting(journal);
    let never = ApprovalPolicy::Never;
    Box::new(move |tx| tx.approve(&[request], never, by("Bert")).map(|done| drop(done.unwrap())))
}

fn reject(journal: &mut Journal) -> Write {
    let request = waiting(journal);
    Box::new(move |tx| tx.reject(&[request], by("Bert")).map(|done| drop(done.unwrap())))
}

fn cancel(journal: &mut Journal) -> Write {
    let request = journal.delete(1, 3);
    pad(journal);
    let wanted = Withdrawn { requests: vec![request], ..Withdrawn::default() };
    Box::new(move |tx| tx.cancel(&wanted, by("Anna")).map(drop))
}

fn pause(journal: &mut Journal) -> Write {
    pad(journal);
    Box::new(|tx| tx.pause(by("Anna")).map(Result::unwrap))
}

fn resume(journal: &mut Journal) -> Write {
    journal.write(|tx| tx.pause(by("Anna"))).unwrap();
    pad(journal);
    Box::new(|tx| tx.resume(by("Bert")).map(drop))
}

fn new_hold<'a>(module: &'a ModuleName, ids: &'a [RecordId]) -> NewHold<'a> {
    let (review_by, ticket) = (None, Some("LEG-7"));
    NewHold { module, ids: Some(ids), review_by, ticket, by: by("Carla") }
}

fn place_hold(journal: &mut Journal) -> Write {
    journal.delete(1, 3);
    pad(journal);
    Box::new(|tx| tx.place_hold(&new_hold(&leads(), &[record(1), record(9)])).map(drop))
}

fn release(journal: &mut Journal) -> Write {
    journal.delete(1, 3);
    let ids = [record(1)];
    journal.write(|tx| tx.place_hold(&new_hold(&leads(), &ids)));
    pad(journal);
    Box::new(move |tx| {
        let module = leads();
        let release = Release { module: &module, ids: Some(&ids), ticket: None, by: by("Carla") };
        tx.release(&release).map(|done| drop(done.unwrap()))
    })
}

fn record_held(journal: &mut Journal) -> Write {
    journal.write(|tx| tx.place_hold(&new_hold(&leads(), &[record(1)])));
    pad(journal);
    recording(1, 3)
}

fn set_policy(journal: &mut Journal) -> Write {
    pad(journal);
    Box::new(|tx| tx.set_policy(ApprovalPolicy::Always, by("Anna")).map(drop))
}

/// A proposal that loosens what is in force.
fn proposed(journal: &mut Journal) -> PolicyId {
    journal.write(|tx| tx.set_policy(ApprovalPolicy::Always, by("Anna")));
    let set = journal.write(|tx| tx.set_policy(ApprovalPolicy::Never, by("Anna")));
    assert!(!set.in_force);
    pad(journal);
    set.policy
}

fn approve_policy(journal: &mut Journal) -> Write {
    let policy = proposed(journal);
    Box::new(move |tx| tx.approve_policy(policy, by("Bert"), None).map(|done| drop(done.unwrap())))
}

fn reject_policy(journal: &mut Journal) -> Write {
    let policy = proposed(journal);
    Box::new(move |tx| tx.reject_policy(policy, by("Bert")).map(|done| drop(done.unwrap())))
}

fn withhold(journal: &mut Journal) -> Write {
    journal.delete(1, 3);
    let run = journal.start("sync");
    pad(journal);
    Box::new(move |tx| tx.withhold(run, |_| true, ApprovalPolicy::From(2)).map(drop))
}

fn hold_back(journal: &mut Journal) -> Write {
    journal.delete(1, 3);
    let run = journal.start("sync");
    pad(journal);
    let held = EntryRanges::span(EntryId::new(2), EntryId::new(3));
    Box::new(move |tx| tx.hold_back(run, held.clone()))
}
