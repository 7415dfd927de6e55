//! Which records carry the tags that are about to be deleted: read once a run and module, before anything of it is
//! sent, since undo can only put tags back where they are known to have been.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::clock::Clock;
use crate::domain::barred::Barred;
use crate::domain::evidence::Look;
use crate::domain::evidence::presence::{DefinitionFacts, ThingFacts};
use crate::domain::id::{ModuleName, RecordId, RequestId};
use crate::domain::plan::RequestOverview;
use crate::domain::scope::Operation;
use crate::domain::state::EntryState;
use crate::domain::target::Product;
use crate::domain::usage::ANY_OTHER;
use crate::reconcile::contact::Unread;
use crate::reconcile::options::NotAllowed;
use crate::reconcile::shared::Shared;
use crate::zoho::{PageAt, Zoho};

/// Pages of 200 records that are read of one module: as far as page tokens reach (CRM v7 Get Records page: 100,000).
const MAX_PAGES: u32 = 500;

/// The records of a module by the names of the tags that they carry.
type ByTag = HashMap<String, Vec<RecordId>>;

/// What was read of modules, for the requests that asked for it.
#[derive(Debug, Default)]
pub(crate) struct Tagged {
    modules: HashMap<(Product, ModuleName), Arc<ByTag>>,
    requests: HashSet<RequestId>,
}

impl<Z: Zoho, C: Clock> Shared<Z, C> {
    /// Reads what the requests of this run want to know. A module that cannot be read to its end bars them, and the
    /// run goes on with the others.
    pub(super) async fn read_tagged(&self, requests: &[RequestOverview]) {
        let wants = |one: &&RequestOverview| {
            one.snapshot_records
                && one.operation == Operation::DeleteTags
                && one.count(EntryState::Pending) > 0
        };
        for request in requests.iter().filter(wants) {
            let place = (request.product, request.module.clone());
            let known = self.state().tagged.modules.contains_key(&place);
            if !known {
                match self.read_all_tagged(request).await {
                    Ok(by_tag) => {
                        self.state().tagged.modules.insert(place, Arc::new(by_tag));
                    }
                    Err(
                        Unread::Forbidden { code, message } | Unread::NotThere { code, message },
                    ) => {
                        let what = format!(
                            "reading the records of {} that carry the tags of {} (or record it without \
                             --snapshot-records)",
                            request.module, request.request
                        );
                        self.bar(Barred::all_of(request), NotAllowed { what, code, message });
                        continue;
                    }
                    Err(error @ Unread::Silent(_)) => {
                        let what = format!("the records of {}", request.module);
                        self.cannot_read(&what, error);
                        return;
                    }
                }
            }
            self.state().tagged.requests.insert(request.request);
        }
    }

    async fn read_all_tagged(&self, request: &RequestOverview) -> Result<ByTag, Unread> {
        let RequestOverview { product, module, .. } = request;
        let version = self.options.versions.of_product(*product);
        let mut by_tag = ByTag::new();
        let mut seen = HashSet::new();
        let mut at = PageAt::Number(1);
        for _ in 0..MAX_PAGES {
            let (rows, next) = self
                .read(ANY_OTHER, || self.zoho.read_record_page(*product, version, module, &at))
                .await?
                .value;
            // A record may come again on the next page, when somebody adds one meanwhile.
            for row in rows.into_iter().filter(|row| seen.insert(row.id)) {
                for tag in row.tags.into_iter().flatten() {
                    by_tag.entry(tag).or_default().push(row.id);
                }
            }
            let Some(next) = next else { return Ok(by_tag) };
            at = next;
        }
        Err(Unread::NotThere {
            code: "TOO_LONG".to_owned(),
            message: format!("{module} has more than {MAX_PAGES} pages of records"),
        })
    }

    /// Adds to what was read of a tag the records that carried it, where its request wants them kept.
    pub(super) fn with_records(
        &self,
        product: Product,
        module: &ModuleName,
        request: Option<RequestId>,
        facts: ThingFacts,
    ) -> ThingFacts {
        let state = self.state();
        let wanted = request.is_some_and(|request| state.tagged.requests.contains(&request));
        let by_tag = state.tagged.modules.get(&(product, module.clone())).filter(|_| wanted);
        match (facts, by_tag) {
            (
                ThingFacts::Definition(DefinitionFacts { tag: Look::Seen(tag), .. }),
                Some(by_tag),
            ) => {
                let mut records = by_tag.get(&tag.name).cloned().unwrap_or_default();
                records.sort_unstable();
                let (tag, records) = (Look::Seen(tag), Some(records));
                ThingFacts::Definition(DefinitionFacts { tag, records })
            }
            (facts, _) => facts,
        }
    }
}
