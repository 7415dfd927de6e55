//! Somebody between the engine and Zoho: loses, delays and forges what passes, and a clock to go with it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use secrecy::SecretString;
use tokio::sync::Notify;
use zoho_journal::clock::{Clock, SystemClock};
use zoho_journal::domain::answer::{
    Deletion, JobSeen, ModuleInfo, OrgInfo, Page, RawAnswer, Read, ReadError, RecordSeen, Related,
    SendError, SignInError, TagSeen, UserInfo,
};
use zoho_journal::domain::call::PreparedBatch;
use zoho_journal::domain::id::{ModuleName, RecordId};
use zoho_journal::domain::target::{ApiVersion, Product};
use zoho_journal::domain::time::Timestamp;
use zoho_journal::zoho::token::TokenNumber;
use zoho_journal::zoho::{ListAsked, PageAt, RecordPage, Zoho, ZohoClient};

use crate::world::World;

/// What happens to a write call on its way.
pub enum Way {
    Straight,
    /// No connection comes about.
    NotSent,
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
    /// The network delivers it twice; the answer is the second one's.
    Twice,
    /// It leaves once this says so.
    Until(Arc<dyn Fn() -> bool + Send + Sync>),
    /// It arrives, or not; then nothing is heard of it any more, and somebody is told.
    Dies {
        arrives: bool,
        told: Arc<Notify>,
    },
}

type Submits = Box<dyn Fn(usize) -> Way + Send + Sync>;
type Lists = Box<dyn Fn(u32, &mut Page<Related>) + Send + Sync>;
type Jobs = Box<dyn Fn(usize) -> Option<JobSeen> + Send + Sync>;

/// Somebody between the engine and Zoho.
pub struct Middle<C = SystemClock> {
    zoho: ZohoClient<C>,
    clock: Arc<C>,
    submits: Submits,
    jobs: Jobs,
    /// What becomes of a page of a related list.
    pub lists: Lists,
    /// What each read of records takes, in milliseconds of the clock below.
    pub slow: Arc<AtomicU64>,
    pub read_ms: u64,
    submitted: AtomicUsize,
    asked: AtomicUsize,
    pub reads: Arc<AtomicUsize>,
    /// Told after each read of records, and how many calls have been submitted by then.
    pub after_read: Box<dyn Fn(usize) + Send + Sync>,
}

impl Middle {
    pub fn new(world: &World) -> Self {
        Self::on(world, SystemClock)
    }
}

impl<C: Clock> Middle<C> {
    /// The same on any clock.
    pub fn on(world: &World, clock: C) -> Self {
        let clock = Arc::new(clock);
        Self {
            zoho: world.client_on(Arc::clone(&clock)),
            clock,
            submits: Box::new(|_| Way::Straight),
            jobs: Box::new(|_| None),
            lists: Box::new(|_, _| ()),
            slow: Arc::default(),
            read_ms: 0,
            submitted: AtomicUsize::new(0),
            asked: AtomicUsize::new(0),
            reads: Arc::default(),
            after_read: Box::new(|_| ()),
        }
    }

    pub fn submits(mut self, way: impl Fn(usize) -> Way + Send + Sync + 'static) -> Self {
        self.submits = Box::new(way);
        self
    }

    pub fn jobs(mut self, say: impl Fn(usize) -> Option<JobSeen> + Send + Sync + 'static) -> Self {
        self.jobs = Box::new(say);
        self
    }

    fn dawdle(&self) {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.slow.fetch_add(self.read_ms, Ordering::SeqCst);
    }
}

impl<C: Clock> Zoho for Middle<C> {
    fn token(&self) -> Option<TokenNumber> {
        self.zoho.token()
    }

    async fn sign_in(&self, refused: Option<TokenNumber>) -> Result<(), SignInError> {
        self.zoho.sign_in(refused).await
    }

    async fn submit(&self, batch: &PreparedBatch) -> Result<RawAnswer, SendError> {
        let number = self.submitted.fetch_add(1, Ordering::SeqCst);
        let lost =
            || SendError::NoAnswer { why: "lost on the way".to_owned(), sent_at: self.clock.now() };
        match (self.submits)(number) {
            Way::Straight => self.zoho.submit(batch).await,
            Way::NotSent => Err(SendError::NotSent("connection refused".to_owned())),
            Way::Swallowed => Err(lost()),
            Way::AnswerLost => {
                self.zoho.submit(batch).await?;
                Err(lost())
            }
            Way::Until(says_so) => {
                while !says_so() {
                    tokio::task::yield_now().await;
                }
                self.zoho.submit(batch).await
            }
            Way::Slow(millis) => {
                tokio::time::sleep(Duration::from_millis(millis)).await;
                self.zoho.submit(batch).await
            }
            Way::Answered(http_status, body) => {
                let raw = self.zoho.submit(batch).await?;
                Ok(RawAnswer { http_status, body: body.as_bytes().to_vec(), ..raw })
            }
            Way::Twice => {
                self.zoho.submit(batch).await?;
                self.zoho.submit(batch).await
            }
            Way::Dies { arrives, told } => {
                if arrives {
                    drop(self.zoho.submit(batch).await);
                }
                told.notify_one();
                std::future::pending().await
            }
            Way::Says(http_status, body) => {
                let sent_at = self.clock.now();
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
                    answered_at: self.clock.now(),
                })
            }
            Way::Refused(http_status, body) => {
                let sent_at = self.clock.now();
                tokio::time::sleep(Duration::from_millis(300)).await;
                Ok(RawAnswer {
                    http_status,
                    body: body.as_bytes().to_vec(),
                    cut: false,
                    date: None,
                    retry_after: None,
                    credits_remaining: None,
                    sent_at,
                    answered_at: self.clock.now(),
                })
            }
        }
    }

    async fn read_org(
        &self,
        product: Product,
        version: ApiVersion,
    ) -> Result<Read<OrgInfo>, ReadError> {
        self.zoho.read_org(product, version).await
    }

    async fn read_current_user(
        &self,
        product: Product,
        version: ApiVersion,
    ) -> Result<Read<UserInfo>, ReadError> {
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
        let read = self.zoho.read_records(product, version, module, ids, with_tags).await;
        (self.after_read)(self.submitted.load(Ordering::SeqCst));
        read
    }

    async fn read_whole_record(
        &self,
        product: Product,
        version: ApiVersion,
        module: &ModuleName,
        id: RecordId,
    ) -> Result<Read<Option<SecretString>>, ReadError> {
        self.zoho.read_whole_record(product, version, module, id).await
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

    async fn read_record_page(
        &self,
        product: Product,
        version: ApiVersion,
        module: &ModuleName,
        at: &PageAt,
    ) -> Result<Read<RecordPage>, ReadError> {
        self.zoho.read_record_page(product, version, module, at).await
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
pub struct Slowed(pub Arc<AtomicU64>, pub Arc<AtomicUsize>);

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
