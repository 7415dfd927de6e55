//! The handle of a running simulator.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;

use axum::http;
use tokio::runtime::{Builder, Handle};
use tokio::sync::watch;

use super::accounts::{AccountsCallSeen, AccountsFault};
use super::config::Config;
use super::control::{self, Control};
use super::fault::Fault;
use super::limits::RequestSeen;
use super::routes::control::STATE_PATH;
use super::scopes::Granted;
use super::server;
use super::setup;
use super::shared::Shared;
use super::state::{COLORS, Snapshot, World};
use super::wire::CuttingListener;

/// A running simulator; dropping it stops it.
#[derive(Debug)]
pub struct Simulator {
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl Simulator {
    /// Starts one on the current tokio runtime.
    ///
    /// # Errors
    /// When the address is not loopback or cannot be listened on, when something in the
    /// configuration makes no sense (`InvalidInput`), or when there is no current runtime.
    pub fn start(config: Config) -> io::Result<Self> {
        let runtime = Handle::try_current().map_err(io::Error::other)?;
        let prepared = Prepared::new(config)?;
        let shared = Arc::clone(&prepared.shared);
        let stop = prepared.stop.clone();
        let listener = prepared.listen()?;
        runtime.spawn(server::run(Arc::clone(&shared), listener));
        Ok(Self { shared, stop, thread: None })
    }

    /// Starts one on a thread of its own, for callers without a runtime. Dropping it waits for the
    /// thread, and with it for all connections, to end.
    ///
    /// # Errors
    /// As [`Simulator::start`], and when no thread can be made.
    pub fn start_blocking(config: Config) -> io::Result<Self> {
        let prepared = Prepared::new(config)?;
        let shared = Arc::clone(&prepared.shared);
        let stop = prepared.stop.clone();
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let listener = {
            let _inside = runtime.enter();
            prepared.listen()?
        };
        let served = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("zoho-simulator".to_owned())
            .spawn(move || runtime.block_on(server::run(served, listener)))?;
        Ok(Self { shared, stop, thread: Some(thread) })
    }

    /// Makes one that listens nowhere: [`Simulator::call`] alone reaches it. Its URL stands for nothing.
    ///
    /// # Errors
    /// When something in the configuration makes no sense (`InvalidInput`).
    pub fn detached(config: Config) -> io::Result<Self> {
        let world = setup::world(&config, config.time())?;
        let (stop, stopped) = watch::channel(false);
        let url = "http://127.0.0.1:1".to_owned();
        let shared = Arc::new(Shared::new(config, world, url, stopped));
        Ok(Self { shared, stop, thread: None })
    }

    /// Makes a call without a wire: what comes back, and whether its body is cut. `None` when nothing comes
    /// back. Faults of the wire that take time, such as dripping, take none here.
    pub async fn call(
        &self,
        request: http::Request<Vec<u8>>,
    ) -> Option<(http::Response<Vec<u8>>, bool)> {
        server::call(&self.shared, request).await
    }

    /// The API's base URL, without a slash at the end.
    pub fn api_url(&self) -> String {
        self.shared.api_url.clone()
    }

    /// The accounts server's base URL, without a slash at the end.
    pub fn accounts_url(&self) -> String {
        self.shared.api_url.clone()
    }

    /// The URL that shows as JSON the live, binned and purged ids of each module, tags, links and
    /// jobs.
    pub fn state_url(&self) -> String {
        format!("{}{STATE_PATH}", self.shared.api_url)
    }

    /// An access token that is good until [`Simulator::expire_tokens`].
    pub fn access_token(&self) -> String {
        self.shared.lock().tokens.ready.clone()
    }

    /// The client that the token endpoint knows.
    pub fn client_id(&self) -> String {
        self.shared.lock().tokens.client_id.clone()
    }

    /// That client's secret.
    pub fn client_secret(&self) -> String {
        self.shared.lock().tokens.client_secret.clone()
    }

    /// That client's refresh token.
    pub fn refresh_token(&self) -> String {
        self.shared.lock().tokens.refresh_token.clone()
    }

    /// A grant code, good once.
    pub fn grant_code(&self) -> String {
        self.shared.lock().tokens.grant_code.clone()
    }

    /// Another grant code, as from the developer console: good once, with these scopes or, without
    /// any, with those of the configuration. It gives a refresh token of its own.
    pub fn new_grant_code(&self, scopes: Option<&[&str]>) -> String {
        let owned = |scopes: &[&str]| scopes.iter().map(|scope| (*scope).to_owned()).collect();
        let granted = scopes.map(|scopes| Granted(Some(owned(scopes))));
        self.shared.lock().tokens.new_code(granted, None)
    }

    /// Ends all access tokens that there are now, the ready-made one for ever; how many were good.
    /// The next call with one gets 401 `INVALID_TOKEN`. Refresh tokens are as good as before.
    pub fn expire_tokens(&self) -> usize {
        let now = self.shared.now();
        self.shared.lock().tokens.expire_all(now)
    }

    /// How many calls the token endpoint got.
    pub fn token_calls(&self) -> u64 {
        self.shared.lock().accounts.token_calls()
    }

    /// The calls to the accounts server so far, in the order of arrival.
    pub fn account_calls(&self) -> Vec<AccountsCallSeen> {
        self.shared.lock().accounts.calls.clone()
    }

    /// Lets these faults strike the next calls to the accounts server, in order.
    pub fn plan_accounts_faults(&self, faults: Vec<AccountsFault>) {
        self.shared.lock().accounts.next.extend(faults);
    }

    /// Lets a fault strike every call to the accounts server for which none is planned, or none.
    pub fn set_accounts_fault(&self, fault: Option<AccountsFault>) {
        self.shared.lock().accounts.fault = fault;
    }

    /// Lets good token answers have this value under this key; null leaves the key out. Values need
    /// not make sense.
    pub fn set_token_answer(&self, key: &str, value: serde_json::Value) {
        self.shared.lock().accounts.answer.insert(key.to_owned(), value);
    }

    /// Ends what the last three began.
    pub fn clear_accounts(&self) {
        self.shared.lock().accounts.clear();
    }

    /// Everything at this moment.
    pub fn snapshot(&self) -> Snapshot {
        self.shared.snapshot()
    }

    /// The API calls so far, in the order of arrival.
    pub fn requests(&self) -> Vec<RequestSeen> {
        self.shared.lock().log.all().to_vec()
    }

    /// The org's id.
    pub fn org_id(&self) -> u64 {
        self.shared.lock().world.org_id()
    }

    /// Adds records to a module, which is made where there is none; their ids, ascending.
    pub fn add_records(&self, module: &str, count: usize) -> Vec<u64> {
        let now = self.shared.now();
        self.shared.lock().world.add_records(module, count, now)
    }

    /// Locks a live record: deleting or tagging it is `RECORD_LOCKED`. This and the following controls say
    /// whether the record was where that could be done.
    pub fn lock(&self, id: u64) -> bool {
        self.control(Control::Lock, id)
    }

    /// Unlocks a live record.
    pub fn unlock(&self, id: u64) -> bool {
        self.control(Control::Unlock, id)
    }

    /// Puts a live record up for approval: deleting or tagging it is `NOT_APPROVED`.
    pub fn unapprove(&self, id: u64) -> bool {
        self.control(Control::Unapprove, id)
    }

    /// Puts a live record into a blueprint: deleting it is `RECORD_IN_BLUEPRINT`.
    pub fn enter_blueprint(&self, id: u64) -> bool {
        self.control(Control::EnterBlueprint, id)
    }

    /// Converts a live lead: lists show it only on demand.
    pub fn convert(&self, id: u64) -> bool {
        self.control(Control::Convert, id)
    }

    /// Another user deletes a live record.
    pub fn delete_as_other_user(&self, id: u64) -> bool {
        self.control(Control::DeleteAsOther, id)
    }

    /// The token's user deletes a live record by hand.
    pub fn delete_as_our_user(&self, id: u64) -> bool {
        self.control(Control::DeleteAsOurs, id)
    }

    /// Another user erases a record from the bin.
    pub fn purge(&self, id: u64) -> bool {
        self.control(Control::Purge, id)
    }

    /// Another user brings a record back from the bin.
    pub fn restore(&self, id: u64) -> bool {
        self.control(Control::Restore, id)
    }

    /// Makes a live record the child of another live one, or nobody's. Who deletes a parent deletes
    /// its children with it.
    pub fn set_parent(&self, child: u64, parent: Option<u64>) -> bool {
        self.act(|world, _| world.set_parent(child, parent))
    }

    /// Lets the deletion of a record in the bin lie back further; after 60 days it is erased.
    pub fn age(&self, id: u64, by_ms: i64) -> bool {
        self.act(|world, _| world.age(id, by_ms))
    }

    /// Somebody changes a live record: its `Modified_Time` is now.
    pub fn touch(&self, id: u64) -> bool {
        self.control(Control::Touch, id)
    }

    /// Another user puts tags on records, and makes those that there are not yet, however many
    /// there are; their ids, in the order of the names. Records that are not live stay as they are.
    pub fn tag(&self, module: &str, names: &[&str], records: &[u64]) -> Vec<u64> {
        self.act(|world, now| control::tag(world, module, names, records, now))
    }

    /// Another user gives a tag a colour, one of those that Zoho has, or none; whether both are there.
    pub fn color_tag(&self, module: &str, name: &str, color: Option<&str>) -> bool {
        let known = color.map(|color| COLORS.into_iter().find(|known| *known == color));
        let color = match known {
            Some(None) => return false,
            Some(found) => found,
            None => None,
        };
        self.act(|world, _| {
            let tag = world.tag_named(module, name).map(|tag| tag.id);
            tag.is_some_and(|tag| world.color_tag(tag, color))
        })
    }

    /// Another user takes tags off records; how many records carried one of them.
    pub fn untag(&self, module: &str, names: &[&str], records: &[u64]) -> usize {
        self.act(|world, now| control::untag(world, module, names, records, now))
    }

    /// Another user deletes the definitions of tags; how many there were.
    pub fn drop_tags(&self, module: &str, names: &[&str]) -> usize {
        self.act(|world, now| control::drop_tags(world, module, names, now))
    }

    /// Lets a workflow rule use tags, so that they cannot be deleted; how many there are.
    pub fn use_tags(&self, module: &str, names: &[&str]) -> usize {
        self.act(|world, _| control::use_tags(world, module, names))
    }

    /// Another user links records through a related list of `parent`; how many were apart before.
    /// 0 when the record is not live or has no such list.
    pub fn link(&self, module: &str, parent: u64, list: &str, ids: &[u64]) -> usize {
        self.act(|world, now| {
            let list = control::list_on(world, module, parent, list);
            list.map_or(0, |list| control::link(world, list, parent, ids, now))
        })
    }

    /// The same, with what the links are to carry: a text as `Member_Status`, a number as
    /// `list_price`. Links that are there carry it from now on.
    pub fn link_with(
        &self,
        module: &str,
        (parent, list): (u64, &str),
        ids: &[u64],
        carried: &serde_json::Value,
    ) -> usize {
        self.act(|world, now| {
            let list = control::list_on(world, module, parent, list);
            list.map_or(0, |list| {
                control::link_with(world, (list, parent), ids, Some(carried), now)
            })
        })
    }

    /// Another user unlinks records, or deletes notes; how many were on the list.
    pub fn unlink(&self, module: &str, parent: u64, list: &str, ids: &[u64]) -> usize {
        self.act(|world, now| {
            let list = control::list_on(world, module, parent, list);
            list.map_or(0, |list| control::unlink(world, list, parent, ids, now))
        })
    }

    /// Another user writes notes to a live record; their ids, ascending.
    pub fn add_notes(&self, module: &str, parent: u64, count: usize) -> Vec<u64> {
        self.act(|world, _| {
            let notes = control::list_on(world, module, parent, "Notes");
            notes.map_or_else(Vec::new, |_| control::notes(world, parent, count))
        })
    }

    /// Lets every job that is under way, and every restore that waits, do now what it would have done
    /// in time. Stuck jobs stay.
    pub fn finish_jobs(&self) {
        self.act(World::finish_jobs);
    }

    /// Lets these faults strike the next calls, each the next that it can strike: write faults
    /// the next writes, read faults the next reads, job faults the next submissions of jobs.
    pub fn plan_faults(&self, faults: Vec<Fault>) {
        self.shared.lock().faults.plan(faults);
    }

    /// Lets a fault strike by chance, at a rate from 0 to 1.
    pub fn set_rate(&self, fault: Fault, rate: f64) {
        self.shared.lock().faults.set_rate(fault, rate);
    }

    /// Ends all faults, by chance and planned. Late effects that are under way still come.
    pub fn clear_faults(&self) {
        self.shared.lock().faults.clear();
    }

    fn control(&self, control: Control, id: u64) -> bool {
        self.act(|world, now| control.apply(world, id, now))
    }

    fn act<T>(&self, act: impl FnOnce(&mut World, i64) -> T) -> T {
        let now = self.shared.now();
        act(&mut self.shared.lock().world, now)
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the simulator's thread panicked");
        }
    }
}

/// Everything that a start needs before there is a runtime.
struct Prepared {
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    socket: TcpListener,
}

impl Prepared {
    fn new(config: Config) -> io::Result<Self> {
        let world = setup::world(&config, config.time())?;
        let socket = TcpListener::bind(config.listen)?;
        socket.set_nonblocking(true)?;
        let address: SocketAddr = socket.local_addr()?;
        let (stop, stopped) = watch::channel(false);
        let shared = Arc::new(Shared::new(config, world, format!("http://{address}"), stopped));
        Ok(Self { shared, stop, socket })
    }

    /// Hands the socket to the current runtime.
    fn listen(self) -> io::Result<CuttingListener> {
        Ok(CuttingListener {
            inner: tokio::net::TcpListener::from_std(self.socket)?,
            stop: self.shared.stop.clone(),
        })
    }
}
