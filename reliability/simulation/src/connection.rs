//! Zoho as the engine sees it, over the simulated network. Each call knows which batch it is made for.

use std::sync::Arc;

use secrecy::SecretString;
use zoho_journal::clock::Steady;
use zoho_journal::domain::answer::{
    Deletion, JobSeen, ModuleInfo, OrgInfo, Page, RawAnswer, Read, ReadError, RecordSeen, Related,
    SendError, SignInError, TagSeen, UserInfo,
};
use zoho_journal::domain::call::PreparedBatch;
use zoho_journal::domain::id::{ModuleName, RecordId};
use zoho_journal::domain::target::{ApiVersion, Product};
use zoho_journal::domain::time::Timestamp;
use zoho_journal::zoho::token::TokenNumber;
use zoho_journal::zoho::{ListAsked, PageAt, RecordPage, Zoho, ZohoClient};

use crate::clock::MachineClock;
use crate::ledger::Intent;
use crate::network::{Line, MEANT};

/// One process's connection to Zoho.
#[derive(Debug)]
pub struct Connection {
    client: ZohoClient<Steady<MachineClock>, Line>,
    clock: Arc<Steady<MachineClock>>,
}

impl Connection {
    /// Over this client, of a run with this clock.
    pub const fn new(
        client: ZohoClient<Steady<MachineClock>, Line>,
        clock: Arc<Steady<MachineClock>>,
    ) -> Self {
        Self { client, clock }
    }
}

impl Zoho for Connection {
    fn token(&self) -> Option<TokenNumber> {
        self.client.token()
    }

    async fn sign_in(&self, refused: Option<TokenNumber>) -> Result<(), SignInError> {
        self.client.sign_in(refused).await
    }

    async fn submit(&self, batch: &PreparedBatch) -> Result<RawAnswer, SendError> {
        let meant = Arc::new(Intent::of(batch, &*self.clock));
        MEANT.scope(meant, self.client.submit(batch)).await
    }

    async fn read_org(
        &self,
        product: Product,
        version: ApiVersion,
    ) -> Result<Read<OrgInfo>, ReadError> {
        self.client.read_org(product, version).await
    }

    async fn read_current_user(
        &self,
        product: Product,
        version: ApiVersion,
    ) -> Result<Read<UserInfo>, ReadError> {
        self.client.read_current_user(product, version).await
    }

    async fn read_module(
        &self,
        product: Product,
        version: ApiVersion,
        module: &ModuleName,
    ) -> Result<Read<ModuleInfo>, ReadError> {
        self.client.read_module(product, version, module).await
    }

    async fn read_bin(
        &self,
        module: &ModuleName,
        ids: &[RecordId],
    ) -> Result<Read<Vec<Deletion>>, ReadError> {
        self.client.read_bin(module, ids).await
    }

    async fn read_deleted(
        &self,
        product: Product,
        version: ApiVersion,
        module: &ModuleName,
        since: Timestamp,
        page: u32,
    ) -> Result<Read<Page<Deletion>>, ReadError> {
        self.client.read_deleted(product, version, module, since, page).await
    }

    async fn read_records(
        &self,
        product: Product,
        version: ApiVersion,
        module: &ModuleName,
        ids: &[RecordId],
        with_tags: bool,
    ) -> Result<Read<Vec<RecordSeen>>, ReadError> {
        self.client.read_records(product, version, module, ids, with_tags).await
    }

    async fn read_whole_record(
        &self,
        product: Product,
        version: ApiVersion,
        module: &ModuleName,
        id: RecordId,
    ) -> Result<Read<Option<SecretString>>, ReadError> {
        self.client.read_whole_record(product, version, module, id).await
    }

    async fn read_related(
        &self,
        list: &ListAsked<'_>,
        ids: &[RecordId],
        page: u32,
    ) -> Result<Read<Option<Page<Related>>>, ReadError> {
        self.client.read_related(list, ids, page).await
    }

    async fn read_record_page(
        &self,
        product: Product,
        version: ApiVersion,
        module: &ModuleName,
        at: &PageAt,
    ) -> Result<Read<RecordPage>, ReadError> {
        self.client.read_record_page(product, version, module, at).await
    }

    async fn read_tags(
        &self,
        product: Product,
        version: ApiVersion,
        module: &ModuleName,
    ) -> Result<Read<Vec<TagSeen>>, ReadError> {
        self.client.read_tags(product, version, module).await
    }

    async fn read_job(
        &self,
        product: Product,
        version: ApiVersion,
        job: &str,
    ) -> Result<Read<JobSeen>, ReadError> {
        self.client.read_job(product, version, job).await
    }
}
