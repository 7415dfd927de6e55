//! What was checked, what came of it, and which exit code follows.

use serde::Serialize;

use crate::cli::exit::Exit;

/// Why something is a problem, as far as exit codes tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Signing in, a scope or a permission: exit 5.
    NotAllowed,
    /// There is no journal: exit 10.
    NoJournal,
    /// Anything else: exit 1.
    Other,
}

/// What came of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    /// As it should be.
    Fine,
    /// Works, and should be known.
    Warning,
    /// Must be mended.
    Problem(Kind),
    /// It could not be looked at.
    NotChecked,
}

impl Status {
    /// As JSON has it.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Fine => "ok",
            Self::Warning => "warning",
            Self::Problem(_) => "problem",
            Self::NotChecked => "not_checked",
        }
    }
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Check {
    pub(super) name: String,
    pub(super) status: Status,
    pub(super) message: String,
    /// Names of people: for eyes only, never in JSON.
    pub(super) person: Option<String>,
    /// What to type.
    pub(super) remedy: Option<String>,
}

impl Check {
    fn new(status: Status, name: impl Into<String>, message: impl Into<String>) -> Self {
        let (name, message) = (name.into(), message.into());
        Self { name, status, message, person: None, remedy: None }
    }

    /// As it should be.
    pub(super) fn fine(name: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Status::Fine, name, message)
    }

    /// Works, and should be known.
    pub(super) fn warning(name: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Status::Warning, name, message)
    }

    /// Must be mended.
    pub(super) fn problem(kind: Kind, name: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Status::Problem(kind), name, message)
    }

    /// It could not be looked at.
    pub(super) fn not_checked(name: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Status::NotChecked, name, message)
    }

    /// Adds what to type.
    #[must_use]
    pub(super) fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// Adds names of people.
    #[must_use]
    pub(super) fn person(mut self, person: String) -> Self {
        self.person = Some(person).filter(|person| !person.is_empty());
        self
    }
}

impl Serialize for Check {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Row<'a> {
            name: &'a str,
            status: &'static str,
            message: &'a str,
            remedy: Option<&'a str>,
        }
        let Self { name, status, message, person: _, remedy } = self;
        Row { name, status: status.word(), message, remedy: remedy.as_deref() }
            .serialize(serializer)
    }
}

/// The exit code. What is wrong in another way comes first, since nothing works before it is mended; then a
/// missing journal, which `init` makes without a token; then signing in.
pub(super) fn exit(checks: &[Check]) -> Exit {
    let any = |kind| checks.iter().any(|check| check.status == Status::Problem(kind));
    if any(Kind::Other) {
        Exit::Error
    } else if any(Kind::NoJournal) {
        Exit::NoJournal
    } else if any(Kind::NotAllowed) {
        Exit::NotAllowed
    } else {
        Exit::Done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_problem_decides_and_warnings_never_do() {
        let all = [
            Check::fine("a", ""),
            Check::warning("b", ""),
            Check::not_checked("c", ""),
            Check::problem(Kind::NotAllowed, "d", ""),
            Check::problem(Kind::NoJournal, "e", ""),
            Check::problem(Kind::Other, "f", ""),
        ];
        let codes: Vec<u8> = (0..=all.len()).map(|few| exit(&all[..few]).code()).collect();
        assert_eq!(codes, [0, 0, 0, 0, 5, 10, 1]);
    }

    #[test]
    fn people_are_for_eyes_only() {
        let check = Check::warning("user", "user 1").person("Ann".to_owned()).remedy("x");
        assert_eq!(
            serde_json::to_string(&check).unwrap(),
            r#"{"name":"user","status":"warning","message":"user 1","remedy":"x"}"#
        );
    }
}
