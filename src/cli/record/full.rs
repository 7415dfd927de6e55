//! `--snapshot full`: what is kept of each record before it is deleted, for whom and how long.

use std::time::Duration;

use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::output::words::in_words;
use crate::config::Flags;
use crate::domain::scope::Operation;
use crate::sealing;
use crate::store::full_snapshot::FullWanted;

/// How long a full snapshot is kept where nobody says.
const RETENTION: Duration = Duration::from_hours(90 * 24);
/// Nobody means more, and the end must be a date.
const RETENTION_MAX: Duration = Duration::from_hours(100 * 366 * 24);
/// Shorter would be over before the call has an answer.
const RETENTION_MIN: Duration = Duration::from_secs(1);

/// What is kept of a record before it is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Keep {
    /// No more than undo needs
    Undo,
    /// The whole record, encrypted to --snapshot-recipient
    Full,
}

/// Flags of `delete` about full snapshots.
#[derive(Debug, clap::Args)]
pub(crate) struct FullArgs {
    /// What is kept of each record before it is deleted
    #[arg(long, value_name = "WHAT", default_value = "undo")]
    snapshot: Keep,
    /// Whose key a full snapshot is encrypted to: age1…, the public key that age-keygen prints [env:
    /// JOURNAL_SNAPSHOT_RECIPIENT]
    #[arg(long, value_name = "AGE1…")]
    snapshot_recipient: Option<String>,
    /// How long a full snapshot is kept; then journal forget --snapshots-due shreds it [default: 90d]
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    snapshot_retention: Option<Duration>,
}

/// What the other operations say to `--snapshot`.
#[derive(Debug, clap::Args)]
pub(crate) struct NoFullArgs {
    /// Full snapshots are of records that are deleted
    #[arg(long, value_name = "WHAT", hide = true)]
    snapshot: Option<Keep>,
}

impl NoFullArgs {
    /// Refuses what only a deletion has.
    pub(crate) fn check(&self, operation: Operation) -> Result<(), CliError> {
        if self.snapshot != Some(Keep::Full) {
            return Ok(());
        }
        let what = format!(
            "{operation} deletes no record, so there is no full snapshot: what an undo needs is read before \
             each call and kept"
        );
        Err(CliError::new(Exit::Usage, what).hint("only journal delete has --snapshot full"))
    }
}

impl FullArgs {
    /// Those of the flags that are settings, too.
    pub(crate) fn settings(&self, flags: Flags) -> Flags {
        Flags { snapshot_recipient: self.snapshot_recipient.clone(), ..flags }
    }

    /// What is wanted; `None` for no more than undo needs.
    pub(crate) fn wanted(&self, context: &Context) -> Result<Option<FullWanted>, CliError> {
        let usage = |what: String, hint: &str| Err(CliError::new(Exit::Usage, what).hint(hint));
        if self.snapshot == Keep::Undo {
            if self.snapshot_recipient.is_some() || self.snapshot_retention.is_some() {
                let what = "nothing is kept for --snapshot-recipient or --snapshot-retention";
                return usage(what.to_owned(), "add --snapshot full, or leave them out");
            }
            return Ok(None);
        }
        if !sealing::AVAILABLE {
            let what = "this program was built without full snapshots; nothing was recorded";
            return usage(what.to_owned(), sealing::HOW_TO_BUILD);
        }
        let Some(recipient) = context.settings.snapshot_recipient.value.clone() else {
            let what = "--snapshot full needs somebody's key to encrypt to; nothing was recorded";
            return usage(
                what.to_owned(),
                "--snapshot-recipient age1… (JOURNAL_SNAPSHOT_RECIPIENT, snapshot_recipient in the settings \
                 file): age-keygen makes a key and prints it",
            );
        };
        if let Err(error) = sealing::check(&recipient) {
            return usage(
                format!("{error}; nothing was recorded"),
                "copy the whole key, as age-keygen printed it",
            );
        }
        let retention = self.snapshot_retention.unwrap_or(RETENTION);
        if !(RETENTION_MIN..=RETENTION_MAX).contains(&retention) {
            let what =
                format!("--snapshot-retention {} is too short or too long", in_words(retention));
            return usage(what, "from 1s to 100 years, such as 90d");
        }
        Ok(Some(FullWanted { recipient, retention }))
    }
}

/// The same with `--json`.
#[derive(Serialize)]
pub(super) struct FullDocument {
    recipient: String,
    /// In seconds.
    retention: u64,
}

impl FullDocument {
    pub(super) fn of(full: &FullWanted) -> Self {
        Self { recipient: full.recipient.to_string(), retention: full.retention.as_secs() }
    }
}

/// What it means for a run, in a sentence.
pub(super) fn in_a_sentence(full: &FullWanted) -> String {
    format!(
        "Before a record is deleted it is read whole (one more call and credit each) and kept for {}, encrypted \
         to {}: without that nothing is deleted.",
        in_words(full.retention),
        full.recipient
    )
}
