//! `journal policy`: which requests wait for a second person, as the journal itself asks for it.

use serde::Serialize;

use crate::cli::approve::{check_reason, who};
use crate::cli::context::{Context, PROGRAM};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::plan;
use crate::config::Key;
use crate::domain::policy::{ApprovalPolicy, Approver, Demand};
use crate::domain::time::Timestamp;
use crate::export::cell::visible_short;
use crate::store::approval::By;
use crate::store::policy::{PolicyView, Wanted};

/// As much of a name or a reason as is shown again, in characters.
const SHOWN: usize = 200;

/// Show or set which requests wait for a second person
#[derive(Debug, clap::Args)]
pub(crate) struct PolicyArgs {
    #[command(subcommand)]
    command: PolicyCommand,
}

#[derive(Debug, clap::Subcommand)]
enum PolicyCommand {
    /// Show the policy in force, where it comes from, and what is proposed
    Show,
    Set(SetArgs),
}

/// Set the policy in the journal, for everybody who uses it
#[derive(Debug, clap::Args)]
#[command(after_help = "\
What tightens the policy is in force at once. What loosens it is a proposal, in force once a second person approved
it; entries that wait for approval already still need theirs. Flag, environment and settings file can only tighten
what the journal asks for.

Examples:
  journal policy set --require-approval 100 --reason \"board decision of 22 November\"
  journal policy set --approver signed --reason \"names are an honour system\"
  journal policy set --require-approval never --reason \"rehearsal is over\"
  journal approve P2 --as \"Bert Boss\"")]
pub(crate) struct SetArgs {
    /// Which requests wait for a second person: never, always, or from so many entries on
    #[arg(long, value_name = "POLICY", required_unless_present = "approver")]
    require_approval: Option<ApprovalPolicy>,
    /// How a second person approves: named (by a name) or signed (by an SSH signature)
    #[arg(long, value_name = "HOW")]
    approver: Option<Approver>,
    /// Why, for the audit
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Who sets it [default: the OS user]
    #[arg(long = "as", value_name = "WHO")]
    who: Option<String>,
}

#[derive(Serialize)]
struct PolicyRow {
    policy_id: String,
    require_approval: String,
    approver: &'static str,
    set_at: Timestamp,
    set_by: Option<String>,
    recorded_by: Option<String>,
    reason: Option<String>,
}

impl PolicyRow {
    fn of(view: &PolicyView) -> Self {
        Self {
            policy_id: view.policy.to_string(),
            require_approval: view.require_approval.to_string(),
            approver: view.approver.wire_name(),
            set_at: view.at,
            set_by: view.set_by.clone(),
            recorded_by: view.recorded_by.clone(),
            reason: view.reason.clone(),
        }
    }
}

/// The policies with `--json`. Its keys are a contract.
#[derive(Serialize)]
struct ShowDocument {
    /// What counts: the stricter of the two below.
    require_approval: String,
    approver: &'static str,
    journal: Option<PolicyRow>,
    settings: String,
    settings_from: String,
    settings_approver: &'static str,
    settings_approver_from: String,
    proposed: Vec<PolicyRow>,
    next: String,
}

#[derive(Serialize)]
struct SetDocument<'a> {
    policy_id: String,
    require_approval: String,
    approver: &'static str,
    in_force: bool,
    before: String,
    approver_before: &'static str,
    set_by: &'a str,
    recorded_by: &'a str,
    reason: &'a str,
    next: String,
}

/// Runs the command.
pub(crate) fn run(args: &PolicyArgs, context: &mut Context) -> Result<Exit, CliError> {
    match &args.command {
        PolicyCommand::Show => show(context),
        PolicyCommand::Set(args) => set(args, context),
    }
}

fn show(context: &mut Context) -> Result<Exit, CliError> {
    let reader = context.reader()?;
    let policies = reader.policies()?;
    let in_force = plan::policy(context, &reader)?;
    drop(reader);
    let settings = context.settings.require_approval.value.to_string();
    let approver = context.settings.approver.value;
    let origin = |key: Key| {
        let mut rows = context.settings.rows().into_iter();
        let found = rows.find(|row| row.key == key.wire_name());
        found.map(|row| row.origin.to_string()).unwrap_or_default()
    };
    let (from, approver_from) = (origin(Key::RequireApproval), origin(Key::Approver));
    let next = match policies.proposed.first() {
        Some(proposed) => context.command(&format!("approve {}", proposed.policy)),
        None => context.command("policy set --require-approval always --reason TEXT"),
    };
    if context.out.is_json() {
        context.out.json_line(&ShowDocument {
            require_approval: in_force.wants.to_string(),
            approver: in_force.approver.wire_name(),
            journal: policies.in_force.as_ref().map(PolicyRow::of),
            settings,
            settings_from: from,
            settings_approver: approver.wire_name(),
            settings_approver_from: approver_from,
            proposed: policies.proposed.iter().map(PolicyRow::of).collect(),
            next,
        })?;
        return Ok(Exit::Done);
    }
    let Demand { wants, approver: how } = in_force;
    context.out.data_line(format!("In force: require approval {wants}, approver {how}"))?;
    match &policies.in_force {
        Some(view) => context.out.data_line(format!("The journal: {}", in_words(view)))?,
        None => context.out.data_line("The journal itself asks for none.")?,
    }
    let line = format!("Settings: {settings} ({from}), approver {approver} ({approver_from})");
    context.out.data_line(line)?;
    for view in &policies.proposed {
        context.out.data_line(format!("Proposed: {}", in_words(view)))?;
    }
    context.out.say(format!("Next: {next}"));
    Ok(Exit::Done)
}

fn in_words(view: &PolicyView) -> String {
    let text = |text: &Option<String>| {
        text.as_deref()
            .map_or_else(|| "(erased)".to_owned(), |text| visible_short(text, SHOWN).into_owned())
    };
    format!(
        "{} require approval {}, approver {}, by {} at {}: {}",
        view.policy,
        view.require_approval,
        view.approver,
        text(&view.set_by),
        view.at,
        text(&view.reason)
    )
}

fn set(args: &SetArgs, context: &mut Context) -> Result<Exit, CliError> {
    check_reason(&args.reason)?;
    let account = context.account()?.name;
    let name = who(args.who.as_deref(), &account)?;
    let by = By { who: &name, account: &account, reason: &args.reason, program: PROGRAM };
    let now = context.now();
    let wanted = Wanted { require_approval: args.require_approval, approver: args.approver };
    let mut keeper = context.keeper()?;
    let set = keeper.write("setting the policy", now, |tx| tx.set_policy(wanted, by))?;
    drop(keeper);
    let next = if set.in_force {
        context.command("policy show")
    } else {
        format!("a second person: {}", context.command(&format!("approve {}", set.policy)))
    };
    if context.out.is_json() {
        context.out.json_line(&SetDocument {
            policy_id: set.policy.to_string(),
            require_approval: set.demand.wants.to_string(),
            approver: set.demand.approver.wire_name(),
            in_force: set.in_force,
            before: set.before.wants.to_string(),
            approver_before: set.before.approver.wire_name(),
            set_by: by.who,
            recorded_by: by.account,
            reason: by.reason,
            next,
        })?;
        return Ok(Exit::Done);
    }
    let Demand { wants: policy, approver } = set.demand;
    let line = if set.in_force {
        format!(
            "Set {}: require approval {policy}, approver {approver}, in force from now on.",
            set.policy
        )
    } else {
        format!(
            "Proposed {}: require approval {policy}, approver {approver}. It loosens what is in force ({}), which stays in force until a \
             second person approves it.",
            set.policy, set.before
        )
    };
    context.out.data_line(line)?;
    context.out.say(format!("Next: {next}"));
    Ok(Exit::Done)
}
