//! Full snapshots: before records are deleted whose request wants it, each is read whole and encrypted, in memory,
//! to the request's recipient. Only then may it be deleted.
//!
//! A crash between two of these steps deletes nothing: what was kept so far is in the journal, and a later run reads
//! all of them anew, since they may have changed.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use crate::clock::Clock;
use crate::domain::barred::Barred;
use crate::domain::id::{EntryId, RequestId};
use crate::domain::recipient::Recipient;
use crate::domain::scopes::{self, Access};
use crate::domain::usage::ANY_OTHER;
use crate::reconcile::contact::Unread;
use crate::reconcile::options::{NotAllowed, RunError};
use crate::reconcile::shared::Shared;
use crate::sealing::{self, SealingError};
use crate::store::StoreError;
use crate::store::full_snapshot::FullSnapshot;
use crate::store::queue::Picked;
use crate::store::writer::ReadFirst;
use crate::zoho::Zoho;

/// What came of reading whole records.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    /// How many are kept now.
    pub(crate) files: usize,
    /// Entries whose records are not there: their call can do nothing, and Zoho says so.
    pub(crate) gone: HashSet<EntryId>,
}

/// Files of each request, as they are made.
type Files = BTreeMap<RequestId, Vec<FullSnapshot>>;

/// Why no more records are read.
enum Ends {
    Unread(Unread),
    Sealing(SealingError),
}

/// Keeps a full snapshot of each entry that lacks one. `None` when not all could be: the run stops or goes on without
/// these entries, and what was kept stays.
pub(crate) async fn keep_full<Z: Zoho, C: Clock>(
    shared: &Arc<Shared<Z, C>>,
    first: &ReadFirst,
) -> Result<Option<Kept>, RunError> {
    let mut kept = Kept::default();
    let mut files = Files::new();
    let ended = read_all(shared, first, &mut files, &mut kept).await?;
    for (request, files) in files {
        let module = first.picked.kind.scope.module.clone();
        kept.files += files.len();
        shared.writer.keep_full_snapshots((request, module), files).await?;
    }
    let Some(ends) = ended else { return Ok(Some(kept)) };
    let what = format!("whole records of {} before deleting them", first.picked.kind.scope.module);
    match ends {
        Ends::Unread(Unread::Forbidden { code, message } | Unread::NotThere { code, message }) => {
            let scope = &first.picked.kind.scope;
            let scope = scopes::choice(scope.product, Access::Records, &scope.module);
            bar(shared, &first.picked, format!("reading {what} (scope {scope})"), (code, message));
        }
        Ends::Unread(error @ Unread::Silent(_)) => shared.cannot_read(&what, error),
        Ends::Sealing(error) => {
            let told = ("NOT_ENCRYPTED".to_owned(), error.to_string());
            bar(shared, &first.picked, format!("keeping {what}"), told);
        }
    }
    Ok(None)
}

fn bar<Z: Zoho, C: Clock>(
    shared: &Arc<Shared<Z, C>>,
    picked: &Picked,
    what: String,
    (code, message): (String, String),
) {
    shared.bar(Barred::full_snapshots(&picked.kind), NotAllowed { what, code, message });
}

/// Reads and encrypts one record after the other, up to the first that cannot be.
async fn read_all<Z: Zoho, C: Clock>(
    shared: &Arc<Shared<Z, C>>,
    first: &ReadFirst,
    files: &mut Files,
    kept: &mut Kept,
) -> Result<Option<Ends>, RunError> {
    let kind = &first.picked.kind;
    let (product, version, module) = (kind.scope.product, kind.api_version, &kind.scope.module);
    let lacking: HashSet<EntryId> = first.lacking.iter().copied().collect();
    let mut recipients: HashMap<RequestId, Recipient> = HashMap::new();
    for item in first.picked.items.iter().filter(|item| lacking.contains(&item.entry)) {
        let request = shared.owner(item.entry);
        let request = request.ok_or_else(|| StoreError::NotFound(item.entry.to_string()))?;
        if !recipients.contains_key(&request) {
            let found = shared.journal(|reader| reader.full_recipient(request))?;
            recipients.extend(found.map(|recipient| (request, recipient)));
        }
        let missing = || StoreError::NotFound(format!("the recipient of {request}"));
        let recipient = recipients.get(&request).ok_or_else(missing)?;
        let read = shared
            .read(ANY_OTHER, || {
                shared.zoho.read_whole_record(product, version, module, item.target)
            })
            .await;
        // In clear it lives here, until the next turn; it is wiped when it goes.
        let record = match read {
            Ok(read) => read.value,
            Err(error) => return Ok(Some(Ends::Unread(error))),
        };
        let Some(record) = record else {
            kept.gone.insert(item.entry);
            continue;
        };
        match sealing::seal(recipient, &record) {
            Ok(file) => {
                let one = FullSnapshot { entry: item.entry, file };
                files.entry(request).or_default().push(one);
            }
            Err(error) => return Ok(Some(Ends::Sealing(error))),
        }
    }
    Ok(None)
}
