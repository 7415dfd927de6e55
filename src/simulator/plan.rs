//! When which fault strikes: the planned ones first, then by chance.

use std::collections::{BTreeMap, HashSet};

use super::dice;
use super::fault::{Fault, Struck};

/// Which fault strikes which call: planned ones first, in order, then by chance.
#[derive(Debug)]
pub(crate) struct FaultPlan {
    seed: u64,
    rates: BTreeMap<Fault, f64>,
    next: Vec<Fault>,
    writes: u64,
    reads: u64,
    /// Calls whose token was once called expired, by a hash of the call.
    expired: HashSet<u64>,
}

/// A fault that strikes, with bits for the choices it has to make (which item, for example).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Strike {
    pub(crate) fault: Fault,
    pub(crate) bits: u64,
}

impl FaultPlan {
    pub(crate) fn new(seed: u64, rates: &[(Fault, f64)]) -> Self {
        let mut plan = Self {
            seed,
            rates: BTreeMap::new(),
            next: Vec::new(),
            writes: 0,
            reads: 0,
            expired: HashSet::new(),
        };
        for (fault, rate) in rates {
            plan.set_rate(*fault, *rate);
        }
        plan
    }

    /// Sets a rate; what is no number from 0 to 1 is brought to the nearer end, NaN to 0.
    pub(crate) fn set_rate(&mut self, fault: Fault, rate: f64) {
        let rate = if rate.is_nan() { 0.0 } else { rate.clamp(0.0, 1.0) };
        self.rates.insert(fault, rate);
    }

    /// Adds faults for the next calls, each for the next that it can strike.
    pub(crate) fn plan(&mut self, faults: impl IntoIterator<Item = Fault>) {
        self.next.extend(faults);
    }

    /// Forgets rates and planned faults alike.
    pub(crate) fn clear(&mut self) {
        self.rates.clear();
        self.next.clear();
    }

    /// The fault for a call. Reads and writes are counted apart, so that how often somebody reads
    /// does not change what happens to the writes.
    pub(crate) fn strike(&mut self, what: Struck, call: u64) -> Option<Strike> {
        let is_write = what != Struck::Read;
        let counter = if is_write { &mut self.writes } else { &mut self.reads };
        *counter += 1;
        let count = *counter;
        let bits = dice::draw(self.seed, count, 1000 + u64::from(is_write));
        let planned = self.next.iter().position(|fault| fault.can_strike(what));
        let planned = planned.map(|index| self.next.remove(index));
        let fault = planned.or_else(|| self.by_chance(what, count, bits))?;
        let spent = planned.is_none() && fault.strikes_once() && !self.expired.insert(call);
        (!spent).then_some(Strike { fault, bits })
    }

    /// Each fault is drawn by itself; of several that hit, one is picked.
    fn by_chance(&self, what: Struck, count: u64, bits: u64) -> Option<Fault> {
        let hit: Vec<Fault> = (0..)
            .zip(Fault::ALL)
            .filter(|(_, fault)| fault.can_strike(what))
            .filter(|(salt, fault)| {
                let rate = self.rates.get(fault).copied().unwrap_or(0.0);
                dice::hits(dice::draw(self.seed, count, *salt), rate)
            })
            .map(|(_, fault)| fault)
            .collect();
        hit.get(dice::position(bits, hit.len())).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_strikes_the_same_calls_however_often_somebody_reads() {
        let rates = [(Fault::LoseAnswer, 0.2), (Fault::Html, 0.2), (Fault::ReadLost, 0.5)];
        let run = |seed, reads_between: usize| -> Vec<Option<Strike>> {
            let mut plan = FaultPlan::new(seed, &rates);
            (0..200)
                .map(|call| {
                    for _ in 0..reads_between {
                        plan.strike(Struck::Read, call);
                    }
                    plan.strike(Struck::Items, call)
                })
                .collect()
        };
        assert_eq!(run(1, 0), run(1, 3));
        assert_ne!(run(1, 0), run(2, 0));
        let struck: HashSet<_> = run(1, 0).into_iter().flatten().map(|s| s.fault).collect();
        assert_eq!(struck, HashSet::from([Fault::LoseAnswer, Fault::Html]));
    }

    #[test]
    fn planned_faults_strike_in_order_and_each_kind_waits_for_its_own_calls() {
        let mut plan = FaultPlan::new(1, &[]);
        plan.plan([Fault::Html, Fault::ReadLost, Fault::Late]);
        let fault = |strike: Option<Strike>| strike.map(|s| s.fault);
        assert_eq!(fault(plan.strike(Struck::Items, 1)), Some(Fault::Html));
        assert_eq!(fault(plan.strike(Struck::Read, 2)), Some(Fault::ReadLost));
        assert_eq!(fault(plan.strike(Struck::Read, 3)), None);
        assert_eq!(fault(plan.strike(Struck::Items, 4)), Some(Fault::Late));
        assert_eq!(fault(plan.strike(Struck::Items, 5)), None);
    }

    #[test]
    fn a_token_is_called_expired_once_for_each_call() {
        let mut plan = FaultPlan::new(1, &[(Fault::ExpiredToken, 1.0)]);
        assert!(plan.strike(Struck::Items, 1).is_some());
        assert!(plan.strike(Struck::Items, 1).is_none());
        assert!(plan.strike(Struck::Items, 2).is_some());
    }

    #[test]
    fn nothing_strikes_after_faults_are_cleared() {
        let mut plan = FaultPlan::new(1, &[(Fault::Late, 1.0)]);
        plan.plan([Fault::Html]);
        plan.clear();
        assert!(plan.strike(Struck::Items, 1).is_none());
    }

    #[test]
    fn a_planned_fault_waits_for_a_call_that_it_can_strike() {
        let mut plan = FaultPlan::new(1, &[(Fault::Shuffle, 1.0)]);
        plan.plan([Fault::JobStuck, Fault::MissingId]);
        let fault = |strike: Option<Strike>| strike.map(|s| s.fault);
        assert_eq!(fault(plan.strike(Struck::Flat, 1)), None);
        assert_eq!(fault(plan.strike(Struck::Items, 2)), Some(Fault::MissingId));
        assert_eq!(fault(plan.strike(Struck::Job, 3)), Some(Fault::JobStuck));
        assert_eq!(fault(plan.strike(Struck::Job, 4)), None);
        assert_eq!(fault(plan.strike(Struck::Items, 5)), Some(Fault::Shuffle));
    }
}
