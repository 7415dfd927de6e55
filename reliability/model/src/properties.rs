//! What must hold in every state, and what the search must come across.

use stateright::{Model, Property};
use zoho_journal::domain::state::EntryState;

use crate::action::Action;
use crate::setup::Setup;
use crate::state::{Process, State, Wrong};

impl Model for Setup {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State::first(self)]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        // What is wrong already is not followed any further.
        if state.wrong.is_none() {
            state.enabled(self, actions);
        }
    }

    fn next_state(&self, last_state: &State, action: Action) -> Option<State> {
        last_state.after(self, action)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut properties = always();
        properties.extend(sometimes());
        properties
    }
}

/// A rule over all entries that are recorded.
fn each(setup: &Setup, state: &State, rule: impl Fn(u8, EntryState) -> bool) -> bool {
    setup.entries().all(|entry| state.state_of(entry).is_none_or(|one| rule(entry, one)))
}

fn any(setup: &Setup, state: &State, wanted: EntryState) -> bool {
    setup.entries().any(|entry| state.state_of(entry) == Some(wanted))
}

fn always() -> Vec<Property<Setup>> {
    vec![
        Property::always(
            "intent first: nothing takes effect before its batch is durable",
            |_, state: &State| state.wrong != Some(Wrong::EffectBeforeIntent),
        ),
        Property::always(
            "nothing is sent again while its fate is unknown, or once it is done",
            |_, state: &State| state.wrong != Some(Wrong::SentAgain),
        ),
        Property::always(
            "entries move as the product's transition function allows",
            |_, state: &State| state.wrong != Some(Wrong::IllegalMove),
        ),
        Property::always("no entry's calls take effect twice", |_, state: &State| {
            state.effects.iter().all(|times| *times <= 1)
        }),
        Property::always(
            "at most one entry of a record is under way",
            |setup: &Setup, state: &State| {
                let busy = |entry: u8| state.state_of(entry).is_some_and(EntryState::is_under_way);
                setup.entries().all(|one| !busy(one) || !setup.siblings(one).any(busy))
            },
        ),
        Property::always("done: our call took effect", |setup: &Setup, state: &State| {
            each(setup, state, |entry, one| one != EntryState::Done || state.effects_of(entry) > 0)
        }),
        Property::always("absent: our calls changed nothing", |setup: &Setup, state: &State| {
            each(setup, state, |entry, one| {
                one != EntryState::Absent || state.effects_of(entry) == 0
            })
        }),
        Property::always(
            "pending or failed: our calls changed nothing, and none is on its way",
            |setup: &Setup, state: &State| {
                each(setup, state, |entry, one| {
                    !matches!(one, EntryState::Pending | EntryState::Failed)
                        || (state.effects_of(entry) == 0 && !state.is_travelling(entry))
                })
            },
        ),
        Property::always(
            "what was acknowledged survives a power cut",
            |setup: &Setup, state: &State| {
                let durable = state.durable();
                setup.requests.iter().enumerate().all(|(request, set)| {
                    state.acknowledged & (1 << request) == 0
                        || setup.entries().all(|entry| {
                            set & (1 << entry) == 0 || durable.state_of(entry).is_some()
                        })
                })
            },
        ),
        Property::always(
            "what is settled has its answer or evidence on the disk",
            |_, state: &State| {
                state
                    .durable()
                    .entries
                    .iter()
                    .all(|row| row.proven || !row.state.is_some_and(EntryState::is_settled))
            },
        ),
    ]
}

#[expect(clippy::too_many_lines, reason = "a list")]
fn sometimes() -> Vec<Property<Setup>> {
    vec![
        Property::sometimes(
            "everything is settled, each record gone by our hand",
            |setup: &Setup, state: &State| {
                let done = |entry: u8| state.state_of(entry) == Some(EntryState::Done);
                is_settled(setup, state)
                    && state.is_closed()
                    && setup.entries().all(|entry| done(entry) || setup.siblings(entry).any(done))
            },
        ),
        Property::sometimes(
            "something is unknown, and its call took effect",
            |setup: &Setup, state: &State| {
                setup.entries().any(|entry| {
                    state.state_of(entry) == Some(EntryState::Unknown)
                        && state.effects_of(entry) > 0
                })
            },
        ),
        Property::sometimes(
            "something is unknown, and its call is on its way",
            |setup: &Setup, state: &State| {
                setup.entries().any(|entry| {
                    state.state_of(entry) == Some(EntryState::Unknown) && state.is_travelling(entry)
                })
            },
        ),
        Property::sometimes("evidence sends something back to the queue", |_, state: &State| {
            state.seen.entries.iter().any(|row| {
                row.state == Some(EntryState::Pending) && row.attempts.iter().any(|one| one.closed)
            })
        }),
        Property::sometimes(
            "what is seen is more than what a power cut leaves",
            |_, state: &State| state.disk.is_some(),
        ),
        Property::sometimes("two entries are in flight at once", |setup: &Setup, state: &State| {
            setup.targets.len() < 2
                || setup
                    .entries()
                    .filter(|entry| state.state_of(*entry) == Some(EntryState::InFlight))
                    .count()
                    > 1
        }),
        Property::sometimes("something was gone before us", |setup: &Setup, state: &State| {
            setup.trouble.others == 0 || any(setup, state, EntryState::Absent)
        }),
        Property::sometimes("something failed", |setup: &Setup, state: &State| {
            setup.trouble.refusals == 0 || any(setup, state, EntryState::Failed)
        }),
        Property::sometimes("a person has to decide", |setup: &Setup, state: &State| {
            setup.trouble.restores == 0 || state.seen.entries.iter().any(|row| row.undecided)
        }),
        Property::sometimes(
            "a stale run and its successor are alive",
            |setup: &Setup, state: &State| {
                let run = |process| state.run(process).map(|run| run.stale);
                setup.trouble.lost_locks == 0
                    || matches!(
                        (run(0), run(1)),
                        (Some(true), Some(false)) | (Some(false), Some(true))
                    )
            },
        ),
        Property::sometimes(
            "a failed sync left a gap, and a run starts",
            |setup: &Setup, state: &State| {
                setup.trouble.failed_syncs == 0
                    || (state.gap && state.processes.contains(&Process::Locked))
            },
        ),
    ]
}

/// Whether every request is recorded and every entry settled.
pub fn is_settled(setup: &Setup, state: &State) -> bool {
    setup.entries().all(|entry| state.state_of(entry).is_some_and(EntryState::is_settled))
}
