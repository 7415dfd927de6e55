//! The command line: one file a command.

#![expect(clippy::doc_markdown, reason = "these comments are the help, and are shown as they are")]

pub mod context;
pub mod error;
pub mod exit;
pub mod output;

mod adopt;
mod approve;
mod auth;
mod backup;
mod blocked;
mod bundle;
mod cancel;
mod certificate;
mod checkpoint;
mod completions;
mod config;
mod decisions;
mod delete;
mod delete_tags;
mod demo;
mod doctor;
mod export;
mod forget;
mod hold;
mod init;
mod jobs;
mod key;
mod list;
mod listed;
mod log;
mod manifest;
mod next_step;
mod pause;
mod plan;
mod policy;
mod policy_flags;
mod reason;
mod recheck;
mod record;
mod run_json;
mod running;
mod sample;
mod settle;
mod show;
mod shred;
mod signature;
mod signing;
mod simulate;
mod snapshot;
mod spending;
mod standing;
mod status;
mod sync;
#[cfg(test)]
mod testing;
mod things;
mod undo;
mod undo_report;
mod unlink;
mod untag;
mod verify;
mod verify_files;
mod wanted;
mod work;

use std::io::IsTerminal;
use std::path::PathBuf;

use clap::{Parser, Subcommand};
use secrecy::SecretString;

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::output::{Color, Options, Out};
use crate::clock::{Steady, SystemClock};
use crate::config::{ConfigFile, Flags, Settings};

/// Delete records, remove tags and unlink records in Zoho CRM and Bigin so that every item can be accounted for
#[derive(Debug, Parser)]
#[command(name = "journal", version, propagate_version = true, max_term_width = 100)]
#[command(
    after_help = "Exit codes: 0 done, 1 error, 2 usage, 3 some entries failed, 4 not settled \
yet, 5 not allowed, 6 stopped by a budget, 7 refused, 8 not confirmed, 10 no journal, 11 another run, \
12 not verified, 130 interrupted."
)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Flags of every command.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Options of every command")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own on the command line"
)]
struct Global {
    /// The journal's file [env: JOURNAL_DB] [default: <data directory>/<profile>.db]
    #[arg(long, global = true, value_name = "PATH")]
    db: Option<PathBuf>,
    /// The profile of the settings file [env: JOURNAL_PROFILE]
    #[arg(long, global = true, value_name = "NAME")]
    profile: Option<String>,
    /// The settings file [env: JOURNAL_CONFIG]
    #[arg(long, global = true, value_name = "PATH")]
    config: Option<PathBuf>,
    /// Print JSON instead of text
    #[arg(long, global = true)]
    json: bool,
    /// Talk less: only data, warnings and errors
    #[arg(short, long, global = true)]
    quiet: bool,
    /// Talk more; twice for a log of every step
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
    /// When to use colour: auto, always or never
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN", hide_possible_values = true)]
    color: Color,
    /// Never ask; what needs an answer fails instead
    #[arg(long, global = true)]
    no_input: bool,
    /// Never draw a progress bar
    #[arg(long, global = true)]
    no_progress: bool,
    #[command(flatten)]
    target: TargetFlags,
}

/// Flags of every command that say which Zoho is meant. Profiles say it better; flags say it once.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Which Zoho")]
struct TargetFlags {
    /// crm or bigin [env: JOURNAL_PRODUCT] [default: crm]
    #[arg(long, global = true, value_name = "NAME")]
    product: Option<String>,
    /// us, eu, in, au, cn, jp, ca, sa or uk [env: JOURNAL_DATA_CENTER] [default: us]
    #[arg(long, global = true, value_name = "NAME")]
    data_center: Option<String>,
    /// production, sandbox or developer [env: JOURNAL_ENVIRONMENT] [default: production]
    #[arg(long, global = true, value_name = "NAME")]
    environment: Option<String>,
    /// The API version of calls that write [env: JOURNAL_API_VERSION] [default: v8, Bigin v2]
    #[arg(long, global = true, value_name = "VERSION")]
    api_version: Option<String>,
    /// Replaces the data centre's API host [env: JOURNAL_API_URL]
    #[arg(long, global = true, value_name = "URL")]
    api_url: Option<String>,
    /// Replaces the data centre's accounts host [env: JOURNAL_ACCOUNTS_URL]
    #[arg(long, global = true, value_name = "URL")]
    accounts_url: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Command {
    Init(init::InitArgs),
    Delete(delete::DeleteArgs),
    Untag(untag::UntagArgs),
    Unlink(unlink::UnlinkArgs),
    DeleteTags(delete_tags::DeleteTagsArgs),
    Plan(plan::PlanArgs),
    /// Settle what is unknown, submit what is pending, and keep every answer
    Sync(sync::SyncArgs),
    /// Finish what was interrupted, and send refused entries again whose code may pass now
    Replay(sync::ReplayArgs),
    Undo(undo::UndoArgs),
    UndoReport(undo_report::UndoReportArgs),
    Recheck(recheck::RecheckArgs),
    Settle(settle::SettleArgs),
    Approve(approve::ApproveArgs),
    Reject(approve::RejectArgs),
    Cancel(cancel::CancelArgs),
    Hold(hold::HoldArgs),
    Pause(pause::PauseArgs),
    Resume(pause::ResumeArgs),
    Policy(policy::PolicyArgs),
    Status(status::StatusArgs),
    Jobs(jobs::JobsArgs),
    List(list::ListArgs),
    Show(show::ShowArgs),
    Log(log::LogArgs),
    Export(export::ExportArgs),
    Verify(verify::VerifyArgs),
    Checkpoint(checkpoint::CheckpointArgs),
    Certificate(certificate::CertificateArgs),
    Sample(sample::SampleArgs),
    Key(key::KeyArgs),
    Forget(forget::ForgetArgs),
    Snapshot(snapshot::SnapshotArgs),
    Backup(backup::BackupArgs),
    Adopt(adopt::AdoptArgs),
    Auth(auth::AuthArgs),
    Config(config::ConfigArgs),
    Doctor(doctor::DoctorArgs),
    Completions(completions::CompletionsArgs),
    Demo(demo::DemoArgs),
    Simulate(simulate::SimulateArgs),
}

impl Command {
    /// Flags of this command that are settings, too.
    fn settings(&self, flags: Flags) -> Flags {
        match self {
            Self::Sync(args) => args.settings(flags),
            Self::Replay(args) => args.settings(flags),
            Self::Plan(args) => args.settings(flags),
            Self::Recheck(args) => args.settings(flags),
            Self::UndoReport(args) => args.settings(flags),
            Self::Doctor(args) => args.settings(flags),
            Self::Delete(args) => args.settings(flags),
            Self::Untag(args) => args.settings(flags),
            Self::Unlink(args) => args.settings(flags),
            Self::DeleteTags(args) => args.settings(flags),
            Self::Approve(args) => args.settings(flags),
            Self::Undo(args) => args.settings(flags),
            Self::Init(_)
            | Self::Settle(_)
            | Self::Reject(_)
            | Self::Cancel(_)
            | Self::Hold(_)
            | Self::Pause(_)
            | Self::Resume(_)
            | Self::Policy(_)
            | Self::Status(_)
            | Self::Jobs(_)
            | Self::List(_)
            | Self::Show(_)
            | Self::Log(_)
            | Self::Export(_)
            | Self::Verify(_)
            | Self::Checkpoint(_)
            | Self::Certificate(_)
            | Self::Sample(_)
            | Self::Key(_)
            | Self::Forget(_)
            | Self::Snapshot(_)
            | Self::Backup(_)
            | Self::Adopt(_)
            | Self::Auth(_)
            | Self::Config(_)
            | Self::Completions(_)
            | Self::Demo(_)
            | Self::Simulate(_) => flags,
        }
    }

    /// Carries out what must work while settings are wrong.
    fn without_settings(&self, flags: &Flags, out: &mut Out) -> Option<Result<Exit, CliError>> {
        let Self::Config(args) = self else { return None };
        args.change().map(|change| config::set(change, flags, out))
    }

    fn run(self, context: &mut Context) -> Result<Exit, CliError> {
        match self {
            Self::Init(args) => init::run(&args, context),
            Self::Delete(args) => delete::run(&args, context),
            Self::Untag(args) => untag::run(&args, context),
            Self::Unlink(args) => unlink::run(&args, context),
            Self::DeleteTags(args) => delete_tags::run(&args, context),
            Self::Plan(args) => plan::run(&args, context),
            Self::Sync(args) => sync::run_sync(&args, context),
            Self::Replay(args) => sync::run_replay(&args, context),
            Self::Recheck(args) => recheck::run(&args, context),
            Self::Undo(args) => undo::run(&args, context),
            Self::UndoReport(args) => undo_report::run(&args, context),
            Self::Settle(args) => settle::run(&args, context),
            Self::Approve(args) => approve::run_approve(&args, context),
            Self::Reject(args) => approve::run_reject(&args, context),
            Self::Cancel(args) => cancel::run(&args, context),
            Self::Hold(args) => hold::run(&args, context),
            Self::Pause(args) => pause::run_pause(&args, context),
            Self::Resume(args) => pause::run_resume(&args, context),
            Self::Policy(args) => policy::run(&args, context),
            Self::Status(args) => args.run(context),
            Self::Jobs(args) => args.run(context),
            Self::List(args) => args.run(context),
            Self::Show(args) => args.run(context),
            Self::Log(args) => args.run(context),
            Self::Export(args) => args.run(context),
            Self::Verify(args) => verify::run(&args, context),
            Self::Checkpoint(args) => checkpoint::run(args, context),
            Self::Sample(args) => sample::run(args, context),
            Self::Certificate(args) => certificate::run(&args, context),
            Self::Key(args) => key::run(args, context),
            Self::Forget(args) => forget::run(&args, context),
            Self::Snapshot(args) => snapshot::run(&args, context),
            Self::Backup(args) => backup::run(&args, context),
            Self::Adopt(args) => adopt::run(&args, context),
            Self::Auth(args) => auth::run(&args, context),
            Self::Config(args) => config::run(&args, context),
            Self::Doctor(args) => doctor::run(&args, context),
            Self::Completions(args) => completions::run(&args, context),
            Self::Demo(args) => demo::run(&args, context),
            Self::Simulate(args) => simulate::run(args, context),
        }
    }
}

/// Runs the program: parses, resolves the settings, runs the command, tells errors.
pub fn main() -> Exit {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return tell_usage(&error),
    };
    let global = &cli.global;
    let mut out = Out::stdio(Options {
        json: global.json,
        quiet: global.quiet,
        verbose: global.verbose > 0,
        color: global.color,
        no_progress: global.no_progress,
    });
    let flags = cli.command.settings(Flags {
        config: global.config.clone(),
        profile: global.profile.clone(),
        db: global.db.clone(),
        product: global.target.product.clone(),
        data_center: global.target.data_center.clone(),
        environment: global.target.environment.clone(),
        api_version: global.target.api_version.clone(),
        api_url: global.target.api_url.clone(),
        accounts_url: global.target.accounts_url.clone(),
        ..Flags::default()
    });
    let input_allowed = !global.no_input && std::io::stdin().is_terminal();
    let settings = match cli.command.without_settings(&flags, &mut out) {
        Some(result) => return end(&mut out, result),
        None => settings(&flags),
    };
    let settings = match settings {
        Ok(settings) => settings,
        Err(error) if matches!(cli.command, Command::Doctor(_)) => {
            let result = doctor::without_settings(&error, &mut out);
            return end(&mut out, result);
        }
        Err(error) => return tell(&mut out, &error),
    };
    let token = std::env::var("ZOHO_ACCESS_TOKEN").ok().filter(|token| !token.is_empty());
    let token = token.map(SecretString::from);
    let mut context = Context {
        settings,
        out,
        clock: Steady::start(SystemClock),
        input_allowed,
        token,
        session: None,
    };
    let result = cli.command.run(&mut context);
    context.tell_warnings();
    end(&mut context.out, result)
}

/// How a command ended, once all that it said is out.
fn end(out: &mut Out, result: Result<Exit, CliError>) -> Exit {
    match (result, out.flush()) {
        (Ok(exit), Ok(())) => exit,
        (Ok(_), Err(error)) => tell(out, &error.into()),
        (Err(error), _) => tell(out, &error),
    }
}

/// Tells what clap says. Help and version are no errors, and clap prints them to stdout itself.
fn tell_usage(error: &clap::Error) -> Exit {
    let wanted = !error.use_stderr();
    let json = std::env::args_os().any(|word| word == "--json");
    if wanted || !json {
        return if error.print().is_ok() && wanted { Exit::Done } else { Exit::Usage };
    }
    let text = error.to_string();
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default();
    let message = first.strip_prefix("error: ").unwrap_or(first).to_owned();
    let listed: Vec<&str> = lines.clone().take_while(|line| line.starts_with("--")).collect();
    let tip = lines.find_map(|line| line.strip_prefix("tip: ")).map(str::to_owned);
    let report = output::Report {
        code: Exit::Usage.code(),
        message: format!("{message} {}", listed.join(" ")).trim_end().to_owned(),
        causes: Vec::new(),
        hint: Some(tip.unwrap_or_else(|| "journal help COMMAND lists its flags".to_owned())),
    };
    match Out::stdio(Options { json, ..Options::default() }).error(&report) {
        Ok(()) | Err(_) => Exit::Usage,
    }
}

fn settings(flags: &Flags) -> Result<Settings, CliError> {
    let environment = |name: &str| std::env::var(name).ok();
    let file = ConfigFile::find(flags.config.as_deref(), &environment)?;
    Ok(Settings::resolve(flags, &environment, file.as_ref())?)
}

/// Tells an error. A reader that went away (`journal list | head`) is none.
fn tell(out: &mut Out, error: &CliError) -> Exit {
    if error.is_closed_output() {
        return Exit::Done;
    }
    match out.error(&error.report()) {
        Ok(()) => error.exit(),
        Err(_) => Exit::Error,
    }
}
