//! The network between the machine and Zoho: it loses requests and answers, delivers late and twice, cuts
//! answers, and goes on when the machine is dead.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame};
use journal_disk::ProcessId;
use reqwest::{Request, Response};
use tokio::sync::oneshot;
use zoho_journal::zoho::{Lost, Wire};

use crate::chance::Chance;
use crate::ledger::{Intent, SendNumber};
use crate::oracle;
use crate::world::World;

/// How long the program waits for an answer.
const TIME_OUT: Duration = Duration::from_secs(30);

/// How late a call can still arrive after it left: well before the quarantine ends.
pub const LATEST: Duration = Duration::from_secs(100);

/// How often out of a hundred what happens to a call.
#[derive(Debug, Clone, Default)]
pub struct Weather {
    /// Nobody can be reached.
    pub refused: u32,
    /// The request is lost.
    pub lost: u32,
    /// The answer is lost.
    pub answer_lost: u32,
    /// The answer is cut.
    pub cut: u32,
    /// The request arrives after the program has given up.
    pub late: u32,
    /// The request arrives twice.
    pub twice: u32,
    /// The longest latency of a call that goes well, in milliseconds.
    pub latency_ms: u64,
}

impl Weather {
    /// Some weather.
    pub fn some(chance: &mut Chance) -> Self {
        let mut rate = |most| if chance.percent(50) { 0 } else { chance.below(most) };
        let mut rate = |most: usize| u32::try_from(rate(most)).unwrap_or(0);
        Self {
            refused: rate(20),
            lost: rate(25),
            answer_lost: rate(40),
            cut: rate(20),
            late: rate(30),
            twice: rate(20),
            latency_ms: u64::from(rate(1200)),
        }
    }
}

/// What becomes of one call.
#[expect(clippy::struct_excessive_bools, reason = "each happens by itself")]
#[derive(Debug, Clone, Default)]
struct Fate {
    refused: bool,
    lost: bool,
    answer_lost: bool,
    cut: bool,
    there: Duration,
    back: Duration,
    /// Whether a second copy arrives right after, and if so, whether its answer comes back in the place of the
    /// first one's.
    twice: Option<bool>,
}

impl Fate {
    fn draw(weather: &Weather, is_write: bool, dated: bool, chance: &mut Chance) -> Self {
        let mut fate = Self {
            refused: chance.percent(weather.refused),
            lost: chance.percent(weather.lost),
            answer_lost: chance.percent(weather.answer_lost),
            cut: chance.percent(weather.cut),
            there: chance.millis(weather.latency_ms),
            back: chance.millis(weather.latency_ms),
            twice: None,
        };
        if is_write && chance.percent(weather.late) {
            fate.there = TIME_OUT.saturating_add(chance.millis(60_000));
        }
        if is_write && chance.percent(weather.twice) {
            // Where nothing bears a date, nothing can tell a second copy's refusal from somebody else's deed.
            fate.twice = dated.then(|| chance.percent(30));
        }
        fate.there = fate.there.min(LATEST);
        fate
    }
}

tokio::task_local! {
    /// The batch whose call is being made.
    pub static MEANT: Arc<Intent>;
}

/// The network as one process sees it.
#[derive(Debug)]
pub struct Line {
    /// The world that it is in.
    pub world: Arc<World>,
    /// The process.
    pub process: ProcessId,
}

/// What comes back of a call.
type Back = (http::Response<Vec<u8>>, bool);

impl Wire for Line {
    async fn carry(&self, request: Request) -> Result<Response, Lost> {
        let Self { world, process } = self;
        if !world.is_alive(*process) {
            // A dead process sends nothing, and nobody waits for its answer.
            world.silenced.notify_waiters();
            std::future::pending::<()>().await;
        }
        let meant = MEANT.try_with(Arc::clone).ok();
        let weather = world.weather();
        let dated = meant.as_ref().is_some_and(|intent| intent.deletes_records);
        let fate = Fate::draw(&weather, meant.is_some(), dated, &mut world.chance());
        if fate.refused {
            world.count("connections refused");
            return Err(Lost { surely_not_sent: true, why: "connection refused".to_owned() });
        }
        let sent = meant.map(|intent| {
            oracle::at_sending(world, &intent, *process);
            let number = world.ledger().leaves(&intent);
            Sent { intent, number, deaths: world.disk.died().len() }
        });
        let (tell, hear) = oneshot::channel();
        // From here on the network has it, whatever becomes of the process.
        tokio::spawn(deliver(Arc::clone(world), sent, plain(&request), fate, tell));
        match tokio::time::timeout(TIME_OUT, hear).await {
            Ok(Ok(Some((response, cut)))) => Ok(Response::from(
                response.map(|body| reqwest::Body::wrap(Piece { body: Some(body), cut })),
            )),
            Ok(Ok(None) | Err(_)) => Err(lost("the connection was closed before an answer came")),
            Err(_) => Err(lost("the call timed out")),
        }
    }
}

fn lost(why: &str) -> Lost {
    Lost { surely_not_sent: false, why: why.to_owned() }
}

/// The request in the simulator's terms.
fn plain(request: &Request) -> http::Request<Vec<u8>> {
    let body = request.body().and_then(reqwest::Body::as_bytes).unwrap_or_default().to_vec();
    let mut plain = http::Request::new(body);
    *plain.method_mut() = request.method().clone();
    let url = request.url();
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    *plain.uri_mut() = format!("{}{query}", url.path()).parse().expect("the client built a URL");
    plain.headers_mut().clone_from(request.headers());
    plain
}

/// A write that left.
struct Sent {
    intent: Arc<Intent>,
    number: SendNumber,
    /// How many processes had died by then.
    deaths: usize,
}

/// A call on its way.
async fn deliver(
    world: Arc<World>,
    sent: Option<Sent>,
    request: http::Request<Vec<u8>>,
    fate: Fate,
    tell: oneshot::Sender<Option<Back>>,
) {
    tokio::time::sleep(fate.there).await;
    if fate.there > TIME_OUT {
        world.count("calls that arrived late");
    }
    let mut back = arrive(&world, sent.as_ref(), &request, fate.lost).await;
    if let Some(instead) = fate.twice {
        world.count("calls that arrived twice");
        let second = arrive(&world, sent.as_ref(), &request, false).await;
        if instead {
            back = second;
        }
    }
    tokio::time::sleep(fate.back).await;
    if fate.answer_lost && back.is_some() {
        world.count("answers lost");
        back = None;
    }
    let back = back.map(|(mut response, cut)| {
        if fate.cut {
            world.count("answers cut");
            let half = response.body().len() / 2;
            response.body_mut().truncate(half);
        }
        (response, cut || fate.cut)
    });
    // Nobody may listen any more.
    tell.send(back).ok();
}

/// A call arrives, unless it is lost on the way.
async fn arrive(
    world: &Arc<World>,
    sent: Option<&Sent>,
    request: &http::Request<Vec<u8>>,
    lost: bool,
) -> Option<Back> {
    if lost {
        world.count("calls lost");
        if let Some(sent) = sent {
            world.ledger().is_over(sent.number, None);
        }
        return None;
    }
    let Some(sent) = sent else { return world.zoho.call(request.clone()).await };
    oracle::at_the_effect(world, &sent.intent, sent.deaths);
    let back = world.zoho.call(request.clone()).await;
    let reached = world.last_write();
    world.ledger().is_over(sent.number, Some(reached));
    back
}

/// A body in one piece, after which the connection may break.
struct Piece {
    body: Option<Vec<u8>>,
    cut: bool,
}

impl Body for Piece {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        if let Some(body) = self.body.take() {
            return Poll::Ready(Some(Ok(Frame::data(Bytes::from(body)))));
        }
        let broken = self.cut.then(|| Err(io::ErrorKind::ConnectionReset.into()));
        self.cut = false;
        Poll::Ready(broken)
    }
}
