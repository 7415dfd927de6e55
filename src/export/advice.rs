//! What the code that had the last word about an entry means for its operation, and what to do.

use crate::domain::answer::Verdict;
use crate::domain::codes::{Level, Meaning, RULES, Rule, advice, rule};
use crate::domain::evidence::UNDECIDED;
use crate::domain::state::{EntryState, Outcome};
use crate::store::query::{EntryView, Step};

/// What the code of the last word means and what to do; `None` where there is no code. `said` is what the
/// stored answer says in full, where it can still be read: one code may mean several things, and its details
/// tell which.
pub fn advice_of(entry: &EntryView, said: Option<(Level, &Verdict)>) -> Option<String> {
    let code = entry.code();
    // A person kept it back: no code of Zoho's has the last word.
    let kept = matches!(
        entry.state,
        EntryState::Held | EntryState::AwaitingApproval | EntryState::Cancelled
    );
    if code.is_empty() || kept {
        return None;
    }
    let said = said.filter(|(_, verdict)| verdict.code == code);
    let exact = said.and_then(|(level, verdict)| rule(entry.scope.operation, level, verdict));
    let known = exact.map(|rule| rule.advice).or_else(|| advice_without_answer(entry));
    Some(known.map_or_else(|| own_or_unseen(entry), str::to_owned))
}

/// What the code of the last word means, as far as code and outcome tell; `None` for a code that nobody has
/// seen.
pub(super) fn advice_without_answer(entry: &EntryView) -> Option<&'static str> {
    let (operation, code) = (entry.scope.operation, entry.code());
    let outcome = entry.steps.iter().rev().find_map(|step| match step {
        Step::Attempt { result: Some(result), .. } if result.said.code == code => {
            Some(result.outcome)
        }
        Step::Attempt { .. }
        | Step::Snapshot { .. }
        | Step::Evidence { .. }
        | Step::Cancelled { .. }
        | Step::Person { .. } => None,
    });
    let fits = |rule: &&Rule| {
        rule.code == code
            && rule.operations.contains(&operation)
            && outcome.is_none_or(|outcome| leads_to(rule.meaning, outcome))
    };
    RULES.iter().find(fits).map(|rule| rule.advice).or_else(|| advice(operation, code))
}

/// Whether a row of the table may have led to this outcome.
fn leads_to(meaning: Meaning, outcome: Outcome) -> bool {
    match meaning {
        Meaning::Done => matches!(outcome, Outcome::Done | Outcome::Unknown),
        Meaning::Accepted => matches!(outcome, Outcome::Queued | Outcome::Unknown),
        Meaning::Refused => outcome == Outcome::Failed,
        Meaning::RefusedAsk | Meaning::Open => outcome == Outcome::Unknown,
        Meaning::Culprit => matches!(outcome, Outcome::Failed | Outcome::Unknown),
        Meaning::Throttled | Meaning::Busy | Meaning::Unauthorized | Meaning::Forbidden => {
            outcome == Outcome::Returned
        }
    }
}

/// A code of our own, or one that the table lacks: then it is said so, and what that leaves.
fn own_or_unseen(entry: &EntryView) -> String {
    if entry.code() == UNDECIDED {
        return format!(
            "no read can tell what happened, and it is never sent again by itself: look into Zoho's \
             own audit log, then journal settle {} --state done|absent|failed --reason TEXT",
            entry.entry
        );
    }
    let leaves = match entry.state {
        EntryState::Failed => {
            "what was read afterwards shows that nothing was changed; Zoho's message is all there is \
             to go by, and once its cause is mended the items are recorded again"
        }
        EntryState::Pending => {
            "what was read afterwards shows it untouched, and the next run sends it again"
        }
        EntryState::Unknown => "it may have been done or not; journal replay reads which",
        EntryState::Done | EntryState::Absent => "what was read afterwards settled it",
        EntryState::AwaitingApproval
        | EntryState::InFlight
        | EntryState::Queued
        | EntryState::Held
        | EntryState::Cancelled => "nothing follows from it",
    };
    format!("this program does not know the code, so it is taken for no refusal: {leaves}")
}
