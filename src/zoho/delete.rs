//! Deleting records: `DELETE {module}?ids=`, or `DELETE {module}/{id}` for one.

use crate::domain::call::{CallItem, CallKind};
use crate::zoho::request::{RequestError, WriteRequest, checked_ids, rebuild};
use crate::zoho::versions::Api;

/// How many records one call deletes at most (CRM v2 Delete Records page; `maxItems` in the OAS YAML).
pub const MAX_IDS: usize = 100;

/// The call that deletes these records.
pub fn request(kind: &CallKind, items: &[CallItem]) -> Result<WriteRequest, RequestError> {
    let ids = checked_ids(items, MAX_IDS)?;
    rebuild(&template(kind, ids.len() == 1)?, &ids)
}

/// The call's template: `DELETE /crm/v8/Leads?ids={ids}&wf_trigger=true`, or for one record
/// `DELETE /crm/v8/Leads/{id}?wf_trigger=true`.
///
/// One record takes the single form, because its refusals carry the id (`NOT_APPROVED` in the form for
/// several has none). Commas stay bare: as `%2C` they would add 198 bytes to a full call.
pub fn template(kind: &CallKind, single: bool) -> Result<String, RequestError> {
    let api = Api::of(kind.product, kind.api_version).ok_or(RequestError::NotOffered {
        operation: kind.operation,
        product: kind.product,
        version: kind.api_version,
    })?;
    let (root, module) = (api.root, &kind.module);
    let target = if single { "/{id}" } else { "?ids={ids}" };
    let trigger = if api.delete_takes_wf_trigger {
        let separator = if single { '?' } else { '&' };
        format!("{separator}wf_trigger={}", kind.workflows)
    } else {
        String::new()
    };
    Ok(format!("DELETE {root}/{module}{target}{trigger}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::call::Operation;
    use crate::domain::id::{EntryId, RecordId};
    use crate::domain::target::{ApiVersion, Product};

    fn kind(version: ApiVersion, module: &str, workflows: bool) -> CallKind {
        CallKind {
            operation: Operation::Delete,
            product: Product::Crm,
            api_version: version,
            module: module.parse().unwrap(),
            workflows,
        }
    }

    fn items(count: i64) -> Vec<CallItem> {
        (0..count)
            .map(|number| CallItem {
                entry: EntryId::new(number + 1),
                target: RecordId::from_stored(4_876_876_000_000_624_001 + number).unwrap(),
            })
            .collect()
    }

    #[test]
    fn several_records_go_as_a_list_with_bare_commas() {
        let request = request(&kind(ApiVersion::V8, "Leads", true), &items(3)).unwrap();
        assert_eq!(request.method, "DELETE");
        assert_eq!(
            request.path_and_query,
            "/crm/v8/Leads?ids=4876876000000624001,4876876000000624002,4876876000000624003&wf_trigger=true"
        );
        assert_eq!(request.body, None);
    }

    #[test]
    fn one_record_goes_by_its_path() {
        let request = request(&kind(ApiVersion::V2_1, "Price_Books", false), &items(1)).unwrap();
        assert_eq!(
            request.path_and_query,
            "/crm/v2.1/Price_Books/4876876000000624001?wf_trigger=false"
        );
    }

    #[test]
    fn a_request_is_rebuilt_from_its_template_and_ids() {
        for version in ApiVersion::ALL.iter().filter(|one| **one != ApiVersion::V1) {
            for count in [1, 2, 100] {
                for workflows in [true, false] {
                    let kind = kind(*version, "Leads", workflows);
                    let items = items(count);
                    let ids: Vec<RecordId> = items.iter().map(|item| item.target).collect();
                    let template = template(&kind, count == 1).unwrap();
                    assert_eq!(rebuild(&template, &ids).unwrap(), request(&kind, &items).unwrap());
                }
            }
        }
    }

    #[test]
    fn the_longest_call_fits() {
        let name = "M".repeat(100);
        let items: Vec<CallItem> = (0..100)
            .map(|number| CallItem {
                entry: EntryId::new(number + 1),
                target: RecordId::from_stored(i64::MAX - number).unwrap(),
            })
            .collect();
        let request = request(&kind(ApiVersion::V2_1, &name, false), &items).unwrap();
        assert_eq!(request.path_and_query.len(), 2_131);
    }

    #[test]
    fn a_call_outside_the_limits_is_not_written() {
        let leads = kind(ApiVersion::V8, "Leads", true);
        assert_eq!(request(&leads, &[]), Err(RequestError::Empty));
        assert_eq!(
            request(&leads, &items(101)),
            Err(RequestError::TooMany { given: 101, limit: 100 })
        );
        let mut twice = items(3);
        twice.extend(items(1));
        assert_eq!(request(&leads, &twice), Err(RequestError::Twice(twice[0].target)));
        assert!(matches!(
            request(&kind(ApiVersion::V1, "Leads", true), &items(1)),
            Err(RequestError::NotOffered { .. })
        ));
    }
}
