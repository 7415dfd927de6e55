//! What people decide, in a journal in which everything happened: approvals, withdrawals, holds, policies, pauses.

use std::collections::HashSet;

use crate::domain::approval_text::NAMESPACE;
use crate::domain::id::{PolicyId, RequestId};
use crate::domain::policy::ApprovalPolicy;
use crate::domain::signers::Signers;
use crate::domain::sshsig::testing::{allowed, sign};
use crate::domain::time::Timestamp;
use crate::evidence::verify::eventful::{Ask, Journal, ask, leads, record};
use crate::evidence::verify::kept_whole::of_full_snapshots;
use crate::store::approval::By;
use crate::store::cancelling::Withdrawn;
use crate::store::holding::NewHold;
use crate::store::policy::{Wanted, WantedSigners};
use crate::store::releasing::Release;
use crate::store::signing::Signed;

fn by(who: &str) -> By<'_> {
    By { who, account: "ann (uid 1000)", reason: "it has to be", program: "test/1" }
}

/// Decisions about what is there, and about requests of their own. It ends with a pause.
pub(super) fn of_decisions(journal: &mut Journal) {
    let never = ApprovalPolicy::Never;
    // Records of a request are held from its recording on, and by themselves before that.
    let waits = Ask { policy: ApprovalPolicy::Always, ..ask("Accounts", 70..=79) };
    let waiting = journal.record(&waits).unwrap();
    let (module, ids) =
        ("Accounts".parse().unwrap(), [record(70), record(71), record(72), record(96)]);
    let review_by = Some(Timestamp::from_millis(1_770_000_000_000));
    let first = NewHold {
        module: &module,
        ids: Some(&ids),
        review_by,
        ticket: Some("LEG-7"),
        by: by("Carla"),
    };
    journal.write(|tx| tx.place_hold(&first));
    let some = NewHold { ids: Some(&ids[..1]), review_by: None, ticket: None, ..first };
    journal.write(|tx| tx.place_hold(&some));
    let covered = journal.record(&ask("Accounts", 96..=98));
    assert_eq!(covered, Some(RequestId::new(waiting.get() + 1)));
    // Of three held records one is let go under all its holds, another under its one, before and after approval.
    let one = [record(71)];
    let ticket = Some("LEG-8");
    let go = Release { module: &module, ids: Some(&one), ticket, by: by("Carla") };
    journal.write(|tx| tx.release(&go)).unwrap();
    // One signature for two requests.
    let other = Ask { policy: ApprovalPolicy::Always, ..ask("Accounts", 60..=61) };
    let both = [waiting, journal.record(&other).unwrap()];
    let text = journal.reader().text_to_sign(&both).unwrap().unwrap();
    let armoured = sign(7, NAMESPACE, &text.signed);
    let signed = Signed { text: &text.signed, armoured: &armoured, allowed_signers: "0123abcd" };
    journal.write(|tx| tx.approve_signed(&both, never, by("Bert"), signed)).unwrap();
    let one = [record(70)];
    let go = Release { module: &module, ids: Some(&one), ticket, by: by("Carla") };
    journal.write(|tx| tx.release(&go)).unwrap();
    let whole = NewHold { module: &leads(), ids: None, review_by: None, ticket: None, ..first };
    journal.write(|tx| tx.place_hold(&whole));
    let cases = "Cases".parse().unwrap();
    journal.write(|tx| tx.place_hold(&NewHold { module: &cases, ..whole }));
    let go = Release { module: &leads(), ids: None, ticket: None, by: by("Carla") };
    journal.write(|tx| tx.release(&go)).unwrap();
    of_a_run(journal, waiting);

    let rejected =
        journal.record(&Ask { policy: ApprovalPolicy::From(2), ..ask("Deals", 80..=84) });
    journal.write(|tx| tx.reject(&[rejected.unwrap()], by("Bert"))).unwrap();
    let wanted = Withdrawn { requests: both.to_vec(), ..Withdrawn::default() };
    assert!(!journal.write(|tx| tx.cancel(&wanted, by("ann"))).entries.is_empty());

    let signers: Signers = Signers::parse(&allowed(7, "Bert")).unwrap();
    let hash = signers.hash().to_string();
    journal.write(|tx| {
        let wanted = Wanted {
            require_approval: Some(ApprovalPolicy::From(100)),
            rules: vec!["delete:Accounts=always".parse().unwrap()],
            signers: WantedSigners::Pinned(signers),
            ..Wanted::default()
        };
        tx.set_policy(wanted, by("ann"))
    });
    for (number, decided) in [(2, true), (3, false)] {
        journal.write(|tx| tx.set_policy(ApprovalPolicy::From(200 + number), by("ann")));
        let policy = PolicyId::new(i64::try_from(number).unwrap());
        if decided {
            let text = journal.reader().policy_to_sign(policy).unwrap().unwrap();
            let armoured = sign(7, NAMESPACE, &text);
            let signed = Signed { text: &text, armoured: &armoured, allowed_signers: &hash };
            journal.write(|tx| tx.approve_policy(policy, by("Bert"), Some(signed))).unwrap();
        } else {
            journal.write(|tx| tx.reject_policy(policy, by("Bert"))).unwrap();
        }
    }
    journal.write(|tx| tx.pause(by("ann"))).unwrap();
    journal.write(|tx| tx.resume(by("ann"))).unwrap();
    of_full_snapshots(journal);
    journal.write(|tx| tx.pause(by("ann"))).unwrap();
}

/// What a run takes back: what met a looser policy, what is too old, what came back under a hold.
fn of_a_run(journal: &mut Journal, approved: RequestId) {
    let loose = journal.record(&ask("Vendors", 90..=92)).unwrap();
    let old = journal.record(&ask("Vendors", 93..=95)).unwrap();
    let only = |request: RequestId| move |one: RequestId| one == request;
    let run = journal.start_run(Some(901));
    journal.write(|tx| tx.withhold(run, only(loose), ApprovalPolicy::From(2)));
    journal.write(|tx| tx.approve(&[loose], ApprovalPolicy::Never, by("Bert"))).unwrap();
    journal.millis += 25 * 3_600_000;
    let withheld: HashSet<RequestId> = [approved, old].into();
    let never = ApprovalPolicy::Never;
    journal.write(|tx| tx.withhold(run, |one| withheld.contains(&one), never));
    journal.write(|tx| tx.approve(&[approved], never, by("Bert"))).unwrap();
    // One that is pending, as it is after a batch was given back under a hold.
    let back = journal.record(&ask("Vendors", [97])).unwrap();
    let back = journal.reader().request(back).unwrap().view.first;
    journal.write(|tx| tx.hold_back(run, [back].into_iter().collect()));
}
