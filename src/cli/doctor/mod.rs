//! `journal doctor`: everything that a first user trips over, checked without writing anything anywhere.
//!
//! Each file checks one subject and gives its lines back; [`show`] prints them.

mod account;
mod check;
mod hosts;
mod journal;
mod leave;
mod modules;
mod reads;
mod show;
mod sign_in;

use std::fmt::Display;

use clap::builder::NonEmptyStringValueParser;

use crate::cli::context::Context;
use crate::cli::doctor::check::{Check, Kind};
use crate::cli::doctor::modules::Subject;
use crate::cli::doctor::sign_in::SignedIn;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::output::Out;
use crate::clock::CommandClock;
use crate::config::{Flags, Key, Origin, Setting};
use crate::domain::id::ModuleName;
use crate::platform::shell_quoted;
use crate::zoho::{Endpoint, ZohoClient, install_crypto};

/// Check settings, journal, network, token, scopes and modules, and say what to type where something is wrong
///
/// Nothing is written, neither to the journal nor to Zoho: scopes are probed by reads, each of which costs an
/// API credit. Exit code 0: no problem (there may be warnings). 5: the only problems are signing in, scopes
/// and permissions. 10: there is no journal, and nothing worse. 1: anything else.
#[derive(Debug, clap::Args)]
pub(crate) struct DoctorArgs {
    /// Also check this module, by its API name, as in Price_Books
    #[arg(long = "module", value_name = "MODULE")]
    modules: Vec<ModuleName>,
    /// The Zoho user that the token ought to belong to, by id or e-mail address [env: JOURNAL_SERVICE_USER]
    #[arg(long, value_name = "USER", value_parser = NonEmptyStringValueParser::new())]
    service_user: Option<String>,
}

impl DoctorArgs {
    /// Flags of this command that are settings, too.
    pub(crate) fn settings(&self, flags: Flags) -> Flags {
        Flags { service_user: self.service_user.clone(), ..flags }
    }
}

/// Runs the command.
pub(crate) fn run(args: &DoctorArgs, context: &mut Context) -> Result<Exit, CliError> {
    let mut checks = vec![settings(context)];
    let found = journal::look(context, &mut checks);
    match endpoint(context, &found, &mut checks) {
        None => checks.push(Check::not_checked("zoho", "the settings must lead somewhere first")),
        Some((endpoint, is_ours)) => {
            install_crypto();
            let signed_in = if is_ours { Some(sign_in::sign_in(context)) } else { None };
            let context = &*context;
            let subject = Subject::of(context, &found, &args.modules);
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                hosts::check(context, &endpoint, &mut checks).await;
                if let Some(signed_in) = signed_in {
                    ask_zoho(context, signed_in, &found, &subject, &mut checks).await;
                } else {
                    let why = "the token is not sent anywhere but where the journal belongs";
                    checks.push(Check::not_checked("token", why));
                }
            });
        }
    }
    show::all(&checks, &mut context.out)
}

/// The settings cannot be used, so nothing else can be looked at.
pub(crate) fn without_settings(error: &CliError, out: &mut Out) -> Result<Exit, CliError> {
    let report = error.report();
    let mut check = Check::problem(Kind::Other, "settings", report.message);
    check.remedy = Some("mend it there, or journal config set KEY VALUE".to_owned());
    show::all(&[check, Check::not_checked("journal", "the settings say which one")], out)
}

fn settings(context: &Context) -> Check {
    let settings = &context.settings;
    let profile = &settings.profile.value;
    let message = match &settings.config.value {
        Some(file) => format!("profile {profile} of {}", shell_quoted(file)),
        None => format!("no settings file; profile {profile}, from environment and flags"),
    };
    Check::fine("settings", message)
}

/// What to type to give a setting another value: where it comes from now decides, since flags and the
/// environment win over the file.
fn to_set<T>(context: &Context, key: Key, setting: &Setting<T>, value: impl Display) -> String {
    match &setting.origin {
        Origin::Flag(flag) => format!("{flag} {value}"),
        Origin::Environment(variable) => format!("export {variable}={value}"),
        Origin::File { .. } | Origin::Default => {
            context.command(&format!("config set {key} {value}"))
        }
    }
}

/// Where calls go, and whether that is where the journal belongs.
fn endpoint(
    context: &Context,
    found: &journal::Found,
    checks: &mut Vec<Check>,
) -> Option<(Endpoint, bool)> {
    let endpoint = match context.endpoint() {
        Ok(endpoint) => endpoint,
        Err(error) => {
            let message = error.report().message;
            let remedy = context.command("config show");
            checks.push(Check::problem(Kind::Other, "target", message).remedy(remedy));
            return None;
        }
    };
    let check = journal::target(context, found);
    let is_ours = check.status == check::Status::Fine;
    checks.push(check);
    Some((endpoint, is_ours))
}

async fn ask_zoho(
    context: &Context,
    signed_in: Result<SignedIn<ZohoClient<CommandClock>>, Check>,
    found: &journal::Found,
    subject: &Subject,
    checks: &mut Vec<Check>,
) {
    let signed_in = match signed_in {
        Ok(signed_in) => signed_in,
        Err(check) => {
            checks.push(check);
            let what = "org, edition, user, scopes and modules: sign in first";
            checks.push(Check::not_checked("account", what));
            return;
        }
    };
    if account::check(context, &signed_in, found, subject, checks).await {
        let seen = modules::check(context, &signed_in.zoho, subject, checks).await;
        leave::check(context, &signed_in, subject, &seen, checks).await;
    }
}
