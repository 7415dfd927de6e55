//! `journal policy`: which requests wait for a second person, as the journal itself asks for it.

use std::path::PathBuf;

use serde::Serialize;

use crate::cli::approve::{check_reason, who};
use crate::cli::context::{Context, PROGRAM};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::output::words::counted;
use crate::cli::{plan, signature};
use crate::config::Key;
use crate::domain::approval_rules::{ApprovalRule, ApprovalRules, RuleScope};
use crate::domain::id::ModuleName;
use crate::domain::policy::{ApprovalPolicy, Approver, Demand, Terms};
use crate::domain::scope::Operation;
use crate::domain::signers::{Signer, Signers};
use crate::domain::time::Timestamp;
use crate::export::cell::visible_short;
use crate::store::approval::By;
use crate::store::policy::{Policies, PolicyView, Wanted, WantedSigners};

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
    Show(ShowArgs),
    Set(SetArgs),
}

/// Show the policy in force, where it comes from, and what is proposed
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  journal policy show
  journal policy show --operation delete --module Accounts")]
pub(crate) struct ShowArgs {
    /// Show what holds for this operation: delete, untag, unlink, delete-tags, restore, retag, relink, recreate-tags
    #[arg(long, value_name = "OPERATION")]
    operation: Option<Operation>,
    /// Show what holds for this module
    #[arg(long, value_name = "MODULE")]
    module: Option<ModuleName>,
}

/// Set the policy in the journal, for everybody who uses it
#[derive(Debug, clap::Args)]
#[command(after_help = "\
What is left out stays. What tightens the policy is in force at once. What loosens it, be it one rule of many, is a
proposal, in force once a second person approved it; entries that wait for approval already still need theirs. Flag,
environment and settings file can only tighten what the journal asks for.

Rules are for an operation, a module, or both; either part may be * or left out. The strictest that matches counts.

Examples:
  journal policy set --require-approval 100 --reason \"board decision of 22 November\"
  journal policy set --rule delete:Accounts=always --rule '*:Deals=50' --reason \"customers are sacred\"
  journal policy set --no-rule delete:Accounts --reason \"the clean-up is over\"
  journal policy set --approver signed --allowed-signers approvers --reason \"names are an honour system\"
  journal policy set --require-approval never --reason \"rehearsal is over\"
  journal approve P2 --as \"Bert Boss\"")]
#[command(group(clap::ArgGroup::new("what").required(true).multiple(true).args([
    "require_approval", "rules", "no_rules", "only_rules", "approver", "allowed_signers", "no_allowed_signers",
])))]
pub(crate) struct SetArgs {
    /// Which requests wait for a second person: never, always, or from so many entries on
    #[arg(long, value_name = "POLICY")]
    require_approval: Option<ApprovalPolicy>,
    /// Which more wait, by operation and module, in the place of the rule for the same (repeat it for several)
    #[arg(long = "rule", value_name = "OPERATION:MODULE=RULE")]
    rules: Vec<ApprovalRule>,
    /// Take a rule away (repeat it for several)
    #[arg(long = "no-rule", value_name = "OPERATION:MODULE")]
    no_rules: Vec<RuleScope>,
    /// Take all rules away but those of --rule
    #[arg(long, conflicts_with = "no_rules")]
    only_rules: bool,
    /// How a second person approves: named (by a name) or signed (by an SSH signature)
    #[arg(long, value_name = "HOW")]
    approver: Option<Approver>,
    /// Whose SSH keys may sign approvals: pin a list in the form of ssh-keygen(1), ALLOWED SIGNERS
    #[arg(long, value_name = "FILE")]
    allowed_signers: Option<PathBuf>,
    /// Pin no list any more: whoever approves names one
    #[arg(long, conflicts_with = "allowed_signers")]
    no_allowed_signers: bool,
    /// Why, for the audit
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Who sets it [default: the OS user]
    #[arg(long = "as", value_name = "WHO")]
    who: Option<String>,
}

#[derive(Serialize)]
struct SignerRow {
    name: String,
    key: String,
}

fn signer_rows(terms: &Terms) -> Option<Vec<SignerRow>> {
    let row = |one: &Signer| SignerRow { name: one.name().to_owned(), key: one.fingerprint() };
    terms.signers.as_ref().map(|signers| signers.iter().map(row).collect())
}

fn rule_texts(demand: &Demand) -> Vec<String> {
    demand.rules.iter().map(ToString::to_string).collect()
}

#[derive(Serialize)]
struct PolicyRow {
    policy_id: String,
    require_approval: String,
    rules: Vec<String>,
    approver: &'static str,
    /// Who may sign; null where no list is pinned.
    signers: Option<Vec<SignerRow>>,
    set_at: Timestamp,
    set_by: Option<String>,
    recorded_by: Option<String>,
    reason: Option<String>,
}

impl PolicyRow {
    fn of(view: &PolicyView) -> Self {
        let demand = &view.terms.demand;
        Self {
            policy_id: view.policy.to_string(),
            require_approval: demand.wants.to_string(),
            rules: rule_texts(demand),
            approver: demand.approver.wire_name(),
            signers: signer_rows(&view.terms),
            set_at: view.at,
            set_by: view.set_by.clone(),
            recorded_by: view.recorded_by.clone(),
            reason: view.reason.clone(),
        }
    }
}

/// A rule in force, and the places that ask for it.
#[derive(Serialize)]
struct RuleRow {
    rule: String,
    operation: Option<Operation>,
    module: Option<ModuleName>,
    require_approval: String,
    from: Vec<String>,
}

/// What holds for an operation on a module.
#[derive(Serialize)]
struct HoldsRow {
    operation: Operation,
    /// Null for any that no rule names.
    module: Option<ModuleName>,
    require_approval: String,
    /// The rule that says so; null where it holds for all requests.
    rule: Option<String>,
}

/// The policies with `--json`. Its keys are a contract.
#[derive(Serialize)]
struct ShowDocument {
    /// What counts: the stricter of the two below.
    require_approval: String,
    rules: Vec<RuleRow>,
    approver: &'static str,
    journal: Option<PolicyRow>,
    settings: String,
    settings_from: String,
    settings_rules: Vec<SettingsRules>,
    settings_approver: &'static str,
    settings_approver_from: String,
    /// What `--operation` and `--module` ask about; empty without them.
    holds: Vec<HoldsRow>,
    proposed: Vec<PolicyRow>,
    next: String,
}

#[derive(Serialize)]
struct SettingsRules {
    rules: Vec<String>,
    from: String,
}

#[derive(Serialize)]
struct SetDocument<'a> {
    policy_id: String,
    require_approval: String,
    rules: Vec<String>,
    approver: &'static str,
    signers: Option<Vec<SignerRow>>,
    in_force: bool,
    before: String,
    rules_before: Vec<String>,
    approver_before: &'static str,
    signers_before: Option<Vec<SignerRow>>,
    set_by: &'a str,
    recorded_by: &'a str,
    reason: &'a str,
    next: String,
}

/// Runs the command.
pub(crate) fn run(args: &PolicyArgs, context: &mut Context) -> Result<Exit, CliError> {
    match &args.command {
        PolicyCommand::Show(args) => show(args, context),
        PolicyCommand::Set(args) => set(args, context),
    }
}

/// The rules in force, each with the places that ask for it.
fn rule_rows(context: &Context, in_force: &Demand, policies: &Policies) -> Vec<RuleRow> {
    let asks = |rules: &ApprovalRules, rule: &ApprovalRule| {
        rules.at(&rule.scope).is_some_and(|wants| wants == rule.wants())
    };
    let row = |rule: &ApprovalRule| {
        let journal = policies.in_force.iter().filter(|view| asks(&view.terms.demand.rules, rule));
        let journal = journal.map(|view| format!("the journal, {}", view.policy));
        let places = context.settings.rules.iter().filter(|place| asks(&place.value, rule));
        RuleRow {
            rule: rule.to_string(),
            operation: rule.scope.operation,
            module: rule.scope.module.clone(),
            require_approval: rule.wants().to_string(),
            from: journal.chain(places.map(|place| place.origin.to_string())).collect(),
        }
    };
    in_force.rules.iter().map(row).collect()
}

/// What holds for what was asked about.
fn holds(args: &ShowArgs, in_force: &Demand) -> Vec<HoldsRow> {
    if args.operation.is_none() && args.module.is_none() {
        return Vec::new();
    }
    let operations = Operation::ALL.iter().copied();
    let operations = operations.filter(|one| args.operation.is_none_or(|named| named == *one));
    let row = |operation| {
        let met = in_force.met(operation, args.module.as_ref());
        HoldsRow {
            operation,
            module: args.module.clone(),
            require_approval: met.wants.to_string(),
            rule: met.by.is_some().then(|| met.rule()),
        }
    };
    operations.map(row).collect()
}

fn show(args: &ShowArgs, context: &mut Context) -> Result<Exit, CliError> {
    let reader = context.reader()?;
    let policies = reader.policies()?;
    let in_force = plan::policy(context, &reader)?;
    drop(reader);
    let rules = rule_rows(context, &in_force, &policies);
    let holds = holds(args, &in_force);
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
        let places = context.settings.rules.iter().map(|place| SettingsRules {
            rules: place.value.iter().map(ToString::to_string).collect(),
            from: place.origin.to_string(),
        });
        let document = ShowDocument {
            require_approval: in_force.wants.to_string(),
            rules,
            approver: in_force.approver.wire_name(),
            journal: policies.in_force.as_ref().map(PolicyRow::of),
            settings,
            settings_from: from,
            settings_rules: places.collect(),
            settings_approver: approver.wire_name(),
            settings_approver_from: approver_from,
            holds,
            proposed: policies.proposed.iter().map(PolicyRow::of).collect(),
            next,
        };
        context.out.json_line(&document)?;
        return Ok(Exit::Done);
    }
    let Demand { wants, approver: how, .. } = &in_force;
    context.out.data_line(format!("In force: require approval {wants}, approver {how}"))?;
    for row in &rules {
        context.out.data_line(format!("  {} ({})", row.rule, row.from.join("; ")))?;
    }
    for row in &holds {
        context.out.data_line(holds_in_words(row, wants))?;
    }
    match &policies.in_force {
        Some(view) => tell_policy(context, "The journal", view)?,
        None => context.out.data_line("The journal itself asks for none.")?,
    }
    let line = format!("Settings: {settings} ({from}), approver {approver} ({approver_from})");
    context.out.data_line(line)?;
    for view in &policies.proposed {
        tell_policy(context, "Proposed", view)?;
    }
    context.out.say(format!("Next: {next}"));
    Ok(Exit::Done)
}

/// `Holds for delete on Accounts: always, by the rule delete:Accounts=always`
fn holds_in_words(row: &HoldsRow, all: &ApprovalPolicy) -> String {
    let module = row.module.as_ref();
    let module = module.map_or("modules that no rule names", ModuleName::as_str);
    let why = match &row.rule {
        Some(rule) => format!("by the rule {rule}"),
        None => format!("as for all requests ({all})"),
    };
    format!("Holds for {} on {module}: {}, {why}", row.operation, row.require_approval)
}

/// `require approval never, delete:Accounts=always, approver named, 2 signers pinned`
pub(crate) fn terms_in_words(terms: &Terms) -> String {
    let Terms { demand: Demand { wants, rules, approver }, signers } = terms;
    let rules = rules.appended();
    let signers = signers.as_ref().map(|signers| {
        let keys = u64::try_from(signers.iter().count()).unwrap_or(u64::MAX);
        format!(", {} pinned", counted(keys, "signer", "signers"))
    });
    format!("require approval {wants}{rules}, approver {approver}{}", signers.unwrap_or_default())
}

fn tell_policy(context: &mut Context, label: &str, view: &PolicyView) -> Result<(), CliError> {
    let text = |text: &Option<String>| {
        text.as_deref()
            .map_or_else(|| "(erased)".to_owned(), |text| visible_short(text, SHOWN).into_owned())
    };
    context.out.data_line(format!(
        "{label}: {} {}, by {} at {}: {}",
        view.policy,
        terms_in_words(&view.terms),
        text(&view.set_by),
        view.at,
        text(&view.reason)
    ))?;
    tell_signers(context, &view.terms)
}

fn tell_signers(context: &mut Context, terms: &Terms) -> Result<(), CliError> {
    for signer in terms.signers.iter().flat_map(Signers::iter) {
        let name = visible_short(signer.name(), SHOWN);
        context.out.data_line(format!("  may sign: {name} {}", signer.fingerprint()))?;
    }
    Ok(())
}

/// What is to be set.
fn wanted(args: &SetArgs, context: &Context) -> Result<Wanted, CliError> {
    let before = context.reader()?.policy_in_force()?.demand.rules;
    if let Some(scope) = args.no_rules.iter().find(|scope| before.at(scope).is_none()) {
        let what = format!("the journal has no rule for {scope}; nothing was recorded");
        return Err(CliError::new(Exit::Error, what).hint(context.command("policy show")));
    }
    let given: ApprovalRules = args.rules.iter().cloned().collect();
    if given.iter().count() < args.rules.len() {
        let what = "two of the rules are for the same requests; nothing was recorded";
        return Err(CliError::new(Exit::Usage, what).hint("give one of them"));
    }
    let signers = match &args.allowed_signers {
        Some(file) => WantedSigners::Pinned(signature::signers_of(file)?),
        None if args.no_allowed_signers => WantedSigners::NotPinned,
        None => WantedSigners::AsBefore,
    };
    Ok(Wanted {
        require_approval: args.require_approval,
        approver: args.approver,
        only_rules: args.only_rules,
        rules: args.rules.clone(),
        no_rules: args.no_rules.clone(),
        signers,
    })
}

fn set(args: &SetArgs, context: &mut Context) -> Result<Exit, CliError> {
    check_reason(&args.reason)?;
    let account = context.account()?.name;
    let name = who(args.who.as_deref(), &account)?;
    let by = By { who: &name, account: &account, reason: &args.reason, program: PROGRAM };
    let now = context.now();
    let wanted = wanted(args, context)?;
    let mut keeper = context.keeper()?;
    let set = keeper.write("setting the policy", now, |tx| tx.set_policy(wanted, by))?;
    drop(keeper);
    let next = if set.in_force {
        context.command("policy show")
    } else {
        format!("a second person: {}", context.command(&format!("approve {}", set.policy)))
    };
    if context.out.is_json() {
        let (demand, before) = (&set.terms.demand, &set.before.demand);
        context.out.json_line(&SetDocument {
            policy_id: set.policy.to_string(),
            require_approval: demand.wants.to_string(),
            rules: rule_texts(demand),
            approver: demand.approver.wire_name(),
            signers: signer_rows(&set.terms),
            in_force: set.in_force,
            before: before.wants.to_string(),
            rules_before: rule_texts(before),
            approver_before: before.approver.wire_name(),
            signers_before: signer_rows(&set.before),
            set_by: by.who,
            recorded_by: by.account,
            reason: by.reason,
            next,
        })?;
        return Ok(Exit::Done);
    }
    let terms = terms_in_words(&set.terms);
    let line = if set.in_force {
        format!("Set {}: {terms}, in force from now on.", set.policy)
    } else {
        format!(
            "Proposed {}: {terms}. It loosens what is in force ({}), which stays in force until a second person \
             approves it.",
            set.policy,
            terms_in_words(&set.before)
        )
    };
    context.out.data_line(line)?;
    tell_signers(context, &set.terms)?;
    context.out.say(format!("Next: {next}"));
    Ok(Exit::Done)
}
