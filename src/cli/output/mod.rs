//! Everything the program says: the only module that writes to stdout or stderr.
//!
//! Data goes to stdout, talk to stderr. Every text is taken to come from outside and is made
//! harmless on its way ([`text::harmless`]), also when no terminal is there: what is redirected to
//! a file today is shown by `cat` tomorrow. Colours are added after that, and only here.

mod capture;
mod line;
mod progress;
mod report;
mod style;
mod table;
pub mod text;
pub mod words;

pub use capture::Captured;
pub use line::{Line, Tone};
pub use progress::Progress;
pub use report::{OutputError, Report};
pub use style::Color;
pub use table::{Align, Table};

use std::io::{self, BufRead, BufWriter, IsTerminal, Read, Write};

use serde::Serialize;

/// How the program speaks, from the global flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct Options {
    /// `--json`: data as JSON.
    pub json: bool,
    /// `-q`: no talk but warnings, errors and questions.
    pub quiet: bool,
    /// `-v`: details too.
    pub verbose: bool,
    /// `--color`.
    pub color: Color,
    /// `--no-progress`.
    pub no_progress: bool,
}

type Sink = Box<dyn Write + Send>;

/// The program's voice. Stdout is buffered: lines appear at once, rows with the next line, with
/// the next talk, or with [`Out::finish`].
pub struct Out {
    options: Options,
    stdout: BufWriter<Sink>,
    stderr: Sink,
    paints_data: bool,
    paints_talk: bool,
    width: Option<usize>,
    show_progress: bool,
    progress: Progress,
}

impl std::fmt::Debug for Out {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Out")
            .field("options", &self.options)
            .field("width", &self.width)
            .finish_non_exhaustive()
    }
}

/// Rows are many and small.
const BUFFER_BYTES: usize = 64 * 1024;

impl Out {
    /// Speaks through the process's stdout and stderr.
    pub fn stdio(options: Options) -> Self {
        let (stdout, stderr) = (io::stdout(), io::stderr());
        let on_terminal = stdout.is_terminal();
        Self {
            paints_data: options.color.on(&stdout),
            paints_talk: options.color.on(&stderr),
            width: on_terminal.then(style::terminal_width).flatten(),
            show_progress: stderr.is_terminal() && !options.no_progress && !options.quiet,
            ..Self::new(options, Box::new(stdout), Box::new(stderr))
        }
    }

    /// Speaks into any two writers, as if neither were a terminal.
    pub fn new(options: Options, stdout: Sink, stderr: Sink) -> Self {
        let always = options.color == Color::Always;
        Self {
            options,
            stdout: BufWriter::with_capacity(BUFFER_BYTES, stdout),
            stderr,
            paints_data: always,
            paints_talk: always,
            width: None,
            show_progress: false,
            progress: Progress::hidden(),
        }
    }

    /// Speaks into memory, for tests.
    pub fn captured(options: Options) -> (Self, Captured) {
        let captured = Captured::default();
        let out = Self::new(
            options,
            Box::new(captured.stdout.clone()),
            Box::new(captured.stderr.clone()),
        );
        (out, captured)
    }

    /// The flags this was made from.
    pub fn options(&self) -> Options {
        self.options
    }

    /// Whether data is JSON.
    pub fn is_json(&self) -> bool {
        self.options.json
    }

    /// A line of data, at once.
    pub fn data_line(&mut self, line: impl Into<Line>) -> Result<(), OutputError> {
        self.data_row(line)?;
        self.flush()
    }

    /// A line of data among many: not flushed.
    pub fn data_row(&mut self, line: impl Into<Line>) -> Result<(), OutputError> {
        let mut rendered = line.into().render(self.paints_data);
        rendered.push('\n');
        Ok(self.write_out(rendered.as_bytes())?)
    }

    /// A JSON document or event on one line, at once.
    pub fn json_line(&mut self, value: &impl Serialize) -> Result<(), OutputError> {
        self.json_row(value)?;
        self.flush()
    }

    /// A JSON document on one line among many: not flushed.
    pub fn json_row(&mut self, value: &impl Serialize) -> Result<(), OutputError> {
        let json = serde_json::to_string(value)
            .map_err(|error| OutputError::Failed(io::Error::other(error)))?;
        let mut rendered = text::harmless_json(&json).into_owned();
        rendered.push('\n');
        Ok(self.write_out(rendered.as_bytes())?)
    }

    /// Data in a format with rules of its own (an export, a signed note), byte for byte. Nothing
    /// is made harmless here: the format must have done it.
    pub fn data_bytes(&mut self, bytes: &[u8]) -> Result<(), OutputError> {
        Ok(self.write_out(bytes)?)
    }

    /// [`Out::data_bytes`] as a writer, for what streams. An error of it turns into an
    /// [`OutputError`] by `From`.
    pub fn data_writer(&mut self) -> DataWriter<'_> {
        DataWriter { out: self }
    }

    /// A table, fitted to the terminal if there is one.
    pub fn table(&mut self, table: &Table) -> Result<(), OutputError> {
        for line in table.lines(self.width) {
            self.data_row(line)?;
        }
        self.flush()
    }

    /// Brings out what is buffered.
    pub fn flush(&mut self) -> Result<(), OutputError> {
        let Self { progress, stdout, .. } = self;
        Ok(progress.suspend(|| stdout.flush())?)
    }

    /// Ends the output. Only then is it sure that all of it was written.
    pub fn finish(mut self) -> Result<(), OutputError> {
        self.progress.finish();
        self.flush()
    }

    /// Talk, for people; `-q` silences it.
    pub fn say(&mut self, line: impl Into<Line>) {
        if !self.options.quiet {
            self.talk(&line.into());
        }
    }

    /// Details, only with `-v`.
    pub fn detail(&mut self, line: impl Into<Line>) {
        if self.options.verbose && !self.options.quiet {
            self.talk(&line.into());
        }
    }

    /// Something that went on but should be known.
    pub fn warn(&mut self, message: &str) {
        self.talk(&Line::new().toned(Tone::Warn, "warning:").text(" ").text(message));
    }

    /// An error: for people on stderr and, with `--json`, as the one document on stdout.
    pub fn error(&mut self, report: &Report) -> Result<(), OutputError> {
        self.talk(&Line::new().toned(Tone::Bad, "error:").text(" ").text(&report.message));
        for cause in &report.causes {
            self.talk(&Line::new().text("  caused by: ").text(cause));
        }
        if let Some(hint) = &report.hint {
            self.talk(&Line::new().toned(Tone::Strong, "hint:").text(" ").text(hint));
        }
        if !self.options.json {
            return Ok(());
        }
        self.json_line(&report.document())
    }

    /// Asks, on stderr, and reads one line: yes only when it is exactly what was expected, but
    /// for blanks around it. The end of the input, and an empty expectation, are a no.
    pub fn confirm(&mut self, input: &mut impl BufRead, prompt: &str, expected: &str) -> bool {
        /// Nobody types more; a pipe might.
        const LONGEST: u64 = 1024;
        let question = Line::new().toned(Tone::Strong, prompt).text(" ");
        self.write_err(&question.render(self.paints_talk));
        let mut answer = Vec::new();
        let read = input.by_ref().take(LONGEST).read_until(b'\n', &mut answer);
        let answer = String::from_utf8_lossy(&answer);
        read.is_ok() && !expected.is_empty() && answer.trim() == expected
    }

    /// Asks, on stderr, and reads one line without the blanks around it; `None` where nothing comes.
    pub fn ask(&mut self, input: &mut impl BufRead, prompt: &str) -> Option<String> {
        /// Nobody types more; a pipe might.
        const LONGEST: u64 = 4096;
        let question = Line::new().toned(Tone::Strong, prompt).text(" ");
        self.write_err(&question.render(self.paints_talk));
        let mut answer = String::new();
        input.by_ref().take(LONGEST).read_line(&mut answer).ok()?;
        Some(answer.trim().to_owned()).filter(|answer| !answer.is_empty())
    }

    /// Shows how far a long work has come, on stderr, where that is a terminal and wanted. `total`
    /// is `None` when nobody knows it yet. A new one replaces the one before.
    pub fn progress(&mut self, label: &str, total: Option<u64>) -> Progress {
        self.progress.finish();
        self.progress = if self.show_progress {
            Progress::on_terminal(label, total)
        } else {
            Progress::hidden()
        };
        self.progress.clone()
    }

    fn talk(&mut self, line: &Line) {
        let mut rendered = line.render(self.paints_talk);
        rendered.push('\n');
        self.write_err(&rendered);
    }

    /// Talk that cannot be written is lost: that is no reason to stop a run. Data goes first, so
    /// that both read in order where they meet.
    fn write_err(&mut self, rendered: &str) {
        let Self { progress, stdout, stderr, .. } = self;
        progress.suspend(|| {
            stdout.flush().ok();
            stderr.write_all(rendered.as_bytes()).ok();
            stderr.flush().ok();
        });
    }

    /// A full buffer is written out here too, so the bar steps aside.
    fn write_out(&mut self, bytes: &[u8]) -> io::Result<()> {
        let spills = self.stdout.buffer().len() + bytes.len() > self.stdout.capacity();
        let Self { progress, stdout, .. } = self;
        if spills { progress.suspend(|| stdout.write_all(bytes)) } else { stdout.write_all(bytes) }
    }
}

/// Stdout as a writer for data; see [`Out::data_writer`].
#[derive(Debug)]
pub struct DataWriter<'a> {
    out: &'a mut Out,
}

impl Write for DataWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write_out(bytes).map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let Out { progress, stdout, .. } = &mut *self.out;
        progress.suspend(|| stdout.flush())
    }
}

#[cfg(test)]
mod tests;
