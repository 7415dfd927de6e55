//! `journal approve` and `journal reject`: a second person decides about requests, or about a proposed policy.

use std::path::PathBuf;
use std::str::FromStr;

use serde::Serialize;

use crate::cli::context::{Context, PROGRAM, Whereabouts};
use crate::cli::decisions::{SAME_ACCOUNT, approval_in_words};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::output::words::counted;
use crate::cli::plan;
use crate::cli::signature::{self, Proof};
use crate::cli::work::in_a_line;
use crate::config::Flags;
use crate::domain::id::{IdError, PolicyId, RequestId};
use crate::domain::merkle::Hash;
use crate::domain::time::Timestamp;
use crate::export::cell::visible_short;
use crate::store::approval::{Approved, By, NotDecided, Rejected};
use crate::store::policy::{PolicyNotDecided, PolicyView};

/// As much of a name or a reason as is shown again, in characters.
const SHOWN: usize = 200;

/// Approve requests, or a proposed policy
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Nothing is sent: journal sync does that. Where the policy asks for a second person, whoever asked for a request
cannot approve it. Names are an honour system: the OS account is recorded beside the name, and shown when it is the
one that recorded the request. An approval makes the request valid anew, for as long as it was recorded to be.

Examples:
  journal show R12
  journal approve R12
  journal approve R12 R13 --as \"Bert Boss\"
  journal approve P1

With a signature, where the policy wants one (approver = signed):
  journal approve R12 --ask R12.txt
  ssh-keygen -Y sign -f ~/.ssh/id_ed25519 -n zoho-journal-approval R12.txt
  journal approve R12 --as bert@example.com --signature R12.txt.sig")]
pub(crate) struct ApproveArgs {
    /// Requests, as R12, or one proposed policy, as P1
    #[arg(required = true, value_name = "R|P")]
    subjects: Vec<Subject>,
    /// Who approves [default: the OS user]
    #[arg(long = "as", value_name = "WHO")]
    who: Option<String>,
    /// Write what is to be signed to a file, and record nothing; - is stdout
    #[arg(long, value_name = "FILE", conflicts_with = "signature")]
    ask: Option<PathBuf>,
    /// The SSH signature of what --ask writes, made with -n zoho-journal-approval
    #[arg(long, value_name = "FILE")]
    signature: Option<PathBuf>,
    /// Which requests wait for a second person: never, always, or from so many entries on [env:
    /// JOURNAL_REQUIRE_APPROVAL] [default: never]
    #[arg(long, value_name = "POLICY")]
    require_approval: Option<String>,
}

impl ApproveArgs {
    /// Those of the flags that are settings, too.
    pub(crate) fn settings(&self, flags: Flags) -> Flags {
        Flags { require_approval: self.require_approval.clone(), ..flags }
    }
}

/// Reject requests that wait for approval, or a proposed policy: nothing of them is sent
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  journal reject R12 --reason \"these are customers\"
  journal reject P1 --reason \"the limit stays\"")]
pub(crate) struct RejectArgs {
    /// Requests, as R12, or one proposed policy, as P1
    #[arg(required = true, value_name = "R|P")]
    subjects: Vec<Subject>,
    /// Why, for the audit
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Who rejects [default: the OS user]
    #[arg(long = "as", value_name = "WHO")]
    who: Option<String>,
}

/// What is decided about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Subject {
    Request(RequestId),
    Policy(PolicyId),
}

impl FromStr for Subject {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        match text.bytes().next() {
            Some(b'P' | b'p') => text.parse().map(Self::Policy),
            _ => text.parse().map(Self::Request),
        }
    }
}

/// Either requests or one policy: each is a transaction of its own.
enum Subjects {
    Requests(Vec<RequestId>),
    Policy(PolicyId),
}

fn subjects(given: &[Subject]) -> Result<Subjects, CliError> {
    let mut requests = Vec::new();
    for subject in given {
        match subject {
            Subject::Request(request) if !requests.contains(request) => requests.push(*request),
            Subject::Request(_) => {}
            Subject::Policy(policy) if given.len() == 1 => return Ok(Subjects::Policy(*policy)),
            Subject::Policy(_) => {
                let what = "a policy is decided about by itself; nothing was recorded";
                let hint = "name one policy, or requests only";
                return Err(CliError::new(Exit::Usage, what).hint(hint));
            }
        }
    }
    Ok(Subjects::Requests(requests))
}

/// Refuses an empty reason.
pub(crate) fn check_reason(reason: &str) -> Result<(), CliError> {
    if reason.trim().is_empty() {
        let hint = "say why, for the audit";
        return Err(CliError::new(Exit::Usage, "--reason is empty").hint(hint));
    }
    Ok(())
}

/// A reason as it is shown again; without the full stop that the line ends with itself.
pub(crate) fn shown_reason(reason: &str) -> String {
    let reason = reason.trim();
    visible_short(reason.strip_suffix('.').unwrap_or(reason), SHOWN).into_owned()
}

/// Refuses an empty name.
pub(crate) fn who(given: Option<&str>, account: &str) -> Result<String, CliError> {
    match given {
        Some(name) if name.trim().is_empty() => {
            let hint = "leave it out for the OS user";
            Err(CliError::new(Exit::Usage, "--as is empty").hint(hint))
        }
        Some(name) => Ok(name.to_owned()),
        None => Ok(account.to_owned()),
    }
}

#[derive(Serialize)]
struct ApprovedRow<'a> {
    request_id: String,
    entries: u64,
    /// Entries that a lost part of the log may have sent: they are unknown now, and read first.
    unknown: u64,
    held: u64,
    second_person: bool,
    same_account: bool,
    valid_until: Timestamp,
    content_hash: Hash,
    /// The fingerprint of the key that signed it.
    signed_with: Option<&'a str>,
}

/// The outcome with `--json`. Its keys are a contract.
#[derive(Serialize)]
struct ApprovedDocument<'a> {
    approved: Vec<ApprovedRow<'a>>,
    approved_by: &'a str,
    recorded_by: &'a str,
    next: String,
    #[serde(flatten)]
    place: Whereabouts,
}

#[derive(Serialize)]
struct RejectedRow {
    request_id: String,
    entries: u64,
}

#[derive(Serialize)]
struct RejectedDocument<'a> {
    rejected: Vec<RejectedRow>,
    rejected_by: &'a str,
    recorded_by: &'a str,
    reason: &'a str,
    next: String,
    #[serde(flatten)]
    place: Whereabouts,
}

#[derive(Serialize)]
struct PolicyDocument<'a> {
    policy_id: String,
    require_approval: String,
    approver: &'static str,
    in_force: bool,
    decided_by: &'a str,
    recorded_by: &'a str,
    next: String,
}

/// Runs `approve`.
pub(crate) fn run_approve(args: &ApproveArgs, context: &mut Context) -> Result<Exit, CliError> {
    let account = context.account()?.name;
    let name = who(args.who.as_deref(), &account)?;
    let by = By { who: &name, account: &account, reason: "", program: PROGRAM };
    let now = context.now();
    let subjects = subjects(&args.subjects)?;
    if let Some(file) = &args.ask {
        let (subject, text) = to_sign(context, one_subject(&subjects)?)?;
        return signature::write_text(context, &subject, &text, file);
    }
    let demand = plan::settings_demand(context);
    let requests = match subjects {
        Subjects::Requests(requests) => requests,
        Subjects::Policy(policy) => {
            let (proof, text) = proof(args, context, Subject::Policy(policy), &name)?;
            let signed = proof.as_ref().map(|proof| proof.signed(&text));
            let mut keeper = context.keeper()?;
            let decided = keeper
                .write("approving a policy", now, |tx| tx.approve_policy(policy, by, signed))?;
            drop(keeper);
            let view = decided.map_err(|refused| policy_refused(context, &refused))?;
            return tell_policy(context, &view, by);
        }
    };
    let reader = context.reader()?;
    let signed = args.signature.is_some();
    let refused = reader.not_approvable(&requests, demand, &name, signed, now)?;
    drop(reader);
    check(context, &refused)?;
    if signed {
        let Subject::Request(request) = one_subject(&Subjects::Requests(requests))? else {
            return Ok(Exit::Done);
        };
        return approve_signed(args, context, request, by);
    }
    let mut keeper = context.keeper()?;
    let decided =
        keeper.write("approving a request", now, |tx| tx.approve(&requests, demand, by))?;
    drop(keeper);
    let approved = match decided {
        Ok(approved) => approved,
        // Somebody else was faster.
        Err(refused) => {
            check(context, &refused)?;
            Vec::new()
        }
    };
    tell_approved(context, &approved, by, None)?;
    Ok(Exit::Done)
}

/// One signature is about one thing.
fn one_subject(subjects: &Subjects) -> Result<Subject, CliError> {
    match subjects {
        Subjects::Policy(policy) => Ok(Subject::Policy(*policy)),
        Subjects::Requests(requests) => {
            if let [request] = requests.as_slice() {
                return Ok(Subject::Request(*request));
            }
            let what = "one signature is about one request; nothing was recorded";
            Err(CliError::new(Exit::Usage, what).hint("name one request"))
        }
    }
}

/// What is to be signed about something, with its name.
fn to_sign(context: &Context, subject: Subject) -> Result<(String, String), CliError> {
    let reader = context.reader()?;
    let (name, text) = match subject {
        Subject::Request(request) => (request.to_string(), reader.text_to_sign(request)?),
        Subject::Policy(policy) => (policy.to_string(), reader.policy_to_sign(policy)?),
    };
    let text = signature::whole(text, &name)?;
    Ok((name, text))
}

/// The signature that was given, held against what is there now.
fn proof(
    args: &ApproveArgs,
    context: &Context,
    subject: Subject,
    who: &str,
) -> Result<(Option<Proof>, String), CliError> {
    let Some(file) = &args.signature else { return Ok((None, String::new())) };
    let (_, text) = to_sign(context, subject)?;
    let proof = signature::prove(context, who, file, &text)?;
    Ok((Some(proof), text))
}

fn approve_signed(
    args: &ApproveArgs,
    context: &mut Context,
    request: RequestId,
    by: By<'_>,
) -> Result<Exit, CliError> {
    let (Some(proof), text) = proof(args, context, Subject::Request(request), by.who)? else {
        return Ok(Exit::Done);
    };
    let (demand, now) = (plan::settings_demand(context), context.now());
    let mut keeper = context.keeper()?;
    let decided = keeper.write("approving a request", now, |tx| {
        tx.approve_signed(request, demand, by, proof.signed(&text))
    })?;
    drop(keeper);
    match decided {
        Ok(approved) => tell_approved(context, &[approved], by, Some(&proof.key))?,
        Err(refused) => check(context, &[refused])?,
    }
    Ok(Exit::Done)
}

/// Runs `reject`.
pub(crate) fn run_reject(args: &RejectArgs, context: &mut Context) -> Result<Exit, CliError> {
    check_reason(&args.reason)?;
    let account = context.account()?.name;
    let name = who(args.who.as_deref(), &account)?;
    let by = By { who: &name, account: &account, reason: &args.reason, program: PROGRAM };
    let now = context.now();
    let requests = match subjects(&args.subjects)? {
        Subjects::Requests(requests) => requests,
        Subjects::Policy(policy) => {
            let mut keeper = context.keeper()?;
            let decided =
                keeper.write("rejecting a policy", now, |tx| tx.reject_policy(policy, by))?;
            drop(keeper);
            let view = decided.map_err(|refused| policy_refused(context, &refused))?;
            return tell_policy(context, &view, by);
        }
    };
    let mut keeper = context.keeper()?;
    let decided = keeper.write("rejecting a request", now, |tx| tx.reject(&requests, by))?;
    drop(keeper);
    let rejected = match decided {
        Ok(rejected) => rejected,
        Err(refused) => {
            check(context, &refused)?;
            Vec::new()
        }
    };
    tell_rejected(context, &rejected, by)?;
    Ok(Exit::Done)
}

/// Refuses the whole command over what cannot be decided.
fn check(context: &Context, refused: &[NotDecided]) -> Result<(), CliError> {
    let Some(first) = refused.first() else { return Ok(()) };
    let told: Vec<String> = refused.iter().map(in_words).collect();
    let hint = match first {
        NotDecided::NothingLeft(request) | NotDecided::Already(request, _) => {
            context.command(&format!("show {request}"))
        }
        NotDecided::NotAwaiting(request) => {
            let cancel = context.command(&format!("cancel {request} --reason TEXT"));
            format!("{cancel} withdraws what was not sent")
        }
        NotDecided::SamePerson(request, _) => {
            let approve = context.command(&format!("approve {request}"));
            format!("somebody else does it, best on an account of their own: {approve}")
        }
        NotDecided::Unsigned(request) | NotDecided::OtherText(request) => {
            signature::how_to_sign(context, &request.to_string())
        }
    };
    let what = format!("nothing was recorded: {}", told.join("; "));
    Err(CliError::new(Exit::Refused, what).hint(hint))
}

fn in_words(refused: &NotDecided) -> String {
    match refused {
        NotDecided::NothingLeft(request) => format!("nothing of {request} is left to be sent"),
        NotDecided::Already(request, approval) => {
            format!("{request} is already {}", approval_in_words(approval))
        }
        NotDecided::NotAwaiting(request) => format!("{request} waits for no approval"),
        NotDecided::SamePerson(request, who) => format!(
            "{request} needs a second person, and {} asked for it",
            visible_short(who, SHOWN)
        ),
        NotDecided::Unsigned(request) => format!(
            "{request} needs a signed approval: the policy says approver signed, and a name alone does not do"
        ),
        NotDecided::OtherText(request) => {
            format!("what was signed for {request} is not what stands there by now")
        }
    }
}

fn policy_refused(context: &Context, refused: &PolicyNotDecided) -> CliError {
    let (what, hint) = match refused {
        PolicyNotDecided::Over(policy) => (
            format!(
                "{policy} is no open proposal: it was decided about, or another policy came into force since"
            ),
            context.command("policy show"),
        ),
        PolicyNotDecided::SamePerson(policy, who) => (
            format!(
                "{policy} needs a second person, and {} proposed it; nothing was recorded",
                visible_short(who, SHOWN)
            ),
            "somebody else approves it, best on an account of their own".to_owned(),
        ),
        PolicyNotDecided::Unsigned(policy) => (
            format!(
                "{policy} needs a signed approval: the policy in force says approver signed; nothing was recorded"
            ),
            signature::how_to_sign(context, &policy.to_string()),
        ),
        PolicyNotDecided::OtherText(policy) => (
            format!(
                "what was signed for {policy} is not what stands there by now; nothing was recorded"
            ),
            signature::how_to_sign(context, &policy.to_string()),
        ),
    };
    CliError::new(Exit::Refused, what).hint(hint)
}

fn tell_policy(context: &mut Context, view: &PolicyView, by: By<'_>) -> Result<Exit, CliError> {
    let next = context.command("policy show");
    if context.out.is_json() {
        context.out.json_line(&PolicyDocument {
            policy_id: view.policy.to_string(),
            require_approval: view.require_approval.to_string(),
            approver: view.approver.wire_name(),
            in_force: !view.rejected,
            decided_by: by.who,
            recorded_by: by.account,
            next,
        })?;
        return Ok(Exit::Done);
    }
    let verb = if view.rejected { "Rejected" } else { "Approved" };
    let stands = if view.rejected { "it does not come into force" } else { "in force from now on" };
    context.out.data_line(format!(
        "{verb} {}: require approval {}, approver {}; {stands}; decided by {}, recorded by {}.",
        view.policy,
        view.require_approval,
        view.approver,
        visible_short(by.who, SHOWN),
        by.account
    ))?;
    if view.recorded_by.as_deref() == Some(by.account) {
        context
            .out
            .warn("one OS account recorded the proposal and this: names are an honour system");
    }
    context.out.say(format!("Next: {next}"));
    Ok(Exit::Done)
}

fn tell_approved(
    context: &mut Context,
    approved: &[Approved],
    by: By<'_>,
    key: Option<&str>,
) -> Result<(), CliError> {
    let requests: Vec<RequestId> = approved.iter().map(|one| one.request).collect();
    let names = plan::names(Some(&requests));
    let next = format!(
        "{}, then {}",
        context.command(&format!("plan{names}")),
        context.command(&format!("sync{names}"))
    );
    let place = context.whereabouts()?;
    if context.out.is_json() {
        let rows = approved.iter().map(|one| ApprovedRow {
            request_id: one.request.to_string(),
            entries: one.entries,
            unknown: one.unread,
            held: one.held,
            second_person: one.second,
            same_account: one.same_account,
            valid_until: one.valid_until,
            content_hash: one.content,
            signed_with: key,
        });
        let (approved_by, recorded_by) = (by.who, by.account);
        let approved = rows.collect();
        let document = ApprovedDocument { approved, approved_by, recorded_by, next, place };
        return Ok(context.out.json_line(&document)?);
    }
    let overview = context.reader()?.overview(Some(&requests), false)?;
    for (one, request) in approved.iter().zip(&overview) {
        let until = one.valid_until;
        context.out.data_line(format!(
            "Approved in {place}: {}; valid until {until}.",
            in_a_line(request, request.entries())
        ))?;
        let entries = counted(one.entries, "entry", "entries");
        context.out.data_line(format!(
            "  {entries} may be sent; approved by {}, recorded by {}; content {}",
            visible_short(by.who, SHOWN),
            by.account,
            one.content
        ))?;
        if let Some(key) = key {
            context.out.data_line(format!("  signed with {key}"))?;
        }
        if one.unread > 0 {
            let unread = counted(one.unread, "entry is", "entries are");
            context.out.data_line(format!("  {unread} unknown, and read at Zoho first"))?;
        }
        if one.held > 0 {
            let held = counted(one.held, "entry stays", "entries stay");
            context.out.data_line(format!("  {held} under a hold"))?;
        }
        if !one.second {
            let told = format!("{} is approved by who asked for it: no second person", one.request);
            context.out.warn(&told);
        } else if one.same_account {
            context.out.warn(&format!("{}: {SAME_ACCOUNT}", one.request));
        }
    }
    context.out.say(format!("Nothing was sent to Zoho. Next: {next}"));
    Ok(())
}

fn tell_rejected(context: &mut Context, rejected: &[Rejected], by: By<'_>) -> Result<(), CliError> {
    let next = crate::cli::status::next_command(context)?;
    let place = context.whereabouts()?;
    if context.out.is_json() {
        let rows = rejected
            .iter()
            .map(|one| RejectedRow { request_id: one.request.to_string(), entries: one.entries });
        let document = RejectedDocument {
            rejected: rows.collect(),
            rejected_by: by.who,
            recorded_by: by.account,
            reason: by.reason,
            next,
            place,
        };
        return Ok(context.out.json_line(&document)?);
    }
    for one in rejected {
        let entries = counted(one.entries, "entry is", "entries are");
        context.out.data_line(format!(
            "Rejected {} in {place}: {entries} cancelled; rejected by {}: {}.",
            one.request,
            visible_short(by.who, SHOWN),
            shown_reason(by.reason)
        ))?;
    }
    context.out.say(format!("Nothing was sent to Zoho. Next: {next}"));
    Ok(())
}
