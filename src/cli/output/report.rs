//! What can go wrong with the output, and how an error is told.

use std::io;

use serde::Serialize;

/// Data could not be written.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// The reader has seen enough (`journal list | head`): end quietly, with exit code 0.
    #[error("the reader of the output went away")]
    Closed,
    /// The output is incomplete: say so, and fail.
    #[error("cannot write the output: {0}")]
    Failed(#[source] io::Error),
}

impl From<io::Error> for OutputError {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe { Self::Closed } else { Self::Failed(error) }
    }
}

/// An error as it is told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// The exit code.
    pub code: u8,
    /// What happened, to which item.
    pub message: String,
    /// What it came from, outermost first.
    pub causes: Vec<String>,
    /// What to do.
    pub hint: Option<String>,
}

impl Report {
    /// Tells an error with its sources. A source whose text its parent already repeats is left out.
    pub fn of(code: u8, error: &dyn std::error::Error, hint: Option<String>) -> Self {
        let message = error.to_string();
        let mut causes = Vec::new();
        let mut told = message.clone();
        let mut source = error.source();
        while let Some(cause) = source {
            let text = cause.to_string();
            if !told.contains(&text) {
                causes.push(text.clone());
                told = text;
            }
            source = cause.source();
        }
        Self { code, message, causes, hint }
    }

    /// The one JSON document of an error, its causes joined to the message.
    pub(super) fn document(&self) -> impl Serialize + '_ {
        let told = std::iter::once(&self.message).chain(&self.causes);
        ErrorDocument {
            error: ErrorBody {
                code: self.code,
                message: told.map(String::as_str).collect::<Vec<_>>().join(": "),
                hint: self.hint.as_deref(),
            },
        }
    }
}

/// What `--json` says of an error; its keys are a contract.
#[derive(Serialize)]
struct ErrorDocument<'a> {
    error: ErrorBody<'a>,
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    code: u8,
    message: String,
    hint: Option<&'a str>,
}
