//! What Zoho's codes mean for a deletion: one table, with the source of each row.
//!
//! Zoho's codes are an open set. A code that the table lacks is never taken for a refusal: the entry is
//! read first.

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
    /// The token was refused; nothing was done.
    Unauthorized,
    /// Scope or permission is missing; nothing was done.
    Forbidden,
}

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// Zoho's code.
    pub code: &'static str,
    /// Whom it speaks of.
    pub level: Level,
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
const OAS_RECORD: &str = "OAS record.json, codes of record responses";
const TOKEN_PAGE: &str = "CRM v8 token validity page";

const fn item(
    code: &'static str,
    meaning: Meaning,
    may_pass: bool,
    advice: &'static str,
    source: &'static str,
) -> Rule {
    Rule { code, level: Level::Item, meaning, may_pass, advice, source }
}

const fn call(
    code: &'static str,
    meaning: Meaning,
    may_pass: bool,
    advice: &'static str,
    source: &'static str,
) -> Rule {
    Rule { code, level: Level::Call, meaning, may_pass, advice, source }
}

const LOCKED: &str = "the record is locked: wait until image validation or the merge of duplicates is \
                      over, or unlock it, then run journal replay";
const UNAPPROVED: &str = "the record waits for approval in Zoho: have it approved or rejected there, \
                          then run journal replay";
const BLUEPRINT: &str = "the record is in a Blueprint: finish or leave the Blueprint, then run journal \
                         replay";
const INTERNAL: &str = "an error inside Zoho: whether it was done is read afterwards";
const PERMISSION: &str = "the token's user may not do this: give the user's profile the permission, \
                          then run journal replay";
const SCOPE: &str = "the token lacks a scope: sign in again with it, then run journal sync";
const TOKEN: &str =
    "the access token is expired or wrong: provide a new one, then run journal sync";
const MODULE: &str = "no module of this name is open to the API: check its API name under Setup, \
                      Developer Hub, APIs";
const DEFECT: &str = "the request was malformed: please report it with journal show of the batch";
const FORMAT: &str = "Zoho cannot read the id: check it against the source it came from";

/// The table. The order does not matter: code and level are unique together.
pub const RULES: &[Rule] = &[
    item("SUCCESS", Meaning::Done, false, "done", DELETE_PAGE),
    item(
        "INVALID_DATA",
        Meaning::RefusedAsk,
        false,
        "no such record: deleted before, never there, or not visible to the token's user",
        DELETE_PAGE,
    ),
    item("RECORD_LOCKED", Meaning::Refused, true, LOCKED, DELETE_PAGE),
    item("NOT_APPROVED", Meaning::Refused, true, UNAPPROVED, DELETE_PAGE),
    item("RECORD_IN_BLUEPRINT", Meaning::Refused, true, BLUEPRINT, OAS_RECORD),
    item("NO_PERMISSION", Meaning::Refused, true, PERMISSION, DELETE_PAGE),
    item("AUTHORIZATION_FAILED", Meaning::Refused, true, PERMISSION, DELETE_PAGE),
    item(
        "CANNOT_DELETE",
        Meaning::Refused,
        false,
        "Zoho does not allow this record to be deleted",
        OAS_RECORD,
    ),
    item("UNABLE_TO_PARSE_DATA_TYPE", Meaning::Refused, false, FORMAT, DELETE_PAGE),
    item("REQUIRED_PARAM_MISSING", Meaning::Refused, false, DEFECT, DELETE_PAGE),
    item("INTERNAL_ERROR", Meaning::Open, true, INTERNAL, DELETE_PAGE),
    item("INTERNAL_SERVER_ERROR", Meaning::Open, true, INTERNAL, OAS_RECORD),
    call("INVALID_DATA", Meaning::Culprit, false, FORMAT, DELETE_PAGE),
    call("UNABLE_TO_PARSE_DATA_TYPE", Meaning::Culprit, false, FORMAT, DELETE_PAGE),
    call("RECORD_LOCKED", Meaning::Culprit, true, LOCKED, DELETE_PAGE),
    call("NOT_APPROVED", Meaning::Culprit, true, UNAPPROVED, DELETE_PAGE),
    call("RECORD_IN_BLUEPRINT", Meaning::Culprit, true, BLUEPRINT, OAS_RECORD),
    call(
        "LIMIT_EXCEEDED",
        Meaning::Culprit,
        false,
        "more items than one call may carry; the batch is halved",
        "OAS yaml deleteRelatedRecords, error samples",
    ),
    call("INVALID_MODULE", Meaning::Refused, false, MODULE, DELETE_PAGE),
    call("INVALID_URL_PATTERN", Meaning::Refused, false, MODULE, DELETE_PAGE),
    call("INVALID_REQUEST_METHOD", Meaning::Refused, false, DEFECT, DELETE_PAGE),
    call("REQUIRED_PARAM_MISSING", Meaning::Refused, false, DEFECT, DELETE_PAGE),
    call("MANDATORY_NOT_FOUND", Meaning::Refused, false, DEFECT, OAS_RECORD),
    call(
        "NOT_SUPPORTED",
        Meaning::Refused,
        false,
        "Zoho does not offer this for the module",
        OAS_RECORD,
    ),
    call(
        "FEATURE_NOT_SUPPORTED",
        Meaning::Refused,
        false,
        "the org's edition does not offer this",
        OAS_RECORD,
    ),
    call("OAUTH_SCOPE_MISMATCH", Meaning::Forbidden, true, SCOPE, DELETE_PAGE),
    call("NO_PERMISSION", Meaning::Forbidden, true, PERMISSION, DELETE_PAGE),
    call("AUTHORIZATION_FAILED", Meaning::Forbidden, true, PERMISSION, DELETE_PAGE),
    call("INVALID_TOKEN", Meaning::Unauthorized, true, TOKEN, TOKEN_PAGE),
    call("AUTHENTICATION_FAILURE", Meaning::Unauthorized, true, TOKEN, TOKEN_PAGE),
    call("INVALID_OAUTHTOKEN", Meaning::Unauthorized, true, TOKEN, TOKEN_PAGE),
    call(
        "TOO_MANY_REQUESTS",
        Meaning::Throttled,
        true,
        "too many calls, or the day's credits are used up: wait, then run journal sync",
        "CRM v8 API limits page",
    ),
    call("INTERNAL_ERROR", Meaning::Open, true, INTERNAL, DELETE_PAGE),
    call("INTERNAL_SERVER_ERROR", Meaning::Open, true, INTERNAL, OAS_RECORD),
];

/// Whether a text is a code at all. Codes stand in the log, which is never erased: what a proxy or a broken
/// answer puts in a code's place may name anybody, and is kept in the stored answer only.
pub fn is_code(text: &str) -> bool {
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    plain && (1..=64).contains(&text.len())
}

/// The row for a code, if the table has one. The older answer to throttling gives the number 429 as
/// its code.
pub fn rule(level: Level, code: &str) -> Option<&'static Rule> {
    let code = if code == "429" { "TOO_MANY_REQUESTS" } else { code };
    RULES.iter().find(|rule| rule.level == level && rule.code == code)
}

/// What follows from a code; [`Meaning::Open`] for one that nobody has seen yet.
pub fn meaning(level: Level, code: &str) -> Meaning {
    rule(level, code).map_or(Meaning::Open, |rule| rule.meaning)
}

/// Whether a refused entry with this code may be sent again by a replay.
pub fn may_pass(code: &str) -> bool {
    RULES.iter().any(|rule| rule.code == code && rule.may_pass)
}

/// What a code means for a person, and what to do; `None` for a code that nobody has seen yet.
pub fn advice(code: &str) -> Option<&'static str> {
    rule(Level::Item, code).or_else(|| rule(Level::Call, code)).map(|rule| rule.advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_stands_once_a_level() {
        for (position, rule) in RULES.iter().enumerate() {
            let again = RULES[position + 1..]
                .iter()
                .any(|other| (other.code, other.level) == (rule.code, rule.level));
            assert!(!again, "{} twice", rule.code);
            assert!(!rule.advice.is_empty() && !rule.source.is_empty());
        }
    }

    /// The codes of the Delete Records page, one by one.
    #[test]
    fn every_error_of_the_delete_page_has_a_row() {
        let page = [
            "INVALID_DATA",
            "UNABLE_TO_PARSE_DATA_TYPE",
            "INVALID_MODULE",
            "INVALID_URL_PATTERN",
            "OAUTH_SCOPE_MISMATCH",
            "NO_PERMISSION",
            "INTERNAL_ERROR",
            "INVALID_REQUEST_METHOD",
            "AUTHORIZATION_FAILED",
            "REQUIRED_PARAM_MISSING",
            "RECORD_LOCKED",
            "NOT_APPROVED",
        ];
        for code in page {
            assert!(advice(code).is_some(), "{code}");
        }
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
        assert_eq!(meaning(Level::Item, "SOMETHING_NEW"), Meaning::Open);
        assert_eq!(meaning(Level::Call, "SOMETHING_NEW"), Meaning::Open);
        assert!(!may_pass("SOMETHING_NEW"));
    }
}
