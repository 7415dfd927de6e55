//! Whether a journal can be written to, and what to do where it cannot.

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::evidence::anchor::{Anchor, AnchorState, Published};
use crate::platform::{Access, Sharing, shell_quoted};
use crate::store::Reader;

/// How a journal stands that nothing is written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Closed {
    /// In one word.
    pub(super) standing: &'static str,
    /// In words.
    pub(super) told: String,
    /// What to type.
    pub(super) next: String,
}

/// What is in the anchor; to be read before the journal is opened.
pub(super) fn published(context: &Context) -> Option<Published> {
    let db = context.db();
    let sharing = Sharing::seen_at(&db).ok()?;
    Some(Anchor::of(&db, sharing).read(Access::Read))
}

/// Why nothing is written to the journal; `None` for one that is.
pub(super) fn closed(
    context: &Context,
    reader: &Reader,
    published: Option<&Published>,
) -> Result<Option<Closed>, CliError> {
    let adopt = || context.command("adopt --reason TEXT");
    if let Some(departure) = reader.departed()? {
        let to = departure.to.map(|to| shell_quoted(std::path::Path::new(&to)));
        let told = format!(
            "it was moved to {} at {}, and is closed here",
            to.as_deref().unwrap_or("another place"),
            departure.at
        );
        let next = to.map_or_else(adopt, |to| format!("journal --db {to} status"));
        return Ok(Some(Closed { standing: "moved", told, next }));
    }
    if reader.is_copy()? {
        let told = "it is a copy, and is not written to".to_owned();
        let next = format!("{}, only where the journal itself is lost", adopt());
        return Ok(Some(Closed { standing: "copy", told, next }));
    }
    // A file whose log does not begin with its creation is a matter for verify.
    let (Some(published), Ok(Some(_))) = (published, reader.created()) else { return Ok(None) };
    let state = published.check(reader, None)?;
    let standing = match state {
        AnchorState::Extends { .. } => return Ok(None),
        AnchorState::Missing => "missing",
        AnchorState::Behind { .. } => "behind",
        AnchorState::Forked { .. } | AnchorState::BadSignature(_) | AnchorState::Unreadable(_) => {
            let told = format!("it {state}; nothing is written to it");
            let next = context.command("verify");
            return Ok(Some(Closed { standing: "unanchored", told, next }));
        }
    };
    let told = format!("it {state}; nothing is written to it before it is adopted");
    Ok(Some(Closed { standing, told, next: adopt() }))
}
