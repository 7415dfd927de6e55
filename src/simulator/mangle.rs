//! Faults that meddle with the results in an answer that is otherwise right.

use serde_json::{Value, json};

use super::answer::Content;
use super::dice;
use super::fault::Fault;
use super::plan::Strike;

/// Changes the results as the fault wants. Answers without results, and faults of other kinds,
/// leave the answer as it is.
pub(crate) fn mangle(content: &mut Content, strike: Strike, unknown_id: u64) {
    match content {
        Content::Items { items, .. } => mangle_items(items, strike, unknown_id),
        Content::One { item: only, .. } | Content::Json(only) if is_success(only) => {
            strip(only, strike.fault);
        }
        Content::One { .. }
        | Content::Json(_)
        | Content::Empty
        | Content::Page(_)
        | Content::Packed(_) => {}
    }
}

fn mangle_items(items: &mut Vec<Value>, strike: Strike, unknown_id: u64) {
    let chosen = dice::position(strike.bits, items.len());
    let fault = strike.fault;
    if fault == Fault::MissingId && !items.is_empty() {
        items.remove(chosen);
    } else if fault == Fault::UnknownId {
        let item = stranger(items, unknown_id);
        items.insert(chosen, item);
    } else if fault == Fault::DoubleId {
        items.extend(items.get(chosen).cloned());
    } else if fault == Fault::Shuffle {
        shuffle(items, strike.bits);
    } else if let Some(item) = items.get_mut(chosen) {
        strip(item, fault);
    }
}

fn is_success(item: &Value) -> bool {
    item.get("status").and_then(Value::as_str) == Some("success")
}

/// Empties the details of a result.
fn strip(item: &mut Value, fault: Fault) {
    if fault == Fault::Anonymous
        && let Some(details) = item.get_mut("details")
    {
        *details = json!({});
    }
}

/// A result like the others, for an id that nobody asked about.
fn stranger(items: &[Value], unknown_id: u64) -> Value {
    let mut item = items
        .iter()
        .find(|item| is_success(item))
        .cloned()
        .unwrap_or_else(|| deleted_item(unknown_id));
    if let Some(id) = item.pointer_mut("/details/id") {
        *id = json!(unknown_id.to_string());
    }
    item
}

/// One item of a delete answer (CRM v2 Delete Records page).
pub(crate) fn deleted_item(id: u64) -> Value {
    json!({
        "code": "SUCCESS",
        "details": {"id": id.to_string()},
        "message": "record deleted",
        "status": "success",
    })
}

/// Fisher and Yates; two or more items never stay as they were.
fn shuffle(items: &mut [Value], bits: u64) {
    let before = items.to_vec();
    for last in (1..items.len()).rev() {
        let salt = u64::try_from(last).unwrap_or_default();
        items.swap(last, dice::position(dice::draw(bits, salt, 70), last + 1));
    }
    if items == before.as_slice() {
        items.reverse();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mangled(fault: Fault, count: u64, bits: u64) -> Vec<Value> {
        let items = (0..count).map(deleted_item).collect();
        let mut content = Content::Items { key: "data", items, beside: Vec::new() };
        mangle(&mut content, Strike { fault, bits }, 77);
        let Content::Items { items, .. } = content else {
            panic!("the items became something else");
        };
        items
    }

    fn ids(items: &[Value]) -> Vec<&str> {
        items.iter().map(|item| item["details"]["id"].as_str().unwrap_or("none")).collect()
    }

    #[test]
    fn each_fault_changes_the_items_as_it_says() {
        assert_eq!(ids(&mangled(Fault::MissingId, 3, 1)), ["0", "2"]);
        assert_eq!(ids(&mangled(Fault::UnknownId, 3, 1)), ["0", "77", "1", "2"]);
        assert_eq!(ids(&mangled(Fault::DoubleId, 3, 1)), ["0", "1", "2", "1"]);
        assert_eq!(ids(&mangled(Fault::Anonymous, 3, 1)), ["0", "none", "2"]);
        assert_eq!(ids(&mangled(Fault::LoseAnswer, 3, 1)), ["0", "1", "2"]);
    }

    #[test]
    fn a_shuffle_loses_nothing_and_always_changes_the_order() {
        for bits in 0..50 {
            let items = mangled(Fault::Shuffle, 3, bits);
            let mut seen = ids(&items);
            assert_ne!(seen, ["0", "1", "2"]);
            seen.sort_unstable();
            assert_eq!(seen, ["0", "1", "2"]);
        }
    }

    #[test]
    fn an_answer_without_items_stays_as_it_is() {
        assert_eq!(mangled(Fault::MissingId, 0, 1), Vec::<Value>::new());
        let mut page = Content::Page("x");
        mangle(&mut page, Strike { fault: Fault::Shuffle, bits: 1 }, 77);
        assert_eq!(page, Content::Page("x"));
    }

    #[test]
    fn a_single_result_can_only_lose_its_details() {
        let scheduled =
            json!({"code": "SCHEDULED", "details": {"job_id": "1"}, "status": "success"});
        for (fault, details) in
            [(Fault::Anonymous, json!({})), (Fault::MissingId, json!({"job_id": "1"}))]
        {
            let mut content = Content::Json(scheduled.clone());
            mangle(&mut content, Strike { fault, bits: 1 }, 77);
            let Content::Json(answer) = content else { panic!("it became something else") };
            assert_eq!(answer["details"], details);
        }
    }
}
