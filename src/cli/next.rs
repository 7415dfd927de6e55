//! The command to type next, such that it meets the same journal as this one.

use crate::cli::context::Context;
use crate::config::Origin;
use crate::platform::shell_quoted;

/// `journal … ARGUMENTS`, with the global flags that this call was given. What came from the environment
/// or a file holds for the next call as well.
pub(crate) fn command(context: &Context, arguments: &str) -> String {
    let settings = &context.settings;
    let mut text = "journal".to_owned();
    if let (Origin::Flag(_), Some(path)) = (&settings.config.origin, &settings.config.value) {
        text.push_str(" --config ");
        text.push_str(&shell_quoted(path));
    }
    if let Origin::Flag(_) = settings.profile.origin {
        text.push_str(" --profile ");
        text.push_str(&shell_quoted(settings.profile.value.as_ref()));
    }
    if let Origin::Flag(_) = settings.db.origin {
        text.push_str(" --db ");
        text.push_str(&shell_quoted(&settings.db.value));
    }
    text.push(' ');
    text.push_str(arguments);
    text
}
