//! What holds for any requests and any sizes of batches: drawn, picked, recorded, and answered in one way or another.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::domain::plan::{self, plan};
use crate::store::testing::{Ask, Journal, record};

/// Records ranges of records and starts a run; `again` what an earlier range names as well.
fn journal(ranges: &[(i64, i64)], again: bool) -> (Journal, HashSet<RequestId>) {
    let mut journal = Journal::new();
    let mut requests = HashSet::new();
    for (first, length) in ranges {
        let records = (*first..first + length).map(record).collect();
        requests.extend(journal.ask(&Ask { records, again, ..Ask::default() }).request);
    }
    journal.start("sync");
    (journal, requests)
}

fn next(
    journal: &Journal,
    cursors: &mut Cursors,
    requests: &HashSet<RequestId>,
    at_most: usize,
) -> Option<Picked> {
    let rules = Rules {
        versions: Versions::default(),
        limits: Limits::default(),
        requests,
        without: &Without::default(),
        now: journal.now,
    };
    pick(&journal.store.conn, cursors, rules, at_most).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn the_queue_cuts_what_the_forecast_says_and_each_entry_once(
        ranges in prop::collection::vec((1..300_i64, 1..230_i64), 1..4),
    ) {
        let (mut journal, requests) = journal(&ranges, false);
        let rules =
            plan::Rules { versions: Versions::default(), limits: Limits::default(), concurrency: 1 };
        let overview = journal.reader().overview(None, false).unwrap();
        let planned = plan(&overview, |_| false, journal.now, rules);
        let (mut cursors, mut seen, mut batches) = (Cursors::default(), BTreeSet::new(), 0);
        while let Some(picked) = next(&journal, &mut cursors, &requests, usize::MAX) {
            prop_assert!(!picked.items.is_empty() && picked.items.len() <= 100);
            for item in &picked.items {
                prop_assert!(seen.insert(item.entry.get()), "{} is in two batches", item.entry);
            }
            let entries: Vec<i64> = picked.items.iter().map(|item| item.entry.get()).collect();
            let begun = journal.begin(&entries);
            journal.succeed(&begun);
            batches += 1;
        }
        prop_assert_eq!(u64::try_from(seen.len()).unwrap(), planned.entries);
        prop_assert_eq!(batches, planned.batches);
    }

    #[test]
    fn a_record_is_under_way_once_whatever_becomes_of_its_batches(
        ranges in prop::collection::vec((1..40_i64, 1..40_i64), 1..4),
        turns in prop::collection::vec((1..60_usize, 0..4_u8), 1..12),
    ) {
        let (mut journal, requests) = journal(&ranges, true);
        let mut cursors = Cursors::default();
        let mut under_way: BTreeMap<i64, RecordId> = BTreeMap::new();
        for (at_most, ending) in turns {
            let Some(picked) = next(&journal, &mut cursors, &requests, at_most) else { break };
            prop_assert!(picked.items.len() <= at_most);
            let targets: BTreeSet<RecordId> = picked.items.iter().map(|item| item.target).collect();
            prop_assert_eq!(targets.len(), picked.items.len(), "a record twice in a batch");
            prop_assert!(!under_way.values().any(|target| targets.contains(target)));
            let entries: Vec<i64> = picked.items.iter().map(|item| item.entry.get()).collect();
            let begun = journal.begin(&entries);
            match ending {
                0 => journal.succeed(&begun),
                1 => {
                    journal.give_back(&begun);
                    cursors.rewind();
                }
                // In flight still, or unknown: both are under way.
                stays => {
                    if stays == 2 {
                        journal.lose(&begun);
                    }
                    under_way.extend(picked.items.iter().map(|item| (item.entry.get(), item.target)));
                }
            }
        }
    }
}
