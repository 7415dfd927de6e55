//! The first contact of a run: whose org, whose token, which modules. Before the run's first write.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::clock::Clock;
use crate::domain::answer::{OrgInfo, Read, ReadError};
use crate::domain::barred::Barred;
use crate::domain::calls::WriteCall;
use crate::domain::id::{ModuleName, RecordId};
use crate::domain::offset::ClockOffset;
use crate::domain::plan::RequestOverview;
use crate::domain::scope::Operation;
use crate::domain::scopes::{self, Access};
use crate::domain::state::EntryState;
use crate::domain::target::Product;
use crate::domain::usage::{ANY_OTHER, DailyBudget, Price};
use crate::reconcile::options::{NotAllowed, Progress, RunError, Stop};
use crate::reconcile::shared::Shared;
use crate::reconcile::state::Setback;
use crate::store::StoreError;
use crate::zoho::Zoho;

/// How often a read is tried that brings no usable answer. Reading twice harms nobody.
const READ_TRIES: u32 = 4;

/// Why a read brought nothing, after all that waiting, signing in and asking again can do.
#[derive(Debug)]
pub(crate) enum Unread {
    /// Scope or permission is missing, or this org's edition has no such call.
    Forbidden {
        /// Zoho's code.
        code: String,
        /// Zoho's message.
        message: String,
    },
    /// This API has no such thing: the module, or the call itself in that version.
    NotThere {
        /// Zoho's code.
        code: String,
        /// Zoho's message.
        message: String,
    },
    /// No answer that is of any use, or the run is stopping.
    Silent(String),
}

/// A module that was looked at before the run.
pub(crate) type Place = (Product, ModuleName);

impl<Z: Zoho, C: Clock> Shared<Z, C> {
    /// Makes one read, waiting out throttling and trying again where nothing came back.
    pub(crate) async fn read<T, F>(
        &self,
        price: Price,
        mut call: impl FnMut() -> F,
    ) -> Result<Read<T>, Unread>
    where
        F: Future<Output = Result<Read<T>, ReadError>>,
    {
        let mut tries = 0;
        loop {
            let stopping = || Unread::Silent("the run is stopping".to_owned());
            if self.is_stopping() || !self.wait_for_turn().await || !self.sign_in(None).await {
                return Err(stopping());
            }
            let pass = self.gate.enter().await;
            // While it waited at the gate another call may have been throttled, or the run stopped.
            if !self.may_call() {
                self.state().delays += 1;
                continue;
            }
            let Some(left) = self.spend(price.of(1), false) else { return Err(stopping()) };
            tries += 1;
            let token = self.zoho.token();
            let asked = self.clock.now();
            let answer = call().await;
            drop(pass);
            match answer {
                Ok(read) => {
                    self.see_date(read.date, asked, self.clock.now());
                    self.see_credits(read.credits_remaining);
                    self.went_well(left);
                    return Ok(read);
                }
                Err(ReadError::Throttled { retry_after }) => {
                    self.state().delays += 1;
                    self.back_off(retry_after, Setback::ThrottledRead);
                }
                Err(ReadError::Unauthorized { code, message }) => {
                    if !self.renew(token, &code, &message).await {
                        return Err(stopping());
                    }
                }
                Err(ReadError::Forbidden { code, message }) => {
                    return Err(Unread::Forbidden { code, message });
                }
                Err(ReadError::NotThere { code, message }) => {
                    return Err(Unread::NotThere { code, message });
                }
                Err(error @ (ReadError::Unreachable(_) | ReadError::Unusable { .. })) => {
                    if tries >= READ_TRIES || self.is_stopping() {
                        return Err(Unread::Silent(error.to_string()));
                    }
                    self.state().delays += 1;
                    let wait = Duration::from_millis(200 << tries);
                    self.back_off(Some(wait), Setback::Unreachable(error.to_string()));
                }
            }
        }
    }

    /// Reads org, user and modules and records them. `false` when the run cannot go on.
    pub(crate) async fn make_contact(
        &self,
        requests: &[RequestOverview],
    ) -> Result<bool, RunError> {
        let products: BTreeSet<Product> = requests.iter().map(|one| one.product).collect();
        let product = products.first().copied().unwrap_or(Product::Crm);
        if !self.meet_org(product).await? {
            return Ok(false);
        }
        if !self.meet_user(product).await? {
            return Ok(false);
        }
        let places: BTreeSet<Place> =
            requests.iter().map(|one| (one.product, one.module.clone())).collect();
        for (product, module) in places {
            let these =
                requests.iter().filter(|one| (one.product, &one.module) == (product, &module));
            let these: Vec<&RequestOverview> = these.collect();
            if !self.meet_module(product, &module, &these).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn meet_org(&self, product: Product) -> Result<bool, RunError> {
        let version = self.options.versions.of_product(product);
        let org = match self.read(ANY_OTHER, || self.zoho.read_org(product, version)).await {
            Ok(read) => read.value,
            Err(error) => {
                let scope = scopes::least(product, Access::Org, None);
                self.cannot_read(&format!("the org (scope {scope})"), error);
                return Ok(false);
            }
        };
        self.tell(&Progress::Contact { org: org.id.to_string() });
        if let Some(other) = org.environment.filter(|one| *one != self.options.target.environment) {
            let wanted = self.options.target.environment;
            let why = format!("the org says that it is a {other} org, and {wanted} is meant");
            self.stop(Stop::OtherOrg(why));
            return Ok(false);
        }
        self.heed_edition(&org);
        match self.writer.bind(self.options.target.clone(), org.id).await {
            Ok(()) => Ok(true),
            Err(error @ StoreError::OtherTarget { .. }) => {
                self.stop(Stop::OtherOrg(error.to_string()));
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Keeps to what the org's edition allows: calls at once, and a share of its day where the budget is one.
    fn heed_edition(&self, org: &OrgInfo) {
        if let Some(edition) = org.edition {
            let (allowed, set) = (edition.concurrency(), self.options.concurrency);
            if set > allowed {
                self.warn(format!(
                    "{} allows {allowed} calls at once: the {set} that are set are not used",
                    edition.name()
                ));
            }
            let at_once = {
                let mut state = self.state();
                state.pace.at_most(allowed);
                state.pace.at_once()
            };
            self.gate.let_through(at_once);
        }
        let Some(budget @ DailyBudget::Share(_)) = self.options.daily_credits else { return };
        let day = org.credits_a_day();
        let credits = budget.credits(day);
        if day.is_none() {
            self.warn(format!(
                "the org does not say its edition or its users: {budget} of the smallest day there is are \
                 {credits} credits"
            ));
        }
        self.state().budget.keep_daily(credits);
    }

    async fn meet_user(&self, product: Product) -> Result<bool, RunError> {
        let scope = scopes::least(product, Access::User, None);
        let version = self.options.versions.of_product(product);
        let user =
            match self.read(ANY_OTHER, || self.zoho.read_current_user(product, version)).await {
                Ok(read) => Some(read.value.id),
                Err(Unread::Forbidden { code, .. } | Unread::NotThere { code, .. }) => {
                    self.warn(format!(
                    "the token's user cannot be read ({code}, scope {scope}): after a lost answer \
                     nothing can be put down to us"
                ));
                    None
                }
                Err(error) => {
                    self.cannot_read(&format!("the token's user (scope {scope})"), error);
                    return Ok(false);
                }
            };
        let offset = self.state().clock_offset.map_or(0, ClockOffset::millis);
        self.writer.see_user(user, offset).await?;
        Ok(true)
    }

    async fn meet_module(
        &self,
        product: Product,
        module: &ModuleName,
        requests: &[&RequestOverview],
    ) -> Result<bool, RunError> {
        let version = self.options.versions.of_product(product);
        let read = self.read(ANY_OTHER, || self.zoho.read_module(product, version, module)).await;
        let deletes = requests.iter().any(|one| one.operation == Operation::Delete);
        let mut refused = None;
        let (id, bin) = match read {
            Ok(read) => {
                if deletes && !read.value.deletable {
                    self.warn(format!("Zoho says that records of {module} cannot be deleted"));
                }
                (read.value.id, read.value.recycle_bin_on_delete)
            }
            Err(Unread::NotThere { code, message }) => {
                self.warn(format!("Zoho does not know the module {module}: {code}: {message}"));
                (None, None)
            }
            Err(Unread::Forbidden { code, .. }) => {
                refused = Some(code.clone());
                self.warn(format!(
                    "the module {module} cannot be read ({code}, scope {}): a recycle bin is assumed",
                    scopes::least(product, Access::Module, None)
                ));
                (None, None)
            }
            Err(error) => {
                self.cannot_read(&format!("the module {module}"), error);
                return Ok(false);
            }
        };
        self.writer.see_module(product, module.clone(), bin).await?;
        self.pin(module, id, refused, requests).await
    }

    /// Calls that name the module's id keep the one that their first run read: a module that was made anew
    /// under the same name is another one.
    async fn pin(
        &self,
        module: &ModuleName,
        id: Option<RecordId>,
        refused: Option<String>,
        requests: &[&RequestOverview],
    ) -> Result<bool, RunError> {
        let names_it = |request: &&&RequestOverview| {
            let call = request.call(self.options.versions);
            request.count(EntryState::Pending) > 0 && call.is_some_and(WriteCall::names_module_id)
        };
        for request in requests.iter().filter(names_it) {
            match (request.module_id, id) {
                (None, Some(id)) => self.writer.pin_module(request.request, id).await?,
                (None, None) => {
                    // There is no such module: the other requests of the run are none the worse for it.
                    let Some(code) = &refused else {
                        self.park(request.request, 0).await?;
                        continue;
                    };
                    let not_allowed = NotAllowed {
                        what: format!(
                            "the id of the module {module} (scope {}), without which {} cannot be sent",
                            scopes::least(request.product, Access::Module, None),
                            request.request
                        ),
                        code: code.clone(),
                        message: "the module cannot be read".to_owned(),
                    };
                    self.bar(Barred::all_of(request), not_allowed);
                }
                (Some(pinned), Some(id)) if pinned != id => self.warn(format!(
                    "{} was recorded for another module {module}: its id was {pinned} and is {id} now; \
                     record it again if it is meant for this one",
                    request.request
                )),
                (Some(_), _) => {}
            }
        }
        Ok(true)
    }

    /// Stops the run because of a read that it cannot do without.
    pub(crate) fn cannot_read(&self, what: &str, error: Unread) {
        let why = match error {
            Unread::Forbidden { code, message } | Unread::NotThere { code, message } => {
                Stop::NotAllowed(NotAllowed { what: what.to_owned(), code, message })
            }
            Unread::Silent(why) => Stop::Unreachable(format!("reading {what}: {why}")),
        };
        self.stop(why);
    }
}
