//! What is removed beside records, in a journal in which everything happened: tags, relations, definitions of tags.

use crate::domain::event::JobEnding;
use crate::domain::evidence::Look;
use crate::domain::evidence::presence::{
    CarriedTags, Membership, RelationFacts, TagFacts, ThingFacts,
};
use crate::domain::id::RunId;
use crate::domain::scope::{Action, RelatedList, TagSet, Task};
use crate::domain::state::Verdict;
use crate::evidence::verify::eventful::{DONE, Journal, LEFT_OUT, record};

/// Entries 21 to 30: tags removed, relations of two parents, tags deleted by jobs.
pub(super) fn of_other_operations(journal: &mut Journal, run: RunId) {
    let tags = TagSet::new(["Prime", "b \"x\""].map(|name| name.parse().unwrap())).unwrap();
    let list: RelatedList = "Contacts".parse().unwrap();
    let untag = Task::Untag(tags.clone());
    let module = Some(record(902));
    journal.record_task(&untag, &[(None, 1), (None, 2), (None, 3)], module);
    let unlink = Task::Unlink(list.clone());
    journal.record_task(&unlink, &[(Some(50), 1), (Some(50), 2), (Some(51), 1)], None);
    let pinned = journal.record_task(&Task::DeleteTags, &[(None, 60), (None, 61)], None);
    journal.record_task(&Task::DeleteTags, &[(None, 62), (None, 63)], Some(record(902)));
    journal.write(|tx| tx.pin_module(run, pinned, record(902)));

    let carried = |tags: &[&str]| {
        let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
        let carried = CarriedTags { tags, similar: Vec::new(), modified: None };
        ThingFacts::Tags(TagFacts { record: Look::Seen(carried), defined: Look::NotAsked })
    };
    journal.snapshot(run, &[(21, carried(&["Prime"])), (22, carried(&[]))]);
    let batch = journal.begin_as(run, Action::Untag(tags), 21..=21);
    journal.settle(run, &batch, &[DONE]);
    let member = Membership { member: true, ..Membership::default() };
    let related =
        ThingFacts::Relation(RelationFacts { list: Look::Seen(member), related: Look::NotAsked });
    journal.snapshot(run, &[(24, related.clone()), (25, related)]);
    let parent = record(50);
    let batch = journal.begin_as(run, Action::Unlink { parent, list }, 24..=25);
    journal.settle(run, &batch, &[DONE, LEFT_OUT]);
    journal.read(run, &[(25, Verdict::Done, "")]);
    for (entries, ending) in [(27..=28, Some(JobEnding::Completed)), (29..=30, None)] {
        let batch = journal.begin_as(run, Action::DeleteTags, entries);
        journal.accept(run, &batch, "2276164000001035002");
        if let Some(ending) = ending {
            let counts = [Some(2), Some(1), Some(1)];
            journal.write(|tx| tx.end_job(run, batch.batch(), ending, counts));
            journal.read(run, &[(27, Verdict::Done, ""), (28, Verdict::Failed, "FAILED")]);
        }
    }
}
