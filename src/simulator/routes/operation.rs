//! What a call that changes something has to tell, whatever it changes; and how calls are looked at.

use std::fmt;

use super::super::answer::Answer;
use super::super::config::Rules;
use super::super::fault::Struck;
use super::super::state::{Course, Hand, World};

/// One kind of write, taken apart but not yet checked.
pub(crate) trait Operation: fmt::Debug + Send + Sync {
    /// The module it names, as sent; empty where it names none.
    fn module(&self) -> &str;

    /// The ids it names, as sent, in the order sent.
    fn ids(&self) -> Vec<String>;

    /// How it is answered, and so which faults can strike it.
    fn shape(&self) -> Shape;

    /// What the call costs, in credits (API Limits page).
    fn credits(&self) -> u64 {
        1
    }

    /// What is said when the user's profile does not permit it, and the permissions it needs.
    fn permissions(&self) -> (&'static str, Vec<String>);

    /// Does it: the answer, and how many records, tags or children it changed.
    fn carry_out(&self, world: &mut World, doing: Doing) -> (Answer, usize);
}

/// A write to be carried out, now or later.
pub(crate) type Write = Box<dyn Operation>;

/// How a write is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Item by item.
    Many,
    /// By one item, for one record named by path.
    Single,
    /// By one result.
    One,
    /// By the id of a job.
    Job,
}

impl Shape {
    pub(crate) const fn struck(self) -> Struck {
        match self {
            Self::Many | Self::Single => Struck::Items,
            Self::One => Struck::Flat,
            Self::Job => Struck::Job,
        }
    }
}

/// The circumstances of a read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Looking {
    pub(crate) at_ms: i64,
    pub(crate) rules: Rules,
}

/// The circumstances of a write.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Doing {
    /// The call's number.
    pub(crate) request: u64,
    pub(crate) at_ms: i64,
    pub(crate) rules: Rules,
    /// Refuses one item, chosen by these bits.
    pub(crate) refuse: Option<u64>,
    /// How a job that is submitted will go.
    pub(crate) course: Course,
}

impl Doing {
    /// The one who does it.
    pub(crate) const fn hand(&self) -> Hand {
        Hand::call(self.request, self.at_ms)
    }
}
