//! `journal auth status`: who, which org, what is missing, where each secret comes from.

use serde::Serialize;

use crate::auth::SourceError;
use crate::auth::session::TokenFacts;
use crate::auth::sources::{Place, Places};
use crate::cli::auth::who::{
    Lacking, OnlyFor, Who, lacking, lacking_in_words, only_for, only_for_in_words,
};
use crate::cli::auth::{runtime, server_in_words};
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::output::words::in_words;
use crate::cli::signing::{self, NotRead};
use crate::domain::answer::SignInError;
use crate::domain::time::Timestamp;
use crate::zoho::grant::LEAST;

/// Show who is signed in, to which org, what is missing, and where each secret comes from
#[derive(Debug, clap::Args)]
pub(crate) struct StatusArgs {}

/// Where each secret comes from.
#[derive(Serialize)]
struct From {
    client_id: Option<String>,
    client_secret: Option<String>,
    refresh_token: Option<String>,
    access_token: Option<String>,
}

impl From {
    fn in_words(&self) -> Vec<String> {
        let all = [
            ("access token", &self.access_token),
            ("client id", &self.client_id),
            ("client secret", &self.client_secret),
            ("refresh token", &self.refresh_token),
        ];
        let line = |(what, place): (&str, &Option<String>)| {
            place.as_ref().map(|place| format!("{what:<14} from {place}"))
        };
        all.into_iter().filter_map(line).collect()
    }
}

#[derive(Serialize)]
struct Shown<'a> {
    /// Whether Zoho took the token; null where it could not be asked.
    signed_in: Option<bool>,
    accounts_url: &'a str,
    data_center: String,
    environment: String,
    org: Option<String>,
    edition: Option<String>,
    user: Option<User<'a>>,
    token_expires_at: Option<Timestamp>,
    scopes: Option<&'a [String]>,
    missing: Option<&'a [Lacking]>,
    only_for: Option<&'a [OnlyFor]>,
    sources: &'a From,
    warnings: &'a [String],
}

#[derive(Serialize)]
struct User<'a> {
    id: String,
    name: Option<&'a str>,
    email: Option<&'a str>,
    profile: Option<&'a str>,
}

/// Runs the command.
pub(super) fn run(_args: &StatusArgs, context: &mut Context) -> Result<Exit, CliError> {
    signing::check_possible(context, "nobody was asked")?;
    let zoho = signing::client(context)?;
    let sources = signing::sources(context)?;
    let runtime = runtime()?;
    let from = sources.places().map_err(|error| not_signed_in(context, error))?;
    let from = From::of(&from);
    let who = runtime.block_on(Who::read(&zoho, context));
    // Where Zoho could not be asked, what is known without it is shown.
    if let Some(error) = who.org.as_ref().err().filter(|error| error.is_refusal()) {
        return Err(stopped(context, error));
    }
    show(context, &from, &who)?;
    Ok(who.org.as_ref().err().map_or(Exit::Done, NotRead::exit))
}

/// Why nothing can be said about a sign-in.
pub(super) fn stopped(context: &Context, error: &NotRead) -> CliError {
    let hint = error.hint(context);
    CliError::new(error.exit(), error.to_string()).hint(hint)
}

/// The places hold something that is no use.
pub(super) fn not_signed_in(context: &Context, error: SourceError) -> CliError {
    // What is wrong with a file says what mends it: another sign-in would give up a good one.
    let mends_itself = matches!(error, SourceError::Stored(_) | SourceError::Handed(_));
    let refused = CliError::new(Exit::NotAllowed, error);
    if mends_itself { refused } else { refused.hint(signing::how_to_sign_in(context)) }
}

impl From {
    fn of(places: &Places) -> Self {
        let words = |place: &Option<Place>| place.as_ref().map(ToString::to_string);
        Self {
            client_id: words(&places.client_id),
            client_secret: words(&places.client_secret),
            refresh_token: words(&places.refresh_token),
            access_token: words(&places.access_token),
        }
    }
}

fn show(context: &mut Context, from: &From, who: &Who) -> Result<(), CliError> {
    let facts = context.session.as_ref().and_then(|session| session.facts()).unwrap_or_default();
    let product = context.settings.product.value;
    let lacking = facts.scopes.as_deref().map(|granted| lacking(product, granted));
    let only_for = facts.scopes.as_deref().map(|granted| only_for(product, granted));
    let warnings = who.warnings(product);
    let edition = who.org.as_ref().ok().and_then(|org| org.edition);
    let edition = edition.map(|edition| edition.name().to_owned());
    if context.out.is_json() {
        let (target, endpoint) = (context.target()?, context.endpoint()?);
        let shown = Shown {
            signed_in: who.signed_in(),
            accounts_url: endpoint.accounts(),
            data_center: target.data_center.to_string(),
            environment: target.environment.to_string(),
            org: who.org.as_ref().ok().map(|org| org.id.to_string()),
            edition,
            user: who.user.as_ref().ok().map(|user| User {
                id: user.id.to_string(),
                name: user.name.as_deref(),
                email: user.email.as_deref(),
                profile: user.profile.as_deref(),
            }),
            token_expires_at: facts.until.filter(|until| until.since(context.now()) > LEAST),
            scopes: facts.scopes.as_deref(),
            missing: lacking.as_deref(),
            only_for: only_for.as_deref(),
            sources: from,
            warnings: &warnings,
        };
        context.out.json_line(&shown)?;
        return Ok(());
    }
    let server = server_in_words(context)?;
    let now = context.now();
    let out = &mut context.out;
    out.data_row(first_line(who))?;
    out.data_row(format!("At {server}."))?;
    if let Some(edition) = edition {
        out.data_row(format!("Edition: {edition}."))?;
    }
    for line in from.in_words() {
        out.data_row(line)?;
    }
    if let Some(line) = lifetime(&facts, from, now) {
        out.data_row(line)?;
    }
    match &lacking {
        None if who.signed_in().is_none() => {}
        None => out.data_row("Zoho does not say which scopes the token has.")?,
        Some(lacking) if lacking.is_empty() => out.data_row("No scope is missing.")?,
        Some(lacking) => {
            for line in lacking_in_words(lacking) {
                out.data_row(line)?;
            }
        }
    }
    for line in only_for_in_words(&only_for.unwrap_or_default()) {
        out.data_row(line)?;
    }
    out.flush()?;
    match &who.org {
        // The first line says it, and for both.
        Err(error) if who.signed_in().is_none() => {
            let hint = error.hint(context);
            context.out.say(hint);
        }
        Ok(_) | Err(_) => warnings.iter().for_each(|warning| out.warn(warning)),
    }
    Ok(())
}

fn first_line(who: &Who) -> String {
    match &who.org {
        Err(error) if who.signed_in() != Some(true) => {
            format!("Zoho could not be asked who is signed in: {error}.")
        }
        Ok(_) | Err(_) => who.in_words(),
    }
}

/// How long the token in force lasts; nothing where there is none. Of one that is about to end, or that Zoho
/// gave for no time at all, the end is our guess.
fn lifetime(facts: &TokenFacts, from: &From, now: Timestamp) -> Option<String> {
    match facts.until {
        Some(until) if until.since(now) <= LEAST => Some(
            "The access token is about to end: nobody knows how long it lasts; then it is renewed."
                .to_owned(),
        ),
        Some(until) => Some(format!(
            "The access token lasts until {until}, for {}; then it is renewed.",
            in_words(until.since(now))
        )),
        None => from
            .access_token
            .as_ref()
            .map(|_| "The access token was provided: nobody knows how long it lasts.".to_owned()),
    }
}

/// A token call that gave none, outside of any read.
pub(super) fn sign_in_failed(context: &Context, error: SignInError) -> CliError {
    stopped(context, &NotRead::SignIn(error))
}
