use std::collections::VecDeque;
use std::path::Path;

use super::*;
use crate::config::{ConfigFile, Flags, Settings};
use crate::domain::answer::ReadError;
use crate::domain::target::{ApiVersion, DataCenter, Environment, Product};
use crate::platform::{Sharing, write_atomically};
use crate::zoho::grant::read_grant;
use crate::zoho::hosts::tests::HOSTILE;
use crate::zoho::{Zoho, ZohoClient};

const DOMAIN: &str = "https://www.zohoapis.eu";
const THROTTLED: &str = r#"{"error":"Access Denied","error_description":"You have made too many requests continuously."}"#;

/// A clock that stands where a test puts it.
#[derive(Debug)]
struct SetClock(Mutex<Timestamp>);

impl SetClock {
    fn forward(&self, by: Duration) {
        let mut now = self.0.lock().unwrap();
        *now = now.plus(by);
    }
}

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }

    async fn sleep(&self, _duration: Duration) {}
}

/// An accounts server of a test: each call takes the next body, and waits a little so that others come.
#[derive(Debug, Clone, Default)]
struct Server(Arc<Mutex<Script>>);

#[derive(Debug, Default)]
struct Script {
    bodies: VecDeque<String>,
    calls: usize,
}

impl Server {
    fn new(bodies: impl IntoIterator<Item = String>) -> Self {
        let bodies = bodies.into_iter().collect();
        Self(Arc::new(Mutex::new(Script { bodies, calls: 0 })))
    }

    fn calls(&self) -> usize {
        self.0.lock().unwrap().calls
    }
}

impl TokenServer for Server {
    async fn grant(&self, client: &ClientKey, _grant: &Grant) -> Result<Granted, GrantError> {
        assert_eq!((client.id.as_str(), client.secret.expose()), ("1000.ID", "canary-secret"));
        let body = {
            let mut script = self.0.lock().unwrap();
            script.calls += 1;
            script.bodies.pop_front()
        };
        tokio::task::yield_now().await;
        let body = body.ok_or_else(|| GrantError::Unusable("no connection".to_owned()))?;
        read_grant(&endpoint(), 200, body.as_bytes(), false)
    }
}

fn endpoint() -> Endpoint {
    Endpoint::new(DataCenter::Eu, Environment::Production, None, None).unwrap()
}

fn token(name: &str, domain: &str) -> String {
    let domain = serde_json::to_string(domain).unwrap();
    format!(r#"{{"access_token":"1000.{name}","api_domain":{domain},"expires_in":3600}}"#)
}

fn tokens(names: &[&str]) -> Server {
    Server::new(names.iter().map(|name| token(name, DOMAIN)))
}

struct World {
    dir: tempfile::TempDir,
    clock: Arc<SetClock>,
}

impl World {
    fn new() -> Self {
        let now = "2026-08-22T10:00:00Z".parse().unwrap();
        Self { dir: tempfile::tempdir().unwrap(), clock: Arc::new(SetClock(Mutex::new(now))) }
    }

    fn cache(&self) -> std::path::PathBuf {
        self.dir.path().join("tokens")
    }

    fn sources(&self, environment: &[(&str, &str)]) -> Sources {
        let file = ConfigFile::parse(
            &self.dir.path().join("config.toml"),
            "db = \"x.db\"\ncredentials_file = \"none.toml\"",
        )
        .unwrap();
        let environment = |name: &str| {
            let found = environment.iter().find(|(one, _)| *one == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let settings = Settings::resolve(&Flags::default(), &environment, Some(&file)).unwrap();
        Sources::new(&settings, environment, endpoint().accounts())
    }

    /// Another process of the same sign-in.
    fn session_with(&self, server: &Server, cache: bool) -> Session<Server, SetClock> {
        let sources = self.sources(&[
            ("ZOHO_CLIENT_ID", "1000.ID"),
            ("ZOHO_CLIENT_SECRET", "canary-secret"),
            ("ZOHO_REFRESH_TOKEN", "1000.canary-refresh"),
        ]);
        let cache = cache.then(|| TokenCache::open(&self.cache()).unwrap());
        let clock = Arc::clone(&self.clock);
        Session::new(server.clone(), sources, endpoint(), cache, clock, Duration::from_secs(5))
    }

    fn session(&self, server: &Server) -> Session<Server, SetClock> {
        self.session_with(server, true)
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn cache_file(&self) -> std::path::PathBuf {
        let files = std::fs::read_dir(self.cache()).unwrap();
        let mut files = files.map(|entry| entry.unwrap().path());
        files.find(|path| path.extension().is_some_and(|one| one == "json")).unwrap()
    }
}

fn held<S: TokenServer, C: Clock + std::fmt::Debug>(session: &Session<S, C>) -> String {
    let held = session.state().held.clone();
    held.map_or_else(|| "none".to_owned(), |held| held.secret.expose().to_owned())
}

fn number<S: TokenServer, C: Clock + std::fmt::Debug>(
    session: &Session<S, C>,
) -> Option<TokenNumber> {
    session.current().map(|token| token.number())
}

#[tokio::test]
async fn fourteen_processes_in_a_row_fetch_one_token() {
    let (world, server) = (World::new(), tokens(&["one", "two"]));
    for _ in 0..14 {
        let session = world.session(&server);
        assert!(session.current().is_none());
        session.sign_in(None).await.unwrap();
        assert_eq!(held(&session), "1000.one");
        world.clock.forward(Duration::from_mins(4));
    }
    assert_eq!(server.calls(), 1);
}

#[tokio::test]
async fn ten_callers_that_were_refused_at_once_get_one_new_token() {
    let (world, server) = (World::new(), tokens(&["one", "two", "three"]));
    let session = world.session(&server);
    session.sign_in(None).await.unwrap();
    let refused = number(&session);
    let all = (0..10).map(|_| session.sign_in(refused));
    for signed_in in futures_of(all).await {
        signed_in.unwrap();
    }
    assert_eq!((held(&session).as_str(), server.calls()), ("1000.two", 2));
    // Who comes late with the old one gets what is there.
    session.sign_in(refused).await.unwrap();
    assert_eq!(server.calls(), 2);
}

/// All of them, side by side on this thread.
async fn futures_of<'a>(all: impl Iterator<Item = SigningIn<'a>>) -> Vec<Result<(), SignInError>> {
    let mut pending: Vec<_> = all.map(|one| (one, None)).collect();
    std::future::poll_fn(move |context| {
        for (one, done) in &mut pending {
            if done.is_none()
                && let std::task::Poll::Ready(result) = one.as_mut().poll(context)
            {
                *done = Some(result);
            }
        }
        if pending.iter().all(|(_, done)| done.is_some()) {
            let done = pending.iter_mut().filter_map(|(_, done)| done.take());
            return std::task::Poll::Ready(done.collect());
        }
        std::task::Poll::Pending
    })
    .await
}

#[tokio::test]
async fn two_processes_at_once_fetch_one_token() {
    let (world, server) = (World::new(), tokens(&["one", "two"]));
    let (one, other) = (world.session(&server), world.session(&server));
    for signed_in in futures_of([one.sign_in(None), other.sign_in(None)].into_iter()).await {
        signed_in.unwrap();
    }
    assert_eq!(server.calls(), 1);
    // Both were refused with it: one renews, the other takes what it finds.
    let refused = [one.sign_in(number(&one)), other.sign_in(number(&other))];
    for signed_in in futures_of(refused.into_iter()).await {
        signed_in.unwrap();
    }
    assert_eq!((held(&one), held(&other)), ("1000.two".to_owned(), "1000.two".to_owned()));
    assert_eq!(server.calls(), 2);
}

#[tokio::test]
async fn a_token_is_renewed_in_its_last_minute_and_serves_to_its_end_where_that_fails() {
    let (world, server) = (World::new(), tokens(&["one"]));
    let session = world.session(&server);
    session.sign_in(None).await.unwrap();
    world.clock.forward(Duration::from_mins(59));
    session.sign_in(None).await.unwrap();
    assert_eq!(server.calls(), 1);
    world.clock.forward(Duration::from_secs(30));
    session.sign_in(None).await.unwrap();
    assert_eq!((held(&session).as_str(), server.calls()), ("1000.one", 2));
    // Not when Zoho refused it, and not after its end.
    let refused = session.sign_in(number(&session)).await.unwrap_err();
    assert!(matches!(refused, SignInError::Unreachable(_)));
    world.clock.forward(Duration::from_secs(30));
    assert!(session.sign_in(None).await.is_err());
}

#[tokio::test]
async fn nobody_asks_again_while_zoho_wants_to_wait() {
    let again = || (0..4).map(|_| THROTTLED.to_owned());
    for with_cache in [true, false] {
        let world = World::new();
        let server = Server::new(again().chain([token("one", DOMAIN)]));
        let mut session = world.session_with(&server, with_cache);
        for (calls, minutes) in (1..).zip([5, 10, 15, 15]) {
            let until = world.now().plus(Duration::from_mins(minutes));
            for _ in 0..3 {
                let error = session.sign_in(None).await.unwrap_err();
                assert_eq!(error, SignInError::Throttled { until });
                if with_cache {
                    session = world.session(&server);
                }
            }
            assert_eq!(server.calls(), calls);
            world.clock.forward(Duration::from_mins(minutes));
        }
        session.sign_in(None).await.unwrap();
        assert_eq!(held(&session), "1000.one");
    }
}

#[tokio::test]
async fn who_waited_in_vain_looks_again_before_asking_without_the_lock() {
    let (world, server) = (World::new(), tokens(&["one", "two"]));
    let first = world.session(&server);
    // The holder may have to run its command to the end, and then to ask.
    assert!(first.patience > COMMAND_TIMEOUT + Duration::from_secs(5));
    first.sign_in(None).await.unwrap();
    let (file, aside) = (world.cache_file(), world.dir.path().join("aside"));
    std::fs::rename(&file, &aside).unwrap();
    // While it runs, the holder of the lock puts its token into the cache.
    let command = format!("sh -c 'mv {} {}; echo canary-secret'", aside.display(), file.display());
    let sources = world.sources(&[
        ("ZOHO_CLIENT_ID", "1000.ID"),
        ("JOURNAL_CLIENT_SECRET_COMMAND", &command),
        ("ZOHO_REFRESH_TOKEN", "1000.canary-refresh"),
    ]);
    let mut waiting = Session { sources, ..world.session(&server) };
    waiting.patience = Duration::ZERO;
    let holder = Holder::this_process("sign in", world.now());
    let _held = OsLock::acquire(&file.with_extension("lock"), &holder).unwrap();
    waiting.sign_in(None).await.unwrap();
    assert_eq!((held(&waiting).as_str(), server.calls()), ("1000.one", 1));
}

#[tokio::test]
async fn a_refusal_for_good_is_told_and_not_kept() {
    let refused = r#"{"error":"invalid_code"}"#.to_owned();
    let (world, server) = (World::new(), Server::new([refused, token("one", DOMAIN)]));
    let error = world.session(&server).sign_in(None).await.unwrap_err();
    let SignInError::NotSignedIn { code, message } = error else { panic!("{error}") };
    assert_eq!(code, "invalid_code");
    assert!(message.contains("revoked") && message.contains("accounts.zoho.eu"), "{message}");
    // A person may have mended it.
    world.session(&server).sign_in(None).await.unwrap();
}

#[tokio::test]
async fn a_damaged_cache_is_replaced_with_a_warning() {
    let (world, server) = (World::new(), tokens(&["one", "two"]));
    world.session(&server).sign_in(None).await.unwrap();
    write_atomically(&world.cache_file(), b"{", Sharing::OwnerOnly).unwrap();
    let session = world.session(&server);
    session.sign_in(None).await.unwrap();
    assert_eq!(held(&session), "1000.two");
    let warnings = session.take_warnings();
    assert!(warnings.len() == 1 && warnings[0].contains("damaged"), "{warnings:?}");
    let session = world.session(&server);
    session.sign_in(None).await.unwrap();
    assert_eq!((held(&session).as_str(), server.calls()), ("1000.two", 2));
}

#[tokio::test]
async fn a_cache_that_cannot_be_written_costs_a_warning() {
    let (world, server) = (World::new(), tokens(&["one"]));
    let session = world.session(&server);
    std::fs::remove_dir_all(world.cache()).unwrap();
    session.sign_in(None).await.unwrap();
    assert_eq!(held(&session), "1000.one");
    let warnings = session.take_warnings().join("\n");
    assert!(warnings.contains("not kept for the next run"), "{warnings}");
}

#[tokio::test]
async fn times_of_a_clock_that_was_wrong_lock_nobody_out() {
    let (world, server) = (World::new(), tokens(&["one", "two"]));
    world.clock.forward(Duration::from_hours(1000));
    world.session(&server).sign_in(None).await.unwrap();
    *world.clock.0.lock().unwrap() = "2026-08-22T10:00:00Z".parse().unwrap();
    let session = world.session(&server);
    session.sign_in(None).await.unwrap();
    assert_eq!(held(&session), "1000.two");

    let (world, server) = (World::new(), Server::new([THROTTLED.into(), token("one", DOMAIN)]));
    world.clock.forward(Duration::from_hours(1000));
    world.session(&server).sign_in(None).await.unwrap_err();
    *world.clock.0.lock().unwrap() = "2026-08-22T10:00:00Z".parse().unwrap();
    world.session(&server).sign_in(None).await.unwrap();
}

/// Each on a real data centre's endpoint: were a call made, it would leave this machine.
#[tokio::test]
async fn a_token_for_a_hostile_host_is_neither_used_nor_kept() {
    assert!(HOSTILE.len() >= 50);
    for domain in HOSTILE {
        let (world, server) = (World::new(), Server::new([token("canary", domain)]));
        let session = Arc::new(world.session(&server));
        let error = session.sign_in(None).await.unwrap_err();
        let SignInError::NotSignedIn { code, message } = error else { panic!("{error}") };
        assert_eq!(code, WRONG_API_DOMAIN);
        assert!(!message.contains("canary"), "{message}");
        assert!(session.current().is_none());
        assert_eq!(kept_files(&world.cache()), [""; 0], "{domain:?}");
        let tokens: Arc<dyn TokenSource> = Arc::<Session<_, _>>::clone(&session);
        let clock = Arc::clone(&world.clock);
        let zoho =
            ZohoClient::signed_in(endpoint(), tokens, Duration::from_secs(5), clock).unwrap();
        let read = zoho.read_org(Product::Crm, ApiVersion::V8).await;
        let told = ReadError::Unreachable("there is no access token".to_owned());
        assert_eq!(read.unwrap_err(), told);
    }
}

/// What lies in the cache but locks.
fn kept_files(directory: &Path) -> Vec<String> {
    let files = std::fs::read_dir(directory).unwrap();
    let names = files.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| Path::new(name).extension().is_none_or(|one| one != "lock")).collect()
}

#[tokio::test]
async fn a_cached_token_is_not_used_in_another_environment() {
    let (world, server) = (World::new(), tokens(&["one"]));
    world.session(&server).sign_in(None).await.unwrap();
    let mut session = world.session(&server);
    session.endpoint = Endpoint::new(DataCenter::Eu, Environment::Sandbox, None, None).unwrap();
    let error = session.sign_in(None).await.unwrap_err();
    assert!(error.to_string().contains("JOURNAL_ENVIRONMENT=production"), "{error}");
    assert_eq!((held(&session).as_str(), server.calls()), ("none", 1));
}

#[tokio::test]
async fn a_token_that_was_provided_is_taken_as_it_is_and_never_renewed() {
    let (world, server) = (World::new(), tokens(&["one"]));
    let sources = world.sources(&[("ZOHO_ACCESS_TOKEN", "1000.ready")]);
    let clock = Arc::clone(&world.clock);
    let session =
        Session::new(server.clone(), sources, endpoint(), None, clock, Duration::from_secs(5));
    session.sign_in(None).await.unwrap();
    assert_eq!(held(&session), "1000.ready");
    world.clock.forward(Duration::from_hours(9));
    session.sign_in(None).await.unwrap();
    assert_eq!(session.sign_in(number(&session)).await, Err(SignInError::Fixed));
    assert_eq!(server.calls(), 0);
}

#[tokio::test]
async fn without_anything_to_sign_in_with_it_says_what_to_type() {
    let (world, server) = (World::new(), tokens(&["one"]));
    let clock = Arc::clone(&world.clock);
    let sources = world.sources(&[]);
    let session =
        Session::new(server.clone(), sources, endpoint(), None, clock, Duration::from_secs(5));
    let error = session.sign_in(None).await.unwrap_err().to_string();
    assert!(error.contains("journal auth login"), "{error}");
    assert!(!format!("{session:?}").contains("canary"));
}

#[tokio::test]
async fn nothing_that_a_session_shows_holds_a_secret() {
    let (world, server) = (World::new(), tokens(&["canary-access"]));
    let session = world.session(&server);
    session.sign_in(None).await.unwrap();
    let shown = format!("{session:?} {:?}", session.facts());
    assert!(!shown.contains("canary"), "{shown}");
}
