//! The calls to Zoho as the engine sees them; a simulation may stand behind the trait as well.

use secrecy::SecretString;

use crate::domain::answer::{
    Deletion, JobSeen, ModuleInfo, OrgInfo, Page, RawAnswer, Read, ReadError, RecordSeen, Related,
    SendError, SignInError, TagSeen, UserInfo,
};
use crate::domain::call::PreparedBatch;
use crate::domain::id::{ModuleName, RecordId};
use crate::domain::scope::RelatedList;
use crate::domain::target::{ApiVersion, Product};
use crate::domain::time::Timestamp;
use crate::zoho::reads::{PageAt, RecordPage};
use crate::zoho::token::TokenNumber;

/// Zoho, as the engine sees it. Every method but `token` and `sign_in` is exactly one API call: nothing is
/// retried in here.
pub trait Zoho: Send + Sync + 'static {
    /// Which access token a call would carry now; `None` while there is none.
    fn token(&self) -> Option<TokenNumber>;

    /// Sees to it that there is an access token which lasts for a while yet and is not the one that was
    /// `refused`. Asks the accounts server at most once, and no API.
    fn sign_in(
        &self,
        refused: Option<TokenNumber>,
    ) -> impl Future<Output = Result<(), SignInError>> + Send;

    /// Sends a recorded batch, once.
    fn submit(
        &self,
        batch: &PreparedBatch,
    ) -> impl Future<Output = Result<RawAnswer, SendError>> + Send;

    /// The org the token belongs to: `GET org`, `org[0]`.
    fn read_org(
        &self,
        product: Product,
        version: ApiVersion,
    ) -> impl Future<Output = Result<Read<OrgInfo>, ReadError>> + Send;

    /// The user the token belongs to: `GET users?type=CurrentUser`, `users[0]`.
    fn read_current_user(
        &self,
        product: Product,
        version: ApiVersion,
    ) -> impl Future<Output = Result<Read<UserInfo>, ReadError>> + Send;

    /// A module's metadata: `GET settings/modules/{module}`.
    fn read_module(
        &self,
        product: Product,
        version: ApiVersion,
        module: &ModuleName,
    ) -> impl Future<Output = Result<Read<ModuleInfo>, ReadError>> + Send;

    /// Which of these records lie in the recycle bin: `GET settings/recycle_bin?ids=`, always v8 of CRM.
    fn read_bin(
        &self,
        module: &ModuleName,
        ids: &[RecordId],
    ) -> impl Future<Output = Result<Read<Vec<Deletion>>, ReadError>> + Send;

    /// One page (from 1) of the deletions since a time: `GET {module}/deleted?type=all`.
    fn read_deleted(
        &self,
        product: Product,
        version: ApiVersion,
        module: &ModuleName,
        since: Timestamp,
        page: u32,
    ) -> impl Future<Output = Result<Read<Page<Deletion>>, ReadError>> + Send;

    /// Which of these records can be read: `GET {module}?ids=&fields=id,Modified_Time&converted=both`,
    /// with `Tag` among the fields where their tags are asked for.
    fn read_records(
        &self,
        product: Product,
        version: ApiVersion,
        module: &ModuleName,
        ids: &[RecordId],
        with_tags: bool,
    ) -> impl Future<Output = Result<Read<Vec<RecordSeen>>, ReadError>> + Send;

    /// One record with all its fields, verbatim: `GET {module}/{id}`; `None` where there is none.
    fn read_whole_record(
        &self,
        product: Product,
        version: ApiVersion,
        module: &ModuleName,
        id: RecordId,
    ) -> impl Future<Output = Result<Read<Option<SecretString>>, ReadError>> + Send;

    /// One page of all records of a module, with their tags: `GET {module}?fields=id,Tag&page=` or `page_token=`.
    /// With it comes where the next page begins.
    fn read_record_page(
        &self,
        product: Product,
        version: ApiVersion,
        module: &ModuleName,
        at: &PageAt,
    ) -> impl Future<Output = Result<Read<RecordPage>, ReadError>> + Send;

    /// Which of these records stand in a record's related list: one page (from 1) of
    /// `GET {module}/{id}/{list}?ids=`. `None` when the record itself is not there.
    fn read_related(
        &self,
        list: &ListAsked<'_>,
        ids: &[RecordId],
        page: u32,
    ) -> impl Future<Output = Result<Read<Option<Page<Related>>>, ReadError>> + Send;

    /// All tags of a module: `GET settings/tags?module=`.
    fn read_tags(
        &self,
        product: Product,
        version: ApiVersion,
        module: &ModuleName,
    ) -> impl Future<Output = Result<Read<Vec<TagSeen>>, ReadError>> + Send;

    /// How a job goes: `GET settings/tags/actions/mass_delete?job_id=`.
    fn read_job(
        &self,
        product: Product,
        version: ApiVersion,
        job: &str,
    ) -> impl Future<Output = Result<Read<JobSeen>, ReadError>> + Send;
}

/// A record's related list, as it is asked for.
#[derive(Debug, Clone, Copy)]
pub struct ListAsked<'a> {
    /// The product.
    pub product: Product,
    /// The API version.
    pub version: ApiVersion,
    /// The record's module.
    pub module: &'a ModuleName,
    /// The record.
    pub parent: RecordId,
    /// The list.
    pub list: &'a RelatedList,
    /// A field that the relation has of its own.
    pub field: Option<&'static str>,
}
