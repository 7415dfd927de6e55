//! `journal auth`: signing in and out, and what a sign-in may do.

mod login;
mod logout;
mod scopes;
mod status;
mod who;

use clap::Subcommand;

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;

/// Sign in to Zoho and out again, and see who is signed in
#[derive(Debug, clap::Args)]
pub(crate) struct AuthArgs {
    #[command(subcommand)]
    command: AuthCommand,
}

#[derive(Debug, Subcommand)]
enum AuthCommand {
    Login(login::LoginArgs),
    Status(status::StatusArgs),
    Logout(logout::LogoutArgs),
    Scopes(scopes::ScopesArgs),
}

/// Runs the command.
pub(crate) fn run(args: &AuthArgs, context: &mut Context) -> Result<Exit, CliError> {
    match &args.command {
        AuthCommand::Login(args) => login::run(args, context),
        AuthCommand::Status(args) => status::run(args, context),
        AuthCommand::Logout(args) => logout::run(args, context),
        AuthCommand::Scopes(args) => scopes::run(args, context),
    }
}

/// Where signing in leads, in words.
fn server_in_words(context: &Context) -> Result<String, CliError> {
    let target = context.target()?;
    let endpoint = context.endpoint()?;
    let server = endpoint.accounts();
    let rehearsal =
        if target.api_origin.is_loopback() { ", a simulator on this machine" } else { "" };
    Ok(format!(
        "data centre {}, environment {} ({server}{rehearsal})",
        target.data_center, target.environment
    ))
}

/// A runtime for a command that makes a few calls.
fn runtime() -> Result<tokio::runtime::Runtime, CliError> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}
