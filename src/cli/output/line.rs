//! A line of text in parts, each with its tone.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};

use super::text::{harmless, width};

/// What a piece of text conveys. Never by colour alone: the words say it too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tone {
    /// Nothing in particular.
    #[default]
    Plain,
    /// Settled and well.
    Good,
    /// Needs a look.
    Warn,
    /// Went wrong.
    Bad,
    /// Matters.
    Strong,
    /// Matters less.
    Faint,
}

impl Tone {
    fn style(self) -> Style {
        let colored = |color: AnsiColor| Style::new().fg_color(Some(color.into()));
        match self {
            Self::Plain => Style::new(),
            Self::Good => colored(AnsiColor::Green),
            Self::Warn => colored(AnsiColor::Yellow),
            Self::Bad => colored(AnsiColor::Red).bold(),
            Self::Strong => Style::new().bold(),
            Self::Faint => Style::new().dimmed(),
        }
    }
}

/// One line. Whatever goes in is made harmless; a line break within it cannot begin a new line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Line {
    parts: Vec<(Tone, String)>,
}

impl Line {
    /// An empty line.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds plain text.
    #[must_use]
    pub fn text(self, text: impl AsRef<str>) -> Self {
        self.toned(Tone::Plain, text)
    }

    /// Adds text with a tone.
    #[must_use]
    pub fn toned(mut self, tone: Tone, text: impl AsRef<str>) -> Self {
        self.parts.push((tone, harmless(text.as_ref()).into_owned()));
        self
    }

    /// Without blanks at its end: they wrap, and they end up in what people copy.
    #[must_use]
    pub(super) fn trimmed(mut self) -> Self {
        while self.parts.pop_if(|(_, text)| text.trim().is_empty()).is_some() {}
        self
    }

    /// How many columns it takes.
    pub fn width(&self) -> usize {
        self.parts.iter().map(|(_, text)| width(text)).sum()
    }

    /// The line's text, without a line break.
    pub(super) fn render(&self, color: bool) -> String {
        let mut rendered = String::new();
        for (tone, text) in &self.parts {
            let style = tone.style();
            // Writing into a string cannot fail.
            if color && !style.is_plain() && !text.is_empty() {
                write!(rendered, "{style}{text}{style:#}").ok();
            } else {
                rendered.push_str(text);
            }
        }
        rendered
    }
}

impl From<&str> for Line {
    fn from(text: &str) -> Self {
        Self::new().text(text)
    }
}

impl From<String> for Line {
    fn from(text: String) -> Self {
        Self::new().text(text)
    }
}

impl From<&String> for Line {
    fn from(text: &String) -> Self {
        Self::new().text(text)
    }
}
