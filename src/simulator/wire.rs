//! Connections that the simulator can cut, before an answer or amid its body, and those that drip.
//!
//! hyper offers no way to drop a connection from inside a handler, so the handler arms a switch
//! and the stream under hyper fails when the answer is written.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::Sleep;

const WHOLE: usize = usize::MAX;
const NOTHING: usize = usize::MAX - 1;

/// The handler's side of one connection.
#[derive(Debug, Clone)]
pub(crate) struct Connection {
    switches: Arc<Switches>,
}

/// What the handler tells the stream.
#[derive(Debug)]
struct Switches {
    /// How much of the body may be written.
    allowance: AtomicUsize,
    /// How many milliseconds to wait before each byte, and one more; 0 is no dripping.
    drip: AtomicU64,
    /// Whether the head drips as well.
    drips_head: AtomicBool,
}

impl Connection {
    /// One whose stream takes everything, or that has none: some calls take no wire.
    pub(crate) fn new() -> Self {
        let switches = Switches {
            allowance: AtomicUsize::new(WHOLE),
            drip: AtomicU64::new(0),
            drips_head: AtomicBool::new(false),
        };
        Self { switches: Arc::new(switches) }
    }

    /// How much of a body of this length is sent; `None` when no answer is sent at all.
    pub(crate) fn sent_of(&self, body: usize) -> Option<usize> {
        let allowance = self.switches.allowance.load(Ordering::SeqCst);
        (allowance != NOTHING).then(|| allowance.min(body))
    }

    /// The answer that is about to be written is not sent at all.
    pub(crate) fn cut_before_answer(&self) {
        self.switches.allowance.store(NOTHING, Ordering::SeqCst);
    }

    /// Of the answer's body only so many bytes are sent.
    pub(crate) fn cut_body_after(&self, bytes: usize) {
        self.switches.allowance.store(bytes.min(NOTHING - 1), Ordering::SeqCst);
    }

    /// The answer's body, and its head if so wanted, is sent byte by byte, with so many
    /// milliseconds before each.
    pub(crate) fn drip(&self, ms: u64, head: bool) {
        self.switches.drips_head.store(head, Ordering::SeqCst);
        self.switches.drip.store(ms.saturating_add(1), Ordering::SeqCst);
    }
}

impl Connected<IncomingStream<'_, CuttingListener>> for Connection {
    fn connect_info(stream: IncomingStream<'_, CuttingListener>) -> Self {
        Self { switches: Arc::clone(&stream.io().switches) }
    }
}

/// Accepts connections that can be cut, and that end when the simulator stops.
#[derive(Debug)]
pub(crate) struct CuttingListener {
    pub(crate) inner: TcpListener,
    pub(crate) stop: watch::Receiver<bool>,
}

impl Listener for CuttingListener {
    type Io = CuttingStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let (inner, address) = Listener::accept(&mut self.inner).await;
        // Without it small answers wait for the peer's delayed acknowledgement.
        if let Err(error) = inner.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY could not be set");
        }
        let mut stop = self.stop.clone();
        let stream = CuttingStream {
            inner,
            switches: Connection::new().switches,
            head: HeadEnd::default(),
            pause: None,
            stop: Some(Box::pin(async move {
                // An error means that the simulator itself is gone, which is a stop as well.
                drop(stop.wait_for(|stopped| *stopped).await);
            })),
        };
        (stream, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()
    }
}

/// A TCP stream under hyper.
pub(crate) struct CuttingStream {
    inner: TcpStream,
    switches: Arc<Switches>,
    head: HeadEnd,
    /// What the next byte waits for.
    pause: Option<Pin<Box<Sleep>>>,
    /// Ends when the simulator stops; `None` once it has.
    stop: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

/// Looks for the empty line between head and body in what is written.
#[derive(Debug, Default)]
struct HeadEnd {
    matched: usize,
}

impl HeadEnd {
    const MARK: [u8; 4] = *b"\r\n\r\n";

    /// How many of these bytes belong to the head.
    fn head_bytes(&self, bytes: &[u8]) -> usize {
        let mut scan = Self { matched: self.matched };
        bytes
            .iter()
            .take_while(|byte| {
                let inside = scan.matched < Self::MARK.len();
                scan.step(**byte);
                inside
            })
            .count()
    }

    fn advance(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.step(*byte);
        }
    }

    fn step(&mut self, byte: u8) {
        match Self::MARK.get(self.matched) {
            None => {}
            Some(wanted) if *wanted == byte => self.matched += 1,
            Some(_) => self.matched = usize::from(byte == b'\r'),
        }
    }
}

impl CuttingStream {
    fn is_stopped(&mut self, context: &mut Context<'_>) -> bool {
        if let Some(stop) = &mut self.stop
            && stop.as_mut().poll(context).is_ready()
        {
            self.stop = None;
        }
        self.stop.is_none()
    }

    /// Writes the head at once and then, after a while, one byte.
    #[expect(
        clippy::disallowed_methods,
        reason = "the delay is one that a client really has to wait for"
    )]
    fn poll_drip(
        &mut self,
        context: &mut Context<'_>,
        bytes: &[u8],
        ms: u64,
    ) -> Poll<io::Result<usize>> {
        if self.is_stopped(context) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        let head = self.head.head_bytes(bytes);
        let at_once = if self.switches.drips_head.load(Ordering::SeqCst) { 0 } else { head };
        if at_once == 0 && ms > 0 {
            let pause = || Box::pin(tokio::time::sleep(Duration::from_millis(ms)));
            std::task::ready!(self.pause.get_or_insert_with(pause).as_mut().poll(context));
        }
        let part = bytes.get(..at_once.max(1)).unwrap_or(bytes);
        let written = std::task::ready!(Pin::new(&mut self.inner).poll_write(context, part))?;
        self.head.advance(bytes.get(..written).unwrap_or_default());
        self.pause = None;
        Poll::Ready(Ok(written))
    }
}

impl AsyncRead for CuttingStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.is_stopped(context) {
            // Nothing read is the end of the stream: hyper then lets go of the connection.
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.inner).poll_read(context, buffer)
    }
}

impl AsyncWrite for CuttingStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let drip = self.switches.drip.load(Ordering::SeqCst);
        if let Some(ms) = drip.checked_sub(1) {
            return self.poll_drip(context, bytes, ms);
        }
        let allowance = self.switches.allowance.load(Ordering::SeqCst);
        if allowance == WHOLE {
            return Pin::new(&mut self.inner).poll_write(context, bytes);
        }
        if allowance == NOTHING {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        let head = self.head.head_bytes(bytes);
        let allowed = head.saturating_add(allowance).min(bytes.len());
        let Some(part) = bytes.get(..allowed).filter(|part| !part.is_empty()) else {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        };
        let written = std::task::ready!(Pin::new(&mut self.inner).poll_write(context, part))?;
        self.head.advance(bytes.get(..written).unwrap_or_default());
        let of_body = written.saturating_sub(head);
        self.switches.allowance.store(allowance.saturating_sub(of_body), Ordering::SeqCst);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_the_head_is_found_wherever_the_writes_are_split() {
        let answer = b"HTTP/1.1 200 OK\r\nA: b\r\r\n\r\nbody\r\n\r\n";
        let body_at = answer.len() - "body\r\n\r\n".len();
        for split in 0..answer.len() {
            let (first, second) = answer.split_at(split);
            let mut scan = HeadEnd::default();
            let mut head = scan.head_bytes(first);
            scan.advance(first);
            head += scan.head_bytes(second);
            assert_eq!(head, body_at, "split at {split}");
        }
    }
}
