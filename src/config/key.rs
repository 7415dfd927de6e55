//! The settings there are, with their names in each place.

use serde::{Deserialize, Serialize};

use crate::domain::target::named_set;

named_set!(
    /// A setting. Its wire name is its key in the file.
    Key, "setting", {
        /// The product whose API is spoken.
        Product = "product",
        /// The data centre.
        DataCenter = "data_center",
        /// The org's environment.
        Environment = "environment",
        /// The API version of write calls.
        ApiVersion = "api_version",
        /// Replaces the data centre's API host.
        ApiUrl = "api_url",
        /// Replaces the data centre's accounts host.
        AccountsUrl = "accounts_url",
        /// The journal.
        Db = "db",
        /// How long a whole HTTP call may take.
        Timeout = "timeout",
        /// How long a call without an answer may still take effect.
        Quarantine = "quarantine",
        /// Which requests need a second person.
        RequireApproval = "require_approval",
        /// Which more requests need one, by operation and module.
        ApprovalRules = "approval_rules",
        /// How a second person approves.
        Approver = "approver",
        /// Whose SSH keys may sign approvals.
        AllowedSigners = "allowed_signers",
        /// How many entries a run may send.
        MaxEntries = "max_entries",
        /// How many API calls a run may make, reads included.
        MaxCalls = "max_calls",
        /// How many API credits a run may use, reads included.
        MaxCredits = "max_credits",
        /// How many API credits the journal may use in any 24 hours.
        DailyCredits = "daily_credits",
        /// How many calls a run may have under way.
        Concurrency = "concurrency",
        /// After how many refusals in a row a request is parked.
        MaxFailures = "max_failures",
        /// How many tags one job deletes.
        TagsPerJob = "tags_per_job",
        /// The OAuth client's id, which is no secret.
        ClientId = "client_id",
        /// The command that prints the client's secret.
        ClientSecretCommand = "client_secret_command",
        /// The command that prints the refresh token.
        RefreshTokenCommand = "refresh_token_command",
        /// The command that prints a ready access token.
        AccessTokenCommand = "access_token_command",
        /// Where the stored sign-in lies.
        CredentialsFile = "credentials_file",
        /// The Zoho user that the token ought to belong to.
        ServiceUser = "service_user",
        /// Whose key full snapshots are encrypted to.
        SnapshotRecipient = "snapshot_recipient",
    }
);

/// What a key's value looks like in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Text in quotes.
    Text,
    /// A whole number.
    Number,
    /// Either.
    TextOrNumber,
    /// A table of such values, or one text.
    Rules,
}

impl Key {
    /// The flag that sets it. What belongs to signing in has none: a profile says it once, and a command
    /// on a command line would be seen by everybody on the machine. Nor has what says whose approval counts: who
    /// asks for one does not choose that.
    pub const fn flag(self) -> Option<&'static str> {
        Some(match self {
            Self::Product => "--product",
            Self::DataCenter => "--data-center",
            Self::Environment => "--environment",
            Self::ApiVersion => "--api-version",
            Self::ApiUrl => "--api-url",
            Self::AccountsUrl => "--accounts-url",
            Self::Db => "--db",
            Self::Timeout => "--timeout",
            Self::Quarantine => "--quarantine",
            Self::RequireApproval => "--require-approval",
            Self::ApprovalRules => "--approval-rule",
            Self::MaxEntries => "--max-entries",
            Self::MaxCalls => "--max-calls",
            Self::MaxCredits => "--max-credits",
            Self::DailyCredits => "--daily-credits",
            Self::Concurrency => "--concurrency",
            Self::MaxFailures => "--max-failures",
            Self::TagsPerJob => "--tags-per-job",
            Self::ServiceUser => "--service-user",
            Self::SnapshotRecipient => "--snapshot-recipient",
            Self::Approver
            | Self::AllowedSigners
            | Self::ClientId
            | Self::ClientSecretCommand
            | Self::RefreshTokenCommand
            | Self::AccessTokenCommand
            | Self::CredentialsFile => return None,
        })
    }

    /// The environment variable that sets it.
    pub const fn variable(self) -> &'static str {
        match self {
            Self::Product => "JOURNAL_PRODUCT",
            Self::DataCenter => "JOURNAL_DATA_CENTER",
            Self::Environment => "JOURNAL_ENVIRONMENT",
            Self::ApiVersion => "JOURNAL_API_VERSION",
            Self::ApiUrl => "JOURNAL_API_URL",
            Self::AccountsUrl => "JOURNAL_ACCOUNTS_URL",
            Self::Db => "JOURNAL_DB",
            Self::Timeout => "JOURNAL_HTTP_TIMEOUT",
            Self::Quarantine => "JOURNAL_QUARANTINE",
            Self::RequireApproval => "JOURNAL_REQUIRE_APPROVAL",
            Self::ApprovalRules => "JOURNAL_APPROVAL_RULES",
            Self::Approver => "JOURNAL_APPROVER",
            Self::AllowedSigners => "JOURNAL_ALLOWED_SIGNERS",
            Self::MaxEntries => "JOURNAL_MAX_ENTRIES",
            Self::MaxCalls => "JOURNAL_MAX_CALLS",
            Self::MaxCredits => "JOURNAL_MAX_CREDITS",
            Self::DailyCredits => "JOURNAL_DAILY_CREDITS",
            Self::Concurrency => "JOURNAL_CONCURRENCY",
            Self::MaxFailures => "JOURNAL_MAX_FAILURES",
            Self::TagsPerJob => "JOURNAL_TAGS_PER_JOB",
            Self::ClientId => "ZOHO_CLIENT_ID",
            Self::ClientSecretCommand => "JOURNAL_CLIENT_SECRET_COMMAND",
            Self::RefreshTokenCommand => "JOURNAL_REFRESH_TOKEN_COMMAND",
            Self::AccessTokenCommand => "JOURNAL_ACCESS_TOKEN_COMMAND",
            Self::CredentialsFile => "JOURNAL_CREDENTIALS_FILE",
            Self::ServiceUser => "JOURNAL_SERVICE_USER",
            Self::SnapshotRecipient => "JOURNAL_SNAPSHOT_RECIPIENT",
        }
    }

    pub(super) const fn shape(self) -> Shape {
        match self {
            Self::MaxEntries
            | Self::MaxCalls
            | Self::MaxCredits
            | Self::Concurrency
            | Self::MaxFailures
            | Self::TagsPerJob => Shape::Number,
            Self::ApprovalRules => Shape::Rules,
            Self::RequireApproval | Self::DailyCredits | Self::ServiceUser => Shape::TextOrNumber,
            Self::Product
            | Self::DataCenter
            | Self::Environment
            | Self::ApiVersion
            | Self::ApiUrl
            | Self::AccountsUrl
            | Self::Db
            | Self::Timeout
            | Self::Quarantine
            | Self::SnapshotRecipient
            | Self::ClientId
            | Self::ClientSecretCommand
            | Self::RefreshTokenCommand
            | Self::AccessTokenCommand
            | Self::Approver
            | Self::AllowedSigners
            | Self::CredentialsFile => Shape::Text,
        }
    }
}
