//! Whether there are colours, and how wide the terminal is.

use anstream::stream::RawStream;
use anstream::{AutoStream, ColorChoice};
use std::str::FromStr;

/// `--color`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Color {
    /// On a terminal that has them, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always; stronger than `NO_COLOR`, since it was asked for by hand.
    Always,
    /// Never.
    Never,
}

impl Color {
    /// Whether this stream gets colours.
    pub(super) fn on<S: RawStream>(self, stream: &S) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            // Knows NO_COLOR, CLICOLOR, CLICOLOR_FORCE and TERM=dumb.
            Self::Auto => match AutoStream::choice(stream) {
                ColorChoice::Never => false,
                ColorChoice::Auto | ColorChoice::AlwaysAnsi | ColorChoice::Always => true,
            },
        }
    }
}

impl FromStr for Color {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "always" => Ok(Self::Always),
            "never" => Ok(Self::Never),
            _ => Err("choose one of auto, always, never".to_owned()),
        }
    }
}

/// Columns of the terminal, where the shell says. Unknown means that nothing is shortened: a
/// wrapped line is ugly, a cut one has lost something.
pub(super) fn terminal_width() -> Option<usize> {
    let columns = std::env::var("COLUMNS").ok()?.parse().ok()?;
    (columns >= 40).then_some(columns)
}
