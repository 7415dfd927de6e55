//! What a run would find to do, and asking whether it should.

use std::io::BufReader;

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::listed;
use crate::cli::output::words::counted;
use crate::cli::plan;
use crate::cli::things::{self, workflows_in_words};
use crate::domain::id::RequestId;
use crate::domain::plan::{Plan, RequestOverview};
use crate::domain::policy::Counting;
use crate::domain::scope::Operation;
use crate::domain::state::EntryState;
use crate::reconcile::options::{RunKind, takes_up};
use crate::sealing;
use crate::store::StoreError;

/// What a run would find to do.
pub(crate) struct Work {
    requests: Vec<RequestOverview>,
    plan: Plan,
    /// Refused entries that a replay puts back to pending.
    reopened: u64,
    /// Whether workflows run for any deletion among these; `None` without a deletion.
    reopened_workflows: Option<bool>,
    /// Entries of jobs that Zoho has not finished, or whose end was not looked at yet.
    queued: u64,
    /// Whether workflows run for any of what the run sends or may send once more.
    workflows: bool,
    /// Whether requests were named, which lifts what was set aside.
    named: bool,
}

impl Work {
    pub(crate) fn find(
        kind: RunKind,
        codes: &[String],
        context: &Context,
        wanted: Option<&[RequestId]>,
    ) -> Result<Self, CliError> {
        let (requests, plan) = plan::make(context, wanted, None)?;
        let reopened = match kind {
            RunKind::Sync | RunKind::Recheck => 0,
            RunKind::Replay => {
                context.reader()?.reopenable(wanted, &|code| takes_up(codes, code))?
            }
        };
        let queued = requests.iter().map(|one| one.count(EntryState::Queued)).sum();
        // Only a deletion says whether they run.
        let deletes = |one: &RequestOverview| one.operation == Operation::Delete && one.workflows;
        let mut workflows =
            plan.groups.keys().any(|key| key.operation == Operation::Delete && key.workflows)
                || requests.iter().any(|one| deletes(one) && may_be_sent_again(one));
        let mut reopened_workflows = None;
        if reopened > 0 {
            // All of a request may be settled but what is taken up again.
            let all = context.reader()?.overview(wanted, false)?;
            reopened_workflows = all
                .iter()
                .filter(|one| one.operation == Operation::Delete)
                .filter(|one| one.count(EntryState::Failed) > 0)
                .map(|one| one.workflows)
                .reduce(|one, other| one || other);
            workflows |= reopened_workflows == Some(true);
        }
        Ok(Self {
            requests,
            plan,
            reopened,
            reopened_workflows,
            queued,
            workflows,
            named: wanted.is_some(),
        })
    }

    /// Entries that the run would send.
    pub(crate) fn entries(&self) -> u64 {
        self.plan.entries.saturating_add(self.reopened)
    }

    /// Whether there is neither anything to send nor anything to find out.
    pub(crate) fn is_idle(&self) -> bool {
        self.entries() == 0 && self.plan.unknown == 0 && self.queued == 0
    }

    /// Whether workflows run for any of the entries that are sent, those included that evidence may show
    /// untouched.
    pub(crate) const fn with_workflows(&self) -> bool {
        self.workflows
    }

    /// Refuses to send what wants full snapshots, where this program cannot make any.
    pub(crate) fn check_full(&self, context: &Context) -> Result<(), CliError> {
        if sealing::AVAILABLE {
            return Ok(());
        }
        let sent = [EntryState::Pending, EntryState::Unknown, EntryState::InFlight];
        let now = context.now();
        let due = |one: &&RequestOverview| {
            one.full
                && sent.iter().any(|state| one.count(*state) > 0)
                && one.waits(now, self.named).is_none()
        };
        let names: Vec<String> =
            self.requests.iter().filter(due).map(|one| one.request.to_string()).collect();
        if names.is_empty() {
            return Ok(());
        }
        let what = format!(
            "{} wants a full snapshot of each record before it is deleted, and this program was built without: \
             nothing was sent",
            names.join(" ")
        );
        let others = "name the requests without one to send these alone";
        Err(CliError::new(Exit::Refused, what).hint(format!("{}; {others}", sealing::HOW_TO_BUILD)))
    }

    /// Which signed approvals count by the list that is set, and says which do not. Fails where none can be read.
    pub(crate) fn listed(&self, context: &mut Context) -> Result<Option<Counting>, CliError> {
        let reader = context.reader()?;
        let policy = plan::policy(context, &reader)?;
        let listed = listed::look(context, &reader, &self.requests, &policy)?;
        for (request, why) in &listed.lapsed {
            context.out.warn(&format!("{request}: {why}"));
        }
        Ok(listed.counting)
    }

    pub(crate) fn check_cap(&self, context: &Context) -> Result<(), CliError> {
        let (entries, cap) = (self.entries(), context.settings.max_entries.value);
        if entries <= cap {
            return Ok(());
        }
        Err(StoreError::OverCap { entries, cap }.into())
    }
}

/// Whether entries are under way that evidence may show untouched: they are sent in the same run.
fn may_be_sent_again(request: &RequestOverview) -> bool {
    let under_way = [EntryState::Unknown, EntryState::InFlight, EntryState::Queued];
    under_way.iter().any(|state| request.count(*state) > 0)
}

/// Asks on a terminal; without one, `--yes` is needed.
pub(crate) fn confirm(context: &mut Context, work: &Work) -> Result<(), CliError> {
    let entries = counted(work.entries(), "entry", "entries");
    let plan = context.command("plan");
    let not_confirmed = |why: &str| {
        CliError::new(Exit::NotConfirmed, why)
            .hint(format!("look at {plan}, then add --yes to send {entries}"))
    };
    if !context.input_allowed {
        return Err(not_confirmed("confirmation is missing; nothing was sent"));
    }
    announce(context, work)?;
    let expected = work.entries().to_string();
    let prompt = format!("Type the number of entries ({expected}) to go on: ");
    let mut input = BufReader::new(std::io::stdin());
    if context.out.confirm(&mut input, &prompt, &expected) {
        Ok(())
    } else {
        Err(not_confirmed("not confirmed; nothing was sent"))
    }
}

/// Names the org and what is about to be sent to it.
pub(crate) fn announce(context: &mut Context, work: &Work) -> Result<(), CliError> {
    let entries = counted(work.entries(), "entry", "entries");
    let place = context.whereabouts()?;
    context.out.say(format!("This sends {entries} to {place}:"));
    let now = context.now();
    for request in &work.requests {
        let due = request.waits(now, work.named).is_none();
        let pending = if due { request.count(EntryState::Pending) } else { 0 };
        if pending > 0 {
            context.out.say(format!("  {}", in_a_line(request, pending)));
        }
    }
    if work.reopened > 0 {
        let entries = counted(work.reopened, "refused entry", "refused entries");
        let workflows = work.reopened_workflows.map(workflows_in_words);
        let workflows = workflows.map(|words| format!(" ({words})")).unwrap_or_default();
        context.out.say(format!("  {entries} once more{workflows}"));
    }
    Ok(())
}

/// Says what is read first: a run sends it once more where our calls changed nothing, and nobody is asked again who
/// was asked for it before.
pub(crate) fn announce_unknown(context: &mut Context, work: &Work) -> Result<(), CliError> {
    let open = [EntryState::Unknown, EntryState::InFlight];
    let unclear = work.requests.iter().filter(|one| open.iter().any(|state| one.count(*state) > 0));
    let entries: u64 =
        unclear.clone().flat_map(|one| open.iter().map(|state| one.count(*state))).sum();
    if entries == 0 {
        return Ok(());
    }
    let deletes = unclear.filter(|one| one.operation == Operation::Delete);
    let workflows = deletes.map(|one| one.workflows).reduce(|one, other| one || other);
    let workflows = workflows.map(workflows_in_words);
    let workflows = workflows.map(|words| format!(" ({words})")).unwrap_or_default();
    let place = context.whereabouts()?;
    let entries = counted(entries, "entry is", "entries are");
    context.out.say(format!(
        "{entries} without a clear answer of {place}: read first, and sent once more only where our calls \
         changed nothing{workflows}"
    ));
    Ok(())
}

pub(crate) fn in_a_line(request: &RequestOverview, pending: u64) -> String {
    let group = request.group();
    format!(
        "{}: {}{}, asked for by {}: {}",
        request.request,
        things::in_words(&group, pending),
        things::in_brackets(&group),
        request.requested_by.as_deref().unwrap_or("(erased)"),
        request.reason.as_deref().unwrap_or("(erased)"),
    )
}
