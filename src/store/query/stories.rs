//! Journals of untagging, unlinking and deleting tags for tests, made through the store's own functions.

use std::time::Duration;

use crate::domain::answer::RawAnswer;
use crate::domain::call::{CallItem, CallKind, PreparedBatch};
use crate::domain::event::{JobEnding, SourceKind};
use crate::domain::evidence::presence::{
    CarriedTags, DefinitionFacts, Membership, RelationFacts, SeenTag, TagFacts, ThingFacts,
};
use crate::domain::evidence::{Look, UNDECIDED, deletion::SeenRecord};
use crate::domain::id::{EntryId, RecordId, RequestId};
use crate::domain::merkle::Hash;
use crate::domain::outcome::{ItemResult, Judgement};
use crate::domain::policy::ApprovalPolicy;
use crate::domain::scope::{Operation, Scope, TagSet, Task};
use crate::domain::state::{Outcome, Verdict};
use crate::domain::target::{ApiVersion, Product};
use crate::domain::time::Timestamp;
use crate::store::entry::NewItem;
use crate::store::query::EntryView;
use crate::store::queue::Picked;
use crate::store::reading::Finding;
use crate::store::recording::{NewRequest, RequestSource};
use crate::store::snapshot::Snapshot;
use crate::store::testing::{Journal, record};

/// Zoho's id of the job of [`things`], as the CRM v8 Mass Delete Tags page shows one.
pub(crate) const JOB: &str = "4876876000005871001";

/// What a test asks for.
pub(crate) struct Wish {
    pub(crate) task: Task,
    pub(crate) module: &'static str,
    /// Parent and record of each item.
    pub(crate) items: Vec<(Option<RecordId>, RecordId)>,
    pub(crate) snapshot: bool,
}

/// An untag of records of Leads.
pub(crate) fn untag(tags: &[&str], records: &[i64]) -> Wish {
    let tags = TagSet::new(tags.iter().map(|name| name.parse().unwrap())).unwrap();
    let items = records.iter().map(|number| (None, record(*number))).collect();
    Wish { task: Task::Untag(tags), module: "Leads", items, snapshot: true }
}

/// Takes records out of the Leads of campaigns: parent and record.
pub(crate) fn unlink(pairs: &[(i64, i64)]) -> Wish {
    let pair = |(parent, number): &(i64, i64)| (Some(record(*parent)), record(*number));
    let task = Task::Unlink("Leads".parse().unwrap());
    Wish { task, module: "Campaigns", items: pairs.iter().map(pair).collect(), snapshot: true }
}

/// Deletes tags of Leads.
pub(crate) fn delete_tags(tags: &[i64]) -> Wish {
    let items = tags.iter().map(|number| (None, record(*number))).collect();
    Wish { task: Task::DeleteTags, module: "Leads", items, snapshot: true }
}

/// A record carries these of the tags in question.
pub(crate) fn carries(tags: &[&str], modified: Option<Timestamp>) -> ThingFacts {
    let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
    let carried = CarriedTags { tags, similar: Vec::new(), modified };
    ThingFacts::Tags(TagFacts { record: Look::Seen(carried), defined: Look::NotAsked })
}

/// A record stands in the list, with this `Member_Status`.
pub(crate) fn member(status: Option<&str>) -> ThingFacts {
    let member_status = status.map(str::to_owned);
    let membership = Membership { member: true, member_status, list_price: None };
    let list = Look::Seen(membership);
    ThingFacts::Relation(RelationFacts { list, related: Look::NotAsked })
}

/// A record does not stand in the list, and is there or not.
pub(crate) fn no_member(related: Look<SeenRecord>) -> ThingFacts {
    ThingFacts::Relation(RelationFacts { list: Look::Seen(Membership::default()), related })
}

/// A tag is in its module's list.
pub(crate) fn tag(name: &str, color: Option<&str>) -> ThingFacts {
    let seen = SeenTag { name: name.to_owned(), color: color.map(str::to_owned) };
    ThingFacts::Definition(DefinitionFacts { tag: Look::Seen(seen), records: None })
}

/// A tag is not in its module's list.
pub(crate) fn no_tag() -> ThingFacts {
    ThingFacts::Definition(DefinitionFacts { tag: Look::NotThere, records: None })
}

/// What is read before a call: entry and facts.
pub(crate) fn snapshots(facts: &[(i64, ThingFacts)]) -> Vec<Snapshot> {
    let taken = facts.iter().cloned();
    taken
        .map(|(entry, facts)| Snapshot {
            entry: EntryId::new(entry),
            settles: facts.never_there(true),
            facts,
        })
        .collect()
}

/// The body that accepts a job, as the CRM v8 Mass Delete Tags page shows one.
pub(crate) fn scheduled(job: &str) -> String {
    format!(
        r#"{{"code":"SCHEDULED","details":{{"job_id":"{job}"}},"message":"tags scheduled successfully","status":"success"}}"#
    )
}

/// One answer for a call as a whole, a second after it was sent, as it came and as it is judged.
pub(crate) fn whole(
    prepared: &PreparedBatch,
    status: u16,
    body: &str,
    (outcome, job): (Outcome, Option<&str>),
    sent_at: Timestamp,
) -> (RawAnswer, Judgement) {
    let said: serde_json::Value = serde_json::from_str(body).unwrap();
    let text = |key: &str| said[key].as_str().unwrap().to_owned();
    let result = ItemResult { outcome, code: text("code"), message: text("message"), slice: None };
    let raw = RawAnswer {
        http_status: status,
        body: body.as_bytes().to_vec(),
        cut: false,
        date: None,
        retry_after: None,
        credits_remaining: None,
        sent_at,
        answered_at: sent_at.plus(Duration::from_secs(1)),
    };
    let judgement = Judgement {
        results: vec![result; prepared.items().len()],
        share: None,
        complete: true,
        strangers: 0,
        repeated: 0,
        job: job.map(str::to_owned),
        halt: None,
    };
    (raw, judgement)
}

impl Journal {
    /// Records a request of any operation.
    pub(crate) fn wish(&mut self, wish: &Wish) -> RequestId {
        let module = wish.module.parse().unwrap();
        let items: Vec<NewItem> = (2..)
            .zip(&wish.items)
            .map(|(row, (parent, target))| NewItem { parent: *parent, target: *target, row })
            .collect();
        let source = RequestSource {
            kind: SourceKind::File,
            name: "things.csv".to_owned(),
            sha256: Hash::of(b"things"),
            column: Some("Record Id".to_owned()),
            rows: u64::try_from(items.len()).unwrap(),
        };
        let target = Self::target();
        let recorded = self.write(|tx| {
            tx.record(&NewRequest {
                snapshot_records: false,
                full: None,
                after: None,
                task: &wish.task,
                snapshot: wish.snapshot,
                module_id: None,
                product: Product::Crm,
                module: &module,
                workflows: false,
                target: &target,
                items: &items,
                repeated: &[],
                invalid: &[],
                again: false,
                policy: ApprovalPolicy::Never.into(),
                not_before: None,
                valid_for: Duration::from_hours(30 * 24),
                source: &source,
                requested_by: "Anna",
                recorded_by: "anna (uid 1000)",
                reason: "clean-up",
                ticket: Some("OPS-7"),
                program: "zoho-journal/0.1.0",
            })
        });
        recorded.request.unwrap()
    }

    /// Zoho's id of the module that a request's calls name becomes known.
    pub(crate) fn pin(&mut self, request: RequestId, module_id: RecordId) {
        let run = self.run.unwrap();
        self.write(|tx| tx.pin_module(run, request, module_id));
    }

    /// Records what was there before a call.
    pub(crate) fn snapshot(&mut self, module: &str, facts: &[(i64, ThingFacts)]) {
        let (run, module) = (self.run.unwrap(), module.parse().unwrap());
        let snapshots = snapshots(facts);
        self.write(|tx| tx.take_snapshot(run, &module, &snapshots));
    }

    /// Records a batch of v8 that carries these entries, which share a scope.
    pub(crate) fn carry(&mut self, entries: &[i64], module_id: Option<RecordId>) -> PreparedBatch {
        let reader = self.reader();
        let views: Vec<_> =
            entries.iter().map(|entry| reader.entry(EntryId::new(*entry)).unwrap()).collect();
        let (scope, request) = (&views[0].scope, &views[0].request);
        let tags = TagSet::new(scope.tags.iter().map(|name| name.parse().unwrap())).ok();
        let task = match scope.operation {
            Operation::Delete => Task::Delete,
            Operation::Untag => Task::Untag(tags.unwrap()),
            Operation::Unlink => Task::Unlink(request.list.clone().unwrap()),
            Operation::DeleteTags => Task::DeleteTags,
            Operation::Restore => Task::Restore,
            Operation::Retag => Task::Retag(tags.unwrap()),
            Operation::Relink => Task::Relink(request.list.clone().unwrap()),
            Operation::RecreateTags => Task::RecreateTags,
        };
        let (product, module) = (scope.product, scope.module.clone());
        let kind = CallKind {
            scope: Scope { product, module, action: task.action(scope.parent).unwrap() },
            api_version: ApiVersion::V8,
            workflows: false,
            snapshot: request.snapshot,
            module_id,
        };
        let item = |view: &EntryView| CallItem { entry: view.entry, target: view.target.unwrap() };
        let items = views.iter().map(item).collect();
        drop(reader);
        let run = self.run.unwrap();
        self.write(|tx| tx.begin_batch(run, Picked { kind, items, alone: false }, None)).committed()
    }

    /// Settles a batch with one answer for the call as a whole.
    pub(crate) fn answer_whole(
        &mut self,
        prepared: &PreparedBatch,
        status: u16,
        body: &str,
        (outcome, job): (Outcome, Option<&str>),
    ) {
        let (raw, judgement) = whole(prepared, status, body, (outcome, job), self.now);
        self.pass(1);
        let run = self.run.unwrap();
        self.write(|tx| tx.settle_batch(run, prepared, &raw, &judgement));
    }

    /// Zoho accepts a job.
    pub(crate) fn accept(&mut self, prepared: &PreparedBatch, job: &str) {
        self.answer_whole(prepared, 202, &scheduled(job), (Outcome::Queued, Some(job)));
    }

    /// A job is over: Zoho counts so many in all, deleted, and not deleted.
    pub(crate) fn end_job(
        &mut self,
        prepared: &PreparedBatch,
        ending: JobEnding,
        counts: [u64; 3],
    ) {
        let (run, batch) = (self.run.unwrap(), prepared.batch());
        self.write(|tx| tx.end_job(run, batch, ending, counts.map(Some)));
    }

    /// Records what was read of things afterwards.
    pub(crate) fn find_things(
        &mut self,
        module: &str,
        findings: &[(i64, Verdict, &str, ThingFacts)],
    ) {
        let (run, module) = (self.run.unwrap(), module.parse().unwrap());
        let findings: Vec<Finding> = findings
            .iter()
            .map(|(entry, verdict, code, facts)| Finding {
                entry: EntryId::new(*entry),
                verdict: *verdict,
                code: (*code).to_owned(),
                facts: facts.json().unwrap(),
            })
            .collect();
        self.write(|tx| tx.record_evidence(run, &module, &findings));
    }
}

/// R1 untag: E1 done, E2 never there, E3 lost and found done, E4 lost and changed since.
/// R2 untag without a snapshot: E5 done.
/// R3 unlink: E6 done, E7 refused and gone before, of another parent E8 refused.
/// R4 delete-tags in one job: E9 done, E10 failed, E11 in a job that is not over.
pub(crate) fn things() -> Journal {
    let mut journal = Journal::new();
    journal.wish(&untag(&["Prime", "=1+1"], &[1, 2, 3, 4]));
    journal.wish(&Wish { snapshot: false, ..untag(&["Prime"], &[5]) });
    journal.wish(&unlink(&[(101, 6), (101, 7), (102, 8)]));
    let tags = journal.wish(&delete_tags(&[201, 202, 203]));
    journal.start("sync");
    let removed = (Outcome::Done, "SUCCESS", "tags updated successfully");

    let before: Vec<_> = [(1, &["Prime"][..]), (2, &[]), (3, &["=1+1", "Prime"]), (4, &["Prime"])]
        .into_iter()
        .map(|(entry, tags)| (entry, carries(tags, None)))
        .collect();
    journal.snapshot("Leads", &before);
    let first = journal.carry(&[1], None);
    journal.answer(&first, &[removed]);
    let lost = journal.carry(&[3, 4], None);
    journal.lose(&lost);
    journal.pass(120);
    let now = journal.now;
    journal.find_things(
        "Leads",
        &[
            (3, Verdict::Done, "", carries(&[], Some(now))),
            (4, Verdict::Undecided, UNDECIDED, carries(&["Prime"], Some(now))),
        ],
    );
    let unread = journal.carry(&[5], None);
    journal.answer(&unread, &[removed]);
    unlink_some(&mut journal);
    delete_some_tags(&mut journal, tags);
    journal
}

fn unlink_some(journal: &mut Journal) {
    let there = Look::Seen(SeenRecord { modified: None });
    journal.snapshot("Campaigns", &[(6, member(Some("Active"))), (7, member(None))]);
    let listed = journal.carry(&[6, 7], None);
    let unknown = (Outcome::Unknown, "INVALID_DATA", "relation not found");
    journal.answer(&listed, &[(Outcome::Done, "SUCCESS", "relation removed"), unknown]);
    journal.find_things("Campaigns", &[(7, Verdict::Absent, "INVALID_DATA", no_member(there))]);
    journal.snapshot("Campaigns", &[(8, member(None))]);
    let other = journal.carry(&[8], None);
    // CRM v7 Delink Records page: the name of the relation is wrong.
    let body = r#"{"code":"INVALID_DATA","details":{"resource_path_index":2},"message":"the relation name given seems to be invalid","status":"error"}"#;
    journal.answer_whole(&other, 400, body, (Outcome::Failed, None));
}

fn delete_some_tags(journal: &mut Journal, request: RequestId) {
    let module_id = record(900);
    journal.pin(request, module_id);
    let prime = tag("Prime", Some("#57B1FD"));
    journal.snapshot("Leads", &[(9, prime), (10, tag("Hot", None)), (11, tag("Cold", None))]);
    let two = journal.carry(&[9, 10], Some(module_id));
    journal.accept(&two, JOB);
    journal.pass(60);
    journal.end_job(&two, JobEnding::Completed, [2, 1, 1]);
    let found =
        [(9, Verdict::Done, "", no_tag()), (10, Verdict::Failed, "FAILED", tag("Hot", None))];
    journal.find_things("Leads", &found);
    let open = journal.carry(&[11], Some(module_id));
    journal.accept(&open, "=cmd()");
}
