//! What an answer of Zoho's names beside code and message: permissions that lack, places that use a tag,
//! the part of the call that was wrong. Read from the stored bytes; all of it is somebody else's text.

use serde::Serialize;
use serde_json::Value;

use crate::domain::answer::{ParsedAnswer, RawAnswer, Verdict};
use crate::domain::codes::Level;
use crate::domain::id::EntryId;
use crate::store::query::{BatchDetail, Ending};
use crate::zoho::answer;

/// So much of a list is shown; the whole stands in the answer.
const SHOWN: usize = 20;

/// What the answer to a batch says about one entry, in full.
pub(super) struct Said {
    /// Whether it speaks of the entry or of the call as a whole.
    pub(super) level: Level,
    /// Code, message and details.
    pub(super) verdict: Verdict,
    /// The bytes that say so.
    pub(super) bytes: String,
    /// What they name.
    pub(super) named: Named,
}

/// What an answer names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(super) struct Named {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    permissions: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    associated_places: Vec<Place>,
    #[serde(skip_serializing_if = "Option::is_none")]
    json_path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_path_index: Option<u64>,
}

/// A kind of automation that uses a tag (OAS tags.json, `Associated_Places`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Place {
    r#type: String,
    resources: Vec<String>,
}

impl Said {
    /// Reads it from the stored answer; `None` without one, where a part of it was erased, or where it leaves
    /// the entry out.
    pub(super) fn of(entry: EntryId, detail: &BatchDetail) -> Option<Self> {
        let stored = detail.answer.as_ref()?;
        let end = detail.view.end.as_ref()?;
        let Ending::Answered { sent_at, http_status, .. } = end.ending else { return None };
        let raw = RawAnswer {
            http_status,
            body: stored.body.clone(),
            cut: false,
            date: None,
            retry_after: None,
            credits_remaining: None,
            sent_at,
            answered_at: end.at,
        };
        let position = detail.view.entries.iter().position(|one| one == entry)?;
        let cut = stored.cuts.get(position).cloned().flatten();
        let (level, verdict, bytes) = match (answer::parse(&raw), cut) {
            (ParsedAnswer::Items(items), Some(cut)) => {
                let item = items.into_iter().find(|item| item.slice == cut)?;
                (Level::Item, item.verdict, stored.body.get(cut)?)
            }
            (ParsedAnswer::Call(verdict), None) => (Level::Call, verdict, stored.body.as_slice()),
            _ => return None,
        };
        let named = Named::of(bytes);
        let bytes = String::from_utf8_lossy(bytes).into_owned();
        Some(Self { level, verdict, bytes, named })
    }
}

impl Named {
    fn of(bytes: &[u8]) -> Self {
        let Ok(value) = serde_json::from_slice::<Value>(bytes) else { return Self::default() };
        let Some(details) = value.get("details") else { return Self::default() };
        let places = details.get("associated_places").and_then(Value::as_array);
        let place = |place: &Value| Place {
            r#type: place.get("type").map(text).unwrap_or_default(),
            resources: place.get("resources").map(texts).unwrap_or_default(),
        };
        Self {
            permissions: details.get("permissions").map(texts).unwrap_or_default(),
            associated_places: places
                .map(|places| places.iter().take(SHOWN).map(place).collect())
                .unwrap_or_default(),
            json_path: details.get("json_path").and_then(Value::as_str).map(str::to_owned),
            resource_path_index: details.get("resource_path_index").and_then(Value::as_u64),
        }
    }

    /// Whether it names nothing.
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// One line each, for people.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if !self.permissions.is_empty() {
            lines.push(format!("permissions that lack: {}", self.permissions.join(", ")));
        }
        for place in &self.associated_places {
            lines.push(format!("used by {}: {}", place.r#type, place.resources.join(", ")));
        }
        if let Some(path) = &self.json_path {
            lines.push(format!("what was wrong in the call: {path}"));
        }
        if let Some(index) = self.resource_path_index {
            lines.push(format!("what was wrong in the path: its part {index}, counted from 0"));
        }
        lines
    }
}

/// A string as it is, anything else as JSON.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn texts(value: &Value) -> Vec<String> {
    match value.as_array() {
        Some(list) => list.iter().take(SHOWN).map(text).collect(),
        None => vec![text(value)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// OAS tags.json, `Not_Allowed_Detail`; the page's NO_PERMISSION of Mass Delete Tags.
    #[test]
    fn permissions_places_and_paths_are_found_in_the_details() {
        let used = br#"{"code":"NOT_ALLOWED","details":{"associated_places":[{"type":"Workflow Rule","resources":["Follow up","=cmd()"]}]},"message":"tags has been associated to features","status":"error"}"#;
        assert_eq!(Named::of(used).lines(), ["used by Workflow Rule: Follow up, =cmd()"]);
        let permission = br#"{"code":"NO_PERMISSION","details":{"permissions":["Crm_Implied_Edit_Tags"]},"message":"permission denied","status":"error"}"#;
        assert_eq!(Named::of(permission).lines(), ["permissions that lack: Crm_Implied_Edit_Tags"]);
        let path = br#"{"code":"INVALID_DATA","details":{"api_name":"id","json_path":"$.mass_delete[0].tags[0].id"},"message":"tags not found","status":"error"}"#;
        assert_eq!(
            Named::of(path).lines(),
            ["what was wrong in the call: $.mass_delete[0].tags[0].id"]
        );
    }

    #[test]
    fn anything_else_in_their_place_names_nothing_and_breaks_nothing() {
        for bytes in [
            &b"<html>"[..],
            br#"{"details":[]}"#,
            br#"{"details":{"permissions":{"a":1},"associated_places":"x","json_path":3}}"#,
            br#"{"details":{"associated_places":[1,{"type":{},"resources":[{"id":"1"}]}]}}"#,
        ] {
            Named::of(bytes);
        }
        assert!(Named::of(b"{}").is_empty());
    }
}
