//! Those who decide about requests: they hold, release, pause, withdraw, approve and reject, each in a process that can
//! die or be failed by its disk at any moment.

use std::collections::BTreeSet;
use std::sync::Arc;

use zoho_journal::clock::Clock;
use zoho_journal::domain::entropy::SeededEntropy;
use zoho_journal::domain::id::{EntryId, ModuleName, RecordId, RequestId};
use zoho_journal::domain::policy::ApprovalPolicy;
use zoho_journal::evidence::keeper::{Keeper, KeeperError};
use zoho_journal::store::approval::By;
use zoho_journal::store::cancelling::Withdrawn;
use zoho_journal::store::holding::NewHold;
use zoho_journal::store::releasing::Release;

use crate::chance::Chance;
use crate::orders::Held;
use crate::people;
use crate::process::by;
use crate::world::World;

/// Something that somebody decides.
#[derive(Debug, Clone)]
pub enum Order {
    /// These records, or all of the module, must not be touched.
    Hold(ModuleName, Option<BTreeSet<RecordId>>),
    /// They may be again.
    Release(ModuleName, Option<BTreeSet<RecordId>>),
    /// Nothing is sent until further notice.
    Pause,
    /// It goes on.
    Resume,
    /// What is left of a request is withdrawn.
    WithdrawRequest(RequestId),
    /// Some entries are withdrawn.
    Withdraw(EntryId, EntryId),
    /// A second person approves.
    Approve(RequestId),
    /// A second person rejects.
    Reject(RequestId),
}

/// What somebody decides now, if there is anything to decide about.
pub fn order(world: &World, chance: &mut Chance) -> Option<Order> {
    let leads = || "Leads".parse().expect("a module's name");
    match chance.below(10) {
        0..=2 => {
            let campaign = chance.percent(20);
            let module = if campaign { "Campaigns" } else { "Leads" };
            let ids = chance.some(&people::everything(world, module), 25);
            let ids: BTreeSet<RecordId> = ids.into_iter().map(record).collect();
            let whole = chance.percent(20);
            (whole || !ids.is_empty()).then(|| {
                // An id is held in whatever module it stands.
                let module = if whole && campaign { "Campaigns" } else { "Leads" };
                Order::Hold(module.parse().unwrap_or_else(|_| leads()), (!whole).then_some(ids))
            })
        }
        3 | 4 => {
            let ledger = world.ledger();
            let held = chance.pick(&ledger.orders.holds)?;
            Some(Order::Release(held.module.clone(), held.ids.clone()))
        }
        5 if world.ledger().orders.may_be_paused => Some(Order::Resume),
        5 => Some(Order::Pause),
        6 => {
            let ledger = world.ledger();
            let promise = chance.pick(&ledger.promises)?;
            if chance.percent(50) {
                return Some(Order::WithdrawRequest(promise.request));
            }
            let all: u64 = ledger.promises.iter().map(|promise| promise.entries).sum();
            let first = 1 + i64::try_from(chance.below(usize::try_from(all).ok()?)).ok()?;
            let last = (first + 2).min(i64::try_from(all).ok()?);
            Some(Order::Withdraw(EntryId::new(first), EntryId::new(last)))
        }
        7 | 8 => chance.pick(&world.ledger().orders.unapproved()).copied().map(Order::Approve),
        _ => chance.pick(&world.ledger().orders.unapproved()).copied().map(Order::Reject),
    }
}

fn record(id: u64) -> RecordId {
    let id = i64::try_from(id).ok().and_then(RecordId::from_stored);
    id.expect("the simulator makes ids that there can be")
}

/// In ascending order, each once.
fn listed(ids: Option<&BTreeSet<RecordId>>) -> Option<Vec<RecordId>> {
    Some(ids?.iter().copied().collect())
}

/// Gives an order, as its command does.
pub async fn give(world: &Arc<World>, seed: u64, order: &Order) -> Result<(), KeeperError> {
    let now = world.clock.now();
    let mut keeper = Keeper::open(world.db(), Box::new(SeededEntropy::new(seed)), by(), now)?;
    tokio::task::yield_now().await;
    let by = By { who: "berta", account: "office", reason: "simulated", program: "simulation" };
    let now = world.clock.now();
    match order {
        Order::Hold(module, ids) => {
            let list = listed(ids.as_ref());
            let new = NewHold { module, ids: list.as_deref(), review_by: None, ticket: None, by };
            keeper.write("placing a hold", now, |tx| tx.place_hold(&new))?;
            world.ledger().orders.holds.push(Held { module: module.clone(), ids: ids.clone() });
            world.count("holds placed");
        }
        Order::Release(module, ids) => {
            world.ledger().orders.releases(module, ids.as_ref());
            let list = listed(ids.as_ref());
            let release = Release { module, ids: list.as_deref(), ticket: None, by };
            let released = keeper.write("releasing", now, |tx| tx.release(&release))?;
            world.count(if released.is_ok() { "holds released" } else { "holds already gone" });
        }
        Order::Pause => {
            world.ledger().orders.may_be_paused = true;
            // One that was there already counts as well.
            drop(keeper.write("pausing", now, |tx| tx.pause(by))?);
            world.ledger().orders.paused = true;
            world.count("pauses");
        }
        Order::Resume => {
            world.ledger().orders.paused = false;
            drop(keeper.write("resuming", now, |tx| tx.resume(by))?);
            world.ledger().orders.may_be_paused = false;
        }
        Order::WithdrawRequest(request) => {
            let wanted = Withdrawn { requests: vec![*request], ..Withdrawn::default() };
            withdraw(world, &mut keeper, &wanted, by)?;
        }
        Order::Withdraw(first, last) => {
            let wanted = Withdrawn { entries: vec![(*first, *last)], ..Withdrawn::default() };
            withdraw(world, &mut keeper, &wanted, by)?;
        }
        Order::Approve(request) => {
            world.ledger().orders.approves(*request);
            let approved = keeper
                .write("approving", now, |tx| tx.approve(&[*request], ApprovalPolicy::Never, by))?;
            world.count(if approved.is_ok() { "requests approved" } else { "approvals refused" });
        }
        Order::Reject(request) => {
            if let Ok(rejected) = keeper.write("rejecting", now, |tx| tx.reject(&[*request], by))? {
                let many: u64 = rejected.iter().map(|one| one.entries).sum();
                world.ledger().counters.many("entries rejected", many);
            }
        }
    }
    Ok(())
}

fn withdraw(
    world: &World,
    keeper: &mut Keeper,
    wanted: &Withdrawn,
    by: By<'_>,
) -> Result<(), KeeperError> {
    let cancelled = keeper.write("withdrawing", world.clock.now(), |tx| tx.cancel(wanted, by))?;
    let mut ledger = world.ledger();
    ledger.orders.withdrew(&cancelled.entries, "withdrawn");
    ledger.counters.many("entries withdrawn", cancelled.entries.len());
    Ok(())
}
