//! A TCP proxy between the program and Zoho that goes wrong, connection by connection.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};

use crate::toxic::{Dealer, Toxic};

/// A running proxy. Dropping it ends it and its connections.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    _runtime: Runtime,
}

#[derive(Debug)]
struct State {
    dealer: Option<Dealer>,
    struck: [usize; Toxic::NAMES.len()],
}

impl Proxy {
    /// Starts one in front of an address. No request is delivered later than `latest` after it came.
    pub fn start(upstream: SocketAddr, seed: u64, latest: Duration) -> Result<Self> {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
        let address = listener.local_addr()?;
        let dealer = Some(Dealer::new(seed, latest));
        let state = Arc::new(Mutex::new(State { dealer, struck: [0; Toxic::NAMES.len()] }));
        runtime.spawn(serve(listener, upstream, Arc::clone(&state)));
        Ok(Self { address, state, _runtime: runtime })
    }

    /// Its base URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on all connections are clean.
    pub fn behave(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).dealer = None;
    }

    /// How many connections each toxic had.
    pub fn struck(&self) -> [usize; Toxic::NAMES.len()] {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).struck
    }
}

async fn serve(listener: TcpListener, upstream: SocketAddr, state: Arc<Mutex<State>>) {
    while let Ok((client, _)) = listener.accept().await {
        let toxic = {
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            let toxic = state.dealer.as_mut().map_or(Toxic::Clean, Dealer::deal);
            if let Some(times) = state.struck.get_mut(toxic.index()) {
                *times += 1;
            }
            toxic
        };
        // Connections break: that is what they are for here.
        tokio::spawn(async move { carry(client, upstream, toxic).await.ok() });
    }
}

async fn carry(mut client: TcpStream, upstream: SocketAddr, toxic: Toxic) -> Result<()> {
    // Without it small answers wait for the peer's delayed acknowledgement.
    client.set_nodelay(true)?;
    match toxic {
        Toxic::Refuse => return reset(client),
        Toxic::Reset => {
            client.readable().await?;
            return reset(client);
        }
        Toxic::LateRequest(delay) => {
            let request = whole_request(&mut client).await?;
            reset(client)?;
            tokio::time::sleep(delay).await;
            let mut server = TcpStream::connect(upstream).await?;
            server.write_all(&request).await?;
            // Nobody is there any more to hear it; the server finishes all the same.
            let heard = server.read(&mut [0; 1024]).await?;
            return if heard == 0 { Ok(()) } else { reset(server) };
        }
        _ => {}
    }
    let server = TcpStream::connect(upstream).await?;
    server.set_nodelay(true)?;
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let (request, answer) = limits(toxic);
    tokio::select! {
        sent = pump(&mut from_client, &mut to_server, request, toxic) => sent?,
        answered = pump(&mut from_server, &mut to_client, answer, toxic) => answered?,
    }
    if let Toxic::SlowClose(delay) = toxic {
        tokio::time::sleep(delay).await;
    }
    Ok(())
}

/// How many bytes may pass each way.
fn limits(toxic: Toxic) -> (Option<usize>, Option<usize>) {
    match toxic {
        Toxic::CutRequest(bytes) => (Some(bytes), None),
        Toxic::CutAnswer(bytes) => (None, Some(bytes)),
        // What comes is read and forgotten, and the client waits in vain.
        Toxic::SwallowAnswer => (None, Some(0)),
        _ => (None, None),
    }
}

/// Carries bytes until one side ends, or until no more may pass.
async fn pump(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    mut left: Option<usize>,
    toxic: Toxic,
) -> Result<()> {
    let mut buffer = [0; 4096];
    let most = if let Toxic::Bandwidth(bytes) = toxic {
        bytes.clamp(1, buffer.len())
    } else {
        buffer.len()
    };
    loop {
        let room = buffer.get_mut(..most).unwrap_or_default();
        let count = from.read(room).await?;
        if count == 0 {
            return Ok(());
        }
        match toxic {
            Toxic::Latency(delay) => tokio::time::sleep(delay).await,
            Toxic::Bandwidth(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            _ => {}
        }
        let passes = left.map_or(count, |left| left.min(count));
        to.write_all(buffer.get(..passes).unwrap_or_default()).await?;
        if let Some(left) = &mut left {
            *left -= passes;
            if *left == 0 && toxic != Toxic::SwallowAnswer {
                return Ok(());
            }
        }
    }
}

/// Everything up to the end of the first request: its head, and a body as long as the head says.
async fn whole_request(client: &mut TcpStream) -> Result<Vec<u8>> {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let count = client.read(&mut buffer).await?;
        request.extend_from_slice(buffer.get(..count).unwrap_or_default());
        if count == 0 || is_whole(&request) {
            return Ok(request);
        }
    }
}

fn is_whole(request: &[u8]) -> bool {
    let Some(head) = request.windows(4).position(|four| four == b"\r\n\r\n") else { return false };
    let text =
        String::from_utf8_lossy(request.get(..head).unwrap_or_default()).to_ascii_lowercase();
    let length = text
        .lines()
        .find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
    request.len() >= head + 4 + length.unwrap_or(0)
}

/// Ends a connection at once, so that the other side is told.
fn reset(stream: TcpStream) -> Result<()> {
    stream.set_zero_linger()?;
    drop(stream);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    const ASK: &[u8] = b"POST /x HTTP/1.1\r\ncontent-length: 5\r\n\r\nhello";
    const SAY: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

    /// What the server got and what the client heard under a toxic.
    fn meet(toxic: Toxic) -> (Vec<u8>, Vec<u8>) {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (tell, told) = mpsc::channel();
        let heard = runtime.block_on(async {
            let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let upstream = server.local_addr().unwrap();
            tokio::spawn(async move {
                let (mut stream, _) = server.accept().await.unwrap();
                let mut got = Vec::new();
                let mut buffer = [0; 64];
                while !is_whole(&got) {
                    match stream.read(&mut buffer).await {
                        Ok(0) | Err(_) => break,
                        Ok(count) => got.extend_from_slice(&buffer[..count]),
                    }
                }
                tell.send(got).unwrap();
                stream.write_all(SAY).await.ok();
                // Held open until the proxy ends it.
                while stream.read(&mut buffer).await.is_ok_and(|count| count > 0) {}
            });
            let door = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = door.local_addr().unwrap();
            tokio::spawn(async move {
                let (client, _) = door.accept().await.unwrap();
                carry(client, upstream, toxic).await.ok();
            });
            // A refusal may be faster than the greeting.
            let Ok(mut client) = TcpStream::connect(address).await else { return Vec::new() };
            client.write_all(ASK).await.ok();
            let mut heard = Vec::new();
            let mut buffer = [0; 64];
            let reading = async {
                while let Ok(count) = client.read(&mut buffer).await {
                    heard.extend_from_slice(&buffer[..count]);
                    if count == 0 || heard.len() >= SAY.len() {
                        break;
                    }
                }
            };
            tokio::time::timeout(Duration::from_millis(500), reading).await.ok();
            heard
        });
        (told.recv_timeout(Duration::from_secs(1)).unwrap_or_default(), heard)
    }

    #[test]
    fn what_a_toxic_lets_through_arrives_and_nothing_else() {
        let all = |toxic| assert_eq!(meet(toxic), (ASK.to_vec(), SAY.to_vec()), "{toxic:?}");
        all(Toxic::Clean);
        all(Toxic::Latency(Duration::from_millis(5)));
        all(Toxic::Bandwidth(20));
        all(Toxic::SlowClose(Duration::from_millis(5)));
        assert_eq!(meet(Toxic::SwallowAnswer), (ASK.to_vec(), Vec::new()));
        assert_eq!(meet(Toxic::CutAnswer(7)), (ASK.to_vec(), SAY[..7].to_vec()));
        assert_eq!(meet(Toxic::CutRequest(9)), (ASK[..9].to_vec(), Vec::new()));
        assert_eq!(meet(Toxic::LateRequest(Duration::from_millis(50))), (ASK.to_vec(), Vec::new()));
        assert_eq!(meet(Toxic::Reset), (Vec::new(), Vec::new()));
        assert_eq!(meet(Toxic::Refuse), (Vec::new(), Vec::new()));
    }

    #[test]
    fn a_request_is_whole_with_its_body() {
        assert!(is_whole(ASK) && is_whole(b"GET / HTTP/1.1\r\n\r\n"));
        assert!(!is_whole(&ASK[..ASK.len() - 1]) && !is_whole(b"GET / HTTP/1.1\r\n"));
    }
}
