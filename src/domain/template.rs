//! Calls as templates: what stands between braces is filled in when the bytes are made.
//!
//! The journal keeps template, ids, tags and parent apart, so that one of them can be forgotten; from all of
//! them together an auditor gets the exact request again.

use crate::domain::call::Brought;
use crate::domain::id::RecordId;
use crate::domain::scope::{Scope, TagSet};

/// One write call, without host and token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteRequest {
    /// The HTTP method, in capitals.
    pub method: String,
    /// Path and query as they stand in the request line; ids are joined by bare commas.
    pub path_and_query: String,
    /// The body; `None` where the call has none.
    pub body: Option<Vec<u8>>,
}

/// The text is no template of a call, or does not suit what is to be filled in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no template for these items")]
pub struct BadTemplate(String);

/// What is filled into a template beside the ids.
#[derive(Debug, Clone, Copy)]
pub struct Filling<'a> {
    /// The ids, in the order in which they are sent.
    pub ids: &'a [RecordId],
    /// What the items have in common.
    pub scope: &'a Scope,
    /// Zoho's id of the module, where the call names it.
    pub module_id: Option<RecordId>,
    /// What each item brings back, in the same order; empty where ids and scope say all.
    pub brought: &'a [Brought],
}

/// Replaces each `{name}` that `value` knows, in one pass: what is filled in is never looked at again, so
/// that a tag called `{ids}` stays one.
pub(crate) fn fill(text: &str, mut value: impl FnMut(&str) -> Option<String>) -> String {
    let mut filled = String::with_capacity(text.len() + 64);
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let name = after.split_once('}').map(|(name, _)| name).unwrap_or_default();
        let known = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        if let Some(value) = value(name).filter(|_| known && !name.is_empty()) {
            filled.push_str(&value);
            rest = after.get(name.len() + 1..).unwrap_or_default();
        } else {
            filled.push('{');
            rest = after;
        }
    }
    filled.push_str(rest);
    filled
}

/// The names of tags as a query takes them: percent-encoded, joined by bare commas.
pub(crate) fn tag_names(tags: &TagSet) -> String {
    let names: Vec<String> =
        tags.names().iter().map(|name| percent_encoded(name.as_str())).collect();
    names.join(",")
}

/// RFC 3986: everything but unreserved characters.
pub(crate) fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len() * 3);
    let hex =
        |digit: u8| char::from_digit(u32::from(digit), 16).unwrap_or('0').to_ascii_uppercase();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            encoded.extend(['%', hex(byte >> 4), hex(byte & 15)]);
        }
    }
    encoded
}

fn joined<T>(items: &[T], one: impl Fn(&T) -> String) -> String {
    items.iter().map(one).collect::<Vec<_>>().join(",")
}

/// The rows of relations: each record with what its relation had of its own.
fn relations(ids: &[RecordId], brought: &[Brought]) -> Option<String> {
    if ids.len() != brought.len() {
        return None;
    }
    let rows = ids.iter().zip(brought).map(|(id, brought)| {
        let mut row = vec![format!("\"id\":\"{id}\"")];
        row.extend(
            brought
                .member_status
                .as_deref()
                .map(|status| format!("\"Member_Status\":{}", json_text(status))),
        );
        row.extend(brought.list_price.as_deref().map(|price| {
            // The pages write it as a number. It is sent with the very digits that were read.
            let number = serde_json::from_str::<serde_json::Number>(price).is_ok();
            let price = if number { price.to_owned() } else { json_text(price) };
            format!("\"list_price\":{price}")
        }));
        format!("{{{}}}", row.join(","))
    });
    Some(rows.collect::<Vec<_>>().join(","))
}

/// A tag as it is defined anew.
fn new_tag(brought: &Brought) -> Option<String> {
    let name = json_text(brought.tag_name.as_deref()?);
    Some(match &brought.tag_color {
        Some(color) => format!("{{\"name\":{name},\"color_code\":{}}}", json_text(color)),
        None => format!("{{\"name\":{name}}}"),
    })
}

fn json_text(text: &str) -> String {
    // A string always serialises.
    serde_json::to_string(text).unwrap_or_default()
}

/// The bytes of a call, from its template and what goes into it.
pub fn request(template: &str, filling: Filling<'_>) -> Result<WriteRequest, BadTemplate> {
    let bad = || BadTemplate(template.escape_debug().take(120).collect());
    let Filling { ids, scope, module_id, brought } = filling;
    // Exactly one place for the ids: a list that is sent twice, or not at all, is another call.
    let lists = ["{ids}", "{quoted_ids}", "{tag_ids}", "{relations}"];
    let many: usize = lists.iter().map(|list| template.matches(list).count()).sum();
    let one = template.matches("{id}").count() + template.matches("{new_tag}").count();
    if ids.is_empty() || many + one != 1 || (one == 1 && ids.len() != 1) {
        return Err(bad());
    }
    let mut missing = false;
    let mut need = |value: Option<String>| {
        missing |= value.is_none();
        value
    };
    let filled = fill(template, |name| match name {
        "ids" | "id" => Some(joined(ids, ToString::to_string)),
        "quoted_ids" => Some(joined(ids, |id| format!("\"{id}\""))),
        "tag_ids" => Some(joined(ids, |id| format!("{{\"id\":\"{id}\"}}"))),
        "relations" => need(relations(ids, brought)),
        "new_tag" => need(brought.first().and_then(new_tag)),
        "parent" => need(scope.parent().map(|parent| parent.to_string())),
        "module_id" => need(module_id.map(|id| id.to_string())),
        "tag_names" => need(scope.tags().map(tag_names)),
        "tags" => need(scope.tags().map(|tags| {
            joined(tags.names(), |name| format!("{{\"name\":{}}}", json_text(name.as_str())))
        })),
        _ => None,
    });
    if missing {
        return Err(bad());
    }
    let (line, body) = match filled.split_once('\n') {
        Some((line, body)) => (line, Some(body.as_bytes().to_vec())),
        None => (filled.as_str(), None),
    };
    let (method, path_and_query) = line.split_once(' ').ok_or_else(bad)?;
    let plain = !path_and_query.contains([' ', '#', '\r', '{', '}']);
    if method.is_empty() || !path_and_query.starts_with('/') || !plain {
        return Err(bad());
    }
    Ok(WriteRequest { method: method.to_owned(), path_and_query: path_and_query.to_owned(), body })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::call::CallKind;
    use crate::domain::calls::{self, Form};
    use crate::domain::scope::{Action, Operation, Task};
    use crate::domain::target::{ApiVersion, Product};

    fn id(text: &str) -> RecordId {
        text.parse().unwrap()
    }

    fn kind(product: Product, version: &str, module: &str, action: Action) -> CallKind {
        CallKind {
            scope: Scope { product, module: module.parse().unwrap(), action },
            api_version: version.parse().unwrap(),
            workflows: true,
            snapshot: true,
            module_id: None,
        }
    }

    fn tags(names: &[&str]) -> Action {
        Action::Untag(TagSet::new(names.iter().map(|name| name.parse().unwrap())).unwrap())
    }

    /// The request that the table writes, as one text: method, path and query, body.
    fn written(kind: &CallKind, ids: &[&str]) -> String {
        bringing(kind, ids, &[])
    }

    /// The same, where the call says more of each item.
    fn bringing(kind: &CallKind, ids: &[&str], brought: &[Brought]) -> String {
        let scope = &kind.scope;
        let call = calls::find(scope.operation(), scope.product, kind.api_version).unwrap();
        let ids: Vec<RecordId> = ids.iter().map(|text| id(text)).collect();
        let template = call.template(kind, call.form(ids.len(), true));
        let filling = Filling { ids: &ids, scope, module_id: kind.module_id, brought };
        let request = request(&template, filling).unwrap();
        let body = request.body.map(|body| String::from_utf8(body).unwrap());
        let body = body.map(|body| format!("\n{body}")).unwrap_or_default();
        format!("{} {}{body}", request.method, request.path_and_query)
    }

    /// CRM v2 Delete Records page, sample requests.
    #[test]
    fn deleting_records() {
        let bulk = kind(Product::Crm, "v2", "Leads", Action::Delete);
        assert_eq!(
            written(&bulk, &["4150868000001072003", "4150868000001072004"]),
            "DELETE /crm/v2/Leads?ids=4150868000001072003,4150868000001072004&wf_trigger=true"
        );
        let quiet = CallKind { workflows: false, ..bulk };
        assert_eq!(
            written(&quiet, &["4150868000001072003"]),
            "DELETE /crm/v2/Leads/4150868000001072003?wf_trigger=false"
        );
        let bigin = kind(Product::Bigin, "v2", "Pipelines", Action::Delete);
        assert_eq!(
            written(&bigin, &["2034020000000489089", "2034020000000489090"]),
            "DELETE /bigin/v2/Pipelines?ids=2034020000000489089,2034020000000489090"
        );
        let bigin = kind(Product::Bigin, "v1", "Deals", Action::Delete);
        assert_eq!(
            written(&bigin, &["2034020000000489089"]),
            "DELETE /bigin/v1/Deals/2034020000000489089?wf_trigger=true"
        );
    }

    /// CRM v2 and Bigin v1 Delete Records pages, sample requests.
    #[test]
    fn deleting_records_as_the_pages_do() {
        for (product, version, module, path) in [
            (Product::Crm, "v2", "Leads", "/crm/v2/Leads"),
            (Product::Bigin, "v1", "Contacts", "/bigin/v1/Contacts"),
        ] {
            let kind = kind(product, version, module, Action::Delete);
            let query = "ids=410405000002264040,410405000002264025&wf_trigger=true";
            assert_eq!(
                written(&kind, &["410405000002264040", "410405000002264025"]),
                format!("DELETE {path}?{query}")
            );
        }
    }

    /// CRM v8 Restore Recycle Bin Records page, sample request.
    #[test]
    fn restoring_records() {
        let kind = kind(Product::Crm, "v8", "Leads", Action::Restore);
        assert_eq!(
            written(&kind, &["111111000000077729", "111111000000077734"]),
            "POST /crm/v8/settings/recycle_bin/actions/restore\n\
             {\"ids\":[\"111111000000077729\",\"111111000000077734\"]}"
        );
        assert_eq!(
            written(&kind, &["111111000000077729"]),
            "POST /crm/v8/settings/recycle_bin/111111000000077729/actions/restore"
        );
    }

    /// CRM v8, v2 and Bigin v2 Add Tags pages.
    #[test]
    fn putting_tags_back() {
        let Action::Untag(tags) = tags(&["Prime", "Attend First"]) else { unreachable!() };
        let of = |product, version| kind(product, version, "Leads", Action::Retag(tags.clone()));
        let ids = ["554023000000793002", "554023000000792001"];
        assert_eq!(
            written(&of(Product::Crm, "v8"), &ids),
            "POST /crm/v8/Leads/actions/add_tags\n\
             {\"tags\":[{\"name\":\"Attend First\"},{\"name\":\"Prime\"}],\
             \"ids\":[\"554023000000793002\",\"554023000000792001\"],\"over_write\":false}"
        );
        assert_eq!(
            written(&of(Product::Crm, "v2"), &ids),
            "POST /crm/v2/Leads/actions/add_tags?ids=554023000000793002,554023000000792001\
             &tag_names=Attend%20First,Prime&over_write=false"
        );
        assert_eq!(
            written(&of(Product::Bigin, "v2"), &ids[..1]),
            "POST /bigin/v2/Leads/554023000000793002/actions/add_tags?tag_names=Attend%20First,Prime\
             &over_write=false"
        );
    }

    /// CRM v7 Update Related Records page: `Member_Status` of a campaign's members, `list_price` of price books.
    #[test]
    fn putting_records_back_into_a_list() {
        let parent = id("4876876000000624002");
        let link = |list: &str| Action::Relink { parent, list: list.parse().unwrap() };
        let campaign = kind(Product::Crm, "v8", "Campaigns", link("Leads"));
        let active =
            Brought { member_status: Some("Active \"A\"".to_owned()), ..Brought::default() };
        assert_eq!(
            bringing(
                &campaign,
                &["4876876000000623001", "4876876000000623002"],
                &[active, Brought::default()]
            ),
            "PUT /crm/v8/Campaigns/4876876000000624002/Leads\n\
             {\"data\":[{\"id\":\"4876876000000623001\",\"Member_Status\":\"Active \\\"A\\\"\"},\
             {\"id\":\"4876876000000623002\"}]}"
        );
        let book = kind(Product::Crm, "v2", "Products", link("Price_Books"));
        let price =
            |text: &str| Brought { list_price: Some(text.to_owned()), ..Brought::default() };
        for (known, sent) in [("50.10", "50.10"), ("on request", "\"on request\"")] {
            assert_eq!(
                bringing(&book, &["4876876000000623001"], &[price(known)]),
                format!(
                    "PUT /crm/v2/Products/4876876000000624002/Price_Books\n\
                     {{\"data\":[{{\"id\":\"4876876000000623001\",\"list_price\":{sent}}}]}}"
                )
            );
        }
    }

    /// CRM v7 Create Tags page, sample request.
    #[test]
    fn making_a_tag_again() {
        let kind = kind(Product::Crm, "v8", "Leads", Action::RecreateTags);
        let tag = Brought {
            tag_name: Some("Prime".to_owned()),
            tag_color: Some("#969696".to_owned()),
            ..Brought::default()
        };
        assert_eq!(
            bringing(&kind, &["4876876000005871001"], std::slice::from_ref(&tag)),
            "POST /crm/v8/settings/tags?module=Leads\n\
             {\"tags\":[{\"name\":\"Prime\",\"color_code\":\"#969696\"}]}"
        );
        let call = calls::find(Operation::RecreateTags, Product::Crm, ApiVersion::V8).unwrap();
        let (template, ids) = (call.template(&kind, Form::One), [id("4876876000005871001")]);
        let nameless = [Brought { tag_name: None, ..tag }];
        let filling =
            Filling { ids: &ids, scope: &kind.scope, module_id: None, brought: &nameless };
        assert!(request(&template, filling).is_err());
    }

    /// CRM v8 Remove Tags page, keys and sample ids; tags are a set, so they stand in order.
    #[test]
    fn removing_tags_in_the_body() {
        let kind = kind(Product::Crm, "v8", "Leads", tags(&["Prime", "Attend First"]));
        assert_eq!(
            written(&kind, &["554023000000793002", "554023000000792001"]),
            "POST /crm/v8/Leads/actions/remove_tags\n\
             {\"tags\":[{\"name\":\"Attend First\"},{\"name\":\"Prime\"}],\
             \"ids\":[\"554023000000793002\",\"554023000000792001\"]}"
        );
        assert_eq!(
            written(&kind, &["554023000000793002"]),
            "POST /crm/v8/Leads/554023000000793002/actions/remove_tags\n\
             {\"tags\":[{\"name\":\"Attend First\"},{\"name\":\"Prime\"}]}"
        );
    }

    /// Bigin v2 Remove Tags page, sample request; CRM v2 and v2.1 Remove Tags pages.
    #[test]
    fn removing_tags_in_the_query() {
        let names = ["From Email", "In progress"];
        let bigin = kind(Product::Bigin, "v2", "Contacts", tags(&names));
        assert_eq!(
            written(&bigin, &["2445013000000402006", "2445013000000141005"]),
            "POST /bigin/v2/Contacts/actions/remove_tags\
             ?ids=2445013000000402006,2445013000000141005&tag_names=From%20Email,In%20progress"
        );
        let crm = kind(Product::Crm, "v2.1", "Leads", tags(&["50% & more=x+y", "Ж"]));
        assert_eq!(
            written(&crm, &["2445013000000402006"]),
            "POST /crm/v2.1/Leads/2445013000000402006/actions/remove_tags\
             ?tag_names=50%25%20%26%20more%3Dx%2By,%D0%96"
        );
    }

    /// CRM v7 Delink Records page, sample request.
    #[test]
    fn unlinking() {
        let parent = id("3652397000000327001");
        let unlink = Action::Unlink { parent, list: "Contacts".parse().unwrap() };
        let kind = kind(Product::Crm, "v7", "Campaigns", unlink);
        assert_eq!(
            written(&kind, &["3652397000000925128", "3652397000000649013"]),
            "DELETE /crm/v7/Campaigns/3652397000000327001/Contacts\
             ?ids=3652397000000925128,3652397000000649013"
        );
        assert_eq!(
            written(&kind, &["3652397000000925128"]),
            "DELETE /crm/v7/Campaigns/3652397000000327001/Contacts/3652397000000925128"
        );
    }

    /// Bigin v1 and v2 Delink pages, both request URLs.
    #[test]
    fn unlinking_in_bigin() {
        for version in ["v1", "v2"] {
            let parent = id("2034020000000489005");
            let unlink = Action::Unlink { parent, list: "Contacts".parse().unwrap() };
            let kind = kind(Product::Bigin, version, "Products", unlink);
            let path = format!("DELETE /bigin/{version}/Products/2034020000000489005/Contacts");
            assert_eq!(
                written(&kind, &["2034020000000489089", "2034020000000489090"]),
                format!("{path}?ids=2034020000000489089,2034020000000489090")
            );
            assert_eq!(
                written(&kind, &["2034020000000489089"]),
                format!("{path}/2034020000000489089")
            );
        }
    }

    /// CRM v2 to v6 Delete Tag pages and Bigin v2 Delete a Tag page, sample requests.
    #[test]
    fn deleting_one_tag() {
        for version in ["v2", "v2.1", "v3", "v4", "v5", "v6"] {
            let kind = kind(Product::Crm, version, "Leads", Action::DeleteTags);
            let wanted = format!("DELETE /crm/{version}/settings/tags/2000000035058");
            assert_eq!(written(&kind, &["2000000035058"]), wanted);
        }
        let bigin = kind(Product::Bigin, "v2", "Contacts", Action::DeleteTags);
        assert_eq!(
            written(&bigin, &["2034020000000489005"]),
            "DELETE /bigin/v2/settings/tags/2034020000000489005"
        );
    }

    /// CRM v8 Mass Delete Tags page, sample input, and its own sample URL.
    #[test]
    fn deleting_tags() {
        let module_id = Some(id("2276164000000000125"));
        let kind = CallKind { module_id, ..kind(Product::Crm, "v8", "Leads", Action::DeleteTags) };
        assert_eq!(
            written(&kind, &["2276164000001021044", "2276164000001021045"]),
            "POST /crm/v8/settings/tags/actions/mass_delete\n\
             {\"mass_delete\":[{\"module\":{\"id\":\"2276164000000000125\",\"api_name\":\"Leads\"},\
             \"tags\":[{\"id\":\"2276164000001021044\"},{\"id\":\"2276164000001021045\"}]}]}"
        );
        assert_eq!(
            written(&kind, &["2276164000001021044"]),
            "DELETE /crm/v8/settings/tags/2276164000001021044"
        );
    }

    #[test]
    fn a_tag_that_looks_like_a_template_stays_a_tag() {
        let kind = kind(Product::Crm, "v8", "Leads", tags(&["{ids}", "a\"}]\\"]));
        let ids = [id("554023000000793002"), id("554023000000793003")];
        let call = calls::find(kind.scope.operation(), Product::Crm, ApiVersion::V8).unwrap();
        let template = call.template(&kind, Form::Many);
        let filling = Filling { ids: &ids, scope: &kind.scope, module_id: None, brought: &[] };
        let body = request(&template, filling).unwrap().body.unwrap();
        let json: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(json["tags"][0]["name"], "a\"}]\\");
        assert_eq!(json["tags"][1]["name"], "{ids}");
        assert_eq!(json["ids"][1], "554023000000793003");
    }

    #[test]
    fn no_template_of_the_table_names_a_record_or_a_tag() {
        for call in calls::WRITES {
            for version in call.versions {
                let secret = TagSet::new(["Secret".parse().unwrap()]).unwrap();
                let list = "Contacts".parse().unwrap();
                let task = match call.operation {
                    Operation::Delete => Task::Delete,
                    Operation::Untag => Task::Untag(secret),
                    Operation::Unlink => Task::Unlink(list),
                    Operation::DeleteTags => Task::DeleteTags,
                    Operation::Restore => Task::Restore,
                    Operation::Retag => Task::Retag(secret),
                    Operation::Relink => Task::Relink(list),
                    Operation::RecreateTags => Task::RecreateTags,
                };
                let action = task.action(Some(id("3652397000000327001"))).unwrap();
                let kind = kind(call.product, version.wire_name(), "Leads", action);
                for form in [Form::Many, Form::One] {
                    let template = call.template(&kind, form);
                    assert!(!template.contains("Secret"), "{template}");
                    assert!(!template.contains("3652397000000327001"), "{template}");
                }
            }
        }
    }

    #[test]
    fn what_is_no_template_makes_no_request() {
        let kind = kind(Product::Crm, "v8", "Leads", Action::Delete);
        let ids = [id("4876876000000624001"), id("4876876000000624002")];
        for (template, ids) in [
            ("", &ids[..]),
            ("DELETE /crm/v8/Leads", &ids[..]),
            ("DELETE /crm/v8/Leads/{id}", &ids[..]),
            ("DELETE /crm/v8/Leads?ids={ids}", &ids[..0]),
            ("DELETE /crm/v8/Leads?ids={ids}&more={ids}", &ids[..]),
            ("DELETE /crm/v8/{id}?ids={ids}", &ids[..1]),
            ("DELETE crm/v8/Leads?ids={ids}", &ids[..]),
            ("DELETE /crm/v8/Leads?ids={ids} HTTP/1.1", &ids[..]),
            ("DELETE /crm/v8/Leads#{ids}", &ids[..]),
            ("DELETE /crm/v8/{module}?ids={ids}", &ids[..]),
            ("DELETE /crm/v8/Leads/{parent}/x?ids={ids}", &ids[..]),
            ("POST /crm/v8/x?tag_names={tag_names}&ids={ids}", &ids[..]),
            ("POST /crm/v8/x\n{\"id\":{module_id},\"ids\":[{tag_ids}]}", &ids[..]),
            ("/crm/v8/Leads?ids={ids}", &ids[..]),
        ] {
            let filling = Filling { ids, scope: &kind.scope, module_id: None, brought: &[] };
            assert!(request(template, filling).is_err(), "{template:?}");
        }
    }

    #[test]
    fn the_longest_call_fits_its_line() {
        let name = "M".repeat(100);
        let ids: Vec<RecordId> =
            (0..100).map(|number| RecordId::from_stored(i64::MAX - number).unwrap()).collect();
        let unlink = Action::Unlink { parent: ids[0], list: name.parse().unwrap() };
        for action in [Action::Delete, unlink] {
            let kind = kind(Product::Crm, "v2.1", &name, action);
            let call = calls::find(kind.scope.operation(), Product::Crm, ApiVersion::V2_1).unwrap();
            let template = call.template(&kind, Form::Many);
            let filling = Filling { ids: &ids, scope: &kind.scope, module_id: None, brought: &[] };
            let line = request(&template, filling).unwrap().path_and_query;
            assert!(line.len() <= call.line_max, "{} bytes", line.len());
        }
    }
}
