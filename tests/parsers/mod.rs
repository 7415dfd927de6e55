//! What must hold for any bytes, one function a parser. The fuzzer and `cargo test` call the same ones.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::missing_panics_doc,
    missing_docs,
    unreachable_pub,
    reason = "a panic is how a check says that it failed"
)]

mod api_answer;
mod api_read;
mod approval;
mod certificate;
mod configuration;
mod import_csv;
mod note;
mod token_answer;

pub use api_answer::api_answer;
pub use api_read::api_read;
pub use approval::approval;
pub use certificate::certificate;
pub use configuration::configuration;
pub use import_csv::import_csv;
pub use note::note;
pub use token_answer::token_answer;

/// A check of any bytes.
pub type Target = fn(&[u8]);

/// Every check by its name, which is that of its corpus.
pub const TARGETS: &[(&str, Target)] = &[
    ("api_answer", api_answer),
    ("api_read", api_read),
    ("approval", approval),
    ("certificate", certificate),
    ("configuration", configuration),
    ("import_csv", import_csv),
    ("note", note),
    ("token_answer", token_answer),
];

/// Takes a choice from the front: letters and digits, so that a corpus can be read.
fn choice<'a, T: Copy>(data: &'a [u8], from: &[T]) -> Option<(T, &'a [u8])> {
    let (first, rest) = data.split_first()?;
    Some((from[usize::from(*first) % from.len()], rest))
}

/// HTTP statuses that a parser may meet.
const STATUSES: &[u16] =
    &[200, 202, 204, 207, 304, 400, 401, 403, 404, 413, 414, 429, 500, 502, 503, 504];
