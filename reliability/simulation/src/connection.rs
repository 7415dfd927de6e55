//! Zoho as the engine sees it, over the simulated network. Each call knows which batch it is made for.

use std::sync::Arc;

use zoho_journal::domain::answer::{
    Deletion, JobSeen, ModuleInfo, OrgInfo, Page, RawAnswer, Read, ReadError, RecordSeen, Related,
    SendError, SignInError, TagSeen, UserInfo,
};
use zoho_journal::domain::call::PreparedBatch;
use zoho_journal::domain::id::{ModuleName, RecordId};
use zoho_journal::domain::target::{ApiVersion, Product};
use zoho_journal::domain::time::Timestamp;
use zoho_journal::zoho::token::TokenNumber;
use zoho_journal::zoho::{ListAsked, Zoho, ZohoClient};

use crate::clock::MachineClock;
use crate::ledger::Intent;
use crate::network::{Line, MEANT};

/// One process's connection to Zoho.
#[derive(Debug)]
pub struct Connection(ZohoClient<MachineClock, Line>);

impl Connection {
    /// Over this client.
    pub const fn new(client: ZohoClient<MachineClock, Line>) -> Self {
        Self(client)
    }
}

impl Zoho for Connection {
    fn token(&self) -> Option<TokenNumber> {
        self.0.token()
    }

    async fn sign_in(&self, refused: Option<TokenNumber>) -> Result<(), SignInError> {
        self.0.sign_in(refused).await
    }

    async fn submit(&self, batch: &PreparedBatch) -> Result<RawAnswer, SendError> {
        MEANT.scope(Arc::new(Intent::of(batch)), self.0.submit(batch)).await
    }

    async fn read_org(
        &self,
        product: Product,
        version: ApiVersion,
    ) -> Result<Read<OrgInfo>, ReadError> {
        self.0.read_org(product, version).await
    }

    async fn read_current_user(
        &self,
        product: Product,
        version: ApiVersion,
    ) -> Result<Read<UserInfo>, ReadError> {
        self.0.read_current_user(product, version).await
    }

    async fn read_module(
        &self,
        product: Product,
        version: ApiVersion,
        module: &ModuleName,
    ) -> Result<Read<ModuleInfo>, ReadError> {
        self.0.read_module(product, version, module).await
    }

    async fn read_bin(
        &self,
        module: &ModuleName,
        ids: &[RecordId],
    ) -> Result<Read<Vec<Deletion>>, ReadError> {
        self.0.read_bin(module, ids).await
    }

    async fn read_deleted(
        &self,
        product: Product,
        version: ApiVersion,
        module: &ModuleName,
        since: Timestamp,
        page: u32,
    ) -> Result<Read<Page<Deletion>>, ReadError> {
        self.0.read_deleted(product, version, module, since, page).await
    }

    async fn read_records(
        &self,
        product: Product,
        version: ApiVersion,
        module: &ModuleName,
        ids: &[RecordId],
        with_tags: bool,
    ) -> Result<Read<Vec<RecordSeen>>, ReadError> {
        self.0.read_records(product, version, module, ids, with_tags).await
    }

    async fn read_related(
        &self,
        list: &ListAsked<'_>,
        ids: &[RecordId],
        page: u32,
    ) -> Result<Read<Option<Page<Related>>>, ReadError> {
        self.0.read_related(list, ids, page).await
    }

    async fn read_tags(
        &self,
        product: Product,
        version: ApiVersion,
        module: &ModuleName,
    ) -> Result<Read<Vec<TagSeen>>, ReadError> {
        self.0.read_tags(product, version, module).await
    }

    async fn read_job(
        &self,
        product: Product,
        version: ApiVersion,
        job: &str,
    ) -> Result<Read<JobSeen>, ReadError> {
        self.0.read_job(product, version, job).await
    }
}
