//! Reasons as people type them: never empty, and better without a name in them.

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::domain::erasure::holds_mail_address;

/// Refuses an empty reason.
pub(crate) fn check(reason: &str) -> Result<(), CliError> {
    if reason.trim().is_empty() {
        return Err(CliError::new(Exit::Usage, "--reason is empty").hint("say why, for the audit"));
    }
    Ok(())
}

/// Warns where a reason names somebody by a mail address.
pub(crate) fn warn_of_addresses(context: &mut Context, reason: &str) {
    warn(context, reason, "until the whole request is forgotten (journal forget)");
}

/// The same of the reason for which something is forgotten: it stays for good.
pub(crate) fn warn_of_addresses_for_good(context: &mut Context, reason: &str) {
    warn(context, reason, "for good");
}

fn warn(context: &mut Context, reason: &str, how_long: &str) {
    if holds_mail_address(reason) {
        context.out.warn(&format!(
            "--reason holds a mail address: it stays in the journal {how_long}; a ticket's number says as much"
        ));
    }
}
