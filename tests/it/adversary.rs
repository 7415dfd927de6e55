//! What an adversary finds: interleavings and answers that make the journal lie, hang, or guess.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use zoho_journal::clock::{Clock, SystemClock};
use zoho_journal::domain::answer::{
    Deletion, JobSeen, ModuleInfo, Page, RawAnswer, Read, ReadError, RecordSeen, Related,
    SendError, TagSeen,
};
use zoho_journal::domain::call::PreparedBatch;
use zoho_journal::domain::calls::Versions;
use zoho_journal::domain::id::{ModuleName, RecordId};
use zoho_journal::domain::scope::Task;
use zoho_journal::domain::target::{ApiVersion, Product};
use zoho_journal::domain::time::Timestamp;
use zoho_journal::reconcile::options::RunOptions;
use zoho_journal::simulator::{Config, Fault};
use zoho_journal::zoho::{ListAsked, Zoho, ZohoClient};

use crate::world::{Ask, World};

/// What happens to a write call on its way.
enum Way {
    Straight,
    /// It never arrives, and there is no answer.
    Swallowed,
    /// It arrives, and its answer is lost.
    AnswerLost,
    /// It arrives, and its answer is another one.
    Answered(u16, &'static str),
    /// It arrives so many milliseconds later, and is answered.
    Slow(u64),
    /// It never arrives, and somebody answers in Zoho's name.
    Refused(u16, &'static str),
    /// The same, with `<0>`, `<1>` … for the ids of the call.
    Says(u16, String),
}

type Submits = Box<dyn Fn(usize) -> Way + Send + Sync>;
type Lists = Box<dyn Fn(u32, &mut Page<Related>) + Send + Sync>;
type Jobs = Box<dyn Fn(usize) -> Option<JobSeen> + Send + Sync>;

/// Somebody between the engine and Zoho.
struct Middle {
    zoho: ZohoClient<SystemClock>,
    submits: Submits,
    jobs: Jobs,
    /// What becomes of a page of a related list.
    lists: Lists,
    /// What each read of records takes, in milliseconds of the clock below.
    slow: Arc<AtomicU64>,
    read_ms: u64,
    submitted: AtomicUsize,
    asked: AtomicUsize,
    reads: Arc<AtomicUsize>,
}

impl Middle {
    fn new(world: &World) -> Self {
        Self {
            zoho: world.client(),
            submits: Box::new(|_| Way::Straight),
            jobs: Box::new(|_| None),
            lists: Box::new(|_, _| ()),
            slow: Arc::default(),
            read_ms: 0,
            submitted: AtomicUsize::new(0),
            asked: AtomicUsize::new(0),
            reads: Arc::default(),
        }
    }

    fn submits(mut self, way: impl Fn(usize) -> Way + Send + Sync + 'static) -> Self {
        self.submits = Box::new(way);
        self
    }

    fn jobs(mut self, say: impl Fn(usize) -> Option<JobSeen> + Send + Sync + 'static) -> Self {
        self.jobs = Box::new(say);
        self
    }

    fn dawdle(&self) {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.slow.fetch_add(self.read_ms, Ordering::SeqCst);
    }
}

impl Zoho for Middle {
    async fn submit(&self, batch: &PreparedBatch) -> Result<RawAnswer, SendError> {
        let number = self.submitted.fetch_add(1, Ordering::SeqCst);
        let lost = || SendError::NoAnswer {
            why: "lost on the way".to_owned(),
            sent_at: SystemClock.now(),
        };
        match (self.submits)(number) {
            Way::Straight => self.zoho.submit(batch).await,
            Way::Swallowed => Err(lost()),
            Way::AnswerLost => {
                self.zoho.submit(batch).await?;
                Err(lost())
            }
            Way::Slow(millis) => {
                tokio::time::sleep(Duration::from_millis(millis)).await;
                self.zoho.submit(batch).await
            }
            Way::Answered(http_status, body) => {
                let raw = self.zoho.submit(batch).await?;
                Ok(RawAnswer { http_status, body: body.as_bytes().to_vec(), ..raw })
            }
            Way::Says(http_status, body) => {
                let sent_at = SystemClock.now();
                let ids = batch.items().iter().map(|item| item.target.to_string());
                let body = (0..)
                    .zip(ids)
                    .fold(body, |body, (at, id): (usize, _)| body.replace(&format!("<{at}>"), &id));
                Ok(RawAnswer {
                    http_status,
                    body: body.into_bytes(),
                    cut: false,
                    date: None,
                    retry_after: None,
                    credits_remaining: None,
                    sent_at,
                    answered_at: SystemClock.now(),
                })
            }
            Way::Refused(http_status, body) => {
                let sent_at = SystemClock.now();
                tokio::time::sleep(Duration::from_millis(300)).await;
                Ok(RawAnswer {
                    http_status,
                    body: body.as_bytes().to_vec(),
                    cut: false,
                    date: None,
                    retry_after: None,
                    credits_remaining: None,
                    sent_at,
                    answered_at: SystemClock.now(),
                })
            }
        }
    }

    async fn read_org(
        &self,
        product: Product,
        version: ApiVersion,
    ) -> Result<Read<RecordId>, ReadError> {
        self.zoho.read_org(product, version).await
    }

    async fn read_current_user(
        &self,
        product: Product,
        version: ApiVersion,
    ) -> Result<Read<RecordId>, ReadError> {
        self.zoho.read_current_user(product, version).await
    }

    async fn read_module(
        &self,
        product: Product,
        version: ApiVersion,
        module: &ModuleName,
    ) -> Result<Read<ModuleInfo>, ReadError> {
        self.zoho.read_module(product, version, module).await
    }

    async fn read_bin(
        &self,
        module: &ModuleName,
        ids: &[RecordId],
    ) -> Result<Read<Vec<Deletion>>, ReadError> {
        self.zoho.read_bin(module, ids).await
    }

    async fn read_deleted(
        &self,
        product: Product,
        version: ApiVersion,
        module: &ModuleName,
        since: Timestamp,
        page: u32,
    ) -> Result<Read<Page<Deletion>>, ReadError> {
        self.zoho.read_deleted(product, version, module, since, page).await
    }

    async fn read_records(
        &self,
        product: Product,
        version: ApiVersion,
        module: &ModuleName,
        ids: &[RecordId],
        with_tags: bool,
    ) -> Result<Read<Vec<RecordSeen>>, ReadError> {
        self.dawdle();
        self.zoho.read_records(product, version, module, ids, with_tags).await
    }

    async fn read_related(
        &self,
        list: &ListAsked<'_>,
        ids: &[RecordId],
        page: u32,
    ) -> Result<Read<Option<Page<Related>>>, ReadError> {
        self.dawdle();
        let mut read = self.zoho.read_related(list, ids, page).await?;
        if let Some(rows) = &mut read.value {
            (self.lists)(page, rows);
        }
        Ok(read)
    }

    async fn read_tags(
        &self,
        product: Product,
        version: ApiVersion,
        module: &ModuleName,
    ) -> Result<Read<Vec<TagSeen>>, ReadError> {
        self.zoho.read_tags(product, version, module).await
    }

    async fn read_job(
        &self,
        product: Product,
        version: ApiVersion,
        job: &str,
    ) -> Result<Read<JobSeen>, ReadError> {
        let number = self.asked.fetch_add(1, Ordering::SeqCst);
        let read = self.zoho.read_job(product, version, job).await?;
        Ok(match (self.jobs)(number) {
            Some(value) => Read { value, ..read },
            None => read,
        })
    }
}

/// The real clock, and what reads took on top of it.
struct Slowed(Arc<AtomicU64>, Arc<AtomicUsize>);

impl Clock for Slowed {
    fn now(&self) -> Timestamp {
        SystemClock.now().plus(Duration::from_millis(self.0.load(Ordering::SeqCst)))
    }

    fn elapsed(&self) -> Duration {
        SystemClock.elapsed() + Duration::from_millis(self.0.load(Ordering::SeqCst))
    }

    async fn sleep(&self, duration: Duration) {
        self.1.fetch_add(1, Ordering::SeqCst);
        SystemClock.sleep(duration).await;
    }
}

fn config(records: &[(&str, usize)]) -> Config {
    let records = records.iter().map(|(module, count)| ((*module).to_owned(), *count)).collect();
    Config {
        records,
        delay_ms: 1,
        late_ms: 1,
        retry_after_s: 0,
        job_scheduled_ms: 0,
        job_running_ms: 0,
        max_url_bytes: 16_384,
        ..Config::default()
    }
}

fn live(world: &World, module: &str) -> Vec<u64> {
    world.zoho.snapshot().modules[module].live.clone()
}

fn in_version(world: &World, crm: ApiVersion) -> RunOptions {
    RunOptions { versions: Versions { crm, ..Versions::default() }, ..world.options() }
}

/// The id is a tag's of Contacts; the request says Leads, where no such tag is.
#[tokio::test]

async fn a_tag_of_another_module_is_not_deleted() {
    for version in [ApiVersion::V8, ApiVersion::V6] {
        let mut world = World::with(config(&[("Leads", 1), ("Contacts", 1)]));
        world.zoho.tag("Leads", &["x"], &[]);
        let foreign = world.zoho.tag("Contacts", &["Keep me"], &[]);
        world.ask(&Ask::new("Leads", Task::DeleteTags, &foreign));
        world.run(in_version(&world, version)).await.unwrap();
        let left = world.zoho.snapshot().tags.get("Contacts").map_or(0, |tags| tags.len());
        assert_eq!(left, 1, "{version}: the tag of Contacts is gone: {}", world.states());
    }
}

/// The status of a job is not there yet when it is asked for a second after the job was accepted.
#[tokio::test]

async fn a_job_that_is_not_known_yet_is_not_over() {
    let slow = Config { job_scheduled_ms: 2_500, ..config(&[("Leads", 1)]) };
    let mut world = World::with(slow);
    let tags = world.zoho.tag("Leads", &["a", "b"], &[]);
    world.ask(&Ask::new("Leads", Task::DeleteTags, &tags));
    let middle = Middle::new(&world).jobs(|number| {
        let (code, message) = ("INVALID_DATA".to_owned(), "job details not found".to_owned());
        (number == 0).then_some(JobSeen::Forgotten { code, message })
    });
    world.run_on(middle, SystemClock, world.options()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(3)).await;
    world.agrees();
}

/// The job fails and counts nothing as deleted; meanwhile somebody else deletes the tags.
#[tokio::test]

async fn what_a_failed_job_did_not_delete_is_not_done() {
    let slow = Config { job_scheduled_ms: 500, ..config(&[("Leads", 1)]) };
    let mut world = World::with(slow);
    let tags = world.zoho.tag("Leads", &["a", "b"], &[]);
    world.ask(&Ask::new("Leads", Task::DeleteTags, &tags));
    world.zoho.plan_faults(vec![Fault::JobFails]);
    let options = RunOptions { wait: Duration::ZERO, ..world.options() };
    world.run(options).await.unwrap();
    assert_eq!(world.zoho.drop_tags("Leads", &["a", "b"]), 2);
    world.sync().await;
    world.agrees();
}

/// The first request deletes the tag; the second one's snapshot is a list from before that, its call is
/// refused, and the refusal is lost.
#[tokio::test]

async fn a_list_from_before_our_own_call_is_no_snapshot() {
    let mut world = World::with(config(&[("Leads", 1)]));
    let tags = world.zoho.tag("Leads", &["a"], &[]);
    world.ask(&Ask::new("Leads", Task::DeleteTags, &tags));
    world.ask_again(&Ask::new("Leads", Task::DeleteTags, &tags));
    let middle = Middle::new(&world)
        .submits(|number| if number == 1 { Way::AnswerLost } else { Way::Straight });
    let options = in_version(&world, ApiVersion::V6);
    world.run_on(middle, SystemClock, options).await.unwrap();
    world.agrees();
}

/// The record carries another tag that differs in capitals. Zoho answers with success and says that it still
/// has it.
#[tokio::test]

async fn another_tag_that_differs_in_capitals_is_not_ours() {
    let mut world = World::with(config(&[("Leads", 1)]));
    let leads = live(&world, "Leads");
    world.zoho.tag("Leads", &["Prime"], &[]);
    world.zoho.tag("Leads", &["PRIME"], &leads);
    world.ask(&Ask::untag("Leads", &["Prime"], &leads));
    world.sync().await;
    world.agrees();
}

/// A request with a wrong module must end as refused, and keep no other from its work.
#[tokio::test]

async fn a_request_whose_snapshot_cannot_be_read_keeps_no_other_from_its_work() {
    let mut world = World::with(config(&[("Leads", 3)]));
    let leads = live(&world, "Leads");
    world.ask(&Ask::untag("Leadz", &["Prime"], &leads));
    world.ask(&Ask::new("Leads", Task::Delete, &leads));
    for _ in 0..3 {
        world.sync().await;
    }
    assert_eq!(world.states(), "done 3, failed 3");
}

#[tokio::test]

async fn a_list_that_zoho_does_not_know_keeps_no_other_request_from_its_work() {
    let mut world = World::with(config(&[("Leads", 3), ("Campaigns", 1)]));
    let leads = live(&world, "Leads");
    let campaign = live(&world, "Campaigns")[0];
    world.ask(&Ask::unlink("Campaigns", campaign, "Leeds", &leads));
    world.ask(&Ask::new("Leads", Task::Delete, &leads));
    world.sync().await;
    assert_eq!(world.states(), "done 3, failed 3");
}

/// Somebody adds a row to the list between two pages: the last row of the first page comes again, and what we
/// ask for stands on the third page.
#[tokio::test]

async fn a_row_that_comes_twice_does_not_end_the_list() {
    let mut world = World::with(config(&[("Campaigns", 1), ("Leads", 2)]));
    let (campaign, leads) = (live(&world, "Campaigns")[0], live(&world, "Leads"));
    world.zoho.link("Campaigns", campaign, "Leads", &leads);
    world.ask(&Ask::unlink("Campaigns", campaign, "Leads", &leads));
    let mut middle = Middle::new(&world);
    let all: std::sync::Mutex<Vec<Related>> = std::sync::Mutex::default();
    middle.lists = Box::new(move |page, rows| {
        let mut all = all.lock().unwrap();
        if page == 1 {
            *all = rows.rows.clone();
        }
        rows.more = page < 3;
        let row = usize::from(page > 2);
        rows.rows = all[row..=row].to_vec();
    });
    let options = world.options();
    world.run_on(middle, SystemClock, options).await.unwrap();
    assert_eq!(world.states(), "done 2");
}

/// A list that ends nowhere, and a lost answer: what cannot be read is not read for ever.
#[tokio::test]

async fn a_list_without_end_is_not_read_over_and_over() {
    let mut world = World::with(config(&[("Campaigns", 1), ("Leads", 2)]));
    let (campaign, leads) = (live(&world, "Campaigns")[0], live(&world, "Leads"));
    world.zoho.link("Campaigns", campaign, "Leads", &leads);
    world.ask(&Ask::unlink("Campaigns", campaign, "Leads", &leads));
    let middle = Middle::new(&world).submits(|_| Way::Swallowed);
    let options = RunOptions { wait: Duration::ZERO, ..world.options() };
    world.run_on(middle, SystemClock, options).await.unwrap();
    assert_eq!(world.states(), "unknown 2");
    let mut middle = Middle::new(&world);
    middle.lists = Box::new(|_, rows| {
        rows.more = true;
        rows.rows.clear();
    });
    let reads = Arc::clone(&middle.reads);
    let options = world.options();
    let summary = world.run_on(middle, SystemClock, options).await.unwrap();
    let reads = reads.load(Ordering::SeqCst);
    assert!(reads <= 200, "{reads} reads in twenty seconds: {summary:?}");
}

/// A job carries tags of two requests; only the second one is named.
#[tokio::test]

async fn a_named_request_is_settled_though_another_one_s_entry_leads_its_job() {
    let slow = Config { job_scheduled_ms: 300, ..config(&[("Leads", 1)]) };
    let mut world = World::with(slow);
    let tags = world.zoho.tag("Leads", &["a", "b"], &[]);
    world.ask(&Ask::new("Leads", Task::DeleteTags, &tags[..1]));
    let second = world.ask(&Ask::new("Leads", Task::DeleteTags, &tags[1..]));
    let options = RunOptions { wait: Duration::ZERO, ..world.options() };
    world.run(options).await.unwrap();
    assert_eq!(world.states(), "queued 2");
    tokio::time::sleep(Duration::from_millis(400)).await;
    let options = RunOptions { wanted: Some(vec![second]), ..world.options() };
    let summary = world.run(options).await.unwrap();
    assert_eq!(summary.unfinished, 0, "{} {:?}", world.states(), summary);
}

/// Five reads of seven seconds each come before a call for 500 records: always older than allowed.
#[tokio::test]

async fn slow_reads_before_a_call_come_to_an_end() {
    let mut world = World::with(config(&[("Leads", 500)]));
    let leads = live(&world, "Leads");
    world.zoho.tag("Leads", &["Prime"], &leads);
    world.ask(&Ask::untag("Leads", &["Prime"], &leads));
    let mut middle = Middle::new(&world);
    middle.read_ms = 7_000;
    let (clock, reads) =
        (Slowed(Arc::clone(&middle.slow), Arc::default()), Arc::clone(&middle.reads));
    let options = world.options();
    let run = world.run_on(middle, clock, options);
    let ended = tokio::time::timeout(Duration::from_secs(8), run).await;
    assert!(ended.is_ok(), "after {} reads it reads still", reads.load(Ordering::SeqCst));
}

const BUSY: &str =
    r#"{"code":"ALREADY_SCHEDULED","details":{},"message":"another job","status":"error"}"#;
const IN_USE: &str = r#"{"code":"NOT_ALLOWED","details":{},"message":"tags has been associated to features","status":"error"}"#;

const MODULE: &str = r#"{"code":"INVALID_DATA","details":{"json_path":"$.mass_delete[0].module.id"},"message":"the id given seems to be invalid","status":"error"}"#;

/// Zoho refuses the module of the call, not a tag.
#[tokio::test]

async fn a_refusal_that_speaks_of_the_module_is_not_worked_around() {
    let mut world = World::with(config(&[("Leads", 1)]));
    let tags = world.zoho.tag("Leads", &["a", "b"], &[]);
    world.ask(&Ask::new("Leads", Task::DeleteTags, &tags));
    let middle = Middle::new(&world)
        .submits(|number| if number == 0 { Way::Refused(400, MODULE) } else { Way::Straight });
    world.run_on(middle, SystemClock, world.options()).await.unwrap();
    assert_eq!(world.states(), "failed 2");
}

/// The same relation from both sides is under way twice; the second call never arrives.
#[tokio::test]

async fn a_relation_seen_from_both_sides_is_one_thing() {
    let mut world = World::with(config(&[("Leads", 1), ("Campaigns", 1)]));
    let (lead, campaign) = (live(&world, "Leads")[0], live(&world, "Campaigns")[0]);
    world.zoho.link("Campaigns", campaign, "Leads", &[lead]);
    world.zoho.link("Leads", lead, "Campaigns", &[campaign]);
    world.ask(&Ask::unlink("Campaigns", campaign, "Leads", &[lead]));
    world.ask(&Ask::unlink("Leads", lead, "Campaigns", &[campaign]));
    let middle = Middle::new(&world)
        .submits(|number| if number == 0 { Way::Slow(500) } else { Way::Swallowed });
    let options = RunOptions { quarantine: Duration::from_secs(1), ..world.options() };
    world.run_on(middle, SystemClock, options).await.unwrap();
    assert_ne!(world.states(), "done 2", "one relation, one call that arrived");
}

/// The record carries another tag that differs in capitals only; the call took effect, its answer is lost.
#[tokio::test]

async fn another_spelling_that_was_there_beside_ours_is_not_a_rest_of_ours() {
    let mut world = World::with(config(&[("Leads", 1)]));
    let leads = live(&world, "Leads");
    world.zoho.tag("Leads", &["Prime", "PRIME"], &leads);
    world.ask(&Ask::untag("Leads", &["Prime"], &leads));
    let middle = Middle::new(&world)
        .submits(|number| if number == 0 { Way::AnswerLost } else { Way::Straight });
    world.run_on(middle, SystemClock, world.options()).await.unwrap();
    world.agrees();
    assert_eq!(world.writes(), 1, "what was done is sent again");
}

/// Every parent is gone.
#[tokio::test]
async fn refusals_in_a_row_park_an_unlink_over_many_parents_too() {
    let mut world = World::with(config(&[("Campaigns", 150), ("Leads", 1)]));
    let (campaigns, lead) = (live(&world, "Campaigns"), live(&world, "Leads")[0]);
    for campaign in &campaigns {
        world.zoho.delete_as_other_user(*campaign);
    }
    let items = campaigns.iter().map(|parent| (Some(*parent), lead)).collect();
    let task = Task::Unlink("Leads".parse().unwrap());
    world.ask(&Ask { items, ..Ask::new("Campaigns", task, &[]) });
    let options = RunOptions { max_failures: 20, ..world.options() };
    let summary = world.run(options).await.unwrap();
    assert_eq!(summary.parked.len(), 1);
    assert!(world.writes() < 40, "{}", world.writes());
}

/// Somebody else's job is under way at first; then our call is refused. Nothing is left to do.
#[tokio::test]

async fn a_run_ends_when_all_is_settled_after_somebody_else_s_job() {
    let mut world = World::with(config(&[("Leads", 1)]));
    let tags = world.zoho.tag("Leads", &["a"], &[]);
    world.ask(&Ask::new("Leads", Task::DeleteTags, &tags));
    let middle = Middle::new(&world).submits(|number| {
        if number == 0 { Way::Refused(400, BUSY) } else { Way::Refused(400, IN_USE) }
    });
    let options = world.options();
    let run = world.run_on(middle, SystemClock, options);
    let ended = tokio::time::timeout(Duration::from_secs(10), run).await.is_ok();
    assert_eq!(world.states(), "failed 1");
    assert!(ended, "all is settled, and the run goes on");
}

/// The same, and then our job is accepted and takes three seconds.
#[tokio::test]

async fn a_run_does_not_spin_while_its_job_goes_on_after_somebody_else_s() {
    let slow = Config { job_scheduled_ms: 3_000, ..config(&[("Leads", 1)]) };
    let mut world = World::with(slow);
    let tags = world.zoho.tag("Leads", &["a"], &[]);
    world.ask(&Ask::new("Leads", Task::DeleteTags, &tags));
    let middle = Middle::new(&world)
        .submits(|number| if number == 0 { Way::Refused(400, BUSY) } else { Way::Straight });
    let (options, sleeps) = (world.options(), Arc::new(AtomicUsize::new(0)));
    world.run_on(middle, Slowed(Arc::default(), Arc::clone(&sleeps)), options).await.unwrap();
    assert_eq!(world.states(), "done 1");
    let sleeps = sleeps.load(Ordering::SeqCst);
    assert!(sleeps < 20, "it woke up {sleeps} times");
}

/// Two tags that go alone were claimed before, and came back; a third one's call succeeds.
#[tokio::test]
async fn what_was_left_behind_a_culprit_is_found_again() {
    let mut world = World::with(config(&[("Leads", 1), ("Contacts", 1)]));
    world.zoho.tag("Leads", &["x"], &[]);
    let tags = world.zoho.tag("Contacts", &["a", "b", "c"], &[]);
    world.ask(&Ask::new("Leads", Task::DeleteTags, &tags));
    let throttled = r#"{"code":"TOO_MANY_REQUESTS","details":{},"message":"","status":"error"}"#;
    for _ in 0..3 {
        let middle = Middle::new(&world).submits(move |_| Way::Refused(429, throttled));
        let options = RunOptions { wait: Duration::ZERO, concurrency: 3, ..world.options() };
        world.run_on(middle, SystemClock, options).await.unwrap();
    }
    let middle = Middle::new(&world).submits(|_| Way::Refused(400, IN_USE));
    let options = RunOptions { concurrency: 1, ..world.options() };
    world.run_on(middle, SystemClock, options).await.unwrap();
    assert_eq!(world.states(), "failed 3");
}

/// A state of a job that no page names, with counts that say that it is over.
#[tokio::test]

async fn a_job_whose_id_cannot_be_asked_for_is_settled_by_reading() {
    let mut world = World::with(config(&[("Leads", 1)]));
    let tags = world.zoho.tag("Leads", &["a", "b"], &[]);
    world.ask(&Ask::new("Leads", Task::DeleteTags, &tags));
    let odd =
        r#"{"code":"SCHEDULED","details":{"job_id":"job/789"},"message":"","status":"success"}"#;
    let middle = Middle::new(&world).submits(move |_| Way::Answered(202, odd));
    let options = RunOptions { wait: Duration::from_secs(2), ..world.options() };
    world.run_on(middle, SystemClock, options).await.unwrap();
    world.sync().await;
    assert_eq!(world.states(), "done 2");
}

/// Zoho says that a job is scheduled, and its id is none that we take.
#[tokio::test]

async fn a_job_without_a_readable_id_is_not_taken_for_a_refusal() {
    let slow = Config { job_scheduled_ms: 1_500, ..config(&[("Leads", 1)]) };
    let mut world = World::with(slow);
    let tags = world.zoho.tag("Leads", &["a", "b"], &[]);
    world.ask(&Ask::new("Leads", Task::DeleteTags, &tags));
    let scheduled = r#"{"code":"SCHEDULED","details":{},"message":"tags scheduled successfully","status":"success"}"#;
    let middle = Middle::new(&world).submits(move |_| Way::Answered(202, scheduled));
    let options = RunOptions { quarantine: Duration::from_secs(3), ..world.options() };
    world.run_on(middle, SystemClock, options).await.unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    world.agrees();
}

/// The call never arrives; the records are deleted by another request of this journal.
#[tokio::test]

async fn a_relation_that_went_with_its_record_was_not_taken_out_by_us() {
    let mut world = World::with(config(&[("Leads", 3), ("Campaigns", 1)]));
    let leads = live(&world, "Leads");
    let campaign = live(&world, "Campaigns")[0];
    world.zoho.link("Campaigns", campaign, "Leads", &leads);
    world.ask(&Ask::unlink("Campaigns", campaign, "Leads", &leads));
    world.ask(&Ask::new("Leads", Task::Delete, &leads));
    let middle = Middle::new(&world)
        .submits(|number| if number == 0 { Way::Swallowed } else { Way::Straight });
    let options =
        RunOptions { concurrency: 1, quarantine: Duration::from_secs(1), ..world.options() };
    world.run_on(middle, SystemClock, options).await.unwrap();
    world.agrees();
}

/// The untag never arrives; the tag is deleted by another request of this journal.
#[tokio::test]

async fn a_tag_that_went_with_its_definition_was_not_removed_by_us() {
    let mut world = World::with(config(&[("Leads", 3)]));
    let leads = live(&world, "Leads");
    let tags = world.zoho.tag("Leads", &["Prime"], &leads);
    world.ask(&Ask::untag("Leads", &["Prime"], &leads));
    world.ask(&Ask::new("Leads", Task::DeleteTags, &tags));
    let middle = Middle::new(&world)
        .submits(|number| if number == 0 { Way::Swallowed } else { Way::Straight });
    let options =
        RunOptions { concurrency: 1, quarantine: Duration::from_secs(1), ..world.options() };
    world.run_on(middle, SystemClock, options).await.unwrap();
    world.agrees();
}

/// Refused as locked; somebody else removes the tag; unlocked; sent again with the snapshot of back then.
#[tokio::test]

async fn a_snapshot_from_before_a_refusal_proves_nothing_about_a_later_call() {
    let mut world = World::with(config(&[("Leads", 1)]));
    let leads = live(&world, "Leads");
    world.zoho.tag("Leads", &["Prime"], &leads);
    world.zoho.lock(leads[0]);
    world.ask(&Ask::untag("Leads", &["Prime"], &leads));
    world.sync().await;
    assert_eq!(world.states(), "failed 1");
    world.zoho.unlock(leads[0]);
    world.zoho.untag("Leads", &["Prime"], &leads);
    world.replay().await;
    world.agrees();
}

/// Fewer calls than a batch's reads: every run spends them and none gets on.
#[tokio::test]

async fn a_small_budget_gets_on_from_run_to_run() {
    let mut world = World::with(config(&[("Leads", 500)]));
    let leads = live(&world, "Leads");
    world.zoho.tag("Leads", &["Prime"], &leads);
    world.ask(&Ask::untag("Leads", &["Prime"], &leads));
    for _ in 0..5 {
        let options = RunOptions { max_calls: Some(7), ..world.options() };
        world.run(options).await.unwrap();
    }
    assert_ne!(world.states(), "pending 500");
}

/// One contact in many campaigns, calls of 40 ms: four at once must take about a quarter of the time.
#[tokio::test]

async fn one_record_of_many_parents_is_unlinked_by_several_calls_at_once() {
    let mut times = Vec::new();
    for several in [false, true] {
        let count = 60;
        let slow =
            Config { latency_ms: 40, ..config(&[("Campaigns", count), ("Contacts", count)]) };
        let mut world = World::with(slow);
        let (campaigns, contacts) = (live(&world, "Campaigns"), live(&world, "Contacts"));
        let pairs: Vec<(u64, u64)> = campaigns
            .iter()
            .zip(&contacts)
            .map(|(parent, contact)| (*parent, if several { *contact } else { contacts[0] }))
            .collect();
        for (parent, contact) in &pairs {
            world.zoho.link("Campaigns", *parent, "Contacts", &[*contact]);
        }
        let items = pairs.iter().map(|(parent, contact)| (Some(*parent), *contact)).collect();
        let task = Task::Unlink("Contacts".parse().unwrap());
        world.ask(&Ask { items, ..Ask::new("Campaigns", task, &[]) });
        let begun = std::time::Instant::now();
        world.sync().await;
        assert_eq!(world.states(), format!("done {count}"));
        times.push(begun.elapsed().as_millis());
    }
    assert!(times[0] < times[1] * 2, "{times:?} ms");
}

/// Answers that Zoho, a proxy or an enemy may give. Whatever the journal makes of them, it must verify, and
/// runs must end.
const ODD: &[(u16, &str)] = &[
    (
        200,
        r#"{"data":[{"code":"SUCCESS","details":{"id":"<0>","tags":[]}},{"code":"INVALID_DATA","details":{"id":"<0>"}},{"code":"SUCCESS","details":{"id":"<1>"}}]}"#,
    ),
    (
        200,
        r#"{"data":[{"code":"SUCCESS","details":{}},{"code":"SUCCESS","details":{"id":"<1>"}}]}"#,
    ),
    (
        207,
        r#"{"data":[{"code":"NOT_APPROVED","details":{}},{"code":"NOT_APPROVED","details":{}},{"code":"SUCCESS","details":{"id":"<1>"}}]}"#,
    ),
    (200, r#"{"data":[]}"#),
    (200, r#"{"code":"SUCCESS","details":{},"message":"x","status":"success"}"#),
    (200, r#"{"code":"no code","message":"m"}"#),
    (400, r#"{"code":"INVALID_DATA","details":{"id":"<1>"},"message":"m"}"#),
    (400, r#"{"code":"INVALID_DATA","details":{"id":"1"},"message":"m"}"#),
    (400, r#"{"code":"INVALID_DATA","details":{},"message":"m"}"#),
    (400, r#"{"code":"INVALID_DATA","details":{"json_path":"$.ids[1]"},"message":"m"}"#),
    (
        400,
        r#"{"code":"INVALID_DATA","details":{"json_path":"$.mass_delete[0].tags[1].id"},"message":"m"}"#,
    ),
    (
        400,
        r#"{"code":"INVALID_DATA","details":{"json_path":"$.tags","api_name":"tags"},"message":"m"}"#,
    ),
    (200, r#"{"tags":{"code":"SUCCESS","details":{"id":"<0>"}}}"#),
    (200, r#"{"tags":[{"code":"SUCCESS","details":{"id":"<0>"}}],"data":[]}"#),
    (200, "[]"),
    (200, "<html>"),
    (204, ""),
    (200, ""),
    (502, r#"{"data":[{"code":"SUCCESS","details":{"id":"<0>"}}]}"#),
    (503, r#"{"code":"INVALID_DATA","details":{"id":"<0>"},"message":"m"}"#),
    (429, r#"{"data":[{"code":"SUCCESS","details":{"id":"<0>"}}]}"#),
    (
        200,
        r#"{"data":[{"code":"SUCCESS","details":{"id":"<0>","tags":[{"name":"Prime"}]}},{"code":"SUCCESS","details":{"id":"<1>","tags":["prime"]}}]}"#,
    ),
    (202, r#"{"code":"SCHEDULED","details":{"job_id":"x y"}}"#),
    (202, r#"{"code":"FAILED","details":{"job_id":"12345"}}"#),
    (202, r#"{"code":"SUCCESS","details":{"job_id":"12345"}}"#),
    (202, r#"{"code":"202","details":{"job_id":"job_789"}}"#),
    (200, r#"{"mass_delete":[{"code":"SCHEDULED","details":{"job_id":"12345"}}]}"#),
    (
        200,
        r#"{"data":[{"code":"\u0053UCCESS","details":{"id":"<0>"},"message":"\ud83d\ude00\u0000"}]}"#,
    ),
    (200, r#"{"data":[{"code":"SUCCESS","code":"INVALID_DATA","details":{"id":"<0>"}}]}"#),
    (200, r#"{"data":[[{"code":"SUCCESS","details":{"id":"<0>"}}]]}"#),
    (200, r#"{"data":[{"code":"SUCCESS","details":{"id":<0>}}]}"#),
    (200, r#"{"data":[{"code":"SUCCESS","details":{"id":"0<0>"}}]}"#),
    (200, r#"{"data":{"code":"RECORD_LOCKED","details":{"id":"<2>"},"message":" m "}}"#),
    (413, "<html>too large</html>"),
    (414, ""),
    (500, r#"{"code":"INTERNAL_ERROR","details":{},"message":"m","status":"error"}"#),
    (500, r#"{"data":[{"code":"INTERNAL_ERROR","details":{"id":"<0>"},"message":"m"}]}"#),
    (400, r#"{"code":"ALREADY_SCHEDULED","details":{},"message":"m"}"#),
    (400, r#"{"code":"LIMIT_EXCEEDED","details":{},"message":"m"}"#),
    (
        200,
        r#"{"code":"AMBIGUITY_DURING_PROCESSING","details":{"ambiguity_due_to":[]},"message":"m"}"#,
    ),
    (200, r#"{"error":"invalid_code"}"#),
    (400, r#"{"code":4,"error":"x","error_info":"y"}"#),
];

async fn odd(number: usize, status: u16, body: &'static str) {
    let records = [("Leads", 3), ("Campaigns", 1), ("Contacts", 3), ("Deals", 3)];
    let mut world = World::with(config(&records));
    let (leads, contacts) = (live(&world, "Leads"), live(&world, "Contacts"));
    let (campaign, deals) = (live(&world, "Campaigns")[0], live(&world, "Deals"));
    world.zoho.tag("Leads", &["Prime", "Hot"], &leads);
    world.zoho.link("Campaigns", campaign, "Contacts", &contacts);
    let tags = world.zoho.tag("Contacts", &["a", "b", "c"], &contacts);
    let asks = [
        Ask::untag("Leads", &["Prime", "Hot"], &leads),
        Ask::unlink("Campaigns", campaign, "Contacts", &contacts),
        Ask::new("Contacts", Task::DeleteTags, &tags),
        Ask::new("Deals", Task::Delete, &deals),
    ];
    for ask in asks {
        let operation = ask.task.operation();
        let request = world.ask(&ask);
        for round in 0..3 {
            // At first all calls are answered so, then only the first one, then none.
            let middle = Middle::new(&world).submits(move |call| {
                if round == 0 || (round == 1 && call == 0) {
                    Way::Says(status, body.to_owned())
                } else {
                    Way::Straight
                }
            });
            let options = RunOptions {
                wanted: Some(vec![request]),
                wait: Duration::from_millis(200),
                ..world.options()
            };
            let run = world.run_on(middle, SystemClock, options);
            let ended = tokio::time::timeout(Duration::from_secs(20), run).await;
            let told = format!("{number} {operation} {status} {body} round {round}");
            match ended {
                Err(_) => panic!("HANGS: {told}"),
                Ok(Err(error)) => panic!("BREAKS: {error}: {told}"),
                Ok(Ok(_)) => {}
            }
            if let Err(why) = zoho_journal::evidence::verify::check_journal(&world.reader()) {
                panic!("FALSE ALARM: {why:?}: {told}");
            }
        }
    }
}

#[test]
fn odd_answers_make_no_run_hang_or_break_and_raise_no_false_alarm() {
    // Most of the time is spent waiting for the disk.
    let begun: Vec<_> = ODD
        .iter()
        .enumerate()
        .map(|(number, (status, body))| {
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                runtime.unwrap().block_on(odd(number, *status, body));
            })
        })
        .collect();
    let said = |why: Box<dyn std::any::Any + Send>| why.downcast_ref::<String>().cloned();
    let failures: Vec<Option<String>> =
        begun.into_iter().filter_map(|one| one.join().err().map(said)).collect();
    assert!(failures.is_empty(), "{failures:?}");
}
