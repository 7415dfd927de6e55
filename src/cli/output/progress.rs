//! How far a long work has come.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::text::harmless;

/// At most so many redraws a second.
const REDRAWS: u8 = 8;

/// A bar on stderr, or nothing at all. Clones move the same bar, from any thread.
#[derive(Debug, Clone)]
pub struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// Shows nothing.
    pub fn hidden() -> Self {
        Self { bar: ProgressBar::hidden() }
    }

    pub(super) fn on_terminal(label: &str, total: Option<u64>) -> Self {
        let target = ProgressDrawTarget::stderr_with_hz(REDRAWS);
        let progress = Self { bar: ProgressBar::with_draw_target(total, target) };
        let template = if total.is_some() {
            "{prefix} [{bar:30}] {human_pos}/{human_len}  {msg}"
        } else {
            "{prefix} {human_pos}  {msg}"
        };
        // A template that does not parse would only look different.
        if let Ok(style) = ProgressStyle::with_template(template) {
            progress.bar.set_style(style.progress_chars("=> "));
        }
        progress.bar.set_prefix(harmless(label).into_owned());
        progress
    }

    /// So much is done.
    pub fn reached(&self, position: u64) {
        self.bar.set_position(position);
    }

    /// So much more is done.
    pub fn advanced(&self, by: u64) {
        self.bar.inc(by);
    }

    /// Says beside the bar what is going on.
    pub fn note(&self, text: &str) {
        self.bar.set_message(harmless(text).into_owned());
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }

    /// Takes the bar away while something else is written.
    pub(super) fn suspend<R>(&self, write: impl FnOnce() -> R) -> R {
        self.bar.suspend(write)
    }
}
