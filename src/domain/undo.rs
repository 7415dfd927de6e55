//! Whether what an entry took away can be brought back, until when, and why not. One rule, without a clock of its own.

use serde::{Deserialize, Serialize};

use crate::domain::id::EntryId;
use crate::domain::limits::BIN_KEEPS;
use crate::domain::recheck::Found;
use crate::domain::scope::Operation;
use crate::domain::state::EntryState;
use crate::domain::target::{Product, named_set};
use crate::domain::time::Timestamp;

named_set!(
    /// Whether a thing can be brought back.
    UndoState, "undo", {
        /// As it was: it lies in the recycle bin, or what was there before is known.
        Possible = "possible",
        /// Something like it: a tag that is made again has a new id and is on no record.
        Partial = "partial",
        /// It never went to a bin, is beyond it, or nobody knows what was there before.
        Impossible = "impossible",
        /// The bin has kept it for as long as it does.
        Expired = "expired",
        /// It was brought back.
        Undone = "undone",
        /// Nothing was changed.
        NothingToUndo = "nothing_to_undo",
    }
);

named_set!(
    /// Why it can be brought back, or cannot, or need not be.
    Why, "reason", {
        /// It lies in the recycle bin.
        InBin = "in_bin",
        /// What was there before the call was read and kept.
        Known = "known",
        /// A tag that is made again is another tag, and nobody read which records carried it.
        NewId = "new_id",
        /// A tag that is made again is another tag, and goes back on the records that carried it.
        NewIdOnRecords = "new_id_on_records",
        /// Part of it is there again; what is left can be brought back.
        PartLeft = "part_left",
        /// It lies in the recycle bin, and another record has to come back first.
        NeedsParent = "needs_parent",
        /// It lies in the recycle bin by another deletion: it was there again in between.
        DeletedAgain = "deleted_again",
        /// An open entry is to bring it back.
        UnderWay = "under_way",
        /// Its module's records go to no bin: `recycle_bin_on_delete` is false.
        NoBin = "no_bin",
        /// Bigin has no call that restores.
        NoCall = "no_call",
        /// It was erased from the bin, or went past it.
        Purged = "purged",
        /// `--no-snapshot`: nobody looked at what was there.
        NoSnapshot = "no_snapshot",
        /// What was there before could not be read.
        NotRead = "not_read",
        /// What it belongs to is not there any more.
        NoHolder = "no_holder",
        /// What would have to be known was erased from this journal.
        Erased = "erased",
        /// The bin's 60 days are over.
        BinOver = "bin_over",
        /// An entry of this journal brought it back.
        BroughtBack = "brought_back",
        /// Somebody else brought it back.
        BackAlready = "back_already",
        /// It was gone before.
        WasGone = "was_gone",
        /// Zoho refused it.
        Refused = "refused",
        /// It was withdrawn before anything was sent.
        Withdrawn = "withdrawn",
        /// It brings back itself what an earlier entry took away.
        IsUndo = "is_undo",
    }
);

impl Why {
    /// What follows for the entry.
    pub const fn state(self) -> UndoState {
        match self {
            Self::InBin | Self::Known | Self::NeedsParent | Self::DeletedAgain => {
                UndoState::Possible
            }
            Self::NewId | Self::NewIdOnRecords | Self::PartLeft => UndoState::Partial,
            // What is under way can be brought back until it has been.
            Self::UnderWay => UndoState::Possible,
            Self::NoBin
            | Self::NoCall
            | Self::Purged
            | Self::NoSnapshot
            | Self::NotRead
            | Self::NoHolder
            | Self::Erased => UndoState::Impossible,
            Self::BinOver => UndoState::Expired,
            Self::BroughtBack | Self::BackAlready => UndoState::Undone,
            Self::WasGone | Self::Refused | Self::Withdrawn | Self::IsUndo => {
                UndoState::NothingToUndo
            }
        }
    }

    /// In words, as they stand alone.
    pub const fn text(self) -> &'static str {
        match self {
            Self::InBin => "it lies in the recycle bin",
            Self::Known => "what was there before the call is known",
            Self::NewId => {
                "only its definition can come back, with a new id: which records carried it was not read \
                 (--snapshot-records)"
            }
            Self::NewIdOnRecords => {
                "its definition can come back, with a new id, and be put back on the records that carried it"
            }
            Self::PartLeft => "part of it is there again; what is left can be brought back",
            Self::DeletedAgain => {
                "it lies in the recycle bin, but by another, later deletion: it had been restored in between"
            }
            Self::NeedsParent => {
                "it lies in the recycle bin, but the last attempt failed (CANNOT_RESTORE_WITHOUT_PARENT): the record \
                 that it belongs to has to be restored first"
            }
            Self::UnderWay => "it is being brought back",
            Self::NoBin => "its module's records never go to a recycle bin",
            Self::NoCall => "Bigin has no call that restores records",
            Self::Purged => "it is not in the recycle bin any more: it was erased for good",
            Self::NoSnapshot => "what was there before was not read (--no-snapshot)",
            Self::NotRead => "no read showed what was there before",
            Self::NoHolder => "the record that it belongs to is not there any more",
            Self::Erased => "what would have to be known was erased from this journal",
            Self::BinOver => "the recycle bin keeps records for 60 days, and these are over",
            Self::BroughtBack => "it was brought back",
            Self::BackAlready => "it is there again: somebody else brought it back",
            Self::WasGone => "nothing was changed: it was gone before",
            Self::Refused => "nothing was changed: Zoho refused it",
            Self::Withdrawn => "nothing was changed: it was withdrawn before it was sent",
            Self::IsUndo => "it is an undo itself",
        }
    }
}

/// What is known of the time before a call that took away tags or relations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// What was there.
    Known,
    /// It was read, and erased since; or the item itself was.
    Erased,
    /// It was read, and showed nothing that could be brought back.
    Unreadable,
    /// Nobody was to read it.
    NotAsked,
}

/// What is known of a deleted record's place in the bin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bin {
    /// Whether its module has one; assumed where it could not be read.
    pub exists: Option<bool>,
    /// Whether evidence shows it beyond the bin.
    pub beyond: bool,
    /// When it was deleted: by Zoho's clock where evidence says so, else when the call left.
    pub deleted_at: Option<Timestamp>,
}

/// Why an entry that was to bring something back did not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// It, or what it belongs to, was found to be nowhere.
    Gone,
    /// Another record has to come back first.
    WithoutParent,
    /// Anything else.
    Other,
}

/// The failure of an entry that was to bring something back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failed {
    /// Why.
    pub why: Failure,
    /// The last reading that it had; 0 without one. A later look counts more.
    pub reading: i64,
}

/// How much of a thing that has parts is there again: of the tags that a record lost, of the records that lost a tag.
/// What can never come back is no part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Parts {
    /// Parts that are there again.
    pub back: u64,
    /// Parts that open entries are to bring back.
    pub under_way: u64,
    /// Parts that nobody brings back.
    pub left: u64,
}

/// All that decides whether a settled entry can be undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Case {
    /// What was done.
    pub operation: Operation,
    /// In which product.
    pub product: Product,
    /// Where the entry stands.
    pub state: EntryState,
    /// The entry that brings it back, and where that one stands.
    pub by: Option<(EntryId, EntryState)>,
    /// Why that one failed, if it did and nothing was seen since.
    pub failure: Option<Failure>,
    /// What is known of the time before.
    pub kept: Kept,
    /// Of what has parts that are known: how much of it is there again.
    pub parts: Option<Parts>,
    /// Of a deletion: the bin.
    pub bin: Bin,
    /// What the newest look after the call showed, if there was one.
    pub seen: Option<Found>,
}

/// Where a thing itself is that has parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Itself {
    /// There again.
    Back,
    /// An open entry is to bring it back.
    UnderWay,
    /// Neither.
    Missing,
}

/// Whether a thing can be brought back, until when, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Undo {
    /// Whether.
    pub state: UndoState,
    /// Until when the bin keeps it, where it lies or lay in one.
    pub until: Option<Timestamp>,
    /// Why, or why not.
    pub why: Why,
    /// The entry that brought it back, or is to.
    pub by: Option<EntryId>,
}

impl Undo {
    /// The rule. `None` while the entry is open.
    pub fn rule(case: &Case, now: Timestamp) -> Option<Self> {
        let why = match case.state {
            EntryState::Done => return Some(Self::of_done(case, now)),
            EntryState::Absent => Why::WasGone,
            EntryState::Failed => Why::Refused,
            EntryState::Cancelled => Why::Withdrawn,
            EntryState::AwaitingApproval
            | EntryState::Pending
            | EntryState::InFlight
            | EntryState::Queued
            | EntryState::Unknown
            | EntryState::Held => return None,
        };
        Some(Self::because(if case.operation.is_undo() { Why::IsUndo } else { why }))
    }

    /// What follows from one reason, without an end.
    pub const fn because(why: Why) -> Self {
        Self { state: why.state(), until: None, why, by: None }
    }

    /// The entry that brought all of it back, or found it so.
    pub fn undone_by(self) -> Option<EntryId> {
        self.by.filter(|_| self.state == UndoState::Undone)
    }

    /// Whether something can come back.
    pub const fn can_come_back(&self) -> bool {
        matches!(self.state, UndoState::Possible | UndoState::Partial)
    }

    /// Whether something was taken away that cannot come back.
    pub const fn is_lost(&self) -> bool {
        matches!(self.state, UndoState::Impossible | UndoState::Expired)
    }

    fn of_done(case: &Case, now: Timestamp) -> Self {
        if let Some(parts) = case.parts {
            return Self::of_parts(case, parts);
        }
        match (case.by, case.seen) {
            (Some((entry, EntryState::Done)), _) => {
                return Self { by: Some(entry), ..Self::because(Why::BroughtBack) };
            }
            (Some((entry, EntryState::Absent)), _) => {
                return Self { by: Some(entry), ..Self::because(Why::BackAlready) };
            }
            _ if case.operation.is_undo() => {}
            (_, Some(Found::Back)) => return Self::because(Why::BackAlready),
            (_, Some(Found::Erased)) => return Self::because(Why::Purged),
            // What an attempt found last counts more than what was kept, or what the clock says.
            (Some((entry, EntryState::Failed)), _) if case.failure == Some(Failure::Gone) => {
                let deleted = case.operation == Operation::Delete;
                let why = if deleted { Why::Purged } else { Why::NoHolder };
                return Self { by: Some(entry), ..Self::because(why) };
            }
            (_, Some(Found::InBin | Found::NotSeen) | None) => {}
        }
        let undo = match case.operation {
            Operation::Delete => Self::of_deletion(case, now),
            // Tags are added again by the Add Tags call (CRM v8, Bigin v2), relations by the call that links. A tag
            // that is created again gets a new id, and no record carries it.
            Operation::Untag | Operation::Unlink | Operation::DeleteTags => {
                Self::because(match case.kept {
                    Kept::Known if case.operation == Operation::DeleteTags => Why::NewId,
                    Kept::Known => Why::Known,
                    Kept::Erased => Why::Erased,
                    Kept::Unreadable => Why::NotRead,
                    Kept::NotAsked => Why::NoSnapshot,
                })
            }
            // To take away again what came back is a decision of its own, recorded as a request of its own.
            Operation::Restore | Operation::Retag | Operation::Relink | Operation::RecreateTags => {
                Self::because(Why::IsUndo)
            }
        };
        match case.by {
            Some((entry, state)) if !state.is_settled() && undo.can_come_back() => {
                Self { why: Why::UnderWay, by: Some(entry), ..undo }
            }
            _ => undo,
        }
    }

    /// Of what has parts: undone only once all that can come back is back.
    fn of_parts(case: &Case, parts: Parts) -> Self {
        let by = case.by.map(|(entry, _)| entry);
        let ours = case.by.is_some_and(|(_, state)| state == EntryState::Done);
        let itself = Self::itself(case);
        let nothing = parts.back == 0 && parts.under_way == 0 && itself == Itself::Missing;
        let all = parts.left == 0 && parts.under_way == 0;
        let known =
            if case.operation == Operation::DeleteTags { Why::NewIdOnRecords } else { Why::Known };
        match itself {
            // No record carries a tag that is not there.
            Itself::Back if all && ours => Self { by, ..Self::because(Why::BroughtBack) },
            Itself::Back if all => {
                let by = by.filter(|_| Self::is_back(case));
                Self { by, ..Self::because(Why::BackAlready) }
            }
            Itself::Back | Itself::UnderWay if parts.left == 0 => {
                Self { why: Why::UnderWay, by, ..Self::because(known) }
            }
            Itself::Missing if nothing => Self::because(known),
            Itself::Back | Itself::UnderWay | Itself::Missing => Self::part_left(case.operation),
        }
    }

    /// Some of it is there again. Tags that are missing still come back as they were; a tag with a new id does not.
    pub const fn part_left(operation: Operation) -> Self {
        let undo = Self::because(Why::PartLeft);
        if matches!(operation, Operation::DeleteTags) {
            undo
        } else {
            Self { state: UndoState::Possible, ..undo }
        }
    }

    /// Where the thing itself is that has parts: a tag's definition. Tags on a record are nothing but their parts.
    pub fn itself(case: &Case) -> Itself {
        let open = case.by.is_some_and(|(_, state)| !state.is_settled());
        let parts = case.parts.unwrap_or_default();
        if case.operation != Operation::DeleteTags {
            let back = parts.left == 0 && parts.under_way == 0;
            return if back || Self::is_back(case) { Itself::Back } else { Itself::Missing };
        }
        if Self::is_back(case) || case.seen == Some(Found::Back) {
            Itself::Back
        } else if open {
            Itself::UnderWay
        } else {
            Itself::Missing
        }
    }

    /// Whether the entry that was to bring it back did, or found it there.
    fn is_back(case: &Case) -> bool {
        let back = |(_, state)| matches!(state, EntryState::Done | EntryState::Absent);
        case.by.is_some_and(back)
    }

    fn of_deletion(case: &Case, now: Timestamp) -> Self {
        if case.product == Product::Bigin {
            return Self::because(Why::NoCall);
        }
        if case.bin.exists == Some(false) {
            return Self::because(Why::NoBin);
        }
        if case.bin.beyond {
            return Self::because(Why::Purged);
        }
        let until = case.bin.deleted_at.map(|from| from.plus(BIN_KEEPS));
        let over = until.is_some_and(|until| until <= now);
        if case.kept == Kept::Erased {
            return Self { until: until.filter(|_| !over), ..Self::because(Why::Erased) };
        }
        let parent = case.failure == Some(Failure::WithoutParent);
        if let (Some((entry, EntryState::Failed)), true, false) = (case.by, parent, over) {
            return Self { until, by: Some(entry), ..Self::because(Why::NeedsParent) };
        }
        Self { until, ..Self::because(if over { Why::BinOver } else { Why::InBin }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_MS: i64 = 86_400_000;

    fn at(day: i64) -> Timestamp {
        Timestamp::from_millis(day * DAY_MS)
    }

    fn done(operation: Operation) -> Case {
        Case {
            operation,
            product: Product::Crm,
            state: EntryState::Done,
            by: None,
            failure: None,
            kept: Kept::Known,
            parts: None,
            bin: Bin { exists: Some(true), beyond: false, deleted_at: Some(at(10)) },
            seen: None,
        }
    }

    /// Days from 1970 on; the present is day 20.
    #[test]
    fn every_case_has_one_reason() {
        use EntryState::{Absent, Cancelled, Done, Failed, Held, Pending, Unknown};
        use Operation::{Delete, DeleteTags, RecreateTags, Relink, Restore, Retag, Unlink, Untag};
        let with = |change: fn(&mut Case), operation| {
            let mut case = done(operation);
            change(&mut case);
            case
        };
        let by = |state| Some((EntryId::new(9), state));
        let bin =
            |exists, beyond, day: Option<i64>| Bin { exists, beyond, deleted_at: day.map(at) };
        let old = bin(Some(true), false, Some(-40));
        let cases: Vec<(Case, Option<Why>, Option<i64>)> = vec![
            (done(Delete), Some(Why::InBin), Some(70)),
            (Case { bin: bin(None, false, None), ..done(Delete) }, Some(Why::InBin), None),
            (
                Case { bin: bin(Some(false), false, Some(10)), ..done(Delete) },
                Some(Why::NoBin),
                None,
            ),
            (
                Case { bin: bin(Some(true), true, Some(10)), ..done(Delete) },
                Some(Why::Purged),
                None,
            ),
            (Case { product: Product::Bigin, ..done(Delete) }, Some(Why::NoCall), None),
            // The bin keeps it all the same.
            (Case { kept: Kept::Erased, ..done(Delete) }, Some(Why::Erased), Some(70)),
            (Case { kept: Kept::Erased, bin: old, ..done(Delete) }, Some(Why::Erased), None),
            // The very moment at which the 60 days are over is too late.
            (Case { bin: old, ..done(Delete) }, Some(Why::BinOver), Some(20)),
            (Case { bin: bin(None, false, Some(-39)), ..done(Delete) }, Some(Why::InBin), Some(21)),
            (Case { by: by(Pending), ..done(Delete) }, Some(Why::UnderWay), Some(70)),
            (Case { by: by(Pending), bin: old, ..done(Delete) }, Some(Why::BinOver), Some(20)),
            // What came back is back, whatever the bin kept it for.
            (Case { by: by(Done), bin: old, ..done(Delete) }, Some(Why::BroughtBack), None),
            (Case { by: by(Absent), ..done(Delete) }, Some(Why::BackAlready), None),
            (Case { by: by(Failed), ..done(Delete) }, Some(Why::InBin), Some(70)),
            // A later look says more than the clock.
            (Case { seen: Some(Found::Back), ..done(Delete) }, Some(Why::BackAlready), None),
            (Case { seen: Some(Found::Erased), ..done(Delete) }, Some(Why::Purged), None),
            (Case { seen: Some(Found::InBin), ..done(Delete) }, Some(Why::InBin), Some(70)),
            (Case { seen: Some(Found::NotSeen), ..done(Untag) }, Some(Why::Known), None),
            (
                Case { seen: Some(Found::Back), by: by(Done), ..done(Untag) },
                Some(Why::BroughtBack),
                None,
            ),
            (Case { seen: Some(Found::Back), ..done(Restore) }, Some(Why::IsUndo), None),
            (done(Untag), Some(Why::Known), None),
            (done(Unlink), Some(Why::Known), None),
            (done(DeleteTags), Some(Why::NewId), None),
            (with(|case| case.product = Product::Bigin, Untag), Some(Why::Known), None),
            (with(|case| case.kept = Kept::NotAsked, Untag), Some(Why::NoSnapshot), None),
            (with(|case| case.kept = Kept::Unreadable, Unlink), Some(Why::NotRead), None),
            (with(|case| case.kept = Kept::Erased, DeleteTags), Some(Why::Erased), None),
            (Case { by: by(Unknown), ..done(DeleteTags) }, Some(Why::UnderWay), None),
            (with(|case| case.state = Absent, Delete), Some(Why::WasGone), None),
            (with(|case| case.state = Failed, Untag), Some(Why::Refused), None),
            (with(|case| case.state = Cancelled, Unlink), Some(Why::Withdrawn), None),
            (with(|case| case.state = Pending, Delete), None, None),
            (with(|case| case.state = Held, Delete), None, None),
            (with(|case| case.state = Unknown, Untag), None, None),
            (done(Restore), Some(Why::IsUndo), None),
            (done(Retag), Some(Why::IsUndo), None),
            (with(|case| case.state = Failed, Relink), Some(Why::IsUndo), None),
            (with(|case| case.state = Absent, RecreateTags), Some(Why::IsUndo), None),
        ];
        for (case, why, until) in cases {
            let undo = Undo::rule(&case, at(20));
            assert_eq!(undo.map(|undo| undo.why), why, "{case:?}");
            assert_eq!(undo.and_then(|undo| undo.until), until.map(at), "{case:?}");
        }
    }

    #[test]
    fn what_an_attempt_found_last_counts() {
        use Operation::{Delete, Unlink};
        let failed = |operation, failure| {
            let by = Some((EntryId::new(9), EntryState::Failed));
            let case = Case { by, failure: Some(failure), ..done(operation) };
            let undo = Undo::rule(&case, at(20)).unwrap();
            (undo.why, undo.by.map(EntryId::get), undo.until)
        };
        assert_eq!(failed(Delete, Failure::Gone), (Why::Purged, Some(9), None));
        assert_eq!(failed(Unlink, Failure::Gone), (Why::NoHolder, Some(9), None));
        assert_eq!(
            failed(Delete, Failure::WithoutParent),
            (Why::NeedsParent, Some(9), Some(at(70)))
        );
        assert_eq!(failed(Delete, Failure::Other), (Why::InBin, None, Some(at(70))));
    }

    #[test]
    fn what_has_parts_is_undone_only_once_all_of_them_are_back() {
        use EntryState::{Absent, Cancelled, Done, Failed, Pending};
        let rule = |operation, by: Option<EntryState>, seen, (back, under_way, left)| {
            let by = by.map(|state| (EntryId::new(9), state));
            let parts = Some(Parts { back, under_way, left });
            let case = Case { by, parts, seen, ..done(operation) };
            let undo = Undo::rule(&case, at(20)).unwrap();
            (undo.state, undo.why)
        };
        let tags = |by, seen, parts| rule(Operation::DeleteTags, by, seen, parts);
        let partial = |why| (UndoState::Partial, why);
        let undone = |why| (UndoState::Undone, why);
        let back = Some(Found::Back);
        for by in [None, Some(Failed), Some(Cancelled)] {
            assert_eq!(tags(by, None, (0, 0, 3)), partial(Why::NewIdOnRecords), "{by:?}");
            assert_eq!(tags(by, None, (0, 0, 0)), partial(Why::NewIdOnRecords), "{by:?}");
            assert_eq!(tags(by, back, (0, 0, 3)), partial(Why::PartLeft), "{by:?}");
            assert_eq!(tags(by, back, (3, 0, 0)), undone(Why::BackAlready), "{by:?}");
            assert_eq!(tags(by, None, (0, 3, 0)), partial(Why::PartLeft), "{by:?}");
        }
        assert_eq!(tags(Some(Done), None, (3, 0, 0)), undone(Why::BroughtBack));
        assert_eq!(tags(Some(Done), None, (0, 0, 0)), undone(Why::BroughtBack));
        assert_eq!(tags(Some(Absent), None, (3, 0, 0)), undone(Why::BackAlready));
        assert_eq!(tags(Some(Done), None, (2, 0, 1)), partial(Why::PartLeft));
        assert_eq!(tags(Some(Done), None, (2, 1, 0)), partial(Why::UnderWay));
        assert_eq!(tags(Some(Done), None, (1, 1, 1)), partial(Why::PartLeft));
        assert_eq!(tags(Some(Pending), None, (0, 3, 0)), partial(Why::UnderWay));
        assert_eq!(tags(Some(Pending), None, (0, 0, 3)), partial(Why::PartLeft));
        // Of two tags of a record one is back.
        let left = (UndoState::Possible, Why::PartLeft);
        assert_eq!(rule(Operation::Untag, None, None, (1, 0, 1)), left);
        assert_eq!(rule(Operation::Untag, Some(Failed), None, (1, 0, 1)), left);
    }

    #[test]
    fn what_is_under_way_keeps_its_state() {
        let under_way = |operation| {
            let by = Some((EntryId::new(9), EntryState::Pending));
            Undo::rule(&Case { by, ..done(operation) }, at(20)).unwrap()
        };
        assert_eq!(under_way(Operation::Delete).state, UndoState::Possible);
        assert_eq!(under_way(Operation::DeleteTags).state, UndoState::Partial);
        assert_eq!(under_way(Operation::DeleteTags).by, Some(EntryId::new(9)));
    }

    #[test]
    fn reasons_keep_their_names_and_each_has_its_own_text() {
        let names: Vec<&str> = Why::ALL.iter().map(|why| why.wire_name()).collect();
        assert_eq!(
            names.join(" "),
            "in_bin known new_id new_id_on_records part_left needs_parent deleted_again \
             under_way no_bin no_call purged no_snapshot not_read no_holder erased bin_over brought_back \
             back_already was_gone refused withdrawn is_undo"
        );
        let texts: std::collections::BTreeSet<&str> =
            Why::ALL.iter().map(|why| why.text()).collect();
        assert_eq!(texts.len(), Why::ALL.len());
    }
}
