//! How a job goes: `GET settings/tags/actions/mass_delete?job_id=` (CRM v7 Mass Delete Tags Status page, OAS
//! `mass_delete_tags.json`). Counts only, never ids.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::domain::answer::{JobSeen, JobStatus, ReadError};
use crate::domain::codes::is_code;
use crate::domain::target::{ApiVersion, Product};
use crate::domain::template::percent_encoded;
use crate::zoho::reads::{Content, Fetched, root};
use crate::zoho::wire::{Elements, is_list, number, object, text};

#[derive(Debug, Deserialize)]
struct Row<'a> {
    #[serde(borrow)]
    job_id: Option<&'a RawValue>,
    #[serde(borrow)]
    status: Option<&'a RawValue>,
    #[serde(borrow)]
    total_count: Option<&'a RawValue>,
    #[serde(borrow)]
    deleted_count: Option<&'a RawValue>,
    #[serde(borrow)]
    failed_count: Option<&'a RawValue>,
    #[serde(borrow)]
    code: Option<&'a RawValue>,
    #[serde(borrow)]
    message: Option<&'a RawValue>,
}

/// `GET settings/tags/actions/mass_delete?job_id=`.
pub(crate) fn path(product: Product, version: ApiVersion, job: &str) -> Result<String, ReadError> {
    if job.is_empty() {
        return Err(ReadError::NotThere {
            code: "NO_JOB_ID".to_owned(),
            message: "the job's id was erased".to_owned(),
        });
    }
    let (root, job) = (root(product, version)?, percent_encoded(job));
    Ok(format!("{root}/settings/tags/actions/mass_delete?job_id={job}"))
}

/// What is said about the job. An unknown one is refused as a whole, or as an item of the envelope (OAS JSON:
/// of a list in the list).
pub(crate) fn read(fetched: &Fetched, job: &str) -> Result<JobSeen, ReadError> {
    match fetched.content() {
        Ok(Content::Nothing) => return Err(fetched.unusable("it says nothing about the job")),
        Ok(Content::Refused(verdict)) if verdict.code == "INVALID_DATA" => {
            return Ok(JobSeen::Forgotten { code: verdict.code, message: verdict.message });
        }
        Ok(Content::Refused(verdict)) => return Err(fetched.refused(verdict)),
        Ok(Content::Body(body)) => return read_body(fetched, body, job),
        // A refusal inside the envelope has the status of one.
        Err(error) if fetched.cut || fetched.http_status != 400 => return Err(error),
        Err(_) => {}
    }
    let body = str::from_utf8(&fetched.body).map_err(|_| fetched.unusable("it is no text"))?;
    read_body(fetched, body, job)
}

fn read_body(fetched: &Fetched, body: &str, job: &str) -> Result<JobSeen, ReadError> {
    let listing = fetched.parse_listing(body)?;
    let list = listing.mass_delete.map(|list| list.0).unwrap_or_default();
    let inner = match list.as_slice() {
        [only] if is_list(only) => {
            serde_json::from_str::<Elements<'_>>(only.get())
                .map_err(|_| fetched.unusable("its list cannot be read"))?
                .0
        }
        _ => list,
    };
    let [only] = inner.as_slice() else {
        return Err(fetched.unusable("it does not describe exactly one job"));
    };
    let row: Row<'_> = object(only).ok_or_else(|| fetched.unusable("its row is no object"))?;
    let word = |raw: Option<&RawValue>| raw.and_then(text).unwrap_or_default().into_owned();
    if row.status.and_then(text).as_deref() == Some("error") || row.total_count.is_none() {
        let code = word(row.code);
        if code == "INVALID_DATA" {
            return Ok(JobSeen::Forgotten { code, message: word(row.message) });
        }
        if !code.is_empty() {
            return Err(fetched.unusable(code));
        }
    }
    if row.job_id.and_then(text).is_some_and(|id| id != job) {
        return Err(fetched.unusable("it describes another job"));
    }
    let status = word(row.status).to_ascii_uppercase();
    if !is_code(&status) {
        return Err(fetched.unusable("it does not say how the job goes"));
    }
    Ok(JobSeen::Known(JobStatus {
        status,
        total: row.total_count.and_then(number),
        deleted: row.deleted_count.and_then(number),
        failed: row.failed_count.and_then(number),
    }))
}
