//! Looks at every state: what is violated, what is never reached, and from where nothing can settle any more.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{Duration, Instant};

use stateright::{Checker, Expectation, Model};

use crate::action::Action;
use crate::properties::is_settled;
use crate::setup::Setup;
use crate::state::State;

/// A rule that does not hold, and how it came to that.
#[derive(Debug, Clone)]
pub struct Violation {
    /// The rule.
    pub rule: &'static str,
    /// The shortest way there.
    pub path: Vec<Action>,
}

/// What a search came to.
#[derive(Debug, Clone)]
pub struct Found {
    /// How many states there are.
    pub states: usize,
    /// How many steps the last of them is from the first.
    pub depth: usize,
    /// How long it took.
    pub took: Duration,
    /// Rules that do not hold, the shortest way first.
    pub violations: Vec<Violation>,
    /// Situations that the search was to come across and did not.
    pub missed: Vec<&'static str>,
}

#[expect(clippy::disallowed_methods, reason = "how long a search takes is for people to read")]
/// Searches all states for violations. With a planted mistake the search ends at the first one.
pub fn search(setup: &Setup) -> Found {
    let began = Instant::now();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    // One thread finds the shortest way; several find all states sooner.
    let builder =
        setup.clone().checker().threads(if setup.planted.is_some() { 1 } else { threads });
    let builder = match setup.planted {
        Some(_) => builder.finish_when(stateright::HasDiscoveries::AnyFailures),
        None => builder,
    };
    let checker = builder.spawn_bfs().join();
    let discoveries = checker.discoveries();
    let mut violations = Vec::new();
    let mut missed = Vec::new();
    for property in setup.properties() {
        let path = discoveries.get(property.name).cloned();
        match (property.expectation, path) {
            (Expectation::Always | Expectation::Eventually, Some(path)) => {
                violations.push(Violation { rule: property.name, path: path.into_actions() });
            }
            (Expectation::Sometimes, None) => missed.push(property.name),
            (Expectation::Always | Expectation::Eventually, None)
            | (Expectation::Sometimes, Some(_)) => {}
        }
    }
    violations.sort_by_key(|one| one.path.len());
    Found {
        states: checker.unique_state_count(),
        depth: checker.max_depth(),
        took: began.elapsed(),
        violations,
        missed,
    }
}

/// From how many states no way leads to one in which everything is settled, and of how many.
pub fn stuck(setup: &Setup) -> (usize, usize) {
    let mut known: HashMap<u64, usize> = HashMap::new();
    let mut queue: VecDeque<(usize, State)> = VecDeque::new();
    let mut came_from: Vec<Vec<u32>> = Vec::new();
    let mut settled: Vec<usize> = Vec::new();
    let mut visit = |state: State,
                     from: Option<usize>,
                     queue: &mut VecDeque<(usize, State)>,
                     came_from: &mut Vec<Vec<u32>>| {
        let next = known.len();
        let number = *known.entry(print(&state)).or_insert(next);
        if number == next {
            if is_settled(setup, &state) {
                settled.push(number);
            }
            came_from.push(Vec::new());
            queue.push_back((number, state));
        }
        let from = from.and_then(|from| u32::try_from(from).ok());
        if let (Some(from), Some(list)) = (from, came_from.get_mut(number)) {
            list.push(from);
        }
    };
    for state in setup.init_states() {
        visit(state, None, &mut queue, &mut came_from);
    }
    while let Some((number, state)) = queue.pop_front() {
        for next in setup.next_states(&state) {
            visit(next, Some(number), &mut queue, &mut came_from);
        }
    }
    let mut can = vec![false; came_from.len()];
    let mut walk = settled;
    while let Some(number) = walk.pop() {
        if let Some(mark @ false) = can.get_mut(number) {
            *mark = true;
            let back = came_from.get(number).into_iter().flatten();
            walk.extend(back.filter_map(|from| usize::try_from(*from).ok()));
        }
    }
    (can.iter().filter(|can| !**can).count(), can.len())
}

fn print(state: &State) -> u64 {
    let mut hasher = DefaultHasher::new();
    state.hash(&mut hasher);
    hasher.finish()
}
