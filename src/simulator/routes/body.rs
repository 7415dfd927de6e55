//! JSON bodies, and the errors that point into them.

use serde_json::{Map, Value, json};

use super::super::answer::Answer;
use super::super::call::Call;
use super::super::refusal::wrong_format;

/// The object that a body holds; anything else is an error for the call as a whole.
pub(crate) fn object(call: &Call) -> Result<Map<String, Value>, Answer> {
    match serde_json::from_slice(&call.body) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) | Err(_) => Err(wrong_format()),
    }
}

/// A value that must be there.
pub(crate) fn required<'a>(
    object: &'a Map<String, Value>,
    path: &str,
) -> Result<&'a Value, Answer> {
    object.get(name(path)).filter(|value| !value.is_null()).ok_or_else(|| missing(path))
}

/// A list that must be there.
pub(crate) fn list<'a>(
    object: &'a Map<String, Value>,
    path: &str,
) -> Result<&'a Vec<Value>, Answer> {
    required(object, path)?.as_array().ok_or_else(|| wrong_type(path, "jsonarray"))
}

/// A value that must be an object.
pub(crate) fn as_object<'a>(
    value: &'a Value,
    path: &str,
) -> Result<&'a Map<String, Value>, Answer> {
    value.as_object().ok_or_else(|| wrong_type(path, "jsonobject"))
}

/// A text that must be there.
pub(crate) fn text<'a>(object: &'a Map<String, Value>, path: &str) -> Result<&'a str, Answer> {
    required(object, path)?.as_str().ok_or_else(|| wrong_type(path, "string"))
}

/// What is said of a key that is not there (Mass Delete Tags page).
pub(crate) const MISSING: &str = "Required fields seem to be missing";

/// 400 (the same page).
pub(crate) fn missing(path: &str) -> Answer {
    let details = json!({"api_name": name(path), "json_path": path});
    Answer::error(400, "MANDATORY_NOT_FOUND", MISSING, details)
}

/// 400 (Zoho's newer `OpenAPI` files).
pub(crate) fn wrong_type(path: &str, expected: &str) -> Answer {
    let details =
        json!({"api_name": name(path), "expected_data_type": expected, "json_path": path});
    Answer::error(400, "INVALID_DATA", "invalid data", details)
}

/// 400 (the same files).
pub(crate) fn too_long(path: &str, most: usize) -> Answer {
    let details = json!({"api_name": name(path), "json_path": path, "maximum_length": most});
    Answer::error(400, "INVALID_DATA", "invalid data", details)
}

/// 400 (OAS tags.json and `mass_delete_tags.json`).
pub(crate) fn invalid(path: &str, message: &str) -> Answer {
    let details = json!({"api_name": name(path), "json_path": path});
    Answer::error(400, "INVALID_DATA", message, details)
}

/// 400, where one of several keys is needed (OAS tags.json).
pub(crate) fn one_of(paths: &[String]) -> Answer {
    let fields: Vec<Value> =
        paths.iter().map(|path| json!({"api_name": name(path), "json_path": path})).collect();
    let message = "one of the expected fields is missing";
    Answer::error(400, "EXPECTED_FIELD_MISSING", message, json!({"expected_fields": fields}))
}

/// The last key of a path: `id` of `$.tags[0].id`, `tags` of `$.tags[0]`.
pub(crate) fn name(path: &str) -> &str {
    let last = path.rsplit('.').next().unwrap_or(path);
    last.split('[').next().unwrap_or(last)
}

/// An id that must be there.
pub(crate) fn id(object: &Map<String, Value>, path: &str) -> Result<String, Answer> {
    as_id(required(object, path)?).ok_or_else(|| wrong_type(path, "string"))
}

/// An id as text. Zoho's Node SDK writes ids as texts, its Python SDK as numbers, which exceed what
/// a float can hold: so only whole numbers are ids, and those are exact.
pub(crate) fn as_id(value: &Value) -> Option<String> {
    let whole = || value.as_u64().map(|id| id.to_string());
    value.as_str().map(str::to_owned).or_else(whole)
}

/// The ids in a list of a body, as far as they are any.
pub(crate) fn ids(list: Option<&Value>) -> Vec<String> {
    list.and_then(Value::as_array).into_iter().flatten().filter_map(as_id).collect()
}

/// The ids of the objects in a list of a body, as far as they have any.
pub(crate) fn ids_of_objects(list: Option<&Value>) -> Vec<String> {
    let objects = list.and_then(Value::as_array).into_iter().flatten();
    objects.filter_map(|object| as_id(object.get("id")?)).collect()
}
