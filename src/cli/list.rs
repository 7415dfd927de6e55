//! `journal list`: entries, one a line.

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::output::words::counted;
use crate::cli::output::{Line, OutputError, Tone};
use crate::domain::id::{ModuleName, RecordId, RequestId};
use crate::domain::scope::Operation;
use crate::domain::state::EntryState;
use crate::domain::time::Timestamp;
use crate::export::{AsOf, ExportError, Style, View, export};
use crate::store::query::{EntryFilter, EntryView};

/// Which entries are wanted. Every flag but the times may be repeated.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct FilterArgs {
    /// Only entries for this record, for what is in its related lists, or for this tag
    #[arg(long = "id", value_name = "RECORD")]
    ids: Vec<RecordId>,
    /// Only entries in this state
    #[arg(long = "state", value_name = "STATE")]
    states: Vec<EntryState>,
    /// Only this operation
    #[arg(long = "operation", value_name = "OPERATION")]
    operations: Vec<Operation>,
    /// Only this module
    #[arg(long = "module", value_name = "MODULE")]
    modules: Vec<ModuleName>,
    /// Only this request
    #[arg(long = "request", value_name = "R")]
    requests: Vec<RequestId>,
    /// Only requests with this ticket
    #[arg(long = "ticket", value_name = "REF")]
    tickets: Vec<String>,
    /// Only entries with this code
    #[arg(long = "code", value_name = "CODE")]
    codes: Vec<String>,
    /// Only entries settled at this time or later, and those not settled
    #[arg(long, value_name = "TIME")]
    since: Option<Timestamp>,
    /// Only entries settled before this time, and those not settled
    #[arg(long, value_name = "TIME")]
    until: Option<Timestamp>,
}

impl From<FilterArgs> for EntryFilter {
    fn from(args: FilterArgs) -> Self {
        Self {
            records: args.ids,
            entries: Vec::new(),
            states: args.states,
            operations: args.operations,
            modules: args.modules,
            requests: args.requests,
            tickets: args.tickets,
            codes: args.codes,
            since: args.since,
            until: args.until,
        }
    }
}

/// List entries, one a line
#[derive(Debug, clap::Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    filter: FilterArgs,
}

impl From<ExportError> for CliError {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::Store(error) => error.into(),
            ExportError::Write(error) => OutputError::from(error).into(),
        }
    }
}

impl ListArgs {
    /// Runs the command.
    pub(crate) fn run(self, context: &mut Context) -> Result<Exit, CliError> {
        let reader = context.reader()?;
        let filter = EntryFilter::from(self.filter);
        let as_of = AsOf { now: context.now(), versions: context.settings.versions() };
        let out = &mut context.out;
        if out.is_json() {
            let style = Style { row_type: Some("entry"), ..Style::jsonl() };
            export(&reader, View::Entries, &filter, style, as_of, &mut out.data_writer())?;
            out.flush()?;
            return Ok(Exit::Done);
        }
        // A table that fits its columns to its rows would hold a million of them; these widths hold what is
        // usual, and what is longer moves its own line only.
        let mut first = true;
        let rows = reader.entries(&filter, |entry| {
            if std::mem::take(&mut first) {
                out.data_row(heading())?;
            }
            out.data_row(line(entry))?;
            Ok::<_, CliError>(())
        })?;
        out.flush()?;
        let told = counted(rows, "entry", "entries");
        let hint = context.command("show E…");
        context.out.say(if rows == 0 {
            told
        } else {
            format!("{told}; {hint} tells the whole story of one")
        });
        Ok(Exit::Done)
    }
}

const WIDTHS: [usize; 8] = [9, 8, 11, 12, 19, 17, 20, 0];

fn columns<T: AsRef<str>>(cells: &[T; 8]) -> String {
    let mut line = String::new();
    for (cell, width) in cells.iter().zip(WIDTHS) {
        if !line.is_empty() {
            line.push_str("  ");
        }
        let cell = cell.as_ref();
        line.push_str(cell);
        line.extend(std::iter::repeat_n(' ', width.saturating_sub(cell.chars().count())));
    }
    line.truncate(line.trim_end().len());
    line
}

/// The names of the columns.
pub(crate) fn heading() -> Line {
    let names = ["entry", "request", "operation", "module", "item", "state", "code", "settled"];
    Line::new().toned(Tone::Strong, columns(&names))
}

/// An entry.
pub(crate) fn line(entry: &EntryView) -> Line {
    let tone = tone_of(entry.state);
    let cells = [
        entry.entry.to_string(),
        entry.request.request.to_string(),
        entry.scope.operation.to_string(),
        entry.scope.module.to_string(),
        item(entry),
        entry.state.to_string(),
        entry.code().to_owned(),
        entry.settled().map(|settled| settled.at.to_string()).unwrap_or_default(),
    ];
    Line::new().toned(tone, columns(&cells))
}

/// The item; what is in a list is told with whose list it is, since one record may be in many.
fn item(entry: &EntryView) -> String {
    let id = entry.target.map_or_else(|| "(erased)".to_owned(), |id| id.to_string());
    entry.scope.parent.map_or_else(|| id.clone(), |parent| format!("{id} of {parent}"))
}

/// How a state is shown.
pub(crate) fn tone_of(state: EntryState) -> Tone {
    match state {
        EntryState::Failed => Tone::Bad,
        EntryState::Unknown => Tone::Warn,
        EntryState::Cancelled => Tone::Faint,
        EntryState::AwaitingApproval
        | EntryState::Pending
        | EntryState::InFlight
        | EntryState::Queued
        | EntryState::Done
        | EntryState::Absent
        | EntryState::Held => Tone::Plain,
    }
}
