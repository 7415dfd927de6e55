//! From a request to an answer, or to the lack of one: the order of checks, faults and effects.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{self, Response};
use axum::{Router, serve};
use serde_json::json;

use super::accounts;
use super::answer::Answer;
use super::call::Call;
use super::config::WriteSeen;
use super::ending::{Ending, Reply};
use super::fault::{Fault, Struck};
use super::limits::text;
use super::mangle::mangle;
use super::plan::Strike;
use super::refusal::{
    authentication_failure, bad_gateway, bad_token, credits_used_up, internal_error, no_permission,
    scope_mismatch, scope_mismatch_of, too_many_calls, url_too_long,
};
use super::routes::{self, Doing, Looking, Route, Shape, Write, control};
use super::shared::{Inner, LateWrite, Shared};
use super::state::Course;
use super::time::http_date;
use super::wire::{Connection, CuttingListener};

const BODY_LIMIT: usize = 16 * 1024 * 1024;
const SCHEME: &str = "Zoho-oauthtoken ";

/// Serves until the simulator stops.
pub(crate) async fn run(shared: Arc<Shared>, listener: CuttingListener) {
    let mut stop = shared.stop.clone();
    let service = Router::new()
        .fallback(handle)
        .with_state(shared)
        .into_make_service_with_connect_info::<Connection>();
    tokio::select! {
        served = serve(listener, service) => {
            if let Err(error) = served {
                tracing::error!(%error, "the simulator's server ended");
            }
        }
        // An error means that the handle is gone, which is a stop as well.
        _ = stop.wait_for(|stopped| *stopped) => {}
    }
}

async fn handle(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    request: Request,
) -> Response<Body> {
    serve_one(&shared, &connection, request).await
}

/// Makes a call without a wire: what comes back, and whether its body is cut. `None` when nothing comes back.
pub(crate) async fn call(
    shared: &Shared,
    request: http::Request<Vec<u8>>,
) -> Option<(http::Response<Vec<u8>>, bool)> {
    let connection = Connection::new();
    let response = serve_one(shared, &connection, request.map(Body::from)).await;
    let (parts, body) = response.into_parts();
    let mut body = to_bytes(body, usize::MAX).await.ok()?.to_vec();
    let sent = connection.sent_of(body.len())?;
    let cut = sent < body.len();
    body.truncate(sent);
    Some((http::Response::from_parts(parts, body), cut))
}

async fn serve_one(shared: &Shared, connection: &Connection, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    // Bodies are read to their end: some clients fail when the answer comes before that.
    let Ok(body) = to_bytes(body, BODY_LIMIT).await else {
        return Answer::json(413, json!({})).into_response(shared.date());
    };
    let call = Call::new(&parts, body);
    let segments: Vec<&str> = call.segments.iter().map(String::as_str).collect();
    let answer = match segments.as_slice() {
        ["_simulator", path @ ..] => control::serve(shared, &call, path),
        ["oauth", "v2", path @ ..] => accounts::serve(shared, connection, &call, path).await,
        _ => serve_api(shared, connection, &call).await,
    };
    answer.into_response(shared.date())
}

/// An API call: logged when it arrives, shown to the hook, carried out, logged again, sent or not.
async fn serve_api(shared: &Shared, connection: &Connection, call: &Call) -> Answer {
    let too_long = call.url.len() > shared.config.max_url_bytes;
    let route = if too_long { Err(url_too_long()) } else { routes::find(call) };
    let number = arrive(shared, call, route.as_ref().ok());
    let (mut answer, ending) = match route {
        Err(error) => (error, Ending::Whole),
        Ok(route) => admit(shared, call, number, route).await,
    };
    if ending == Ending::Never {
        shared.stopped().await;
    }
    let mut inner = shared.lock();
    if let Some(left) = inner.credits.announced() {
        answer = answer.with_header("x-api-credits-remaining", left.to_string());
    }
    let answer = ending.bring(answer, connection, shared.config.drip_ms);
    if ending.is_told() {
        inner.log.answered(number, answer.status);
    }
    answer
}

/// Logs a call and shows a write to the hook, before anything can come of it.
fn arrive(shared: &Shared, call: &Call, route: Option<&Route>) -> u64 {
    let write = match route {
        Some(Route::Write(write)) => Some(write),
        Some(Route::Read(_)) | None => None,
    };
    let ids = (call.method != "GET").then(|| write.map(|write| write.ids()).unwrap_or_default());
    let number = shared.lock().log.begin(
        shared.now(),
        (call.method.as_str(), call.url.as_str(), call.body.as_ref()),
        ids.clone(),
    );
    if let (Some(ids), Some(hook)) = (ids, &shared.config.on_write) {
        hook(&WriteSeen {
            number,
            method: call.method.clone(),
            url: call.url.clone(),
            body: text(&call.body),
            module: write.map(|write| write.module()).unwrap_or_default().to_owned(),
            ids,
        });
    }
    number
}

/// Token, scopes, limits and fault; then the call itself, amid its latency.
async fn admit(shared: &Shared, call: &Call, number: u64, route: Route) -> Reply {
    if let Err(error) = authorize(shared, call, &route) {
        return (error, Ending::Whole);
    }
    let Some(_slot) = shared.slots.take(shared.config.calls_at_once()) else {
        return (too_many_calls(shared.config.throttle_body), Ending::Whole);
    };
    let (cost, struck) = match &route {
        Route::Read(read) => (read.credits, Struck::Read),
        Route::Write(write) => (write.credits(), write.shape().struck()),
    };
    let strike = {
        let mut inner = shared.lock();
        if !inner.credits.take(shared.now(), cost) {
            return (credits_used_up(shared.config.throttle_body), Ending::Whole);
        }
        let strike = inner.faults.strike(struck, fingerprint(call));
        if let Some(entry) = inner.log.entry(number) {
            entry.fault = strike.map(|strike| strike.fault);
        }
        strike
    };
    // The effect lies amid the latency, so that a client killed while it waits meets both cases.
    let latency = shared.config.latency_ms;
    shared.pause(latency / 2).await;
    let reply = match route {
        Route::Read(read) => {
            let looking = Looking { at_ms: shared.now(), rules: shared.config.rules() };
            let answer = read.answer(&shared.lock().world, call, looking);
            match strike {
                None => (answer, Ending::Whole),
                Some(strike) => struck_read(shared, call, answer, strike.fault),
            }
        }
        Route::Write(write) => carry_out(shared, call, number, write, strike),
    };
    shared.pause(latency - latency / 2).await;
    if strike.is_some_and(|strike| strike.fault == Fault::Delay) {
        shared.pause(shared.config.delay_ms).await;
    }
    reply
}

/// Whether the call has a good token with a scope for it. Nothing else is looked at before.
fn authorize(shared: &Shared, call: &Call, route: &Route) -> Result<(), Answer> {
    let token = call
        .header("authorization")
        .and_then(|value| value.strip_prefix(SCHEME))
        .ok_or_else(authentication_failure)?;
    let inner = shared.lock();
    let granted = inner.tokens.granted(token, shared.now());
    let granted = granted.ok_or_else(|| bad_token(shared.config.bad_token_code))?;
    let module = call.segments.get(2).and_then(|name| inner.world.module(name));
    let is_custom = module.is_some_and(|module| module.custom);
    if granted.permits(call, is_custom) {
        return Ok(());
    }
    Err(scope_refused(call, matches!(route, Route::Write(write) if write.shape() == Shape::Job)))
}

/// What is said without the scope. Zoho's newer `OpenAPI` files tell a job's caller what it called.
fn scope_refused(call: &Call, is_job: bool) -> Answer {
    if is_job {
        scope_mismatch_of(json!({"method": call.method, "url": call.url}))
    } else {
        scope_mismatch()
    }
}

/// What a fault makes of the right answer of a read.
fn struck_read(shared: &Shared, call: &Call, answer: Answer, fault: Fault) -> Reply {
    if fault == Fault::ReadForbidden {
        let answer = no_permission("permission denied", &["Crm_Implied_View_Records".to_owned()]);
        (answer, Ending::Whole)
    } else if fault == Fault::ReadInternalError {
        (internal_error(false), Ending::Whole)
    } else if fault == Fault::ReadThrottle {
        (too_many_calls(shared.config.throttle_body), Ending::Whole)
    } else if fault == Fault::ReadExpiredToken {
        (bad_token(shared.config.bad_token_code), Ending::Whole)
    } else if fault == Fault::ReadScope {
        (scope_refused(call, false), Ending::Whole)
    } else if fault == Fault::ReadGzipBomb {
        (answer, Ending::Bomb)
    } else if fault == Fault::ReadSlowDrip {
        (answer, Ending::Drip)
    } else {
        (answer, Ending::Lost)
    }
}

fn carry_out(
    shared: &Shared,
    call: &Call,
    number: u64,
    write: Write,
    strike: Option<Strike>,
) -> Reply {
    let fault = strike.map(|strike| strike.fault);
    if let Some(reply) = fault.and_then(|fault| nothing_done(shared, call, &write, fault)) {
        return reply;
    }
    let now = shared.now();
    let mut inner = shared.lock();
    if fault == Some(Fault::Late) {
        inner.postpone(LateWrite {
            due_ms: now.saturating_add(shared.config.late_ms),
            request: number,
            write,
        });
        return (Answer::nothing(), Ending::Lost);
    }
    let doing = Doing {
        request: number,
        at_ms: now,
        rules: shared.config.rules(),
        course: strike.map_or(Course::Well, |strike| course(strike.fault)),
        refuse: strike.filter(|strike| strike.fault == Fault::Refuse).map(|strike| strike.bits),
    };
    let (answer, applied) = write.carry_out(&mut inner.world, doing);
    if let Some(entry) = inner.log.entry(number) {
        entry.applied = applied;
    }
    match strike {
        None => (answer, Ending::Whole),
        Some(strike) => done_but(&inner, &write, answer, strike),
    }
}

/// The replies of faults under which nothing is done; `None` for those under which it is.
fn nothing_done(shared: &Shared, call: &Call, write: &Write, fault: Fault) -> Option<Reply> {
    let form = shared.config.throttle_body;
    let answer = match fault {
        Fault::Throttle => too_many_calls(form),
        Fault::ThrottleRetryAfter => {
            let seconds = shared.config.retry_after_s.to_string();
            too_many_calls(form).with_header("retry-after", seconds)
        }
        Fault::ThrottleRetryAfterDate => {
            too_many_calls(form).with_header("retry-after", later(shared))
        }
        Fault::LoseRequest => return Some((Answer::nothing(), Ending::Lost)),
        Fault::NeverAnswers => return Some((Answer::nothing(), Ending::Never)),
        Fault::Html => bad_gateway(),
        Fault::InternalError => internal_error(write.shape() == Shape::Single),
        Fault::ExpiredToken => bad_token(shared.config.bad_token_code),
        Fault::Redirect => Answer::json(307, json!({}))
            .with_header("location", format!("{}{}", shared.api_url, call.url)),
        Fault::Scope => scope_refused(call, write.shape() == Shape::Job),
        Fault::NoPermission => {
            let (message, permissions) = write.permissions();
            no_permission(message, &permissions)
        }
        Fault::Refuse
        | Fault::Delay
        | Fault::LoseAnswer
        | Fault::CutBody
        | Fault::HtmlApplied
        | Fault::InternalErrorApplied
        | Fault::MissingId
        | Fault::UnknownId
        | Fault::DoubleId
        | Fault::Anonymous
        | Fault::Shuffle
        | Fault::Late
        | Fault::ReadForbidden
        | Fault::ReadInternalError
        | Fault::ReadLost
        | Fault::JobStuck
        | Fault::JobFails
        | Fault::JobPartial
        | Fault::JobForgotten
        | Fault::JobSlow
        | Fault::GzipBomb
        | Fault::SlowDrip
        | Fault::ReadThrottle
        | Fault::ReadExpiredToken
        | Fault::ReadScope
        | Fault::ReadGzipBomb
        | Fault::ReadSlowDrip => return None,
    };
    Some((answer, Ending::Whole))
}

/// When to come again, by the clock of the `Date` header.
fn later(shared: &Shared) -> String {
    let wait_ms =
        i64::try_from(shared.config.retry_after_s.saturating_mul(1000)).unwrap_or(i64::MAX);
    http_date(shared.date().saturating_add(wait_ms))
}

/// How the job goes that a call under a fault submits.
fn course(fault: Fault) -> Course {
    [
        (Fault::JobStuck, Course::Stuck),
        (Fault::JobFails, Course::Fails),
        (Fault::JobPartial, Course::Partial),
        (Fault::JobForgotten, Course::Forgotten),
        (Fault::JobSlow, Course::Slow),
    ]
    .into_iter()
    .find(|(of, _)| *of == fault)
    .map_or(Course::Well, |(_, course)| course)
}

/// What a fault makes of the right answer of a call that was carried out.
fn done_but(inner: &Inner, write: &Write, mut answer: Answer, strike: Strike) -> Reply {
    if strike.fault == Fault::LoseAnswer {
        (answer, Ending::Lost)
    } else if strike.fault == Fault::CutBody {
        (answer, Ending::Half)
    } else if strike.fault == Fault::GzipBomb {
        (answer, Ending::Bomb)
    } else if strike.fault == Fault::SlowDrip {
        (answer, Ending::Drip)
    } else if strike.fault == Fault::HtmlApplied {
        (bad_gateway(), Ending::Whole)
    } else if strike.fault == Fault::InternalErrorApplied {
        (internal_error(write.shape() == Shape::Single), Ending::Whole)
    } else {
        let unknown = inner.world.unknown_id(strike.bits);
        mangle(&mut answer.content, strike, unknown);
        (answer, Ending::Whole)
    }
}

/// The same for the same call, in every process.
fn fingerprint(call: &Call) -> u64 {
    let mut hasher = DefaultHasher::new();
    (&call.method, &call.url, call.body.as_ref()).hash(&mut hasher);
    hasher.finish()
}
