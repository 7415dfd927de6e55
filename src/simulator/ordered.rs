//! JSON with its keys in the order in which Zoho's samples have them.
//!
//! No client may depend on the order; but what looks like the samples is easier to compare with
//! them, and finds those that do.

use serde_json::{Map, Value};

/// Objects whose order is not that of the alphabet. An object is written in the order of the first
/// shape that knows all of its keys.
const SHAPES: [&[&str]; 11] = [
    // Tags, and users without the rest (Remove Tags and Get Tags pages).
    &["name", "id", "color_code", "created_time", "modified_time", "created_by", "modified_by"],
    // Tagging answers (OAS tags.json).
    &["data", "wf_scheduler", "success_count", "locked_count"],
    &["tags", "info"],
    &["count", "allowed_count"],
    // The status of a job (OAS mass_delete_tags.json).
    &["job_id", "total_count", "failed_count", "deleted_count", "status"],
    // The deleted list and the bin.
    &["deleted_by", "id", "display_name", "type", "created_by", "deleted_time"],
    &["display_name", "deleted_time", "owner", "module", "deleted_by", "id"],
    &["per_page", "count", "page", "more_records"],
    // The same of a module's records (Get Records page).
    &[
        "per_page",
        "next_page_token",
        "count",
        "sort_by",
        "page",
        "page_token_expiry",
        "sort_order",
        "more_records",
        "previous_page_token",
    ],
    // What uses a tag (OAS tags.json).
    &["type", "resources"],
    // Details of an invalid value.
    &["api_name", "expected_data_type", "maximum_length", "json_path"],
];

/// Writes a value.
pub(crate) fn write(value: &Value) -> String {
    let mut text = String::new();
    append(value, &mut text);
    text
}

fn append(value: &Value, text: &mut String) {
    match value {
        Value::Object(object) => append_object(object, text),
        Value::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                append(item, text);
            }
            text.push(']');
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            text.push_str(&value.to_string());
        }
    }
}

fn append_object(object: &Map<String, Value>, text: &mut String) {
    let shape = SHAPES.iter().find(|shape| object.keys().all(|key| shape.contains(&key.as_str())));
    let mut members: Vec<(&String, &Value)> = object.iter().collect();
    if let Some(shape) = shape {
        // The sort is stable, and every key of the object is in the shape.
        members.sort_by_key(|(key, _)| shape.iter().position(|known| known == key));
    }
    text.push('{');
    for (index, (key, value)) in members.into_iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        text.push_str(&Value::from(key.as_str()).to_string());
        text.push(':');
        append(value, text);
    }
    text.push('}');
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_stand_as_in_the_samples_and_otherwise_by_the_alphabet() {
        let tag = json!({"name": "Nu\"rture", "id": "1", "color_code": null});
        assert_eq!(write(&tag), r#"{"name":"Nu\"rture","id":"1","color_code":null}"#);
        let item = json!({"status": "success", "message": "m", "details": {}, "code": "SUCCESS"});
        assert_eq!(
            write(&json!([item, 1])),
            r#"[{"code":"SUCCESS","details":{},"message":"m","status":"success"},1]"#
        );
        assert_eq!(write(&json!({"b": [], "a": "é"})), r#"{"a":"é","b":[]}"#);
    }

    #[test]
    fn nothing_is_lost_on_the_way() {
        let value = json!({"info": {"count": 1, "page": 2}, "data": [{"x": [1, 2.5, true, null]}]});
        assert_eq!(serde_json::from_str::<Value>(&write(&value)).unwrap(), value);
    }
}
