//! The write calls of every product and version, as one table: path, place of the parameters, limit,
//! envelope of the answer, cost, and what is read before and afterwards.
//!
//! A call is written as a template. Its first line is method, path and query; what follows is the body.
//! `{root}`, `{module}`, `{list}` and `{workflows}` are filled in when a batch is recorded, the rest by
//! [`crate::domain::template`] when its bytes are made, so that the journal's log never names a record or
//! a tag.

use crate::domain::call::CallKind;
use crate::domain::scope::Operation;
use crate::domain::target::{ApiVersion, Product};
use crate::domain::template;
use crate::domain::usage::{ANY_OTHER, Price, TAGS_OF_MANY};

/// How an answer to a call is built, when all is well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Envelope {
    /// One result an item, in a list of this name.
    Items(&'static str),
    /// The id of an asynchronous job, and nothing about the items.
    Job,
}

/// What is read before a call and after a lost answer, beside what every deletion leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Looks {
    /// Recycle bin, list of deletions, the record: see [`crate::domain::evidence`].
    Deletions,
    /// The tags that the records carry.
    RecordTags,
    /// The parent's related list.
    RelatedList,
    /// The tags of the module.
    ModuleTags,
    /// The recycle bin, and where a record does not lie in it, the record.
    Bin,
}

/// How one operation is written in some versions of one product.
#[derive(Debug, Clone, Copy)]
pub struct WriteCall {
    /// The operation.
    pub operation: Operation,
    /// The product.
    pub product: Product,
    /// The versions that take it in this form.
    pub versions: &'static [ApiVersion],
    /// The call for several items; `None` where there is none.
    pub many: Option<&'static str>,
    /// The call for one item.
    pub one: &'static str,
    /// How many items one call may carry.
    pub limit: usize,
    /// How long its path and query may be, in bytes.
    pub line_max: usize,
    /// How `many` is answered; `one` always by item.
    pub envelope: Envelope,
    /// What `many` costs; `one` costs what any other call does.
    pub price: Price,
    /// What is read before and afterwards.
    pub looks: Looks,
    /// Where this is written.
    pub source: &'static str,
}

/// 100 ids of 19 digits with their commas are 1,999 bytes; the related-records call of the OAS YAML allows
/// its `ids` 2,000. The rest is for path and parameters.
const LINE: usize = 2_400;
/// 500 ids of 19 digits and their commas, and some 2,000 bytes of encoded names. The pages allow 500 ids in
/// the query and state no length; longer names make smaller batches.
const LONG_LINE: usize = 12_000;

use ApiVersion::{V1, V2, V2_1, V3, V4, V5, V6, V7, V8};
use Operation::{Delete, DeleteTags, RecreateTags, Relink, Restore, Retag, Unlink, Untag};
use Product::{Bigin, Crm};

const CRM: &[ApiVersion] = &[V2, V2_1, V3, V4, V5, V6, V7, V8];

/// The table. Every operation stands once for each version of a product that offers it.
#[rustfmt::skip]
pub const WRITES: &[WriteCall] = &[
    // Of v2.1 and v6 no page was read; they are taken to be like their neighbours. The OAS YAML of v8 leaves
    // wf_trigger out, the older OAS JSON and the SDK of v8 have it. Its default is true: it is always sent.
    WriteCall { operation: Delete, product: Crm, versions: CRM,
        many: Some("DELETE {root}/{module}?ids={ids}&wf_trigger={workflows}"),
        one: "DELETE {root}/{module}/{id}?wf_trigger={workflows}",
        limit: 100, line_max: LINE, envelope: Envelope::Items("data"), price: ANY_OTHER, looks: Looks::Deletions,
        source: "CRM v2 to v7 Delete Records pages; OAS record.json" },
    WriteCall { operation: Delete, product: Bigin, versions: &[V1],
        many: Some("DELETE {root}/{module}?ids={ids}&wf_trigger={workflows}"),
        one: "DELETE {root}/{module}/{id}?wf_trigger={workflows}",
        limit: 100, line_max: LINE, envelope: Envelope::Items("data"), price: ANY_OTHER, looks: Looks::Deletions,
        source: "Bigin v1 Delete Records page" },
    // Workflows run by default, and nothing is documented that would stop them.
    WriteCall { operation: Delete, product: Bigin, versions: &[V2],
        many: Some("DELETE {root}/{module}?ids={ids}"),
        one: "DELETE {root}/{module}/{id}",
        limit: 100, line_max: LINE, envelope: Envelope::Items("data"), price: ANY_OTHER, looks: Looks::Deletions,
        source: "Bigin v2 Delete Records page" },

    WriteCall { operation: Untag, product: Crm, versions: &[V3, V4, V5, V6, V7, V8],
        many: Some("POST {root}/{module}/actions/remove_tags\n{\"tags\":[{tags}],\"ids\":[{quoted_ids}]}"),
        one: "POST {root}/{module}/{id}/actions/remove_tags\n{\"tags\":[{tags}]}",
        limit: 500, line_max: LINE, envelope: Envelope::Items("data"), price: TAGS_OF_MANY, looks: Looks::RecordTags,
        source: "CRM v8 Remove Tags page" },
    WriteCall { operation: Untag, product: Crm, versions: &[V2, V2_1],
        many: Some("POST {root}/{module}/actions/remove_tags?ids={ids}&tag_names={tag_names}"),
        one: "POST {root}/{module}/{id}/actions/remove_tags?tag_names={tag_names}",
        limit: 500, line_max: LONG_LINE, envelope: Envelope::Items("data"), price: TAGS_OF_MANY, looks: Looks::RecordTags,
        source: "CRM v2 and v2.1 Remove Tags pages" },
    WriteCall { operation: Untag, product: Bigin, versions: &[V2],
        many: Some("POST {root}/{module}/actions/remove_tags?ids={ids}&tag_names={tag_names}"),
        one: "POST {root}/{module}/{id}/actions/remove_tags?tag_names={tag_names}",
        limit: 500, line_max: LONG_LINE, envelope: Envelope::Items("data"), price: TAGS_OF_MANY, looks: Looks::RecordTags,
        source: "Bigin v2 Remove Tags page; Bigin API Limits page" },

    WriteCall { operation: Unlink, product: Crm, versions: CRM,
        many: Some("DELETE {root}/{module}/{parent}/{list}?ids={ids}"),
        one: "DELETE {root}/{module}/{parent}/{list}/{id}",
        limit: 100, line_max: LINE, envelope: Envelope::Items("data"), price: ANY_OTHER, looks: Looks::RelatedList,
        source: "CRM v7 Delink Records page" },
    WriteCall { operation: Unlink, product: Bigin, versions: &[V1, V2],
        many: Some("DELETE {root}/{module}/{parent}/{list}?ids={ids}"),
        one: "DELETE {root}/{module}/{parent}/{list}/{id}",
        limit: 100, line_max: LINE, envelope: Envelope::Items("data"), price: ANY_OTHER, looks: Looks::RelatedList,
        source: "Bigin v1 and v2 Delink Records pages" },

    // The page's own URL has the path twice; this is the one of the OAS and of its sample. The page says
    // 200 tags a call and the OAS YAML 100: see [`Limits`].
    WriteCall { operation: DeleteTags, product: Crm, versions: &[V7, V8],
        many: Some("POST {root}/settings/tags/actions/mass_delete\n{\"mass_delete\":[{\"module\":{\"id\":\"{module_id}\",\"api_name\":\"{module}\"},\"tags\":[{tag_ids}]}]}"),
        one: "DELETE {root}/settings/tags/{id}",
        limit: 100, line_max: LINE, envelope: Envelope::Job, price: ANY_OTHER, looks: Looks::ModuleTags,
        source: "CRM v8 Mass Delete Tags page; CRM v7 Delete Tag page" },
    WriteCall { operation: DeleteTags, product: Crm, versions: &[V2, V2_1, V3, V4, V5, V6],
        many: None,
        one: "DELETE {root}/settings/tags/{id}",
        limit: 1, line_max: LINE, envelope: Envelope::Items("tags"), price: ANY_OTHER, looks: Looks::ModuleTags,
        source: "CRM v2 and v2.1 Delete Tag pages" },
    WriteCall { operation: DeleteTags, product: Bigin, versions: &[V2],
        many: None,
        one: "DELETE {root}/settings/tags/{id}",
        limit: 1, line_max: LINE, envelope: Envelope::Items("tags"), price: ANY_OTHER, looks: Looks::ModuleTags,
        source: "Bigin v2 Delete Tag page" },

    // Whatever version deletes, v8 alone restores: see [`Versions::of`]. The page gives no limit of ids, the OAS
    // YAML 200. Bigin has no such call.
    WriteCall { operation: Restore, product: Crm, versions: &[V8],
        many: Some("POST {root}/settings/recycle_bin/actions/restore\n{\"ids\":[{quoted_ids}]}"),
        one: "POST {root}/settings/recycle_bin/{id}/actions/restore",
        limit: 200, line_max: LINE, envelope: Envelope::Items("recycle_bin"), price: ANY_OTHER, looks: Looks::Bin,
        source: "CRM v8 Restore Recycle Bin Records page; OAS YAML recycle_bin" },

    // Never over_write: it would take all other tags away. No colour either: one that differs from the tag's makes
    // Zoho refuse the call.
    WriteCall { operation: Retag, product: Crm, versions: &[V3, V4, V5, V6, V7, V8],
        many: Some("POST {root}/{module}/actions/add_tags\n{\"tags\":[{tags}],\"ids\":[{quoted_ids}],\"over_write\":false}"),
        one: "POST {root}/{module}/{id}/actions/add_tags\n{\"tags\":[{tags}],\"over_write\":false}",
        limit: 500, line_max: LINE, envelope: Envelope::Items("data"), price: TAGS_OF_MANY, looks: Looks::RecordTags,
        source: "CRM v8 Add Tags page" },
    WriteCall { operation: Retag, product: Crm, versions: &[V2, V2_1],
        many: Some("POST {root}/{module}/actions/add_tags?ids={ids}&tag_names={tag_names}&over_write=false"),
        one: "POST {root}/{module}/{id}/actions/add_tags?tag_names={tag_names}&over_write=false",
        limit: 500, line_max: LONG_LINE, envelope: Envelope::Items("data"), price: TAGS_OF_MANY, looks: Looks::RecordTags,
        source: "CRM v2 and v2.1 Add Tags pages" },
    // Of Bigin's page only the path was read; its parameters are taken to stand where those of Remove Tags do.
    WriteCall { operation: Retag, product: Bigin, versions: &[V2],
        many: Some("POST {root}/{module}/actions/add_tags?ids={ids}&tag_names={tag_names}&over_write=false"),
        one: "POST {root}/{module}/{id}/actions/add_tags?tag_names={tag_names}&over_write=false",
        limit: 500, line_max: LONG_LINE, envelope: Envelope::Items("data"), price: TAGS_OF_MANY, looks: Looks::RecordTags,
        source: "Bigin v2 Add Tags and Remove Tags pages" },

    // One record is written in the form for many: only there its id stands in the body, beside its fields.
    WriteCall { operation: Relink, product: Crm, versions: CRM,
        many: Some("PUT {root}/{module}/{parent}/{list}\n{\"data\":[{relations}]}"),
        one: "PUT {root}/{module}/{parent}/{list}\n{\"data\":[{relations}]}",
        limit: 100, line_max: LINE, envelope: Envelope::Items("data"), price: ANY_OTHER, looks: Looks::RelatedList,
        source: "CRM v7 Update Related Records page; OAS related_records.json" },
    // Bigin's pages on delinking name the relations; the call that makes them is taken to be CRM's.
    WriteCall { operation: Relink, product: Bigin, versions: &[V1, V2],
        many: Some("PUT {root}/{module}/{parent}/{list}\n{\"data\":[{relations}]}"),
        one: "PUT {root}/{module}/{parent}/{list}\n{\"data\":[{relations}]}",
        limit: 100, line_max: LINE, envelope: Envelope::Items("data"), price: ANY_OTHER, looks: Looks::RelatedList,
        source: "Bigin v1 and v2 Delink Records pages; CRM v7 Update Related Records page" },

    // One tag a call: the answer names a tag by its new id only, so nothing else tells which one is meant.
    WriteCall { operation: RecreateTags, product: Crm, versions: CRM,
        many: None,
        one: "POST {root}/settings/tags?module={module}\n{\"tags\":[{new_tag}]}",
        limit: 1, line_max: LINE, envelope: Envelope::Items("tags"), price: ANY_OTHER, looks: Looks::ModuleTags,
        source: "CRM v7 Create Tags page; OAS tags.json" },
    WriteCall { operation: RecreateTags, product: Bigin, versions: &[V2],
        many: None,
        one: "POST {root}/settings/tags?module={module}\n{\"tags\":[{new_tag}]}",
        limit: 1, line_max: LINE, envelope: Envelope::Items("tags"), price: ANY_OTHER, looks: Looks::ModuleTags,
        source: "Bigin v2 Create Tags page" },
];

/// Which API version the write calls of each product use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Versions {
    /// For Zoho CRM.
    pub crm: ApiVersion,
    /// For Bigin.
    pub bigin: ApiVersion,
}

impl Versions {
    /// The version for an operation: records come back by v8 of CRM only (CRM v8 Restore Recycle Bin Records page).
    pub fn of(self, operation: Operation, product: Product) -> ApiVersion {
        match (operation, product) {
            (Restore, Product::Crm) => V8,
            _ => self.of_product(product),
        }
    }

    /// The version for the reads of a product, and for most of its operations.
    pub fn of_product(self, product: Product) -> ApiVersion {
        match product {
            Product::Crm => self.crm,
            Product::Bigin => self.bigin,
        }
    }
}

impl Default for Versions {
    fn default() -> Self {
        Self { crm: V8, bigin: V2 }
    }
}

/// What the user may set where Zoho's own sources differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How many tags one job deletes: 100 is safe by all sources, the page itself allows 200.
    pub tags_per_job: usize,
    /// How many items one call carries at most, whatever the API allows: a simulation makes many small calls.
    pub items_per_call: usize,
}

impl Limits {
    /// The most that any source allows a job.
    pub const MOST_TAGS_PER_JOB: usize = 200;
}

impl Default for Limits {
    fn default() -> Self {
        Self { tags_per_job: 100, items_per_call: usize::MAX }
    }
}

/// The form in which a call is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// For several items.
    Many,
    /// For one item, which the path names.
    One,
}

/// The table's line for an operation; `None` where that version of the product does not offer it.
pub fn find(
    operation: Operation,
    product: Product,
    version: ApiVersion,
) -> Option<&'static WriteCall> {
    WRITES.iter().find(|call| {
        (call.operation, call.product) == (operation, product) && call.versions.contains(&version)
    })
}

/// The path before module names and settings, such as `/crm/v8`.
pub fn root(product: Product, version: ApiVersion) -> String {
    format!("/{product}/{version}")
}

impl WriteCall {
    /// Whether its call for several items names the module's id, which is read and pinned beforehand.
    pub fn names_module_id(&self) -> bool {
        self.many.is_some_and(|many| many.contains("{module_id}"))
    }

    /// Whether its call for several items makes an asynchronous job.
    pub fn by_job(&self) -> bool {
        self.envelope == Envelope::Job
    }

    /// How so many items are written. `alone` is an item that a refused call was split down to and that a read
    /// showed to be there: it takes the form whose answer speaks of it.
    pub fn form(&self, items: usize, alone: bool) -> Form {
        match self.many {
            None => Form::One,
            // A job says nothing of its items, so it is no shorter way for a single one; but the page offers
            // no other call for what is not known to be a culprit.
            Some(_) if self.by_job() => {
                if alone && items == 1 {
                    Form::One
                } else {
                    Form::Many
                }
            }
            Some(_) if items == 1 => Form::One,
            Some(_) => Form::Many,
        }
    }

    /// The template of one of its calls, as it is recorded.
    pub fn template(&self, kind: &CallKind, form: Form) -> String {
        let text = match form {
            Form::Many => self.many.unwrap_or(self.one),
            Form::One => self.one,
        };
        let root = root(kind.scope.product, kind.api_version);
        let list = kind.scope.list().map(ToString::to_string).unwrap_or_default();
        template::fill(text, |name| match name {
            "root" => Some(root.clone()),
            "module" => Some(kind.scope.module.to_string()),
            "list" => Some(list.clone()),
            "workflows" => Some(kind.workflows.to_string()),
            _ => None,
        })
    }

    /// How many items one call of this kind may carry: the API's limit, or fewer where the line would grow
    /// too long.
    pub fn limit(&self, kind: &CallKind, limits: Limits) -> usize {
        let limit = match self.envelope {
            Envelope::Job => limits.tags_per_job.clamp(1, Limits::MOST_TAGS_PER_JOB),
            Envelope::Items(_) => self.limit,
        };
        let limit = limit.min(limits.items_per_call.max(1));
        let (Some(many), Some(tags)) = (self.many, kind.scope.tags()) else {
            return limit;
        };
        if !many.contains("{tag_names}") {
            return limit;
        }
        let line = self.template(kind, Form::Many).len() + template::tag_names(tags).len();
        // An id has at most 19 digits, and a comma after it.
        limit.min(self.line_max.saturating_sub(line) / 20).max(1)
    }

    /// How many items the next call may carry, where a refused call was split up.
    pub fn limit_shared(&self, kind: &CallKind, limits: Limits, share: Option<u32>) -> usize {
        let limit = self.limit(kind, limits);
        let share = share.and_then(|share| usize::try_from(share).ok());
        share.map_or(limit, |share| share.clamp(1, limit))
    }

    /// What a call with so many items costs, in API credits.
    pub fn credits(&self, items: usize, form: Form) -> u64 {
        match form {
            Form::Many => self.price.of(items),
            Form::One => ANY_OTHER.of(items),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::scope::{Action, Scope, TagSet};

    #[test]
    fn every_operation_stands_once_a_version() {
        for product in Product::ALL {
            for version in ApiVersion::ALL {
                for operation in Operation::ALL {
                    let lines = WRITES.iter().filter(|call| {
                        (call.operation, call.product) == (*operation, *product)
                            && call.versions.contains(version)
                    });
                    // Bigin's tags came with v2 (Bigin v1 has no page of theirs).
                    let tags = matches!(operation, Untag | DeleteTags | Retag | RecreateTags);
                    let offered = version.is_offered_by(*product)
                        && !(tags && (*product, *version) == (Bigin, V1))
                        && !(*operation == Restore && (*product, *version) != (Crm, V8));
                    assert_eq!(
                        lines.count(),
                        usize::from(offered),
                        "{product} {version} {operation}"
                    );
                }
            }
        }
    }

    fn kind(version: ApiVersion, names: &[&str]) -> CallKind {
        let tags = TagSet::new(names.iter().map(|name| name.parse().unwrap())).unwrap();
        let module = "Leads".parse().unwrap();
        let scope = Scope { product: Crm, module, action: Action::Untag(tags) };
        CallKind { scope, api_version: version, workflows: true, snapshot: true, module_id: None }
    }

    #[test]
    fn names_in_the_query_make_smaller_batches_only_where_the_line_grows_too_long() {
        let limit = |version: ApiVersion, names: &[&str]| {
            let call = find(Untag, Crm, version).unwrap();
            call.limit(&kind(version, names), Limits::default())
        };
        assert_eq!(limit(V2, &["Prime", "Attend First"]), 500);
        let long: Vec<String> = (10..30).map(|n| format!("{}{n}", "ж".repeat(23))).collect();
        let long: Vec<&str> = long.iter().map(String::as_str).collect();
        assert!((400..500).contains(&limit(V2_1, &long)), "{}", limit(V2_1, &long));
        assert_eq!(limit(V8, &long), 500);
    }

    /// CRM API Limits page: 1 credit for 50 records.
    #[test]
    fn tags_cost_a_credit_for_fifty_records() {
        let call = find(Untag, Crm, V8).unwrap();
        let credits = [1, 49, 50, 51, 500].map(|items| call.credits(items, Form::Many));
        assert_eq!(credits, [1, 1, 1, 2, 10]);
        assert_eq!(call.credits(1, Form::One), 1);
    }

    #[test]
    fn a_job_takes_as_many_tags_as_the_user_allows() {
        let module = "Leads".parse().unwrap();
        let scope = Scope { product: Crm, module, action: Action::DeleteTags };
        let kind =
            CallKind { scope, api_version: V8, workflows: true, snapshot: true, module_id: None };
        let call = find(DeleteTags, Crm, V8).unwrap();
        let limit = |tags_per_job| call.limit(&kind, Limits { tags_per_job, ..Limits::default() });
        assert_eq!([limit(100), limit(200), limit(500)], [100, 200, 200]);
        assert_eq!((call.form(1, false), call.form(1, true)), (Form::Many, Form::One));
        assert_eq!(call.form(2, true), Form::Many);
    }
}
