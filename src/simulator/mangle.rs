//! Faults that meddle with the items of an answer that is otherwise right.

use serde_json::{Value, json};

use super::answer::Content;
use super::dice;
use super::fault::{Fault, Strike};

/// Changes the items as the fault wants. Answers without items, and faults of other kinds, leave
/// the answer as it is.
pub(crate) fn mangle(content: &mut Content, strike: Strike, unknown_id: u64) {
    let Content::Items { items, .. } = content else {
        return;
    };
    let chosen = dice::position(strike.bits, items.len());
    let fault = strike.fault;
    if fault == Fault::MissingId && !items.is_empty() {
        items.remove(chosen);
    } else if fault == Fault::UnknownId {
        items.insert(chosen, deleted_item(unknown_id));
    } else if fault == Fault::DoubleId {
        items.extend(items.get(chosen).cloned());
    } else if fault == Fault::Anonymous {
        if let Some(details) = items.get_mut(chosen).and_then(|item| item.get_mut("details")) {
            *details = json!({});
        }
    } else if fault == Fault::Shuffle {
        shuffle(items, strike.bits);
    }
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
        let mut content =
            Content::Items { key: "data", items: (0..count).map(deleted_item).collect() };
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
}
