//! A server on loopback that does what a test tells it, byte for byte, and keeps what it was sent.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crate::clock::Clock;
use crate::domain::time::Timestamp;

/// What the server does once it has read a request's head.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// Writes this and keeps the connection.
    Keep(Vec<u8>),
    /// Writes this and closes the connection.
    Close(Vec<u8>),
    /// Writes this, then nothing, until the client goes.
    Stall(Vec<u8>),
}

/// A complete answer with a body.
pub(crate) fn answer(status: u16, headers: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len())
        .into_bytes()
}

/// The server; requests beyond the script are dropped without an answer.
#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
    bodies: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Starts it; the replies are given in the order in which requests come.
    pub(crate) fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let replies = Arc::new(Mutex::new(replies.into_iter().collect::<VecDeque<_>>()));
        let server = Self { address, heads, bodies: Arc::default() };
        let (heads, bodies) = (Arc::clone(&server.heads), Arc::clone(&server.bodies));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (heads, bodies) = (Arc::clone(&heads), Arc::clone(&bodies));
                let replies = Arc::clone(&replies);
                thread::spawn(move || serve(stream, &heads, &bodies, &replies));
            }
        });
        server
    }

    /// A server that does this with every connection, unread.
    pub(crate) fn raw(act: impl Fn(TcpStream) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || listener.incoming().flatten().for_each(act));
        Self { address, heads: Arc::default(), bodies: Arc::default() }
    }

    /// Its base URL.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The heads of all requests so far.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }

    /// The bodies of all requests so far.
    pub(crate) fn bodies(&self) -> Vec<String> {
        self.bodies.lock().unwrap().clone()
    }

    /// The request lines so far, without the HTTP version.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.heads()
            .iter()
            .map(|head| head.lines().next().unwrap().replace(" HTTP/1.1", ""))
            .collect()
    }
}

fn serve(
    mut stream: TcpStream,
    heads: &Mutex<Vec<String>>,
    bodies: &Mutex<Vec<String>>,
    replies: &Mutex<VecDeque<Reply>>,
) {
    while let Some(head) = read_head(&mut stream) {
        let body = read_body(&mut stream, &head);
        heads.lock().unwrap().push(head);
        bodies.lock().unwrap().push(body);
        let reply = replies.lock().unwrap().pop_front();
        // A client that went away is what some tests are about.
        match reply {
            Some(Reply::Keep(bytes)) => drop(stream.write_all(&bytes)),
            Some(Reply::Close(bytes)) => return drop(stream.write_all(&bytes)),
            Some(Reply::Stall(bytes)) => {
                drop(stream.write_all(&bytes));
                return drop(stream.read(&mut [0]));
            }
            None => return,
        }
    }
}

fn read_head(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        head.extend_from_slice(&byte);
    }
    String::from_utf8(head).ok()
}

fn read_body(stream: &mut TcpStream, head: &str) -> String {
    let length = head.to_ascii_lowercase();
    let length =
        length.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).unwrap();
    String::from_utf8(body).unwrap()
}

/// A clock that moves on by a second with every look.
#[derive(Debug, Default)]
pub(crate) struct TickingClock(AtomicI64);

impl Clock for TickingClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.fetch_add(1_000, Ordering::SeqCst))
    }

    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }

    async fn sleep(&self, _duration: Duration) {}
}
