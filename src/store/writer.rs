//! The writing thread of a run: it owns the connection, takes typed messages, and commits what has
//! gathered in one transaction. A message is acknowledged only after COMMIT returned.
//!
//! It may be a task instead. Then what gathers follows from the order of the other tasks and from nothing
//! else, so that a simulation can be repeated.

mod claims;

pub use self::claims::{Claimed, ReadBefore, ReadFirst};

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

use crate::domain::answer::RawAnswer;
use crate::domain::barred::Without;
use crate::domain::call::PreparedBatch;
use crate::domain::calls::{Limits, Versions};
use crate::domain::event::{JobEnding, Returned, Unanswered};
use crate::domain::id::{BatchId, EntryId, ModuleName, RecordId, RequestId, RunId};
use crate::domain::outcome::Judgement;
use crate::domain::pace::Breaker;
use crate::domain::policy::Conditions;
use crate::domain::ranges::EntryRanges;
use crate::domain::target::{Product, Target};
use crate::domain::time::Timestamp;
use crate::planted::Mistake;
use crate::store::error::{Result, StoreError};
use crate::store::full_snapshot::FullSnapshot;
use crate::store::queue::Cursors;
use crate::store::reading::Finding;
use crate::store::recheck::Seen;
use crate::store::sending::AsRecorded;
use crate::store::usage::Metered;
use crate::store::writer::claims::claimed;
use crate::store::{Head, Store, WriteTx};

/// Messages that one transaction takes at most.
const GROUP: usize = 64;

/// What the queue of a run is restricted to.
#[derive(Debug, Clone)]
pub struct ClaimRules {
    /// The run.
    pub run: RunId,
    /// Which API version each product uses.
    pub versions: Versions,
    /// What the user set.
    pub limits: Limits,
    /// The requests whose entries may be claimed, and no others.
    pub requests: HashSet<RequestId>,
    /// Entries of theirs that were held or waited for approval when the run began.
    pub not_mine: EntryRanges,
    /// The approval policy of flags and settings; the journal's own counts as well.
    pub policy: Conditions,
}

/// What a run gathers and the next commit takes along.
pub type Meter = Arc<Mutex<Metered>>;

type Reply<T> = oneshot::Sender<Result<T>>;

enum Message {
    Claim { at_most: usize, without: Without, reply: Reply<Claimed> },
    ClaimRead { first: ReadFirst, read: ReadBefore, reply: Reply<Claimed> },
    PutBack { first: ReadFirst, reply: Reply<()> },
    KeepFull { of: (RequestId, ModuleName), files: Vec<FullSnapshot>, reply: Reply<()> },
    EndJob { batch: BatchId, ending: JobEnding, counts: [Option<u64>; 3], reply: Reply<()> },
    PinModule { request: RequestId, module_id: RecordId, reply: Reply<()> },
    Settle { prepared: PreparedBatch, raw: Box<RawAnswer>, judgement: Judgement, reply: Reply<()> },
    Unanswered { batch: BatchId, lost: LostCall, reply: Reply<()> },
    GiveBack { prepared: PreparedBatch, reason: Returned, detail: String, reply: Reply<()> },
    Evidence { module: ModuleName, findings: Vec<Finding>, reply: Reply<Vec<EntryId>> },
    Recheck { module: ModuleName, seen: Vec<Seen>, reply: Reply<()> },
    Bind { target: Target, org: RecordId, reply: Reply<()> },
    SeeUser { user: Option<RecordId>, offset_ms: i64, reply: Reply<()> },
    SeeModule { product: Product, module: ModuleName, bin: Option<bool>, reply: Reply<()> },
    Park { request: RequestId, refusals: u64, reply: Reply<()> },
    KeepBreaker(Option<Breaker>),
    EndRun { exit_code: u8, calls: u64, credits: u64, reply: Reply<()> },
}

/// A call that brought no answer.
#[derive(Debug, Clone)]
pub struct LostCall {
    /// When its bytes were handed to the network, where known.
    pub sent_at: Option<Timestamp>,
    /// The last moment at which it can have been sent.
    pub sent_before: Timestamp,
    /// Why there is no answer.
    pub reason: Unanswered,
    /// The error, in words.
    pub detail: String,
}

/// A handle to the writing thread. Cheap to clone; the thread ends when the last one is dropped.
#[derive(Debug, Clone)]
pub struct Writer {
    messages: UnboundedSender<Message>,
}

/// Where the writing is done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Place {
    /// On a thread of its own: calls go on while the disk is slow.
    #[default]
    Thread,
    /// In a task of the current runtime, for runs that are to be repeated exactly.
    Task,
}

/// The writing that was begun. It hands the store back when it ends, or the error after which nothing may be
/// written any more.
#[derive(Debug)]
pub enum Writing {
    /// On a thread of its own.
    Thread(std::thread::JoinHandle<Result<Store>>),
    /// In a task.
    Task(tokio::task::JoinHandle<Result<Store>>),
}

impl Writing {
    /// Waits for its end, which comes when the last [`Writer`] is dropped. `None` when it panicked.
    pub async fn end(self) -> Option<Result<Store>> {
        match self {
            Self::Thread(thread) => thread.join().ok(),
            Self::Task(task) => task.await.ok(),
        }
    }
}

/// Called after each commit with the new head, so that the anchor can follow.
pub type OnCommit = Box<dyn FnMut(Head) + Send>;

impl Writer {
    /// Moves the store to where the writing is done.
    pub fn start(
        store: Store,
        rules: ClaimRules,
        read_first: HashSet<(Product, ModuleName)>,
        meter: Meter,
        now: Now,
        (place, on_commit): (Place, OnCommit),
    ) -> (Self, Writing) {
        let (messages, inbox) = unbounded_channel();
        let cursors = Cursors::without(rules.not_mine.clone());
        let (compared, published) = (AsRecorded::default(), 0);
        let worker = Worker {
            store,
            rules,
            compared,
            read_first,
            cursors,
            meter,
            now,
            on_commit,
            published,
        };
        let writing = match place {
            Place::Thread => Writing::Thread(std::thread::spawn(move || worker.run(inbox))),
            Place::Task => Writing::Task(tokio::spawn(worker.run_as_task(inbox))),
        };
        (Self { messages }, writing)
    }

    async fn ask<T>(&self, message: impl FnOnce(Reply<T>) -> Message) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        self.messages.send(message(reply)).map_err(|_| StoreError::WriterGone)?;
        answer.await.map_err(|_| StoreError::WriterGone)?
    }

    /// Claims the next batch, of so many entries at most, `without` some.
    pub async fn claim(&self, at_most: usize, without: Without) -> Result<Claimed> {
        self.ask(|reply| Message::Claim { at_most, without, reply }).await
    }

    /// Claims entries that were read first. What was never there is settled instead.
    pub async fn claim_read(&self, first: ReadFirst, read: ReadBefore) -> Result<Claimed> {
        self.ask(|reply| Message::ClaimRead { first, read, reply }).await
    }

    /// Puts entries back that were to be read first.
    pub async fn put_back(&self, first: ReadFirst) -> Result<()> {
        self.ask(|reply| Message::PutBack { first, reply }).await
    }

    /// Keeps full snapshots of pending entries of one request.
    pub async fn keep_full_snapshots(
        &self,
        of: (RequestId, ModuleName),
        files: Vec<FullSnapshot>,
    ) -> Result<()> {
        self.ask(|reply| Message::KeepFull { of, files, reply }).await
    }

    /// Records that a job is over, with Zoho's counts: all, deleted, failed.
    pub async fn end_job(
        &self,
        batch: BatchId,
        ending: JobEnding,
        counts: [Option<u64>; 3],
    ) -> Result<()> {
        self.ask(|reply| Message::EndJob { batch, ending, counts, reply }).await
    }

    /// Keeps Zoho's id of a request's module with the request.
    pub async fn pin_module(&self, request: RequestId, module_id: RecordId) -> Result<()> {
        self.ask(|reply| Message::PinModule { request, module_id, reply }).await
    }

    /// Stores an answer and settles its batch.
    pub async fn settle(
        &self,
        prepared: PreparedBatch,
        raw: RawAnswer,
        judgement: Judgement,
    ) -> Result<()> {
        let raw = Box::new(raw);
        self.ask(|reply| Message::Settle { prepared, raw, judgement, reply }).await
    }

    /// Records that a batch's call brought no answer.
    pub async fn leave_unanswered(&self, batch: BatchId, lost: LostCall) -> Result<()> {
        self.ask(|reply| Message::Unanswered { batch, lost, reply }).await
    }

    /// Gives a batch back whose call surely did not leave.
    pub async fn give_back(
        &self,
        prepared: PreparedBatch,
        reason: Returned,
        detail: String,
    ) -> Result<()> {
        self.ask(|reply| Message::GiveBack { prepared, reason, detail, reply }).await
    }

    /// Records what was read of one module. `findings` ascend by entry. Those that a person settled while they
    /// were read are left out, and returned.
    pub async fn record_evidence(
        &self,
        module: ModuleName,
        findings: Vec<Finding>,
    ) -> Result<Vec<EntryId>> {
        self.ask(|reply| Message::Evidence { module, findings, reply }).await
    }

    /// Records what was seen of settled entries of one module.
    pub async fn record_recheck(&self, module: ModuleName, seen: Vec<Seen>) -> Result<()> {
        self.ask(|reply| Message::Recheck { module, seen, reply }).await
    }

    /// Binds the journal to its org, or checks that it is bound to it.
    pub async fn bind(&self, target: Target, org: RecordId) -> Result<()> {
        self.ask(|reply| Message::Bind { target, org, reply }).await
    }

    /// Records the token's user.
    pub async fn see_user(&self, user: Option<RecordId>, offset_ms: i64) -> Result<()> {
        self.ask(|reply| Message::SeeUser { user, offset_ms, reply }).await
    }

    /// Records what was read of a module.
    pub async fn see_module(
        &self,
        product: Product,
        module: ModuleName,
        bin: Option<bool>,
    ) -> Result<()> {
        self.ask(|reply| Message::SeeModule { product, module, bin, reply }).await
    }

    /// Sets a request aside.
    pub async fn park(&self, request: RequestId, refusals: u64) -> Result<()> {
        self.ask(|reply| Message::Park { request, refusals, reply }).await
    }

    /// Keeps a breaker for later runs, or forgets it. Nobody waits for that: a crash before the commit costs
    /// Zoho one call too early.
    pub fn keep_breaker(&self, breaker: Option<Breaker>) {
        // A thread that is gone has an error of its own to tell.
        self.messages.send(Message::KeepBreaker(breaker)).ok();
    }

    /// Ends the run.
    pub async fn end_run(&self, exit_code: u8, calls: u64, credits: u64) -> Result<()> {
        self.ask(|reply| Message::EndRun { exit_code, calls, credits, reply }).await
    }
}

/// What time it is.
pub type Now = Box<dyn Fn() -> Timestamp + Send>;

struct Worker {
    store: Store,
    rules: ClaimRules,
    compared: AsRecorded,
    read_first: HashSet<(Product, ModuleName)>,
    cursors: Cursors,
    meter: Meter,
    now: Now,
    on_commit: OnCommit,
    /// The size of the log that `on_commit` was told last.
    published: u64,
}

/// An acknowledgement that waits for the commit; it is told whether that succeeded.
type Pending = Box<dyn FnOnce(bool) + Send>;

impl Worker {
    fn run(mut self, mut inbox: UnboundedReceiver<Message>) -> Result<Store> {
        self.begin()?;
        while let Some(first) = inbox.blocking_recv() {
            self.commit(gathered(first, &mut inbox))?;
        }
        Ok(self.store)
    }

    async fn run_as_task(mut self, mut inbox: UnboundedReceiver<Message>) -> Result<Store> {
        self.begin()?;
        while let Some(first) = inbox.recv().await {
            self.commit(gathered(first, &mut inbox))?;
        }
        Ok(self.store)
    }

    fn begin(&mut self) -> Result<()> {
        // Another process may record a million entries in one transaction: answers wait for it.
        self.store.be_patient()?;
        self.published = self.store.head()?.size;
        Ok(())
    }

    fn commit(&mut self, group: Vec<Message>) -> Result<()> {
        let Self { store, rules, compared, read_first, cursors, meter, now, on_commit, published } =
            self;
        // Whoever panicked while holding it left numbers behind, nothing that could be half done.
        let metered = std::mem::take(&mut *meter.lock().unwrap_or_else(PoisonError::into_inner));
        let mut jobs = Jobs { rules, compared, read_first, cursors };
        let mut pending: Vec<Pending> = Vec::with_capacity(group.len());
        let written = store.write("recording what happened", now(), |tx| {
            for message in group {
                pending.push(jobs.handle(tx, message));
            }
            tx.add_usage(metered)?;
            if Mistake::PublishesBeforeCommit.is_made() && tx.tree.size() > *published {
                on_commit(Head { size: tx.tree.size(), root: tx.tree.root() });
            }
            Ok(())
        });
        let committed = written.is_ok();
        for acknowledge in pending {
            acknowledge(committed);
        }
        // After a failed commit nobody knows what is on disk: the run must stop, and the next one
        // finds out.
        let ((), head) = written?;
        // A transaction that appended nothing synced nothing: rows that a killed process left unsynced
        // must not get into the anchor on its account.
        if head.size > *published {
            *published = head.size;
            on_commit(head);
        }
        Ok(())
    }
}

/// What waits already, for one transaction.
fn gathered(first: Message, inbox: &mut UnboundedReceiver<Message>) -> Vec<Message> {
    let mut group = vec![first];
    while group.len() < GROUP
        && let Ok(next) = inbox.try_recv()
    {
        group.push(next);
    }
    group
}

struct Jobs<'a> {
    rules: &'a ClaimRules,
    compared: &'a mut AsRecorded,
    read_first: &'a mut HashSet<(Product, ModuleName)>,
    cursors: &'a mut Cursors,
}

/// Runs one job in a savepoint of its own and prepares its acknowledgement.
fn scoped<T: Send + 'static>(
    tx: &mut WriteTx<'_>,
    reply: Reply<T>,
    work: impl FnOnce(&mut WriteTx<'_>) -> Result<T>,
) -> Pending {
    let result = tx.scoped(work);
    Box::new(move |committed| {
        let result = if committed { result } else { Err(StoreError::WriterGone) };
        // A receiver that is gone belongs to a run that is stopping; what was written stays.
        drop(reply.send(result));
    })
}

impl Jobs<'_> {
    fn handle(&mut self, tx: &mut WriteTx<'_>, message: Message) -> Pending {
        let run = self.rules.run;
        match message {
            Message::Claim { at_most, without, reply } => {
                let result = tx.scoped(|tx| self.claim(tx, at_most, &without));
                claimed(reply, self.found_again(result))
            }
            Message::ClaimRead { first, read, reply } => {
                self.cursors.release(&first.picked.kind.scope, &first.picked.items);
                let result = tx.scoped(|tx| self.claim_read(tx, first, read));
                claimed(reply, self.found_again(result))
            }
            Message::PutBack { first, reply } => {
                self.cursors.release(&first.picked.kind.scope, &first.picked.items);
                Box::new(move |_| drop(reply.send(Ok(()))))
            }
            Message::KeepFull { of, files, reply } => {
                scoped(tx, reply, move |tx| tx.keep_full_snapshots(run, (of.0, &of.1), &files))
            }
            Message::EndJob { batch, ending, counts, reply } => {
                scoped(tx, reply, move |tx| tx.end_job(run, batch, ending, counts))
            }
            Message::PinModule { request, module_id, reply } => {
                scoped(tx, reply, move |tx| tx.pin_module(run, request, module_id))
            }
            Message::Settle { prepared, raw, judgement, reply } => {
                self.cursors.rewind_if(&judgement);
                scoped(tx, reply, move |tx| tx.settle_and_hold(run, &prepared, &raw, &judgement))
            }
            Message::Unanswered { batch, lost, reply } => scoped(tx, reply, move |tx| {
                let LostCall { sent_at, sent_before, reason, detail } = lost;
                tx.leave_unanswered(run, batch, sent_at, sent_before, reason, &detail)
            }),
            Message::GiveBack { prepared, reason, detail, reply } => {
                self.cursors.rewind();
                scoped(tx, reply, move |tx| tx.give_back_and_hold(run, &prepared, reason, &detail))
            }
            Message::Evidence { module, findings, reply } => {
                self.cursors.rewind();
                scoped(tx, reply, move |tx| tx.record_evidence(run, &module, &findings))
            }
            Message::Recheck { module, seen, reply } => {
                scoped(tx, reply, move |tx| tx.record_recheck(run, &module, &seen))
            }
            Message::Bind { target, org, reply } => {
                scoped(tx, reply, move |tx| tx.bind(run, &target, org))
            }
            Message::SeeUser { user, offset_ms, reply } => {
                scoped(tx, reply, move |tx| tx.see_user(run, user, offset_ms))
            }
            Message::SeeModule { product, module, bin, reply } => {
                if bin == Some(false) {
                    self.read_first.insert((product, module.clone()));
                }
                scoped(tx, reply, move |tx| tx.see_module(run, product, &module, bin))
            }
            Message::Park { request, refusals, reply } => {
                scoped(tx, reply, move |tx| tx.park(run, request, refusals))
            }
            Message::KeepBreaker(breaker) => {
                let kept = tx.scoped(|tx| tx.keep_breaker(run, breaker));
                Box::new(move |_| drop(kept))
            }
            Message::EndRun { exit_code, calls, credits, reply } => {
                scoped(tx, reply, move |tx| tx.end_run(run, exit_code, calls, credits))
            }
        }
    }
}
