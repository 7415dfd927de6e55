//! Reads: each subject writes its path and takes ids, times and types out of the answer, nothing else.
//!
//! **Invariant:** "nothing there" is only concluded from an answer that says so completely. What is
//! cut, is no JSON, answers about other ids than asked for or has further pages is unusable instead,
//! since evidence drawn from it would settle entries wrongly.

pub(super) mod bin;
pub(super) mod deleted;
pub(super) mod identity;
pub(super) mod job;
pub(super) mod module;
pub(super) mod records;
pub(super) mod related;
pub(super) mod tags;
#[cfg(test)]
mod tests;
pub(super) mod whole;

pub use self::records::{PageAt, RecordPage};

use std::collections::HashSet;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::domain::answer::{ParsedAnswer, Read, ReadError, Verdict};
use crate::domain::calls;
use crate::domain::id::{ModuleName, RecordId};
use crate::domain::target::{ApiVersion, Product};
use crate::zoho::answer::{call_verdict, parse_body};
use crate::zoho::headers::Told;
use crate::zoho::wire::{Elements, boolean, object, record_id, text};

/// How many ids one read names at most. The recycle bin's limit for its other call by ids is 100 (CRM v8
/// Delete Recycle Bin Records page); of records no page states one, and 100 is what deleting takes.
pub(super) const MAX_IDS: usize = 100;

/// How many rows a page holds at most (CRM v7 Get Deleted Records and Get Recycle Bin pages).
pub(super) const PER_PAGE: usize = 200;

/// The answer to a read, as it came.
#[derive(Debug)]
pub(super) struct Fetched {
    pub(super) http_status: u16,
    pub(super) body: Vec<u8>,
    pub(super) cut: bool,
    pub(super) told: Told,
}

/// What an answer is, before its rows are looked at.
#[derive(Debug)]
pub(super) enum Content<'a> {
    /// It says that there is nothing: 204, 304, `NO_CONTENT`.
    Nothing,
    /// Rows, or something else that the subject reads.
    Body(&'a str),
    /// An error that Zoho words.
    Refused(Verdict),
}

/// The top of a list of rows.
#[derive(Debug, Deserialize)]
pub(super) struct Listing<'a> {
    #[serde(borrow)]
    pub(super) data: Option<Elements<'a>>,
    #[serde(borrow)]
    pub(super) recycle_bin: Option<Elements<'a>>,
    #[serde(borrow)]
    pub(super) org: Option<Elements<'a>>,
    #[serde(borrow)]
    pub(super) users: Option<Elements<'a>>,
    #[serde(borrow)]
    pub(super) modules: Option<Elements<'a>>,
    #[serde(borrow)]
    pub(super) tags: Option<Elements<'a>>,
    #[serde(borrow)]
    pub(super) mass_delete: Option<Elements<'a>>,
    #[serde(borrow)]
    info: Option<&'a RawValue>,
}

/// What a list says about its pages.
#[derive(Debug, Deserialize)]
struct Info<'a> {
    #[serde(borrow)]
    more_records: Option<&'a RawValue>,
    #[serde(borrow)]
    next_page_token: Option<&'a RawValue>,
}

/// A user, an org, anything of which only the id is taken.
#[derive(Debug, Deserialize)]
pub(super) struct Named<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
}

/// What was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadOf<'a> {
    /// The recycle bin, asked for these records.
    Bin(&'a [RecordId]),
    /// A page of the list of deletions.
    Deleted,
    /// These records.
    Records(&'a [RecordId]),
    /// A page of a related list, asked for these records.
    Related(&'a [RecordId]),
    /// The tags of a module.
    Tags,
    /// The org.
    Org(Product),
    /// The token's user.
    User,
    /// A module.
    Module(&'a ModuleName),
    /// A job, by its id.
    Job(&'a str),
}

/// The ids that an answer to a read shows: what [`super::Zoho`] makes of it, without the network.
pub fn ids_shown(
    what: ReadOf<'_>,
    http_status: u16,
    body: &[u8],
    cut: bool,
) -> Result<Vec<RecordId>, ReadError> {
    let told = Told { date: None, retry_after: None, credits_remaining: None };
    let fetched = Fetched { http_status, body: body.to_vec(), cut, told };
    Ok(match what {
        ReadOf::Bin(ids) => bin::read(&fetched, ids)?.iter().map(|row| row.id).collect(),
        ReadOf::Deleted => deleted::read(&fetched)?.rows.iter().map(|row| row.id).collect(),
        ReadOf::Records(ids) => {
            records::read(&fetched, ids, true)?.iter().map(|row| row.id).collect()
        }
        ReadOf::Related(ids) => {
            let page = related::read(&fetched, ids)?;
            page.into_iter().flat_map(|page| page.rows).map(|row| row.id).collect()
        }
        ReadOf::Tags => tags::read(&fetched)?.iter().map(|row| row.id).collect(),
        ReadOf::Org(product) => vec![identity::org(&fetched, product)?.id],
        ReadOf::User => vec![identity::user(&fetched)?.id],
        ReadOf::Module(name) => module::read(&fetched, name)?.id.into_iter().collect(),
        ReadOf::Job(job) => job::read(&fetched, job).map(|_| Vec::new())?,
    })
}

impl Fetched {
    /// Reads the answer with a subject's reader and adds what its headers tell.
    pub(super) fn read<T>(
        &self,
        reader: impl FnOnce(&Self) -> Result<T, ReadError>,
    ) -> Result<Read<T>, ReadError> {
        let value = reader(self)?;
        Ok(Read { value, date: self.told.date, credits_remaining: self.told.credits_remaining })
    }

    /// An answer that is no use.
    pub(super) fn unusable(&self, why: impl Into<String>) -> ReadError {
        ReadError::Unusable { http_status: self.http_status, why: why.into() }
    }

    /// Judges the answer as a whole.
    pub(super) fn content(&self) -> Result<Content<'_>, ReadError> {
        let success = (200..300).contains(&self.http_status);
        if self.cut {
            return Err(self.unusable("it was cut short"));
        }
        if self.http_status == 429 {
            return Err(self.throttled());
        }
        if self.body.trim_ascii().is_empty() {
            // An empty 200 may be a body that was cut before its first byte.
            return if matches!(self.http_status, 204 | 304) {
                Ok(Content::Nothing)
            } else {
                Err(self.unusable("it is empty"))
            };
        }
        if let Some(verdict) = call_verdict(&self.body) {
            return Ok(if success && verdict.code == "NO_CONTENT" {
                Content::Nothing
            } else {
                Content::Refused(verdict)
            });
        }
        if success {
            let body = str::from_utf8(&self.body).map_err(|_| self.unusable("it is no text"))?;
            return Ok(Content::Body(body));
        }
        // Some errors come wrapped as if they were rows.
        match parse_body(&self.body) {
            ParsedAnswer::Items(items) => match items.into_iter().next() {
                Some(item) => Ok(Content::Refused(item.verdict)),
                None => Err(self.unusable("an error without a code")),
            },
            ParsedAnswer::Call(verdict) => Ok(Content::Refused(verdict)),
            ParsedAnswer::Unreadable(why) => {
                Err(self.unusable(format!("an error that is unreadable ({why:?})")))
            }
        }
    }

    /// The answer's rows' top, or `None` where it says that there is nothing.
    pub(super) fn listing(&self) -> Result<Option<Listing<'_>>, ReadError> {
        match self.content()? {
            Content::Nothing => Ok(None),
            Content::Body(body) => self.parse_listing(body).map(Some),
            Content::Refused(verdict) => Err(self.refused(verdict)),
        }
    }

    /// Reads the top of a list.
    pub(super) fn parse_listing<'a>(&self, body: &'a str) -> Result<Listing<'a>, ReadError> {
        let raw: &RawValue =
            serde_json::from_str(body).map_err(|_| self.unusable("it is no complete JSON"))?;
        object(raw).ok_or_else(|| self.unusable("it has another shape than expected"))
    }

    /// Reads one row.
    pub(super) fn row<'a, T: Deserialize<'a>>(&self, raw: &'a RawValue) -> Result<T, ReadError> {
        object(raw).ok_or_else(|| self.unusable("a row has another shape than expected"))
    }

    /// A row's id. A row without one is not passed over: it may be the very record that was asked for.
    pub(super) fn row_id(&self, raw: Option<&RawValue>) -> Result<RecordId, ReadError> {
        raw.and_then(record_id).ok_or_else(|| self.unusable("a row has no id"))
    }

    /// Checks the rows of a read by ids: only what was asked about, each once, on one page. A server
    /// that overlooks `ids` would answer with the first page of everything, and whoever is not on it
    /// would seem to be gone.
    pub(super) fn check_rows(
        &self,
        listing: &Listing<'_>,
        found: &[RecordId],
        asked: &[RecordId],
    ) -> Result<(), ReadError> {
        let asked: HashSet<_> = asked.iter().collect();
        let mut seen = HashSet::new();
        if listing.more() == Some(true) {
            return Err(self.unusable("it has further pages"));
        }
        for id in found {
            if !asked.contains(id) {
                return Err(self.unusable("it is about ids that were not asked for"));
            }
            if !seen.insert(id) {
                return Err(self.unusable("it names an id twice"));
            }
        }
        Ok(())
    }

    fn throttled(&self) -> ReadError {
        ReadError::Throttled { retry_after: self.told.retry_after }
    }

    /// The error that a verdict stands for. The code decides: `OAUTH_SCOPE_MISMATCH` comes with the same
    /// 401 as an expired token, but no new token helps it.
    pub(super) fn refused(&self, verdict: Verdict) -> ReadError {
        let Verdict { code, message, .. } = verdict;
        match code.as_str() {
            "INVALID_TOKEN" | "AUTHENTICATION_FAILURE" | "INVALID_OAUTHTOKEN" => {
                ReadError::Unauthorized { code, message }
            }
            "OAUTH_SCOPE_MISMATCH"
            | "NO_PERMISSION"
            | "AUTHORIZATION_FAILED"
            | "FEATURE_NOT_SUPPORTED" => ReadError::Forbidden { code, message },
            "INVALID_MODULE" | "INVALID_URL_PATTERN" | "NOT_SUPPORTED" => {
                ReadError::NotThere { code, message }
            }
            "TOO_MANY_REQUESTS" | "429" => self.throttled(),
            _ => self.unusable(format!("{code}: {message}")),
        }
    }
}

impl Listing<'_> {
    /// Whether another page follows; `None` where it is not said.
    pub(super) fn more(&self) -> Option<bool> {
        let info: Info<'_> = self.info.and_then(object)?;
        info.more_records.and_then(boolean)
    }

    /// Where the next page begins, where pages are told apart by tokens.
    pub(super) fn next_page_token(&self) -> Option<String> {
        let info: Info<'_> = self.info.and_then(object)?;
        info.next_page_token.and_then(text).map(std::borrow::Cow::into_owned)
    }
}

impl Named<'_> {
    /// The id inside a nested object such as `deleted_by`.
    pub(super) fn id_in(raw: Option<&RawValue>) -> Option<RecordId> {
        raw.and_then(object::<Named<'_>>)?.id.and_then(record_id)
    }
}

/// Where a product's version begins.
pub(super) fn root(product: Product, version: ApiVersion) -> Result<String, ReadError> {
    if version.is_offered_by(product) {
        return Ok(calls::root(product, version));
    }
    Err(ReadError::NotThere {
        code: "UNKNOWN_VERSION".to_owned(),
        message: format!("{product} has no {version}"),
    })
}

/// Whether the refusal of a read by path means that there is no such record: 404 `INVALID_DATA` (OAS YAML,
/// related records), or 400 `INVALID_DATA` that names a part of the path, `record` being its place.
pub(super) fn names_no_record(fetched: &Fetched, verdict: &Verdict, record: u64) -> bool {
    verdict.code == "INVALID_DATA"
        && (fetched.http_status == 404
            || (fetched.http_status == 400
                && verdict.resource_path_index.is_some_and(|index| index <= record)))
}

/// Ids joined by bare commas, after checking their number. An empty list is never sent: it could be
/// answered with everything.
pub(super) fn joined(ids: &[RecordId]) -> Result<String, ReadError> {
    if ids.is_empty() || ids.len() > MAX_IDS {
        return Err(ReadError::Unreachable(format!(
            "not asked: {} ids in one read, where 1 to {MAX_IDS} are taken",
            ids.len()
        )));
    }
    let texts: Vec<String> = ids.iter().map(ToString::to_string).collect();
    Ok(texts.join(","))
}
