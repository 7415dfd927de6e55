//! `…/settings/tags/actions/mass_delete` (CRM v7 and v8): deletes tags in a job.
//!
//! CRM v8 Mass Delete Tags page, v7 Mass Delete Tags Status page, OAS `mass_delete_tags.json`. All
//! errors of a submission are flat and concern it as a whole. That one job at a time is let in is
//! not on these pages: the Mass Delete Records page says it of its own jobs.

use serde_json::{Map, Value, json};

use super::super::answer::Answer;
use super::super::call::Call;
use super::super::refusal::{missing_parameter, not_authorized};
use super::super::state::{JobPlan, World};
use super::operation::{Doing, Operation, Shape};
use super::tags::IN_USE;
use super::{Api, body, read_id};

/// A call that submits a job.
#[derive(Debug)]
pub(crate) struct SubmitJob {
    api: Api,
    body: Result<Map<String, Value>, Answer>,
    module: String,
}

const ENTRY: &str = "$.mass_delete[0]";

impl SubmitJob {
    /// `None` where the API has no such jobs.
    pub(crate) fn new(api: Api, call: &Call) -> Option<Self> {
        api.tag_jobs?;
        let body = body::object(call);
        let name = |body: &Map<String, Value>| {
            let name = body.get("mass_delete")?.get(0)?.get("module")?.get("api_name")?;
            name.as_str().map(str::to_owned)
        };
        let module = body.as_ref().ok().and_then(name).unwrap_or_default();
        Some(Self { api, body, module })
    }

    /// The module and the tags, or the error for the call as a whole.
    fn check(&self, world: &World, doing: &Doing) -> Result<(String, Vec<u64>), Answer> {
        let body = self.body.as_ref().map_err(Clone::clone)?;
        let entries = body::list(body, "$.mass_delete")?;
        if entries.len() > 1 {
            return Err(body::too_long("$.mass_delete", 1));
        }
        let entry = entries.first().ok_or_else(|| body::missing("$.mass_delete"))?;
        let entry = body::as_object(entry, ENTRY)?;
        let module = self.module_of(world, entry)?;
        let tags = tags_of(world, &module, entry, doing)?;
        if doing.rules.one_tag_job_at_a_time && world.has_open_job() {
            let details = json!({"api_name": "mass_delete", "json_path": "$.mass_delete"});
            let message = "mass delete is already scheduled";
            return Err(Answer::error(400, "ALREADY_SCHEDULED", message, details));
        }
        Ok((module, tags))
    }

    fn module_of(&self, world: &World, entry: &Map<String, Value>) -> Result<String, Answer> {
        let at = |key: &str| format!("{ENTRY}.module{key}");
        let module = body::as_object(body::required(entry, &at(""))?, &at(""))?;
        let id = body::id(module, &at(".id"))?;
        let name = body::text(module, &at(".api_name"))?;
        let by_name = world.module(name).filter(|_| self.api.serves(name));
        let Some(by_name) = by_name.filter(|module| module.api_supported) else {
            return Err(body::invalid(&at(".api_name"), "invalid data"));
        };
        if by_name.id.to_string() != id {
            if !world.modules().any(|module| module.id.to_string() == id) {
                return Err(body::invalid(&at(".id"), "invalid data"));
            }
            let due_to: Vec<Value> = ["id", "api_name"]
                .iter()
                .map(|key| json!({"api_name": key, "json_path": at(&format!(".{key}"))}))
                .collect();
            let details = json!({"ambiguity_due_to": due_to});
            let message = "Ambiguity during processing";
            return Err(Answer::error(400, "AMBIGUITY_DURING_PROCESSING", message, details));
        }
        if !by_name.deletable {
            return Err(not_authorized("delete tags"));
        }
        Ok(name.to_owned())
    }
}

/// Zoho's newer `OpenAPI` files have both messages; which is for what is assumed.
const NOT_FOUND: &str = "tags not found";
const GONE: &str = "one of the tags seems not found.";

/// The tags of a submission, or the error for the call as a whole.
fn tags_of(
    world: &World,
    module: &str,
    entry: &Map<String, Value>,
    doing: &Doing,
) -> Result<Vec<u64>, Answer> {
    let path = format!("{ENTRY}.tags");
    let listed = body::list(entry, &path)?;
    if listed.is_empty() {
        return Err(body::missing(&path));
    }
    if listed.len() > doing.rules.mass_delete_tags_limit {
        return Err(body::too_long(&path, doing.rules.mass_delete_tags_limit));
    }
    let mut tags = Vec::with_capacity(listed.len());
    for (index, tag) in listed.iter().enumerate() {
        let path = format!("{path}[{index}]");
        let tag = body::as_object(tag, &path)?;
        let path = format!("{path}.id");
        let known = read_id(&body::id(tag, &path)?);
        let Some(tag) = known.and_then(|id| world.tag(id)).filter(|tag| tag.module == module)
        else {
            let gone = known.is_some_and(|id| world.was_tag(id));
            return Err(body::invalid(&path, if gone { GONE } else { NOT_FOUND }));
        };
        if tag.used {
            let details = json!({"api_name": "id", "json_path": path});
            return Err(Answer::error(400, "NOT_ALLOWED", IN_USE, details));
        }
        if tags.contains(&tag.id) {
            return Err(body::invalid(&path, "invalid data"));
        }
        tags.push(tag.id);
    }
    Ok(tags)
}

impl Operation for SubmitJob {
    fn module(&self) -> &str {
        &self.module
    }

    fn ids(&self) -> Vec<String> {
        let body = self.body.as_ref().ok();
        body::ids_of_objects(body.and_then(|body| body.get("mass_delete")?.get(0)?.get("tags")))
    }

    fn shape(&self) -> Shape {
        Shape::Job
    }

    fn permissions(&self) -> (&'static str, Vec<String>) {
        ("Permission denied to delete tags", vec!["Crm_Implied_Edit_Tags".to_owned()])
    }

    /// A submission changes nothing by itself: what its job does is counted when it is done.
    fn carry_out(&self, world: &mut World, doing: Doing) -> (Answer, usize) {
        let (module, tags) = match self.check(world, &doing) {
            Ok(checked) => checked,
            Err(error) => return (error, 0),
        };
        let plan = JobPlan {
            scheduled_ms: doing.rules.job_scheduled_ms,
            running_ms: doing.rules.job_running_ms,
            course: doing.course,
        };
        let id = world.submit_job(&module, tags, plan, (doing.request, doing.at_ms));
        let answer = json!({
            "code": "SCHEDULED",
            "details": {"job_id": id.to_string()},
            "message": "tags scheduled successfully",
            "status": "success",
        });
        (Answer::json(202, answer), 0)
    }
}

/// `GET settings/tags/actions/mass_delete?job_id=`.
pub(crate) fn status(world: &World, call: &Call, api: Api, nested: bool) -> Result<Answer, Answer> {
    let refusals = api.tag_jobs;
    let Some(asked) = call.parameter("job_id").filter(|id| !id.is_empty()) else {
        let mut answer = missing_parameter("job_id");
        // 401 on the v7 page, 400 in OAS (v8).
        answer.status = refusals.map_or(400, |refusals| refusals.unnamed);
        return Err(answer);
    };
    let id = read_id(asked);
    let Some((id, job)) = id.and_then(|id| Some((id, world.job(id)?))) else {
        let message = if id.is_some() { "job details not found" } else { "invalid data" };
        let details = json!({"job_id": asked});
        let item = super::items::error("INVALID_DATA", message, details);
        let nested = nested && refusals.is_some_and(|refusals| refusals.can_nest);
        let item = if nested { json!([item]) } else { item };
        return Err(Answer::json(400, json!({"mass_delete": [item]})));
    };
    let [total, failed, deleted] = job.counts();
    let row = json!({
        "job_id": id.to_string(),
        "total_count": total,
        "failed_count": failed,
        "deleted_count": deleted,
        "status": job.status.word(),
    });
    Ok(Answer::json(200, json!({"mass_delete": [row]})))
}
