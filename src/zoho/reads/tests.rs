use std::time::Duration;

use super::*;
use crate::domain::answer::{
    Deletion, JobSeen, JobStatus, ModuleInfo, OrgInfo, Page, RecordSeen, Related,
};
use crate::domain::edition::Edition;
use crate::domain::id::ModuleName;
use crate::domain::target::Environment;
use crate::domain::time::Timestamp;
use crate::zoho::api::ListAsked;

const VERSION: ApiVersion = ApiVersion::V7;

fn fetched(http_status: u16, body: &str) -> Fetched {
    Fetched { http_status, body: body.as_bytes().to_vec(), cut: false, told: Told::default() }
}

fn id(number: i64) -> RecordId {
    RecordId::from_stored(4_876_876_000_000_624_000 + number).unwrap()
}

fn module_name() -> ModuleName {
    "Leads".parse().unwrap()
}

fn time(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

fn is_unusable<T>(result: &Result<T, ReadError>) -> bool {
    matches!(result, Err(ReadError::Unusable { .. }))
}

#[test]
fn paths_are_as_documented() {
    let leads = module_name();
    let crm = Product::Crm;
    assert_eq!(identity::org_path(crm, VERSION).unwrap(), "/crm/v7/org");
    assert_eq!(identity::user_path(crm, VERSION).unwrap(), "/crm/v7/users?type=CurrentUser");
    assert_eq!(module::path(crm, VERSION, &leads).unwrap(), "/crm/v7/settings/modules/Leads");
    assert_eq!(
        bin::path(&[id(1), id(2)]).unwrap(),
        "/crm/v8/settings/recycle_bin?ids=4876876000000624001,4876876000000624002&per_page=200"
    );
    assert_eq!(
        deleted::path(crm, VERSION, &leads, 3).unwrap(),
        "/crm/v7/Leads/deleted?type=all&page=3&per_page=200"
    );
    assert_eq!(
        records::path(crm, VERSION, &leads, &[id(1), id(2)], false).unwrap(),
        "/crm/v7/Leads?ids=4876876000000624001,4876876000000624002&fields=id,Modified_Time&converted=both"
    );
    assert_eq!(
        records::path(crm, VERSION, &leads, &[id(1)], false).unwrap(),
        "/crm/v7/Leads/4876876000000624001?fields=id,Modified_Time&converted=both"
    );
}

#[test]
fn a_read_by_no_ids_or_too_many_is_not_asked() {
    let many: Vec<RecordId> = (0..101).map(id).collect();
    for ids in [&[][..], &many[..]] {
        assert!(bin::path(ids).is_err());
        assert!(records::path(Product::Crm, VERSION, &module_name(), ids, false).is_err());
    }
    assert!(matches!(
        identity::org_path(Product::Crm, ApiVersion::V1),
        Err(ReadError::NotThere { .. })
    ));
}

#[test]
fn org_and_user_are_read_by_their_id() {
    let crm = Product::Crm;
    let org = |body: &str| identity::org(&fetched(200, body), crm);
    let bare = r#"{"org":[{"id":"4876876000000624001","zgid":"7","company_name":"x"}]}"#;
    let known = OrgInfo { id: id(1), edition: None, users: None, environment: None };
    assert_eq!(org(bare), Ok(known.clone()));
    let full = r#"{"org":[{"id":"4876876000000624001","type":"sandbox",
        "license_details":{"paid_type":"Zoho One","users_license_purchased":10}}]}"#;
    let edition = Some(Edition::Enterprise);
    let environment = Some(Environment::Sandbox);
    assert_eq!(org(full), Ok(OrgInfo { edition, users: Some(10), environment, ..known.clone() }));
    for strange in [
        r#"{"org":[{"id":"4876876000000624001","type":["sandbox"],"license_details":[]}]}"#,
        r#"{"org":[{"id":"4876876000000624001","type":"bigin","license_details":
            {"paid_type":"gold","users_license_purchased":-1}}]}"#,
        r#"{"org":[{"id":"4876876000000624001","license_details":
            {"paid_type":null,"users_license_purchased":"99999999999"}}]}"#,
    ] {
        assert_eq!(org(strange), Ok(known.clone()), "{strange}");
    }
    let user = r#"{"users":[{"id":"4876876000000624002","full_name":" A\u001b[31mnn ","email":"",
        "profile":{"name":"Administrator","id":"1"}}],"info":{"count":1}}"#;
    let user = identity::user(&fetched(200, user)).unwrap();
    assert_eq!((user.id, user.name.as_deref()), (id(2), Some("A[31mnn")));
    assert_eq!((user.email, user.profile.as_deref()), (None, Some("Administrator")));
    let two = r#"{"users":[{"id":"4876876000000624002"},{"id":"4876876000000624003"}]}"#;
    assert!(is_unusable(&identity::user(&fetched(200, two))));
    for nothing in ["", "{}", r#"{"org":[]}"#, r#"{"org":[{}]}"#, r#"{"org":[["1"]]}"#] {
        assert!(is_unusable(&org(nothing)), "{nothing}");
    }
}

#[test]
fn a_module_says_what_it_says_and_the_rest_is_assumed() {
    let full = r#"{"modules":[{"api_name":"Leads","id":"4876876000000624001","deletable":false,
        "api_supported":true,"recycle_bin_on_delete":true}]}"#;
    let read = |body: &str| module::read(&fetched(200, body), &module_name());
    assert_eq!(
        read(full),
        Ok(ModuleInfo {
            id: Some(id(1)),
            deletable: false,
            api_supported: true,
            recycle_bin_on_delete: Some(true)
        })
    );
    assert_eq!(
        read(r#"{"modules":[{}]}"#),
        Ok(ModuleInfo {
            id: None,
            deletable: true,
            api_supported: true,
            recycle_bin_on_delete: None
        })
    );
    assert!(is_unusable(&read(r#"{"modules":[{"api_name":"Deals"}]}"#)));
    assert!(is_unusable(&read(r#"{"modules":[{},{}]}"#)));
    let unknown = include_str!("../../../tests/fixtures/zoho/delete/invalid_module.json");
    assert!(matches!(
        module::read(&fetched(400, unknown), &module_name()),
        Err(ReadError::NotThere { code, .. }) if code == "INVALID_MODULE"
    ));
}

#[test]
fn the_bin_says_who_and_when() {
    let body = r#"{"recycle_bin":[{"display_name":"Patricia","deleted_time":"2026-08-22T10:00:00+02:00",
        "module":{"api_name":"Leads","id":"1"},"deleted_by":{"name":"x","id":"4876876000000624009"},
        "id":"4876876000000624001"}],"info":{"per_page":200,"count":1,"page":1,"more_records":false}}"#;
    let expected = Deletion {
        id: id(1),
        deleted_by: Some(id(9)),
        deleted_time: time("2026-08-22T08:00:00Z"),
        permanent: false,
    };
    assert_eq!(bin::read(&fetched(200, body), &[id(1), id(2)]), Ok(vec![expected]));
    assert_eq!(bin::read(&fetched(204, ""), &[id(1)]), Ok(vec![]));
    assert!(is_unusable(&bin::read(&fetched(200, body), &[id(2)])));
    let more = body.replace("false", "true");
    assert!(is_unusable(&bin::read(&fetched(200, &more), &[id(1)])));
}

#[test]
fn the_deleted_list_knows_erased_records_without_an_actor() {
    let body = r#"{"data":[
        {"deleted_by":{"name":"x","id":"4876876000000624009"},"id":"4876876000000624001","type":"recycle",
         "deleted_time":"2015-06-19T11:19:38+05:30"},
        {"deleted_by":null,"display_name":null,"id":"4876876000000624002","type":"permanent",
         "deleted_time":"2015-06-19T11:19:38+05:30"}],
        "info":{"per_page":200,"count":2,"page":1,"more_records":true}}"#;
    let page = deleted::read(&fetched(200, body)).unwrap();
    assert!(page.more);
    assert_eq!(page.rows[0].deleted_by, Some(id(9)));
    assert_eq!(page.rows[0].deleted_time, time("2015-06-19T05:49:38Z"));
    assert_eq!((page.rows[1].deleted_by, page.rows[1].permanent), (None, true));
    for nothing in [fetched(204, ""), fetched(304, "")] {
        let page = deleted::read(&nothing).unwrap();
        assert!(page.rows.is_empty() && !page.more);
    }
}

#[test]
fn a_full_page_that_does_not_say_more_has_more() {
    let list = |count: usize| {
        let row = r#"{"id":"4876876000000624001"}"#;
        let body = format!(r#"{{"data":[{}]}}"#, vec![row; count].join(","));
        deleted::read(&fetched(200, &body)).unwrap().more
    };
    assert_eq!((list(199), list(200)), (false, true));
}

#[test]
fn readable_records_come_with_their_time() {
    let body = r#"{"data":[{"id":"4876876000000624001","Modified_Time":"2026-08-22T10:00:00+00:00","Last_Name":"x"}],
        "info":{"more_records":false}}"#;
    assert_eq!(
        records::read(&fetched(200, body), &[id(1), id(2)], false),
        Ok(vec![RecordSeen { id: id(1), modified_time: time("2026-08-22T10:00:00Z"), tags: None }])
    );
    let other = records::read(&fetched(200, body), &[id(2), id(3)], false);
    assert!(is_unusable(&other));
}

#[test]
fn every_way_of_saying_no_such_record_is_nothing() {
    let wrapped =
        r#"{"data":[{"code":"INVALID_DATA","details":{},"message":"x","status":"error"}]}"#;
    let flat = r#"{"code":"INVALID_DATA","details":{},"message":"x","status":"error"}"#;
    let in_path = r#"{"code":"INVALID_DATA","details":{"resource_path_index":1},"message":"x"}"#;
    let no_content = r#"{"code":"NO_CONTENT","details":{},"message":"x","status":"success"}"#;
    for (status, body) in
        [(204, ""), (200, no_content), (404, flat), (404, wrapped), (400, in_path)]
    {
        let read = records::read(&fetched(status, body), &[id(1)], false);
        assert_eq!(read, Ok(vec![]), "{status} {body}");
    }
    // Perhaps cut before its first byte.
    assert!(is_unusable(&records::read(&fetched(200, ""), &[id(1)], false)));
    assert!(is_unusable(&records::read(&fetched(400, flat), &[id(1)], false)));
    assert!(is_unusable(&records::read(&fetched(400, in_path), &[id(1), id(2)], false)));
    let url = r#"{"code":"INVALID_URL_PATTERN","details":{},"message":"x","status":"error"}"#;
    assert!(matches!(
        records::read(&fetched(404, url), &[id(1)], false),
        Err(ReadError::NotThere { .. })
    ));
}

#[test]
fn a_damaged_answer_is_never_nothing() {
    let whole = r#"{"data":[{"id":"4876876000000624001"}]}"#;
    let mut cut = fetched(200, whole);
    cut.cut = true;
    assert!(is_unusable(&records::read(&cut, &[id(1)], false)));
    cut.body.clear();
    assert!(is_unusable(&records::read(&cut, &[id(1)], false)));
    for end in 1..whole.len() {
        let read = records::read(&fetched(200, &whole[..end]), &[id(1)], false);
        assert!(is_unusable(&read), "{end}");
    }
    for body in [
        "<html>",
        "null",
        "[]",
        "{}",
        r#"{"data":null}"#,
        r#"{"data":{}}"#,
        r#"{"data":[{}]}"#,
        r#"{"data":[null]}"#,
        r#"{"data":[{"id":"x"}]}"#,
        r#"{"data":[["4876876000000624001"]]}"#,
        r#"{"data":[],"data":[]}"#,
        r#"{"data":[{"id":"4876876000000624001"},{"id":"4876876000000624001"}]}"#,
        r#"{"data":[{"code":"INVALID_DATA","details":{},"status":"error"}]}"#,
    ] {
        let read = records::read(&fetched(200, body), &[id(1)], false);
        assert!(is_unusable(&read), "{body}");
    }
    for (status, body) in [(500, ""), (503, "<html>"), (302, whole), (404, ""), (403, "{}")] {
        let read = records::read(&fetched(status, body), &[id(1)], false);
        assert!(is_unusable(&read), "{status}");
    }
}

#[test]
fn errors_are_told_apart_by_their_code() {
    let read = |status: u16, code: &str| {
        let body = format!(r#"{{"code":"{code}","details":{{}},"message":"m","status":"error"}}"#);
        bin::read(&fetched(status, &body), &[id(1)]).unwrap_err()
    };
    for code in ["INVALID_TOKEN", "AUTHENTICATION_FAILURE", "INVALID_OAUTHTOKEN"] {
        assert!(matches!(read(401, code), ReadError::Unauthorized { .. }), "{code}");
    }
    for (status, code) in
        [(401, "OAUTH_SCOPE_MISMATCH"), (403, "NO_PERMISSION"), (400, "AUTHORIZATION_FAILED")]
    {
        assert!(matches!(read(status, code), ReadError::Forbidden { .. }), "{code}");
    }
    for (status, code) in [(400, "INVALID_MODULE"), (404, "INVALID_URL_PATTERN")] {
        assert!(matches!(read(status, code), ReadError::NotThere { .. }), "{code}");
    }
    assert!(matches!(read(400, "TOO_MANY_REQUESTS"), ReadError::Throttled { .. }));
    assert!(matches!(read(500, "INTERNAL_ERROR"), ReadError::Unusable { .. }));
    assert!(matches!(read(200, "INTERNAL_ERROR"), ReadError::Unusable { .. }));
    let mut throttled = fetched(429, "<html>");
    throttled.told.retry_after = Some(Duration::from_secs(5));
    assert_eq!(
        bin::read(&throttled, &[id(1)]),
        Err(ReadError::Throttled { retry_after: Some(Duration::from_secs(5)) })
    );
}

#[test]
fn the_tags_of_records_are_names_in_either_product() {
    let crm = r##"{"data":[{"id":"4876876000000624001","Modified_Time":null,
        "Tag":[{"name":"Prime","id":"554023000002555018","color_code":"#57B1FD"},{"name":"b","id":"1"}]},
        {"id":"4876876000000624002","Tag":[]}]}"##;
    // Bigin v2 Remove Tags page: tags are strings there.
    let bigin = r#"{"data":[{"id":"4876876000000624001","Tag":["Prime","b"]},
        {"id":"4876876000000624002","Tag":null}]}"#;
    for body in [crm, bigin] {
        let read = records::read(&fetched(200, body), &[id(1), id(2)], true).unwrap();
        let tags: Vec<_> = read.into_iter().map(|record| record.tags.unwrap()).collect();
        assert_eq!(tags, [vec!["Prime".to_owned(), "b".to_owned()], vec![]]);
    }
    // A tag that is overlooked would look removed.
    for tags in ["{}", "[1]", "[{}]", "[null]", "\"Prime\"", "[{\"name\":7}]"] {
        let body = format!(r#"{{"data":[{{"id":"4876876000000624001","Tag":{tags}}}]}}"#);
        assert!(is_unusable(&records::read(&fetched(200, &body), &[id(1)], true)), "{tags}");
    }
    let without = r#"{"data":[{"id":"4876876000000624001"}]}"#;
    assert!(is_unusable(&records::read(&fetched(200, without), &[id(1)], true)));
    let path = records::path(Product::Crm, VERSION, &module_name(), &[id(1)], true).unwrap();
    assert_eq!(
        path,
        "/crm/v7/Leads/4876876000000624001?fields=id,Tag,Modified_Time&converted=both"
    );
}

/// CRM v7 Get Tags page, sample response.
#[test]
fn the_tags_of_a_module_have_id_name_and_colour() {
    let body = r##"{"tags":[{"created_time":"2023-10-12T17:34:35+05:30","color_code":"#57B1FD",
        "name":"Prime","id":"4876876000000624001","created_by":{"name":"x","id":"1"}},
        {"name":"b","id":"4876876000000624002","color_code":null}],"info":{"count":2,"allowed_count":200}}"##;
    let read = tags::read(&fetched(200, body)).unwrap();
    let seen: Vec<_> =
        read.iter().map(|tag| (tag.id, tag.name.as_str(), tag.color.as_deref())).collect();
    assert_eq!(seen, [(id(1), "Prime", Some("#57B1FD")), (id(2), "b", None)]);
    assert_eq!(tags::read(&fetched(204, "")), Ok(vec![]));
    for body in [
        r#"{"tags":[{"name":"a","id":"4876876000000624001"}],"info":{"more_records":true}}"#,
        r#"{"tags":[{"id":"4876876000000624001"}]}"#,
        r#"{"tags":[{"name":"a"}]}"#,
        r#"{"tags":{}}"#,
        "{}",
        "",
    ] {
        assert!(is_unusable(&tags::read(&fetched(200, body))), "{body}");
    }
    let path = tags::path(Product::Bigin, ApiVersion::V2, &"Pipelines".parse().unwrap());
    assert_eq!(path.unwrap(), "/bigin/v2/settings/tags?module=Pipelines");
}

#[test]
fn a_related_list_tells_members_from_a_parent_that_is_gone() {
    let (module, list) = (module_name(), "Campaigns".parse().unwrap());
    let asked = ListAsked {
        product: Product::Crm,
        version: VERSION,
        module: &module,
        parent: id(9),
        list: &list,
        field: Some("Member_Status"),
    };
    assert_eq!(
        related::path(&asked, &[id(1), id(2)], 1).unwrap(),
        "/crm/v7/Leads/4876876000000624009/Campaigns?fields=id,Member_Status\
         &ids=4876876000000624001,4876876000000624002&page=1&per_page=200"
    );
    let body = r#"{"data":[{"id":"4876876000000624001","Member_Status":"Active","list_price":12.50},
        {"id":"4876876000000624007"}],"info":{"more_records":false}}"#;
    let page = related::read(&fetched(200, body), &[id(1), id(2)]).unwrap().unwrap();
    let member = Related {
        id: id(1),
        member_status: Some("Active".to_owned()),
        list_price: Some("12.50".to_owned()),
    };
    // What was not asked for is left out: not every version is known to narrow the list.
    assert_eq!((page.rows, page.more), (vec![member], false));
    let nobody = Page { rows: Vec::new(), more: false };
    assert_eq!(related::read(&fetched(204, ""), &[id(1)]), Ok(Some(nobody)));
    // OAS YAML, related records: the parent is gone.
    let gone = r#"{"code":"INVALID_DATA","details":{},"message":"The record does not exist","status":"error"}"#;
    assert_eq!(related::read(&fetched(404, gone), &[id(1)]), Ok(None));
    let list = r#"{"code":"INVALID_DATA","details":{"resource_path_index":2},"message":"x","status":"error"}"#;
    assert!(matches!(
        related::read(&fetched(400, list), &[id(1)]),
        Err(ReadError::NotThere { .. })
    ));
    for body in ["", "{}", r#"{"data":[{}]}"#, "<html>"] {
        assert!(is_unusable(&related::read(&fetched(200, body), &[id(1)])), "{body}");
    }
}

/// CRM v7 Mass Delete Tags Status page; OAS `mass_delete_tags.json` for the job that is not known.
#[test]
fn a_job_s_status_is_an_open_set_and_an_unknown_job_is_told_apart() {
    let job = "4876876000005871001";
    let read = |status: u16, body: &str| job::read(&fetched(status, body), job);
    let known = |status: &str, counts: [Option<u64>; 3]| {
        let [total, deleted, failed] = counts;
        Ok(JobSeen::Known(JobStatus { status: status.to_owned(), total, deleted, failed }))
    };
    let body = r#"{"mass_delete":[{"job_id":"4876876000005871001","total_count":8,"failed_count":0,"deleted_count":8,"status":"COMPLETED"}]}"#;
    assert_eq!(read(200, body), known("COMPLETED", [Some(8), Some(8), Some(0)]));
    let body = r#"{"mass_delete":[{"job_id":"4876876000005871001","total_count":"8","status":"in_progress"}]}"#;
    assert_eq!(read(200, body), known("IN_PROGRESS", [Some(8), None, None]));
    let item = r#"{"code":"INVALID_DATA","details":{"job_id":"4876876000005871001"},"message":"job details not found","status":"error"}"#;
    for body in [
        item.to_owned(),
        format!(r#"{{"mass_delete":[{item}]}}"#),
        format!(r#"{{"mass_delete":[[{item}]]}}"#),
    ] {
        assert!(matches!(read(400, &body), Ok(JobSeen::Forgotten { .. })), "{body}");
    }
    for (status, body) in [
        (200, ""),
        (204, ""),
        (200, "{}"),
        (200, r#"{"mass_delete":[]}"#),
        (200, r#"{"mass_delete":[{"job_id":"1","total_count":1,"status":"COMPLETED"}]}"#),
        (200, r#"{"mass_delete":[{"job_id":"4876876000005871001","total_count":1}]}"#),
        (500, "<html>"),
        (400, "<html>"),
    ] {
        assert!(is_unusable(&read(status, body)), "{status} {body}");
    }
    let denied = r#"{"code":"NO_PERMISSION","details":{"permissions":["Crm_Implied_Edit_Tags"]},"message":"x","status":"error"}"#;
    assert!(matches!(read(403, denied), Err(ReadError::Forbidden { .. })));
    assert!(job::path(Product::Crm, VERSION, "").is_err());
    assert!(job::path(Product::Crm, VERSION, "1&x=2#/ ").unwrap().ends_with("=1%26x%3D2%23%2F%20"));
    assert_eq!(
        job::path(Product::Crm, VERSION, "job_789").unwrap(),
        "/crm/v7/settings/tags/actions/mass_delete?job_id=job_789"
    );
}

#[test]
fn a_whole_record_is_taken_verbatim_and_only_the_one_that_was_asked_for() {
    use secrecy::ExposeSecret;
    let path = whole::path(Product::Crm, VERSION, &module_name(), id(1)).unwrap();
    assert_eq!(path, "/crm/v7/Leads/4876876000000624001?converted=both");
    let record = r#"{"Email" : "ann@example.com", "id":"4876876000000624001","Tag":[]}"#;
    let read = |status, body: &str| whole::read(&fetched(status, body), id(1));
    let found = read(200, &format!(r#"{{"data":[{record}]}}"#)).unwrap().unwrap();
    assert_eq!(found.expose_secret(), record);
    assert!(!format!("{found:?}").contains("ann"));
    let gone = r#"{"code":"INVALID_DATA","details":{"resource_path_index":1},"message":"the id given seems to be invalid","status":"error"}"#;
    assert!(read(204, "").unwrap().is_none() && read(400, gone).unwrap().is_none());
    for body in [
        String::new(),
        r#"{"data":[]}"#.to_owned(),
        format!(r#"{{"data":[{record},{record}]}}"#),
        record.replace("624001", "624002"),
        format!(r#"{{"data":[{}]}}"#, record.replace("624001", "624002")),
        format!(r#"{{"data":[{record}"#),
    ] {
        let refused = read(200, &body).unwrap_err();
        assert!(matches!(refused, ReadError::Unusable { .. }), "{refused}");
        assert!(!refused.to_string().contains("ann@"), "{refused}");
    }
}
