//! `journal auth login`: from a grant code to a stored sign-in.
//!
//! The code is used up by the one call that exchanges it. So everything that can fail is tried before, and
//! the refresh token is on the disk before anything else is tried. *Crash between answer and write:* the
//! refresh token is lost, unused; a new code is needed, and Zoho's console lists the token as a session.

use std::io::{BufReader, stdin};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::auth::session::refusal_in_words;
use crate::auth::stored;
use crate::cli::auth::status::{not_signed_in, sign_in_failed};
use crate::cli::auth::who::{
    Lacking, OnlyFor, Who, lacking, lacking_in_words, only_for, only_for_in_words,
};
use crate::cli::auth::{runtime, server_in_words};
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::signing::{self, NotRead};
use crate::platform::{Sharing, read_secret, shell_quoted};
use crate::zoho::accounts::{Accounts, Grant, GrantError, Granted, TokenServer};
use crate::zoho::secret::{
    ClientId, ClientKey, ClientSecret, GrantCode, RefreshToken, SecretError, WipedBytes, WipedText,
};

/// What Zoho's console gives for download is a few lines.
const FILE_MAX: u64 = 64 * 1024;

/// Sign in with a grant code of Zoho's console (Self Client), and store the sign-in for this profile
///
/// The client's id and secret come from the console's file, from the environment or from a question; never
/// from the command line, which others can see.
#[derive(Debug, clap::Args)]
pub(crate) struct LoginArgs {
    /// The grant code; - reads it from standard input. It is good once and for minutes
    #[arg(long, value_name = "CODE")]
    code: Option<String>,
    /// The file that Zoho's console gives for download (self_client.json); only its owner may read it
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Replace the stored sign-in, and revoke it
    #[arg(long)]
    replace: bool,
}

/// `self_client.json`. It holds more, which is not needed.
#[derive(Deserialize)]
struct SelfClient {
    client_id: Option<String>,
    client_secret: Option<String>,
    code: Option<String>,
}

#[derive(Serialize)]
struct LoggedIn<'a> {
    signed_in: bool,
    credentials_file: String,
    org: Option<String>,
    user: Option<String>,
    missing: Option<&'a [Lacking]>,
    only_for: Option<&'a [OnlyFor]>,
    warnings: &'a [String],
    next: String,
}

/// Runs the command.
pub(super) fn run(args: &LoginArgs, context: &mut Context) -> Result<Exit, CliError> {
    let sources = signing::sources(context)?;
    let path = sources.stored().cloned().ok_or_else(|| {
        CliError::new(Exit::Error, "there is no home directory to store a sign-in in")
            .hint("set HOME, or credentials_file in the settings")
    })?;
    check_free(args, context, &path)?;
    let server = server_in_words(context)?;
    context.out.say(format!("This signs in to {server}."));
    for name in ["ZOHO_ACCESS_TOKEN", "ZOHO_REFRESH_TOKEN"] {
        if std::env::var_os(name).is_some_and(|value| !value.is_empty()) {
            context.out.warn(&format!("{name} is set, and wins over a stored sign-in: unset it"));
        }
    }
    let runtime = runtime()?;
    let (client, code) = {
        let known = runtime.block_on(sources.client_for_login());
        let (id, secret) = known.map_err(|error| not_signed_in(context, error))?;
        let known = Known { id: id.map(|id| id.value), secret: secret.map(|one| one.value) };
        ask(args, context, known)?
    };
    let fails = |error| CliError::new(Exit::Error, error);
    stored::prepare(&path).map_err(fails)?;
    let before = earlier(context, &path)?;
    let (endpoint, timeout) = (context.endpoint()?, context.settings.timeout.value);
    let accounts = Accounts::new(endpoint.clone(), timeout);
    let asked_at = context.now();
    let granted = runtime.block_on(accounts.grant(&client, &Grant::Code(code)));
    let granted = granted.map_err(|error| refused(context, error))?;
    let refresh = granted.refresh_token.clone().ok_or_else(|| no_refresh_token(context))?;
    stored::write(&path, endpoint.accounts(), &client, &refresh).map_err(|error| {
        CliError::new(Exit::Error, error)
            .hint("the grant code is used up: mend this, make a new code and sign in again")
    })?;
    let who = {
        let session = signing::session(context)?;
        let adopted = session.adopt(&client.id, &refresh, granted_token(granted), asked_at);
        adopted.map_err(|error| sign_in_failed(context, error))?;
        let zoho = signing::client_of(context, session)?;
        runtime.block_on(Who::read(&zoho, context))
    };
    if let Some((old, old_client)) = before {
        runtime.block_on(revoke_earlier(context, &accounts, &old, &refresh));
        forget_cached(context, old_client.as_ref(), &old, &refresh)?;
    }
    show(args, context, &path, &who)
}

/// What the caller keeps of it was stored already.
fn granted_token(granted: Granted) -> Granted {
    Granted { refresh_token: None, ..granted }
}

fn check_free(args: &LoginArgs, context: &Context, path: &Path) -> Result<(), CliError> {
    if args.replace || !stored::is_there(path) {
        return Ok(());
    }
    let error = format!("there is a sign-in already: {}; nothing was done", shell_quoted(path));
    let (status, login) = (context.command("auth status"), context.command("auth login --replace"));
    Err(CliError::new(Exit::Refused, error).hint(format!(
        "{status} tells whose; {login} replaces and revokes it; --profile NAME keeps another one"
    )))
}

/// The sign-in that is replaced. One that cannot be read is replaced, too, and not revoked.
fn earlier(
    context: &mut Context,
    path: &Path,
) -> Result<Option<(RefreshToken, Option<ClientId>)>, CliError> {
    let endpoint = context.endpoint()?;
    match stored::read(path, endpoint.accounts()) {
        Ok(found) => Ok(found.and_then(|stored| {
            Some((stored.refresh_token()?, stored.client().map(|client| client.id)))
        })),
        Err(error) => {
            context.out.warn(&format!("{error}; it is replaced, and cannot be revoked"));
            Ok(None)
        }
    }
}

async fn revoke_earlier(
    context: &mut Context,
    accounts: &Accounts,
    old: &RefreshToken,
    new: &RefreshToken,
) {
    if old.expose() == new.expose() {
        return;
    }
    if let Err(error) = accounts.revoke(old).await {
        context.out.warn(&format!(
            "the sign-in before could not be revoked ({error}): revoke it in your Zoho account, under Connected Apps"
        ));
    }
}

fn forget_cached(
    context: &mut Context,
    client: Option<&ClientId>,
    old: &RefreshToken,
    new: &RefreshToken,
) -> Result<(), CliError> {
    let Some(client) = client.filter(|_| old.expose() != new.expose()) else {
        return Ok(());
    };
    let endpoint = context.endpoint()?;
    let cleared = signing::token_cache(context)
        .map_or(Ok(()), |cache| cache.slot(endpoint.accounts(), client, old).clear());
    if let Err(warning) = cleared {
        context.out.warn(&warning);
    }
    Ok(())
}

/// What is known of the client before anybody is asked.
struct Known {
    id: Option<ClientId>,
    secret: Option<ClientSecret>,
}

/// Client and code: from the file, from what is known, from a question.
fn ask(
    args: &LoginArgs,
    context: &mut Context,
    known: Known,
) -> Result<(ClientKey, GrantCode), CliError> {
    let usage = |error: SecretError| CliError::new(Exit::Usage, error);
    let file = args.file.as_deref().map(read_file).transpose()?;
    let mut file = file.unwrap_or(SelfClient { client_id: None, client_secret: None, code: None });
    let id = match file.client_id.take() {
        Some(id) => ClientId::new(&id).map_err(usage)?,
        None => match known.id {
            Some(id) => id,
            None => ClientId::new(&visible(context, "Client id:")?).map_err(usage)?,
        },
    };
    let secret = match file.client_secret.take().map(WipedText::new) {
        Some(secret) => ClientSecret::new(&secret).map_err(usage)?,
        None => match known.secret {
            Some(secret) => secret,
            None => ClientSecret::new(&hidden(context, "Client secret")?).map_err(usage)?,
        },
    };
    let code = match (args.code.as_deref(), file.code.take().map(WipedText::new)) {
        (Some("-"), _) => GrantCode::new(&from_input()?),
        (Some(code), _) => GrantCode::new(code),
        (None, Some(code)) => GrantCode::new(&code),
        (None, None) => GrantCode::new(&hidden(context, "Grant code")?),
    };
    Ok((ClientKey { id, secret }, code.map_err(usage)?))
}

/// A secret file as any: whoever else can read it can sign in until the code is used, and has the client's
/// secret after that.
fn read_file(path: &Path) -> Result<SelfClient, CliError> {
    let bytes = WipedBytes::new(read_secret(path, Sharing::OwnerOnly, FILE_MAX)?);
    // The parser's own words quote the file.
    serde_json::from_slice(&bytes).map_err(|_| {
        let error = format!("{} is not what Zoho's console gives", shell_quoted(path));
        CliError::new(Exit::Error, error)
            .hint("in the console: Self Client, Generate Code, then Download")
    })
}

fn from_input() -> Result<WipedText, CliError> {
    use std::io::Read;
    let mut text = WipedText::new(String::new());
    stdin().take(FILE_MAX).read_to_string(&mut text)?;
    Ok(text)
}

fn visible(context: &mut Context, prompt: &str) -> Result<String, CliError> {
    check_terminal(context)?;
    let answer = context.out.ask(&mut BufReader::new(stdin()), prompt);
    answer.ok_or_else(|| CliError::new(Exit::NotConfirmed, "no answer; nothing was done"))
}

/// A question whose answer is not shown. It goes to the terminal itself, whatever is redirected.
fn hidden(context: &mut Context, what: &str) -> Result<WipedText, CliError> {
    check_terminal(context)?;
    let answer = rpassword::prompt_password(format!("{what} (not shown): "))?;
    Ok(WipedText::new(answer))
}

fn check_terminal(context: &Context) -> Result<(), CliError> {
    if context.input_allowed {
        return Ok(());
    }
    let error = "the client's id and secret and a grant code are needed, and nobody can be asked";
    Err(CliError::new(Exit::Usage, error).hint(
        "give --file self_client.json; or set ZOHO_CLIENT_ID and ZOHO_CLIENT_SECRET and give --code CODE, or --code - to read it from standard input",
    ))
}

fn refused(context: &Context, error: GrantError) -> CliError {
    let again = "make a new code in Zoho's console (journal auth scopes prints what to paste), and sign in again";
    let server = context.endpoint().map(|one| one.accounts().to_owned()).unwrap_or_default();
    match error {
        GrantError::Refused(code) if code == "invalid_code" => {
            let error = format!(
                "Zoho refuses the grant code (invalid_code): it was used, its minutes are over, or it belongs to another data centre than {server}; nothing was stored"
            );
            CliError::new(Exit::NotAllowed, error).hint(again)
        }
        GrantError::Refused(code) => {
            let why = refusal_in_words(&code, &server);
            let error = format!("Zoho refuses to sign in ({code}): {why}; nothing was stored");
            CliError::new(Exit::NotAllowed, error)
                .hint("check client id, client secret and --data-center")
        }
        GrantError::Throttled => {
            CliError::new(Exit::Stopped, format!("{error}; nothing was stored"))
                .hint("wait for a quarter of an hour: asking earlier makes it longer")
        }
        GrantError::Elsewhere(_) => {
            CliError::new(Exit::NotAllowed, format!("{error}; nothing was stored")).hint(again)
        }
        GrantError::Unusable(_) => {
            let error = format!("{error}; nothing was stored, and the code may be used up");
            CliError::new(Exit::Error, error).hint(again)
        }
    }
}

fn no_refresh_token(context: &Context) -> CliError {
    let error = "Zoho gave no refresh token; nothing was stored";
    let scopes = context.command("auth scopes");
    CliError::new(Exit::NotAllowed, error).hint(format!(
        "use a Self Client in Zoho's console, whose codes give one; {scopes} prints what to paste"
    ))
}

fn show(args: &LoginArgs, context: &mut Context, path: &Path, who: &Who) -> Result<Exit, CliError> {
    let facts = context.session.as_ref().and_then(|session| session.facts()).unwrap_or_default();
    let product = context.settings.product.value;
    let lacking = facts.scopes.as_deref().map(|granted| lacking(product, granted));
    let only_for = facts.scopes.as_deref().map(|granted| only_for(product, granted));
    let warnings = who.warnings(product);
    let exit = who.org.as_ref().err().map_or(Exit::Done, NotRead::exit);
    let next = context.command("auth status");
    if context.out.is_json() {
        let shown = LoggedIn {
            signed_in: true,
            credentials_file: path.display().to_string(),
            org: who.org.as_ref().ok().map(|org| org.id.to_string()),
            user: who.user.as_ref().ok().map(|user| user.id.to_string()),
            missing: lacking.as_deref(),
            only_for: only_for.as_deref(),
            warnings: &warnings,
            next,
        };
        context.out.json_line(&shown)?;
    } else {
        context.out.data_line(who.in_words())?;
        let out = &mut context.out;
        for warning in warnings.iter().chain(&lacking_in_words(&lacking.unwrap_or_default())) {
            out.warn(warning);
        }
        for line in only_for_in_words(&only_for.unwrap_or_default()) {
            out.say(line);
        }
        out.say(format!("The sign-in is stored in {}. Next: {next}", shell_quoted(path)));
    }
    if let Some(file) = &args.file {
        context.out.warn(&format!(
            "{} still holds the client's secret: remove it, or keep it in a password manager",
            shell_quoted(file)
        ));
    }
    Ok(exit)
}
