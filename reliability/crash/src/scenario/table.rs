//! The table of scenarios.

use std::fs::{self, Permissions};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;

use anyhow::{Context, Result, ensure};
use flate2::read::GzDecoder;
use zoho_journal::simulator::{Fault, Simulator};

use super::{Kind, Scenario};
use crate::journal;
use crate::place::{Place, make_directory};

/// Entries of the fixture of schema 1 that were settled, or sent, against a Zoho that is gone.
pub const FIXTURE_ENTRIES: i64 = 11;

const FIXTURE_ID: &str = "1268744f11348efa0f28999fa9e5d38e";
const FIXTURE: [&[u8]; 3] = [
    include_bytes!("../../../../tests/fixtures/schema1/journal.db.gz"),
    include_bytes!("../../../../tests/fixtures/schema1/journal.db.anchor"),
    include_bytes!("../../../../tests/fixtures/schema1/journal.key"),
];

const LEADS: &[(&str, usize)] = &[("Leads", 230)];
const SYNC: &[&str] = &["sync", "--yes", "--json", "--wait", "2s"];
const LOST: &[Fault] = &[Fault::LoseAnswer, Fault::LoseRequest, Fault::CutBody];

const BASE: Scenario = Scenario {
    name: "",
    kind: Kind::Run,
    records: LEADS,
    settings: &[],
    job_ms: 0,
    zoho: |_| (),
    journal: |_, _| Ok(()),
    approach: |_, _| Ok(()),
    faults: &[],
    command: SYNC,
    end: "",
};

/// All of them.
pub const ALL: &[Scenario] = &[
    Scenario {
        name: "init",
        kind: Kind::Init,
        command: &["init", "--json"],
        end: "pending 1",
        ..BASE
    },
    Scenario {
        name: "record-delete",
        kind: Kind::Record { entries: 200 },
        journal: |place, zoho| {
            record(place, &leads(zoho)[200..], DELETE)?;
            place.write_ids(&leads(zoho)[..200])
        },
        command: DELETE,
        end: "done 230",
        ..BASE
    },
    Scenario {
        name: "record-untag",
        kind: Kind::Record { entries: 40 },
        zoho: |zoho| drop(zoho.tag("Leads", &["Prime"], &leads(zoho))),
        journal: |place, zoho| {
            init(place)?;
            place.write_ids(&leads(zoho)[..40])
        },
        command: UNTAG,
        end: "done 40",
        ..BASE
    },
    Scenario {
        name: "sync-delete",
        zoho: lock_one_and_lose_one,
        journal: |place, zoho| record(place, &all_leads(zoho), DELETE),
        end: "absent 1, done 228, failed 1",
        ..BASE
    },
    Scenario {
        name: "sync-lost",
        zoho: lock_one_and_lose_one,
        journal: |place, zoho| record(place, &all_leads(zoho), DELETE),
        faults: LOST,
        end: "absent 1, done 228, failed 1",
        ..BASE
    },
    Scenario {
        name: "sync-untag",
        zoho: |zoho| drop(zoho.tag("Leads", &["Prime", "Hot"], &leads(zoho)[..40])),
        journal: |place, zoho| {
            record(place, &leads(zoho)[..45], UNTAG)?;
            place.write_ids(&leads(zoho)[30..40])?;
            place
                .run(["untag", "Leads", "--tag", "Hot", "--from", "ids.txt", "--reason", "x"])?
                .exits(&[0])?;
            Ok(())
        },
        end: "absent 5, done 50",
        ..BASE
    },
    Scenario {
        name: "sync-unlink",
        records: &[("Leads", 125), ("Campaigns", 1)],
        zoho: |zoho| {
            zoho.link("Campaigns", campaign(zoho), "Leads", &leads(zoho)[..120]);
        },
        journal: |place, zoho| {
            init(place)?;
            place.write_ids(&leads(zoho))?;
            let campaign = campaign(zoho).to_string();
            let args =
                ["unlink", "Campaigns", &campaign, "Leads", "--from", "ids.txt", "--reason", "x"];
            place.run(args)?.exits(&[0])?;
            Ok(())
        },
        end: "absent 5, done 120",
        ..BASE
    },
    Scenario {
        name: "sync-delete-tags",
        zoho: tag_one,
        journal: delete_tags,
        end: "done 5",
        ..BASE
    },
    Scenario {
        // Without jobs: one by one.
        name: "sync-delete-tags-v6",
        settings: &[("JOURNAL_API_VERSION", "v6")],
        zoho: tag_one,
        journal: delete_tags,
        end: "done 5",
        ..BASE
    },
    Scenario {
        name: "resolve",
        zoho: lock_one_and_lose_one,
        journal: |place, zoho| record(place, &all_leads(zoho), DELETE),
        approach: |place, zoho| {
            zoho.plan_faults(LOST.to_vec());
            unsettled(place)
        },
        command: &["replay", "--yes", "--json", "--wait", "2s"],
        end: "absent 1, done 228, failed 1",
        ..BASE
    },
    Scenario {
        name: "poll",
        job_ms: 3_600_000,
        zoho: tag_one,
        journal: delete_tags,
        approach: |place, zoho| {
            unsettled(place)?;
            zoho.finish_jobs();
            Ok(())
        },
        end: "done 5",
        ..BASE
    },
    Scenario {
        name: "settle",
        kind: Kind::Decide { event: "entries_settled", then: "failed 3" },
        journal: |place, zoho| record(place, &leads(zoho)[..3], DELETE),
        approach: |place, zoho| {
            zoho.plan_faults(vec![Fault::LoseRequest]);
            unsettled(place)?;
            // Perhaps somebody restored them: nothing tells.
            let touched = leads(zoho)[..3].iter().all(|id| zoho.touch(*id));
            ensure!(touched, "a lead is gone");
            place.run(["replay", "--yes"])?.exits(&[4])?;
            Ok(())
        },
        command: &[
            "settle",
            "E1-E3",
            "--state",
            "failed",
            "--reason",
            "seen in the audit log",
            "--json",
        ],
        end: "failed 3",
        ..BASE
    },
    Scenario {
        name: "approve",
        kind: Kind::Decide { event: "request_approved", then: "pending 3" },
        settings: APPROVAL,
        journal: three,
        command: &["approve", "R1", "--as", "berta", "--json"],
        end: "done 3",
        ..BASE
    },
    Scenario {
        name: "reject",
        kind: Kind::Decide { event: "request_rejected", then: "cancelled 3" },
        settings: APPROVAL,
        journal: three,
        command: &["reject", "R1", "--as", "berta", "--reason", "x", "--json"],
        end: "cancelled 3",
        ..BASE
    },
    Scenario {
        name: "cancel",
        kind: Kind::Decide { event: "entries_cancelled", then: "cancelled 2, pending 1" },
        journal: three,
        command: &["cancel", "E1-E2", "--reason", "x", "--json"],
        end: "cancelled 2, done 1",
        ..BASE
    },
    Scenario {
        name: "hold-add",
        kind: Kind::Decide { event: "hold_placed", then: "held 3" },
        journal: three,
        command: &["hold", "add", "Leads", "--all", "--reason", "x", "--json"],
        end: "held 3",
        ..BASE
    },
    Scenario {
        name: "hold-release",
        kind: Kind::Decide { event: "hold_released", then: "pending 3" },
        journal: |place, zoho| {
            three(place, zoho)?;
            let args = ["hold", "add", "Leads", "--all", "--reason", "x"];
            place.run(args)?.exits(&[0]).map(drop)
        },
        command: &["hold", "release", "Leads", "--all", "--reason", "x", "--json"],
        end: "done 3",
        ..BASE
    },
    Scenario {
        name: "pause",
        kind: Kind::Decide { event: "paused", then: "pending 3" },
        journal: three,
        command: &["pause", "--reason", "x", "--json"],
        end: "pending 3",
        ..BASE
    },
    Scenario {
        name: "policy-set",
        kind: Kind::Decide { event: "policy_set", then: "pending 3" },
        journal: three,
        command: &["policy", "set", "--require-approval", "always", "--reason", "x", "--json"],
        end: "pending 3",
        ..BASE
    },
    Scenario {
        name: "key-rotate",
        kind: Kind::Decide { event: "key_replaced", then: "pending 3" },
        journal: three,
        command: &["key", "rotate", "--reason", "x", "--json"],
        end: "pending 3",
        ..BASE
    },
    Scenario {
        name: "forget",
        kind: Kind::Decide { event: "forgotten", then: "failed 3" },
        zoho: |zoho| {
            for lead in leads(zoho).into_iter().take(3) {
                zoho.lock(lead);
            }
        },
        journal: |place, zoho| {
            three(place, zoho)?;
            place.run(SYNC)?.exits(&[3]).map(drop)
        },
        command: &["forget", "R1", "--yes", "--reason", "x", "--json"],
        end: "failed 3",
        ..BASE
    },
    Scenario {
        name: "adopt",
        kind: Kind::Adopt { then: "unknown 3" },
        journal: |place, zoho| {
            three(place, zoho)?;
            Ok(fs::remove_file(place.file("journal.db.anchor"))?)
        },
        command: &["adopt", "--reason", "x", "--yes", "--json"],
        end: "done 3",
        ..BASE
    },
    Scenario {
        name: "undo",
        kind: Kind::Record { entries: 3 },
        journal: three,
        approach: sync,
        command: &["undo", "R1", "--reason", "x", "--json"],
        end: "done 6",
        ..BASE
    },
    Scenario {
        name: "sync-undo",
        journal: three,
        approach: |place, zoho| {
            sync(place, zoho)?;
            place.run(["undo", "R1", "--reason", "x"])?.exits(&[0]).map(drop)
        },
        faults: LOST,
        end: "done 6",
        ..BASE
    },
    Scenario {
        name: "recheck",
        journal: three,
        approach: sync,
        command: &["recheck", "R1", "--json"],
        end: "done 3",
        ..BASE
    },
    Scenario {
        name: "export",
        kind: Kind::Export,
        zoho: lock_one_and_lose_one,
        journal: synced,
        command: &["export", "-o", "out.csv"],
        ..BASE
    },
    Scenario {
        name: "export-over",
        kind: Kind::Export,
        zoho: lock_one_and_lose_one,
        journal: |place, zoho| {
            synced(place, zoho)?;
            fs::write(place.file("out.csv"), "an older export\n")?;
            Ok(fs::set_permissions(place.file("out.csv"), Permissions::from_mode(0o600))?)
        },
        command: &["export", "--view", "attempts", "-o", "out.csv"],
        ..BASE
    },
    Scenario {
        name: "migrate-record",
        kind: Kind::Upgrade { entries: 1 },
        records: &[("Leads", 12), ("Contacts", 8)],
        journal: |place, _| older(place),
        command: &["delete", "Leads", "4150868000000123456", "--reason", "x", "--json"],
        end: "done 10, failed 1, pending 1, unknown 3",
        ..BASE
    },
    Scenario {
        name: "migrate-sync",
        kind: Kind::Upgrade { entries: 0 },
        records: &[("Leads", 12), ("Contacts", 8)],
        journal: |place, _| older(place),
        command: &["sync", "R5", "--yes", "--json", "--wait", "0s"],
        end: "done 10, failed 1, unknown 3",
        ..BASE
    },
    Scenario { name: "read-verify", command: &["verify", "--json"], ..READ },
    Scenario { name: "read-status", command: &["status", "--json"], ..READ },
    Scenario { name: "read-list", command: &["list", "--json"], ..READ },
];

const READ: Scenario = Scenario { kind: Kind::Read, journal: killed, ..BASE };

const DELETE: &[&str] = &["delete", "Leads", "--from", "ids.txt", "--reason", "clean-up", "--json"];
const UNTAG: &[&str] =
    &["untag", "Leads", "--tag", "Prime", "--from", "ids.txt", "--reason", "clean-up", "--json"];

/// The leads that there are.
fn leads(zoho: &Simulator) -> Vec<u64> {
    live(zoho, "Leads")
}

fn live(zoho: &Simulator, module: &str) -> Vec<u64> {
    zoho.snapshot().modules.get(module).map(|module| module.live.clone()).unwrap_or_default()
}

/// With those that somebody deleted.
fn all_leads(zoho: &Simulator) -> Vec<u64> {
    let mut ids = leads(zoho);
    ids.extend(
        zoho.snapshot().modules.get("Leads").map(|leads| leads.binned.clone()).unwrap_or_default(),
    );
    ids.sort_unstable();
    ids
}

fn campaign(zoho: &Simulator) -> u64 {
    live(zoho, "Campaigns").first().copied().unwrap_or_default()
}

fn lock_one_and_lose_one(zoho: &Simulator) {
    let leads = leads(zoho);
    zoho.lock(leads[3]);
    zoho.delete_as_other_user(leads[150]);
}

const TAGS: [&str; 5] = ["a", "b", "c", "d", "e"];

fn tag_one(zoho: &Simulator) {
    zoho.tag("Leads", &TAGS, &leads(zoho)[..1]);
}

fn init(place: &Place) -> Result<()> {
    place.run(["init"])?.exits(&[0]).map(drop)
}

/// Makes a journal with one request.
fn record(place: &Place, ids: &[u64], args: &[&str]) -> Result<()> {
    init(place)?;
    place.write_ids(ids)?;
    place.run(args)?.exits(&[0]).map(drop)
}

fn delete_tags(place: &Place, zoho: &Simulator) -> Result<()> {
    init(place)?;
    let tags = zoho.snapshot().tags.get("Leads").cloned().unwrap_or_default();
    let ids: Vec<String> = tags.values().map(u64::to_string).collect();
    let args =
        ["delete-tags", "Leads", "--reason", "x"].into_iter().chain(ids.iter().map(String::as_str));
    place.run(args)?.exits(&[0]).map(drop)
}

/// A second person has to approve.
const APPROVAL: &[(&str, &str)] = &[("JOURNAL_REQUIRE_APPROVAL", "always")];

/// A journal with one request for three leads.
fn three(place: &Place, zoho: &Simulator) -> Result<()> {
    record(place, leads(zoho).get(..3).context("too few leads")?, DELETE)
}

/// All is deleted.
fn sync(place: &Place, _: &Simulator) -> Result<()> {
    place.run(SYNC)?.exits(&[0]).map(drop)
}

/// A run that waits for nothing and leaves what got no answer.
fn unsettled(place: &Place) -> Result<()> {
    let args = ["sync", "--yes", "--wait", "0s", "--quarantine", "1h", "--concurrency", "1"];
    place.run(args)?.exits(&[4]).map(drop)
}

fn synced(place: &Place, zoho: &Simulator) -> Result<()> {
    record(place, &all_leads(zoho), DELETE)?;
    place.run(SYNC)?.exits(&[3]).map(drop)
}

/// A journal whose run was killed during a call: the newest commits stand in the write-ahead log only.
fn killed(place: &Place, zoho: &Simulator) -> Result<()> {
    record(place, &leads(zoho), DELETE)?;
    zoho.plan_faults(vec![Fault::NeverAnswers]);
    let mut run = place.start(["sync", "--yes", "--concurrency", "1"])?;
    let began = std::time::Instant::now();
    while !zoho.requests().iter().any(|call| call.is_write) {
        ensure!(began.elapsed() < journal::PATIENCE, "the run sent nothing");
        std::thread::yield_now();
    }
    run.kill()?;
    run.wait()?;
    let log = place.read("journal.db-wal")?.context("no write-ahead log")?;
    ensure!(!log.is_empty(), "the write-ahead log is empty");
    Ok(())
}

/// The journal of schema 1.
fn older(place: &Place) -> Result<()> {
    make_directory(&place.file("keys"))?;
    let mut journal = Vec::new();
    GzDecoder::new(FIXTURE[0]).read_to_end(&mut journal)?;
    for (path, bytes) in [
        (place.db(), journal.as_slice()),
        (place.file("journal.db.anchor"), FIXTURE[1]),
        (place.file("keys").join(FIXTURE_ID), FIXTURE[2]),
    ] {
        fs::write(&path, bytes)?;
        fs::set_permissions(&path, Permissions::from_mode(0o600))?;
    }
    Ok(())
}
