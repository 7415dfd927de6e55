//! Sent or not: the one place that decides which failures are safe to send again.

use std::error::Error;

/// Whether not one byte of the request can have left.
///
/// True for a failure to connect (name not resolved, refused, TLS handshake failed, connect time-out)
/// and for a request that could not be built. Everything else may have arrived: a time-out of the whole
/// call, a connection that broke, and above all a request on a kept connection that the server closed,
/// which looks harmless and is not. In doubt the answer is `false`.
pub(super) fn surely_not_sent(error: &reqwest::Error) -> bool {
    error.is_connect() || error.is_builder()
}

/// The failure in words, with its causes; without the URL, which holds ids, and on one line.
pub(super) fn in_words(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        // Wrappers often repeat what they wrap.
        if !words.ends_with(&next) {
            words.push_str(": ");
            words.push_str(&next);
        }
        cause = error.source();
    }
    words.escape_debug().take(300).collect()
}
