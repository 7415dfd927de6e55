//! What Zoho's codes mean: one table, with the source of each row.
//!
//! Zoho's codes are an open set. A code that the table lacks is never taken for a refusal: the entry is
//! read first.

use crate::domain::answer::Verdict;
use crate::domain::scope::Operation;

/// Whom a code speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// One item of an answer.
    Item,
    /// The call as a whole.
    Call,
}

/// What follows from a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// Zoho did it.
    Done,
    /// Zoho accepted a job that will do it.
    Accepted,
    /// Zoho did not do it and said why.
    Refused,
    /// Zoho did not do it, and the code does not tell whether the thing was there: reading must.
    RefusedAsk,
    /// It may have been done or not: reading must tell.
    Open,
    /// One item made Zoho refuse the whole call; nothing was done.
    Culprit,
    /// Too many calls; nothing was done.
    Throttled,
    /// Another job is under way; nothing was done.
    Busy,
    /// The token was refused; nothing was done.
    Unauthorized,
    /// Scope or permission is missing; nothing was done.
    Forbidden,
}

/// What else an answer must say for a row to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Nothing.
    Always,
    /// `details.resource_path_index` names this part of the path.
    Path(u64),
    /// `details.json_path` begins so, or `details.api_name` is its last part.
    At(&'static str),
    /// `details` name no part of the call: the record that the path names is meant.
    Nowhere,
}

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// Zoho's code.
    pub code: &'static str,
    /// Whom it speaks of.
    pub level: Level,
    /// The operations it holds for.
    pub operations: &'static [Operation],
    /// What else the answer must say.
    pub when: When,
    /// What follows.
    pub meaning: Meaning,
    /// Whether the refusal may pass by itself or by somebody's hand, so that a replay may send again.
    pub may_pass: bool,
    /// What it means and what to do, for the person who reads it.
    pub advice: &'static str,
    /// Where it is written.
    pub source: &'static str,
}

const DELETE_PAGE: &str = "CRM v2 Delete Records page, Possible Errors";
const UNLINK_PAGE: &str = "CRM v7 Delink Records page, Possible Errors";
const JOB_PAGE: &str = "CRM v8 Mass Delete Tags page, Possible Errors";
const OAS_RECORD: &str = "OAS record.json, codes of record responses";
const OAS_TAGS: &str = "OAS tags.json, codes of tag responses";
const OAS_RELATED: &str = "OAS related_records.json, codes of related record responses";
const RESTORE_PAGE: &str = "CRM v8 Restore Recycle Bin Records page, Possible Errors";
const ADD_TAGS_PAGE: &str = "CRM v7 Add Tags page, Possible Errors";
const RELATED_PAGE: &str = "CRM v7 Update Related Records page, Possible Errors";
const CREATE_TAGS_PAGE: &str = "CRM v7 Create Tags page, Possible Errors";
const TOKEN_PAGE: &str = "CRM v8 token validity page";

use Operation::{Delete, DeleteTags, RecreateTags, Relink, Restore, Retag, Unlink, Untag};
const ALL: &[Operation] = Operation::ALL;

const LOCKED: &str = "the record is locked: wait until image validation or the merge of duplicates is \
                      over, or unlock it, then run journal replay";
const UNAPPROVED: &str = "the record waits for approval in Zoho: have it approved or rejected there, \
                          then run journal replay";
const BLUEPRINT: &str = "the record is in a Blueprint: finish or leave the Blueprint, then run journal \
                         replay";
const NOT_IN_BIN: &str = "it does not lie in the recycle bin: restored already, purged, or not visible to the \
                         token's user";
const NO_PARENT: &str = "it went into the recycle bin before or with another record that it belongs to, which lies \
                         there still: bring that one back first, then run journal replay";
const TAGS_FULL: &str = "the record has as many tags as Zoho allows (10 on most pages), or the module has: take one \
                         away, then run journal replay";
const INTERNAL: &str = "an error inside Zoho: whether it was done is read afterwards; if it comes again \
                        and again, ask Zoho's support";
const PERMISSION: &str = "the token's user may not do this: give the user's profile the permission, \
                          then run journal replay";
const SCOPE: &str = "the token lacks a scope: sign in again with it, then run journal sync";
const TOKEN: &str =
    "the access token is expired or wrong: provide a new one, then run journal sync";
const MODULE: &str = "no module of this name is open to the API, or the user may not see it: check its \
                      API name under Setup, Developer Hub, APIs";
const URL: &str = "Zoho does not know this call: check module name, API version and product";
const DEFECT: &str = "the request was malformed: please report it with journal show of the batch";
const FORMAT: &str = "Zoho cannot read the id: check it against the source it came from";
const TOO_MANY: &str = "more items than one call may carry; the batch is halved";
const IN_USE: &str = "the tag is used by automation such as a workflow rule or a Blueprint: take it out \
                      there, then run journal replay";
const NO_TAG: &str = "no such tag in the module: deleted before, never there, or the id is another \
                      module's";
const RELATION: &str = "no related list of this name at the module: see Setup, Developer Hub, APIs, or ask \
                        settings/related_lists";
const NOT_RELATED: &str =
    "not in the related list: taken out before, never in it, or no such record";

const fn row(
    level: Level,
    code: &'static str,
    operations: &'static [Operation],
    meaning: Meaning,
    advice: &'static str,
    source: &'static str,
) -> Rule {
    let (when, may_pass) = (When::Always, false);
    Rule { code, level, operations, when, meaning, may_pass, advice, source }
}

const fn item(
    code: &'static str,
    operations: &'static [Operation],
    meaning: Meaning,
    advice: &'static str,
    source: &'static str,
) -> Rule {
    row(Level::Item, code, operations, meaning, advice, source)
}

const fn call(
    code: &'static str,
    operations: &'static [Operation],
    meaning: Meaning,
    advice: &'static str,
    source: &'static str,
) -> Rule {
    row(Level::Call, code, operations, meaning, advice, source)
}

impl Rule {
    const fn passes(mut self) -> Self {
        self.may_pass = true;
        self
    }

    const fn when(mut self, when: When) -> Self {
        self.when = when;
        self
    }
}

use Meaning::{
    Accepted, Busy, Culprit, Done, Forbidden, Open, Refused, RefusedAsk, Throttled, Unauthorized,
};

/// The table. The first row that fits counts: of one code, those that ask for more stand first.
#[rustfmt::skip]
pub const RULES: &[Rule] = &[
    // Items. -------------------------------------------------------------------------------------------
    item("SUCCESS", ALL, Done, "done", DELETE_PAGE),
    item("INVALID_DATA", &[Delete], RefusedAsk, "no such record: deleted before, never there, or not visible to the token's user", DELETE_PAGE),
    item("INVALID_DATA", &[Untag], RefusedAsk, "no such record: deleted, never there, or not visible to the token's user", OAS_TAGS),
    item("INVALID_DATA", &[Unlink], RefusedAsk, NOT_RELATED, UNLINK_PAGE),
    item("INVALID_DATA", &[DeleteTags], RefusedAsk, NO_TAG, OAS_TAGS),
    item("INVALID_DATA", &[Restore], RefusedAsk, NOT_IN_BIN, RESTORE_PAGE),
    item("INVALID_DATA", &[Retag], RefusedAsk, "no such record: deleted, never there, or not visible to the token's user", ADD_TAGS_PAGE),
    item("INVALID_DATA", &[Relink], RefusedAsk, "one of the two records is not there, or is not visible to the token's user", RELATED_PAGE),
    item("INVALID_DATA", &[RecreateTags], Refused, "Zoho does not take the tag's name or colour", CREATE_TAGS_PAGE),
    item("CANNOT_RESTORE_WITHOUT_PARENT", &[Restore], RefusedAsk, NO_PARENT, "OAS recycle_bin.json, codes of its responses").passes(),
    // Above 1,000 records with all that belongs to them, and without a job's id.
    item("SCHEDULED", &[Restore], Accepted, "Zoho restores it on its own time: journal sync reads whether it is back", RESTORE_PAGE),
    item("DUPLICATE_DATA", &[RecreateTags], RefusedAsk, "a tag of this name is there already", CREATE_TAGS_PAGE),
    item("LIMIT_EXCEEDED", &[Retag, RecreateTags], Refused, TAGS_FULL, CREATE_TAGS_PAGE).passes(),
    item("LICENSE_LIMIT_EXCEEDED", &[RecreateTags], Refused, TAGS_FULL, CREATE_TAGS_PAGE).passes(),
    item("MAPPING_MISMATCH", &[Retag], Refused, "Zoho has a tag of this name with another id or colour", ADD_TAGS_PAGE),
    item("MANDATORY_NOT_FOUND", &[Relink], Refused, "Zoho wants a field of the relation that the journal does not know: link the records by hand", RELATED_PAGE),
    item("RECORD_LOCKED", ALL, Refused, LOCKED, DELETE_PAGE).passes(),
    item("NOT_APPROVED", ALL, Refused, UNAPPROVED, DELETE_PAGE).passes(),
    item("RECORD_IN_BLUEPRINT", ALL, Refused, BLUEPRINT, OAS_RECORD).passes(),
    item("NO_PERMISSION", ALL, Refused, PERMISSION, DELETE_PAGE).passes(),
    item("AUTHORIZATION_FAILED", ALL, Refused, PERMISSION, DELETE_PAGE).passes(),
    item("FAILURE", &[Untag, Retag], Refused, PERMISSION, "OAS YAML, error samples of the tag actions").passes(),
    item("NOT_ALLOWED", &[DeleteTags], Refused, IN_USE, OAS_TAGS).passes(),
    item("NOT_ALLOWED", &[Untag], Refused, "Zoho does not allow this tag to be removed: it is used by automation, see the answer for where", OAS_TAGS).passes(),
    item("CANNOT_DELETE", ALL, Refused, "Zoho does not allow this item to be deleted", OAS_RECORD),
    item("CANNOT_BE_UPDATED", &[Unlink, Relink], Refused, "Zoho does not allow this relation to be changed", OAS_RELATED),
    item("CANNOT_PERFORM_ACTION", ALL, Refused, "Zoho does not allow this for the record as it is", OAS_RECORD).passes(),
    item("CONVERTED_RECORD", ALL, Refused, "the lead was converted: its contact, account and deal are what there is now", OAS_RECORD),
    item("UNABLE_TO_PARSE_DATA_TYPE", ALL, Refused, FORMAT, DELETE_PAGE),
    item("REQUIRED_PARAM_MISSING", ALL, Refused, DEFECT, DELETE_PAGE),
    item("INTERNAL_ERROR", ALL, Open, INTERNAL, DELETE_PAGE).passes(),
    item("INTERNAL_SERVER_ERROR", ALL, Open, INTERNAL, OAS_RECORD).passes(),
    item("FAILED", &[DeleteTags], Refused, "Zoho's job ended without deleting this tag: run journal replay to send it again", "CRM v7 Mass Delete Tags Status page").passes(),

    // Whole calls: what an item did. ---------------------------------------------------------------------
    call("INVALID_DATA", &[Delete], Culprit, FORMAT, DELETE_PAGE),
    call("INVALID_DATA", &[Untag], Refused, "Zoho does not take these tags: check their names, and record one request a tag if it takes one at a time", OAS_TAGS).when(When::At("$.tags")),
    call("INVALID_DATA", &[Untag], Culprit, FORMAT, OAS_TAGS),
    call("INVALID_DATA", &[Unlink], Refused, RELATION, UNLINK_PAGE).when(When::Path(2)),
    call("INVALID_DATA", &[Unlink], Culprit, NOT_RELATED, UNLINK_PAGE).when(When::Path(1)),
    call("INVALID_DATA", &[Unlink], RefusedAsk, "the record whose list it is cannot be found: deleted, never there, or not visible", "OAS YAML, deleteRelatedRecords: the record does not exist").when(When::Nowhere),
    call("INVALID_DATA", &[Unlink], RefusedAsk, "the record whose list it is cannot be found: deleted, never there, or not visible", UNLINK_PAGE).when(When::Path(0)),
    call("INVALID_DATA", &[Unlink], Culprit, NOT_RELATED, UNLINK_PAGE),
    call("INVALID_DATA", &[DeleteTags], Refused, "Zoho does not take the module's id: record the request again, which reads it anew", JOB_PAGE).when(When::At("$.mass_delete[0].module")),
    call("INVALID_DATA", &[DeleteTags], Culprit, NO_TAG, JOB_PAGE),
    call("UNABLE_TO_PARSE_DATA_TYPE", ALL, Culprit, FORMAT, DELETE_PAGE),
    call("RECORD_LOCKED", ALL, Culprit, LOCKED, DELETE_PAGE).passes(),
    call("NOT_APPROVED", ALL, Culprit, UNAPPROVED, DELETE_PAGE).passes(),
    call("RECORD_IN_BLUEPRINT", ALL, Culprit, BLUEPRINT, OAS_RECORD).passes(),
    call("NOT_ALLOWED", &[DeleteTags], Culprit, IN_USE, JOB_PAGE).passes(),
    call("NOT_ALLOWED", &[Untag], Refused, "Zoho does not allow this tag to be removed: it is used by automation, see the answer for where", OAS_TAGS).passes(),
    call("INVALID_DATA", &[Restore], Culprit, NOT_IN_BIN, RESTORE_PAGE),
    call("INVALID_DATA", &[Retag], Refused, "Zoho does not take these tags: check their names", ADD_TAGS_PAGE).when(When::At("$.tags")),
    call("INVALID_DATA", &[Retag], Culprit, FORMAT, ADD_TAGS_PAGE),
    call("INVALID_DATA", &[Relink], Refused, RELATION, RELATED_PAGE).when(When::Path(2)),
    call("INVALID_DATA", &[Relink], RefusedAsk, "the record whose list it is cannot be found: deleted, never there, or not visible", RELATED_PAGE).when(When::Nowhere),
    call("INVALID_DATA", &[Relink], RefusedAsk, "the record whose list it is cannot be found: deleted, never there, or not visible", RELATED_PAGE).when(When::Path(0)),
    call("INVALID_DATA", &[Relink], Culprit, NOT_RELATED, RELATED_PAGE),
    call("INVALID_DATA", &[RecreateTags], Refused, "Zoho does not take the tag's name or colour", CREATE_TAGS_PAGE),
    call("CANNOT_RESTORE_WITHOUT_PARENT", &[Restore], Culprit, NO_PARENT, "OAS recycle_bin.json, codes of its responses").passes(),
    call("SCHEDULED", &[Restore], Accepted, "Zoho restores it on its own time: journal sync reads whether it is back", RESTORE_PAGE),
    call("DUPLICATE_DATA", &[RecreateTags], Culprit, "a tag of this name is there already", CREATE_TAGS_PAGE),
    call("LIMIT_EXCEEDED", &[Retag, RecreateTags], Culprit, TAGS_FULL, CREATE_TAGS_PAGE).passes(),
    call("LICENSE_LIMIT_EXCEEDED", &[RecreateTags], Culprit, TAGS_FULL, CREATE_TAGS_PAGE).passes(),
    call("MAPPING_MISMATCH", &[Retag], Refused, "Zoho has a tag of this name with another id or colour", ADD_TAGS_PAGE),
    call("MANDATORY_NOT_FOUND", &[Relink], Culprit, "Zoho wants a field of the relation that the journal does not know: link the records by hand", RELATED_PAGE),
    call("LIMIT_EXCEEDED", ALL, Culprit, TOO_MANY, "OAS YAML deleteRelatedRecords, error samples"),

    // Whole calls: what they asked for. ------------------------------------------------------------------
    call("INVALID_MODULE", ALL, Refused, MODULE, DELETE_PAGE),
    call("INVALID_URL_PATTERN", ALL, Refused, URL, DELETE_PAGE),
    call("INVALID_REQUEST_METHOD", ALL, Refused, DEFECT, DELETE_PAGE),
    call("REQUIRED_PARAM_MISSING", ALL, Refused, DEFECT, DELETE_PAGE),
    call("MANDATORY_NOT_FOUND", ALL, Refused, DEFECT, JOB_PAGE),
    call("EXPECTED_FIELD_MISSING", ALL, Refused, DEFECT, OAS_TAGS),
    call("AMBIGUITY_DURING_PROCESSING", ALL, Refused, "the module's id and API name do not belong together any more: record the request again", JOB_PAGE),
    call("NOT_SUPPORTED", &[Unlink, Relink], Refused, RELATION, OAS_RELATED),
    call("NOT_SUPPORTED", ALL, Refused, "Zoho does not offer this for the module", OAS_RECORD),
    call("FEATURE_NOT_SUPPORTED", ALL, Refused, "this org's edition of Zoho does not offer it", OAS_RECORD),
    call("FAILURE", &[Untag, Retag], Refused, PERMISSION, "OAS YAML, error samples of the tag actions").passes(),
    call("OAUTH_SCOPE_MISMATCH", ALL, Forbidden, SCOPE, DELETE_PAGE).passes(),
    call("NO_PERMISSION", ALL, Forbidden, PERMISSION, DELETE_PAGE).passes(),
    call("AUTHORIZATION_FAILED", ALL, Forbidden, PERMISSION, DELETE_PAGE).passes(),
    call("INVALID_TOKEN", ALL, Unauthorized, TOKEN, TOKEN_PAGE).passes(),
    call("AUTHENTICATION_FAILURE", ALL, Unauthorized, TOKEN, TOKEN_PAGE).passes(),
    call("INVALID_OAUTHTOKEN", ALL, Unauthorized, TOKEN, TOKEN_PAGE).passes(),
    call("TOO_MANY_REQUESTS", ALL, Throttled, "too many calls, or the day's credits are used up: wait, then run journal sync", "CRM v8 API limits page").passes(),
    call("INTERNAL_ERROR", ALL, Open, INTERNAL, DELETE_PAGE).passes(),
    call("INTERNAL_SERVER_ERROR", ALL, Open, INTERNAL, OAS_RECORD).passes(),

    // Jobs. ----------------------------------------------------------------------------------------------
    call("SCHEDULED", &[DeleteTags], Accepted, "Zoho accepted a job: journal sync asks how it goes", JOB_PAGE),
    call("QUEUED", &[DeleteTags], Accepted, "Zoho accepted a job: journal sync asks how it goes", JOB_PAGE),
    call("RUNNING", &[DeleteTags], Accepted, "Zoho's job is running: journal sync asks how it goes", JOB_PAGE),
    call("COMPLETED", &[DeleteTags], Accepted, "Zoho's job is over: journal sync reads what became of each tag", JOB_PAGE),
    call("FAILED", &[DeleteTags], Accepted, "Zoho's job failed: journal sync reads what became of each tag", JOB_PAGE),
    call("ALREADY_SCHEDULED", &[DeleteTags], Busy, "another job of this kind is under way, and Zoho takes one at a time: run journal sync later", "CRM v7 Mass Delete Records page").passes(),
];

/// Whether a text is a code at all. Codes stand in the log, which is never erased: what a proxy or a broken
/// answer puts in a code's place may name anybody, and is kept in the stored answer only.
pub fn is_code(text: &str) -> bool {
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    plain && (1..=64).contains(&text.len())
}

/// The older answer to throttling gives the number 429 as its code.
fn named(code: &str) -> &str {
    if code == "429" { "TOO_MANY_REQUESTS" } else { code }
}

impl When {
    fn holds(self, verdict: &Verdict) -> bool {
        match self {
            Self::Always => true,
            Self::Path(index) => verdict.resource_path_index == Some(index),
            Self::At(path) => {
                let at = |path: &str, given: &str| {
                    given.strip_prefix(path).is_some_and(|rest| {
                        rest.is_empty() || rest.starts_with('[') || rest.starts_with('.')
                    })
                };
                verdict.json_path.as_deref().is_some_and(|given| at(path, given))
                    || verdict.api_name.as_deref() == path.strip_prefix("$.")
            }
            Self::Nowhere => {
                verdict.resource_path_index.is_none()
                    && verdict.json_path.is_none()
                    && verdict.id.is_none()
            }
        }
    }
}

/// The row for what an answer says, if the table has one.
pub fn rule(operation: Operation, level: Level, verdict: &Verdict) -> Option<&'static Rule> {
    let code = named(&verdict.code);
    RULES.iter().find(|rule| {
        rule.level == level
            && rule.code == code
            && rule.operations.contains(&operation)
            && rule.when.holds(verdict)
    })
}

/// What follows from what an answer says; [`Meaning::Open`] for a code that nobody has seen yet.
pub fn meaning(operation: Operation, level: Level, verdict: &Verdict) -> Meaning {
    rule(operation, level, verdict).map_or(Meaning::Open, |rule| rule.meaning)
}

/// Whether an item's code says that nothing was done and does not say whether the thing was there.
pub fn asks(operation: Operation, code: &str) -> bool {
    RULES.iter().any(|rule| {
        rule.code == code
            && rule.operations.contains(&operation)
            && rule.meaning == Meaning::RefusedAsk
    })
}

/// Whether a code is no word about the things of the call: an error of Zoho's own, or a job that it accepted. Where
/// nothing was done after all, the same call may pass.
pub fn is_zohos_own(code: &str) -> bool {
    RULES
        .iter()
        .any(|rule| rule.code == code && matches!(rule.meaning, Meaning::Open | Meaning::Accepted))
}

/// Whether an item's code leaves open whether anything was done.
pub fn is_open(operation: Operation, code: &str) -> bool {
    let verdict = Verdict { code: code.to_owned(), ..Verdict::default() };
    meaning(operation, Level::Item, &verdict) == Meaning::Open
}

/// Whether a refused entry with this code may be sent again by a replay.
pub fn may_pass(code: &str) -> bool {
    RULES.iter().any(|rule| rule.code == code && rule.may_pass)
}

/// What a code means for a person, and what to do; `None` for a code that nobody has seen yet.
pub fn advice(operation: Operation, code: &str) -> Option<&'static str> {
    let code = named(code);
    let of = |level: Level| {
        RULES.iter().find(|rule| {
            rule.level == level && rule.code == code && rule.operations.contains(&operation)
        })
    };
    of(Level::Item).or_else(|| of(Level::Call)).map(|rule| rule.advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(code: &str) -> Verdict {
        Verdict { code: code.to_owned(), ..Verdict::default() }
    }

    #[test]
    fn no_row_hides_another() {
        for (position, rule) in RULES.iter().enumerate() {
            for later in &RULES[position + 1..] {
                let same = (later.code, later.level) == (rule.code, rule.level);
                let both = later.operations.iter().all(|one| rule.operations.contains(one));
                let wider = rule.when == When::Always || rule.when == later.when;
                assert!(!(same && both && wider), "{} stands below itself", rule.code);
            }
            assert!(!rule.advice.is_empty() && !rule.source.is_empty());
        }
    }

    /// The codes of the pages' lists of errors, one by one.
    #[test]
    fn every_error_of_the_pages_has_a_row_with_advice() {
        let common = [
            "INVALID_MODULE",
            "INVALID_URL_PATTERN",
            "OAUTH_SCOPE_MISMATCH",
            "NO_PERMISSION",
            "INTERNAL_ERROR",
            "INVALID_REQUEST_METHOD",
            "AUTHORIZATION_FAILED",
            "AUTHENTICATION_FAILURE",
            "TOO_MANY_REQUESTS",
            "LIMIT_EXCEEDED",
            "MANDATORY_NOT_FOUND",
            "REQUIRED_PARAM_MISSING",
        ];
        let pages: [(Operation, &[&str]); 4] = [
            (
                Operation::Delete,
                &["INVALID_DATA", "UNABLE_TO_PARSE_DATA_TYPE", "RECORD_LOCKED", "NOT_APPROVED"],
            ),
            (Operation::Untag, &["INVALID_DATA", "RECORD_LOCKED", "NOT_ALLOWED", "FAILURE"]),
            (Operation::Unlink, &["INVALID_DATA", "UNABLE_TO_PARSE_DATA_TYPE", "NOT_SUPPORTED"]),
            (
                Operation::DeleteTags,
                &[
                    "INVALID_DATA",
                    "NOT_ALLOWED",
                    "AMBIGUITY_DURING_PROCESSING",
                    "EXPECTED_FIELD_MISSING",
                    "SCHEDULED",
                    "QUEUED",
                    "RUNNING",
                    "COMPLETED",
                    "FAILED",
                    "ALREADY_SCHEDULED",
                ],
            ),
        ];
        for (operation, own) in pages {
            for code in common.iter().chain(own) {
                assert!(advice(operation, code).is_some(), "{operation}: {code}");
            }
        }
    }

    #[test]
    fn invalid_data_means_what_the_details_say() {
        let path = |index| Verdict { resource_path_index: Some(index), ..verdict("INVALID_DATA") };
        let of = |operation, verdict: &Verdict| meaning(operation, Level::Call, verdict);
        assert_eq!(of(Operation::Unlink, &path(2)), Meaning::Refused);
        assert_eq!(of(Operation::Unlink, &path(1)), Meaning::Culprit);
        assert_eq!(of(Operation::Unlink, &verdict("INVALID_DATA")), Meaning::RefusedAsk);
        assert_eq!(of(Operation::Delete, &path(1)), Meaning::Culprit);
        let at =
            |text: &str| Verdict { json_path: Some(text.to_owned()), ..verdict("INVALID_DATA") };
        assert_eq!(of(Operation::Untag, &at("$.tags")), Meaning::Refused);
        assert_eq!(of(Operation::Untag, &at("$.tags[0].name")), Meaning::Refused);
        assert_eq!(of(Operation::Untag, &at("$.tagsets")), Meaning::Culprit);
        assert_eq!(of(Operation::Untag, &at("$.ids[3]")), Meaning::Culprit);
        assert_eq!(of(Operation::DeleteTags, &at("$.mass_delete[0].tags[2].id")), Meaning::Culprit);
    }

    #[test]
    fn what_stands_in_a_codes_place_and_is_none_is_told() {
        assert!(is_code("RECORD_LOCKED") && is_code("429") && is_code("invalid_code"));
        for text in ["", "user ann@example.org is blocked", "A-B", "Ü", &"A".repeat(65)] {
            assert!(!is_code(text), "{text}");
        }
    }

    #[test]
    fn a_code_nobody_has_seen_is_read_and_never_taken_for_a_refusal() {
        for operation in Operation::ALL {
            for level in [Level::Item, Level::Call] {
                assert_eq!(meaning(*operation, level, &verdict("SOMETHING_NEW")), Meaning::Open);
            }
            assert_eq!(advice(*operation, "SOMETHING_NEW"), None);
        }
        assert!(!may_pass("SOMETHING_NEW"));
    }
}
