//! Which scopes a call needs, and which a token has: one table.
//!
//! A scope is `service.name.operation`, as in `ZohoCRM.modules.leads.DELETE`. One of several is
//! enough. Zoho's texts write them in any case (`ALL` on the pages, `all` in OAS), so case says
//! nothing here.

use super::call::Call;

/// The scopes of a token. `None`: it may do everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Granted(pub(crate) Option<Vec<String>>);

/// What a token that may do everything is said to have.
const EVERYTHING: [&str; 11] = [
    "ZohoCRM.modules.ALL",
    "ZohoCRM.settings.ALL",
    "ZohoCRM.settings.recycle_bin.ALL",
    "ZohoCRM.mass_delete.ALL",
    "ZohoCRM.coql.READ",
    "ZohoCRM.org.ALL",
    "ZohoCRM.users.ALL",
    "ZohoBigin.modules.ALL",
    "ZohoBigin.settings.ALL",
    "ZohoBigin.org.ALL",
    "ZohoBigin.users.ALL",
];

/// What some calls need.
struct Line {
    method: &'static str,
    /// The path below the version; `*` is any part, and `{module}` one that scopes name.
    path: &'static str,
    /// What follows the service in the scopes that Zoho's pages name.
    pages: &'static [&'static str],
    /// The same, as only Zoho's `OpenAPI` files for CRM have it.
    files: &'static [&'static str],
}

const fn line(
    method: &'static str,
    path: &'static str,
    pages: &'static [&'static str],
    files: &'static [&'static str],
) -> Line {
    Line { method, path, pages, files }
}

/// Organization pages of CRM and of Bigin, OAS org.yaml.
const ORG: &[&str] = &["org.ALL", "org.READ"];
/// Users pages of CRM; Scopes page of Bigin; OAS users.json and users.yaml.
const USERS: &[&str] = &["users.ALL", "users.READ"];
/// Modules pages of CRM and of Bigin, OAS modules.json.
const MODULES: &[&str] = &["settings.ALL", "settings.modules.ALL", "settings.modules.READ"];
/// Fields Metadata pages, OAS fields.json.
const FIELDS: &[&str] = &["settings.ALL", "settings.fields.ALL", "settings.fields.READ"];
/// OAS `related_lists.json`.
const LISTS: &[&str] =
    &["settings.ALL", "settings.related_lists.ALL", "settings.related_lists.READ"];
/// Get Recycle Bin page, OAS `recycle_bin.json`. That the wider ones cover it is assumed, as they
/// do elsewhere in the settings.
const BIN: &[&str] = &["settings.ALL", "settings.recycle_bin.ALL", "settings.recycle_bin.READ"];
/// Restore pages of CRM v8, OAS `recycle_bin.yaml`.
const RESTORE: &[&str] =
    &["settings.ALL", "settings.recycle_bin.ALL", "settings.recycle_bin.UPDATE"];
/// Get Tags and Get Record Count pages of CRM and of Bigin; OAS `mass_delete_tags.yaml` for the
/// status of a job.
const READ_TAGS: &[&str] = &["settings.ALL", "settings.tags.ALL", "settings.tags.READ"];
/// Create Tag pages.
const MAKE_TAGS: &[&str] =
    &["settings.ALL", "settings.tags.ALL", "settings.tags.WRITE", "settings.tags.CREATE"];
/// Delete Tag pages, Mass Delete Tags page.
const DROP_TAGS: &[&str] =
    &["settings.ALL", "settings.tags.ALL", "settings.tags.WRITE", "settings.tags.DELETE"];
/// Get Records, Get Deleted Records, Get Related Records and Count pages.
const READ: &[&str] = &["modules.ALL", "modules.{module}.ALL", "modules.{module}.READ"];
/// OAS record.yaml, `related_records.yaml`, `record_count.yaml`.
const READ_ANY: &[&str] = &["modules.READ"];
/// Delete Records pages of CRM (v2 on) and of Bigin.
const DELETE: &[&str] = &["modules.ALL", "modules.{module}.ALL", "modules.{module}.DELETE"];
/// Delink pages. The module is the one of the record that has the list.
const UNLINK: &[&str] =
    &["modules.ALL", "modules.{module}.ALL", "modules.{module}.WRITE", "modules.{module}.DELETE"];
/// OAS record.yaml, `related_records.yaml`.
const DELETE_ANY: &[&str] = &["modules.DELETE"];
/// Remove Tags pages of CRM and of Bigin v2. OAS tags.json has `settings.tags.all` instead, which
/// is taken for a slip of it.
const UNTAG: &[&str] = &["modules.ALL", "modules.{module}.ALL", "modules.{module}.WRITE"];
/// Add Tags pages.
const TAG: &[&str] =
    &["modules.ALL", "modules.{module}.ALL", "modules.{module}.WRITE", "modules.{module}.CREATE"];
/// Update Related Records page.
const LINK: &[&str] = &["modules.ALL", "modules.{module}.ALL", "modules.{module}.WRITE"];
/// The same page, and OAS `related_records.yaml`. Bigin knows no such operation (Scopes page).
const LINK_CRM: &[&str] = &["modules.{module}.UPDATE", "modules.UPDATE"];

/// The first line that fits counts.
const LINES: [Line; 30] = [
    line("GET", "org", ORG, &[]),
    line("GET", "users", USERS, &[]),
    line("GET", "settings/modules", MODULES, &[]),
    line("GET", "settings/modules/*", MODULES, &[]),
    line("GET", "settings/fields", FIELDS, &[]),
    line("GET", "settings/related_lists", LISTS, &[]),
    line("GET", "settings/recycle_bin", BIN, &[]),
    line("GET", "settings/recycle_bin/*", BIN, &[]),
    line("POST", "settings/recycle_bin/actions/restore", RESTORE, &[]),
    line("POST", "settings/recycle_bin/*/actions/restore", RESTORE, &[]),
    line("GET", "settings/tags", READ_TAGS, &[]),
    line("GET", "settings/tags/actions/mass_delete", READ_TAGS, &[]),
    line("GET", "settings/tags/*/actions/records_count", READ_TAGS, &[]),
    line("POST", "settings/tags", MAKE_TAGS, &[]),
    line("DELETE", "settings/tags/*", DROP_TAGS, &[]),
    line("POST", "settings/tags/actions/mass_delete", DROP_TAGS, &[]),
    line("POST", "{module}/actions/add_tags", TAG, &[]),
    line("POST", "{module}/*/actions/add_tags", TAG, &[]),
    line("POST", "{module}/actions/remove_tags", UNTAG, &[]),
    line("POST", "{module}/*/actions/remove_tags", UNTAG, &[]),
    line("GET", "{module}", READ, READ_ANY),
    line("GET", "{module}/*", READ, READ_ANY),
    line("GET", "{module}/*/*", READ, READ_ANY),
    line("GET", "{module}/*/*/*", READ, READ_ANY),
    line("DELETE", "{module}", DELETE, DELETE_ANY),
    line("DELETE", "{module}/*", DELETE, DELETE_ANY),
    line("DELETE", "{module}/*/*", UNLINK, DELETE_ANY),
    line("DELETE", "{module}/*/*/*", UNLINK, DELETE_ANY),
    line("PUT", "{module}/*/*", LINK, LINK_CRM),
    line("PUT", "{module}/*/*/*", LINK, LINK_CRM),
];

impl Line {
    fn fits(&self, method: &str, path: &[&str]) -> bool {
        let parts: Vec<&str> = self.path.split('/').collect();
        let any = |part: &str| part == "*" || part == "{module}";
        self.method == method
            && parts.len() == path.len()
            && parts.iter().zip(path).all(|(part, of_call)| any(part) || part == of_call)
    }
}

impl Granted {
    /// Whether a call may be made. `is_custom` says whether its module is one that Zoho does not
    /// have, which scopes call `custom` (Delete Records page). A call that no line fits may be made
    /// by those only who may do everything.
    pub(crate) fn permits(&self, call: &Call, is_custom: bool) -> bool {
        let Some(scopes) = &self.0 else {
            return true;
        };
        let segments: Vec<&str> = call.segments.iter().map(String::as_str).collect();
        let [product, _, path @ ..] = segments.as_slice() else {
            return false;
        };
        let Some(line) = LINES.iter().find(|line| line.fits(&call.method, path)) else {
            return false;
        };
        let (service, files) =
            if *product == "bigin" { ("zohobigin", &[][..]) } else { ("zohocrm", line.files) };
        let module = path.first().copied().unwrap_or_default();
        let is_meant = |scope: &String| {
            let scope = scope.to_ascii_lowercase();
            let rest = scope.strip_prefix(service).and_then(|rest| rest.strip_prefix('.'));
            let mut wanted = line.pages.iter().chain(files);
            rest.is_some_and(|rest| wanted.any(|wanted| means(wanted, rest, module, is_custom)))
        };
        scopes.iter().any(is_meant)
    }

    /// The scopes as a token answer tells them, with blanks between.
    pub(crate) fn told(&self) -> String {
        self.0.as_ref().map_or_else(|| EVERYTHING.join(" "), |scopes| scopes.join(" "))
    }
}

/// Whether a scope without its service is the one that is wanted.
fn means(wanted: &str, given: &str, module: &str, is_custom: bool) -> bool {
    let wanted: Vec<String> = wanted.split('.').map(str::to_ascii_lowercase).collect();
    let given: Vec<&str> = given.split('.').collect();
    wanted.len() == given.len()
        && wanted.iter().zip(given).all(|(wanted, given)| {
            if wanted == "{module}" {
                plain(given) == plain(module) || (is_custom && given == "custom")
            } else {
                wanted == given
            }
        })
}

/// A module's name as scopes have it: `pricebooks` for `Price_Books`, `services` for `Services__s`
/// (Delete Records and Delink pages).
fn plain(module: &str) -> String {
    module.trim_end_matches("__s").replace('_', "").to_ascii_lowercase()
}

/// Whether a text can be a scope.
pub(crate) fn is_scope(text: &str) -> bool {
    let good = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    text.split('.').count() > 1 && text.split('.').all(good)
}

#[cfg(test)]
mod tests {
    use axum::body::Bytes;
    use axum::http::Request;

    use super::*;

    fn may(scopes: &[&str], method: &str, url: &str, is_custom: bool) -> bool {
        let (parts, ()) = Request::builder().method(method).uri(url).body(()).unwrap().into_parts();
        let call = Call::new(&parts, Bytes::new());
        let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        Granted(Some(scopes)).permits(&call, is_custom)
    }

    /// Which of these suffice alone.
    fn enough<'a>(candidates: &[&'a str], method: &str, url: &str) -> Vec<&'a str> {
        let alone = |scope: &&&str| may(&[scope], method, url, false);
        candidates.iter().filter(alone).copied().collect()
    }

    #[test]
    fn a_deletion_needs_one_of_four_scopes_and_case_says_nothing() {
        let good = [
            "ZohoCRM.modules.ALL",
            "zohocrm.MODULES.leads.all",
            "ZohoCRM.modules.Leads.DELETE",
            "ZohoCRM.modules.DELETE",
        ];
        let bad = [
            "ZohoCRM.modules.leads.READ",
            "ZohoCRM.modules.leads.WRITE",
            "ZohoCRM.modules.contacts.ALL",
            "ZohoCRM.modules.custom.ALL",
            "ZohoCRM.settings.ALL",
            "ZohoBigin.modules.ALL",
            "ZohoCRM.modules",
            "ZohoCRM.modules.leads.DELETE.x",
            "xZohoCRM.modules.ALL",
        ];
        let all = [&good[..], &bad[..]].concat();
        for url in ["/crm/v8/Leads?ids=1", "/crm/v2/Leads/1"] {
            assert_eq!(enough(&all, "DELETE", url), good, "{url}");
        }
        assert!(!may(&[], "DELETE", "/crm/v8/Leads", false));
        assert!(may(&[bad[0], good[2]], "DELETE", "/crm/v8/Leads", false));
    }

    #[test]
    fn each_operation_is_one_of_those_on_its_page() {
        let of = |name: &str| -> Vec<String> {
            ["ALL", "READ", "CREATE", "WRITE", "UPDATE", "DELETE"]
                .map(|operation| format!("ZohoCRM.{name}.{operation}"))
                .to_vec()
        };
        for (method, path, name, operations) in [
            ("GET", "org", "org", "ALL READ"),
            ("GET", "users?type=CurrentUser", "users", "ALL READ"),
            ("GET", "settings/modules", "settings.modules", "ALL READ"),
            ("GET", "settings/modules/Leads", "settings.modules", "ALL READ"),
            ("GET", "settings/modules/Leads", "settings", "ALL"),
            ("GET", "settings/fields?module=Leads", "settings.fields", "ALL READ"),
            ("GET", "settings/related_lists?module=Leads", "settings.related_lists", "ALL READ"),
            ("GET", "settings/recycle_bin", "settings.recycle_bin", "ALL READ"),
            ("GET", "settings/recycle_bin/1", "settings.recycle_bin", "ALL READ"),
            ("POST", "settings/recycle_bin/actions/restore", "settings.recycle_bin", "ALL UPDATE"),
            ("GET", "settings/tags?module=Leads", "settings.tags", "ALL READ"),
            ("GET", "settings/tags/actions/mass_delete", "settings.tags", "ALL READ"),
            ("GET", "settings/tags/1/actions/records_count", "settings.tags", "ALL READ"),
            ("POST", "settings/tags", "settings.tags", "ALL CREATE WRITE"),
            ("DELETE", "settings/tags/1", "settings.tags", "ALL WRITE DELETE"),
            ("POST", "settings/tags/actions/mass_delete", "settings.tags", "ALL WRITE DELETE"),
            ("POST", "settings/tags/actions/mass_delete", "settings", "ALL"),
            ("GET", "Leads?ids=1", "modules.leads", "ALL READ"),
            ("GET", "Leads/1", "modules", "ALL READ"),
            ("GET", "Leads/deleted", "modules.leads", "ALL READ"),
            ("GET", "Leads/actions/count", "modules.leads", "ALL READ"),
            ("GET", "Campaigns/1/Leads", "modules.campaigns", "ALL READ"),
            ("GET", "Campaigns/1/Leads", "modules.leads", ""),
            ("POST", "Leads/actions/remove_tags", "modules.leads", "ALL WRITE"),
            ("POST", "Leads/1/actions/remove_tags", "modules.leads", "ALL WRITE"),
            ("POST", "Leads/1/actions/remove_tags", "modules", "ALL"),
            ("POST", "Leads/actions/remove_tags", "settings.tags", ""),
            ("POST", "Leads/actions/add_tags", "modules.leads", "ALL CREATE WRITE"),
            ("DELETE", "Campaigns/1/Leads?ids=2", "modules.campaigns", "ALL WRITE DELETE"),
            ("DELETE", "Campaigns/1/Leads/2", "modules", "ALL DELETE"),
            ("PUT", "Campaigns/1/Leads/2", "modules.campaigns", "ALL WRITE UPDATE"),
            ("PUT", "Campaigns/1/Leads", "modules", "ALL UPDATE"),
        ] {
            let scopes = of(name);
            let all: Vec<&str> = scopes.iter().map(String::as_str).collect();
            let found = enough(&all, method, &format!("/crm/v8/{path}"));
            let found: Vec<&str> =
                found.iter().map(|scope| scope.rsplit('.').next().unwrap()).collect();
            assert_eq!(found.join(" "), operations, "{method} {path} {name}");
        }
    }

    #[test]
    fn bigin_has_a_service_of_its_own_and_only_what_its_pages_name() {
        let all = [
            "ZohoBigin.modules.ALL",
            "ZohoBigin.modules.pipelines.ALL",
            "ZohoBigin.modules.pipelines.DELETE",
            "ZohoBigin.modules.DELETE",
            "ZohoCRM.modules.ALL",
        ];
        assert_eq!(enough(&all, "DELETE", "/bigin/v2/Pipelines?ids=1"), all[..3]);
        let all = ["ZohoBigin.settings.tags.READ", "ZohoBigin.org.READ", "ZohoBigin.users.READ"];
        for (path, scope) in [("settings/tags", 0), ("org", 1), ("users", 2)] {
            assert_eq!(enough(&all, "GET", &format!("/bigin/v2/{path}")), [all[scope]]);
        }
    }

    #[test]
    fn modules_are_called_as_on_the_pages_or_by_their_api_names() {
        for (module, scope) in [
            ("Price_Books", "pricebooks"),
            ("Price_Books", "Price_Books"),
            ("Services__s", "services"),
            ("Logs__c", "logs__c"),
        ] {
            let scope = format!("ZohoCRM.modules.{scope}.READ");
            assert!(may(&[&scope], "GET", &format!("/crm/v8/{module}"), false), "{module}");
        }
        assert!(may(&["ZohoCRM.modules.custom.READ"], "GET", "/crm/v8/Logs__c", true));
        assert!(!may(&["ZohoCRM.modules.custom.READ"], "GET", "/crm/v8/Leads", false));
    }

    #[test]
    fn what_everything_is_called_permits_all_lines() {
        for line in &LINES {
            for product in ["crm", "bigin"] {
                let path = line.path.replace("{module}", "Leads").replace('*', "1");
                let url = format!("/{product}/v8/{path}");
                assert!(may(&EVERYTHING, line.method, &url, false), "{} {url}", line.method);
            }
        }
        let told = Granted(None).told();
        assert!(told.split(' ').all(is_scope) && told.starts_with("ZohoCRM.modules.ALL "));
    }

    #[test]
    fn a_scope_has_parts_with_dots_between() {
        for good in ["ZohoCRM.modules.ALL", "AaaServer.profile.Read"] {
            assert!(is_scope(good));
        }
        for bad in ["", "modules", "ZohoCRM.", ".ALL", "ZohoCRM.modules ALL", "a,b.c", "a..b"] {
            assert!(!is_scope(bad), "{bad}");
        }
    }
}
