//! `journal approve` and `journal reject`: a second person decides about requests, or about a proposed policy.

mod policies;
mod tell;

use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::cli::approve::policies::{policy_refused, tell_policy};
use crate::cli::approve::tell::{tell_approved, tell_rejected};
use crate::cli::context::{Context, PROGRAM};
use crate::cli::decisions::approval_in_words;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::plan;
use crate::cli::policy_flags::PolicyFlags;
use crate::cli::signature;
use crate::config::Flags;
use crate::domain::approval_list::MOST_REQUESTS;
use crate::domain::id::{IdError, PolicyId, RequestId};
use crate::export::cell::visible_short;
use crate::store::approval::{By, NotDecided};
use crate::store::signing::ToSign;

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
  journal approve R12 --as bert@example.com --signature R12.txt.sig

One signature for several requests is of a list of hashes; what each is of lies beside it, as both.txt.R12:
  journal approve R12 R13 --ask both.txt
  journal approve R12 R13 --as bert@example.com --signature both.txt.sig")]
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
    #[command(flatten)]
    policy: PolicyFlags,
}

impl ApproveArgs {
    /// Those of the flags that are settings, too.
    pub(crate) fn settings(&self, flags: Flags) -> Flags {
        self.policy.settings(flags)
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

/// Runs `approve`.
pub(crate) fn run_approve(args: &ApproveArgs, context: &mut Context) -> Result<Exit, CliError> {
    let account = context.account()?.name;
    let name = who(args.who.as_deref(), &account)?;
    let by = By { who: &name, account: &account, reason: "", program: PROGRAM };
    let now = context.now();
    let subjects = subjects(&args.subjects)?;
    if let Some(file) = &args.ask {
        let (subject, text) = to_sign(context, &subjects)?;
        return signature::write_text(context, &subject, &text, file);
    }
    let demand = plan::settings_demand(context);
    let requests = match subjects {
        Subjects::Requests(requests) => requests,
        Subjects::Policy(policy) => return approve_policy(args, context, policy, by),
    };
    let reader = context.reader()?;
    let signed = args.signature.is_some();
    let refused = reader.not_approvable(&requests, demand.clone(), &name, signed, now)?;
    drop(reader);
    check(context, &refused)?;
    if let Some(file) = &args.signature {
        return approve_signed(context, file, &requests, by);
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

fn approve_policy(
    args: &ApproveArgs,
    context: &mut Context,
    policy: PolicyId,
    by: By<'_>,
) -> Result<Exit, CliError> {
    let proof = match &args.signature {
        Some(file) => {
            let (_, text) = to_sign(context, &Subjects::Policy(policy))?;
            Some((signature::prove(context, by.who, file, &text)?, text))
        }
        None => None,
    };
    let signed = proof.as_ref().map(|(proof, text)| proof.signed(&text.signed));
    let now = context.now();
    let mut keeper = context.keeper()?;
    let decided =
        keeper.write("approving a policy", now, |tx| tx.approve_policy(policy, by, signed))?;
    drop(keeper);
    let view = decided.map_err(|refused| policy_refused(context, &refused))?;
    tell_policy(context, &view, by, args.signature.is_some())
}

/// What is to be signed about something, with its name.
fn to_sign(context: &Context, subjects: &Subjects) -> Result<(String, ToSign), CliError> {
    let reader = context.reader()?;
    let (name, text) = match subjects {
        Subjects::Requests(requests) if requests.len() > MOST_REQUESTS => {
            let what = format!("one signature is for {MOST_REQUESTS} requests at most");
            return Err(CliError::new(Exit::Usage, what).hint("name fewer of them at a time"));
        }
        Subjects::Requests(requests) => {
            let names = plan::names(Some(requests));
            (names.trim_start().to_owned(), reader.text_to_sign(requests)?)
        }
        Subjects::Policy(policy) => {
            let text = reader.policy_to_sign(*policy)?;
            (policy.to_string(), text.map(|signed| ToSign { signed, parts: Vec::new() }))
        }
    };
    let text = signature::whole(text, &name)?;
    Ok((name, text))
}

fn approve_signed(
    context: &mut Context,
    file: &Path,
    requests: &[RequestId],
    by: By<'_>,
) -> Result<Exit, CliError> {
    let (_, text) = to_sign(context, &Subjects::Requests(requests.to_vec()))?;
    let proof = signature::prove(context, by.who, file, &text)?;
    let (demand, now) = (plan::settings_demand(context), context.now());
    let mut keeper = context.keeper()?;
    let decided = keeper.write("approving a request", now, |tx| {
        tx.approve_signed(requests, demand, by, proof.signed(&text.signed))
    })?;
    drop(keeper);
    match decided {
        Ok(approved) => tell_approved(context, &approved, by, Some(&proof.key))?,
        Err(refused) => check(context, &refused)?,
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
            return tell_policy(context, &view, by, false);
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
            let approve = context.command(&format!("approve {request} --as NAME"));
            format!(
                "somebody else does it, best on an account of their own: {approve} says who approves"
            )
        }
        NotDecided::Unsigned(_) | NotDecided::OtherText(_) => {
            let named: Vec<RequestId> = refused.iter().map(NotDecided::request).collect();
            signature::how_to_sign(context, plan::names(Some(&named)).trim_start())
        }
        NotDecided::NotPinned(_) => context.command("policy show"),
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
        NotDecided::NotPinned(request) => format!(
            "{request} needs a signature of somebody in the list of signers that the policy pins, which may have \
             changed just now"
        ),
    }
}
