//! Decisions about proposed policies.

use serde::Serialize;

use crate::cli::approve::SHOWN;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::policy::terms_in_words;
use crate::cli::signature;
use crate::export::cell::visible_short;
use crate::store::approval::By;
use crate::store::policy::{PolicyNotDecided, PolicyView};

#[derive(Serialize)]
struct PolicyDocument<'a> {
    policy_id: String,
    require_approval: String,
    rules: Vec<String>,
    approver: &'static str,
    in_force: bool,
    decided_by: &'a str,
    recorded_by: &'a str,
    next: String,
}

pub(super) fn policy_refused(context: &Context, refused: &PolicyNotDecided) -> CliError {
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
        PolicyNotDecided::NotPinned(policy) => (
            format!(
                "{policy} needs a signature of somebody in the list of signers that the policy in force pins; \
                 nothing was recorded"
            ),
            context.command("policy show"),
        ),
    };
    CliError::new(Exit::Refused, what).hint(hint)
}

pub(super) fn tell_policy(
    context: &mut Context,
    view: &PolicyView,
    by: By<'_>,
    signed: bool,
) -> Result<Exit, CliError> {
    let next = context.command("policy show");
    let demand = &view.terms.demand;
    if context.out.is_json() {
        context.out.json_line(&PolicyDocument {
            policy_id: view.policy.to_string(),
            require_approval: demand.wants.to_string(),
            rules: demand.rules.iter().map(ToString::to_string).collect(),
            approver: demand.approver.wire_name(),
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
        "{verb} {}: {}; {stands}; decided by {}, recorded by {}.",
        view.policy,
        terms_in_words(&view.terms),
        visible_short(by.who, SHOWN),
        by.account
    ))?;
    if !signed && view.recorded_by.as_deref() == Some(by.account) {
        context
            .out
            .warn("one OS account recorded the proposal and this: names are an honour system");
    }
    context.out.say(format!("Next: {next}"));
    Ok(Exit::Done)
}
