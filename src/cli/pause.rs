//! `journal pause` and `journal resume`: while a pause lasts no run claims anything, cron's neither.

use serde::Serialize;

use crate::cli::approve::{check_reason, shown_reason, who};
use crate::cli::context::{Context, PROGRAM};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::status;
use crate::evidence::keeper::lock_path;
use crate::export::cell::visible_short;
use crate::platform;
use crate::store::approval::By;
use crate::store::pausing::PauseView;

/// As much of a name or a reason as is shown again, in characters.
const SHOWN: usize = 200;

/// Let no run send anything until journal resume
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A run that is on stops at its next claim, and gives back what it claimed ahead; calls under way come home. No other
run starts (exit code 7), whoever starts it. Recording, approving, holding and looking go on.

Example:
  journal pause --reason \"Zoho looks wrong, we investigate\"")]
pub(crate) struct PauseArgs {
    /// Why, for the audit
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Who pauses [default: the OS user]
    #[arg(long = "as", value_name = "WHO")]
    who: Option<String>,
}

/// End the pause: runs may send again
#[derive(Debug, clap::Args)]
pub(crate) struct ResumeArgs {
    /// Why, for the audit
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Who resumes [default: the OS user]
    #[arg(long = "as", value_name = "WHO")]
    who: Option<String>,
}

/// The outcome with `--json`. Its keys are a contract.
#[derive(Serialize)]
struct Document<'a> {
    paused: bool,
    by: &'a str,
    recorded_by: &'a str,
    reason: Option<&'a str>,
    /// Whether a run is on, where this account may know.
    run_on: Option<bool>,
    /// The pause that ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pause: Option<PauseView>,
    next: String,
}

/// Runs `pause`.
pub(crate) fn run_pause(args: &PauseArgs, context: &mut Context) -> Result<Exit, CliError> {
    check_reason(&args.reason)?;
    let account = context.account()?.name;
    let name = who(args.who.as_deref(), &account)?;
    let by = By { who: &name, account: &account, reason: &args.reason, program: PROGRAM };
    let now = context.now();
    let mut keeper = context.keeper()?;
    let paused = keeper.write("pausing", now, |tx| tx.pause(by))?;
    drop(keeper);
    if let Err(pause) = paused {
        let what = format!("it is paused already, and nothing was recorded: {pause}");
        let hint = format!("{} ends the pause", context.command("resume"));
        return Err(CliError::new(Exit::Refused, what).hint(hint));
    }
    let run_on = platform::is_held(&lock_path(&context.db())).ok();
    let next = context.command("resume");
    if context.out.is_json() {
        context.out.json_line(&Document {
            paused: true,
            by: by.who,
            recorded_by: by.account,
            reason: Some(by.reason),
            run_on,
            pause: None,
            next,
        })?;
        return Ok(Exit::Done);
    }
    let (who, why) = (visible_short(by.who, SHOWN), shown_reason(by.reason));
    context
        .out
        .data_line(format!("Paused by {who}: {why}. No run sends anything from here on."))?;
    if run_on != Some(false) {
        context.out.data_line(
            "A run that is on stops at its next claim; the calls it has under way come home.",
        )?;
    }
    context.out.say(format!("Next: {next} ends the pause"));
    Ok(Exit::Done)
}

/// Runs `resume`.
pub(crate) fn run_resume(args: &ResumeArgs, context: &mut Context) -> Result<Exit, CliError> {
    let reason = args.reason.as_deref().unwrap_or_default().trim();
    let account = context.account()?.name;
    let name = who(args.who.as_deref(), &account)?;
    let by = By { who: &name, account: &account, reason, program: PROGRAM };
    let now = context.now();
    let mut keeper = context.keeper()?;
    let ended = keeper.write("resuming", now, |tx| tx.resume(by))?;
    drop(keeper);
    let Some(pause) = ended else {
        let what = "there is no pause; nothing was recorded";
        return Err(CliError::new(Exit::Refused, what).hint(context.command("status")));
    };
    let next = status::next_command(context)?;
    if context.out.is_json() {
        context.out.json_line(&Document {
            paused: false,
            by: by.who,
            recorded_by: by.account,
            reason: args.reason.as_deref(),
            run_on: platform::is_held(&lock_path(&context.db())).ok(),
            pause: Some(pause),
            next,
        })?;
        return Ok(Exit::Done);
    }
    let who = visible_short(by.who, SHOWN);
    let pause = pause.to_string();
    let pause = visible_short(&pause, SHOWN);
    context.out.data_line(format!("Resumed by {who}. It was {pause}."))?;
    context.out.say(format!("Next: {next}"));
    Ok(Exit::Done)
}
