//! `journal undo-report`: what can be brought back, how and until when, and what cannot, and why.

mod check;
mod meter;
mod show;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use self::check::Checked;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::export::{check_target, format_of};
use crate::cli::list::FilterArgs;
use crate::cli::wanted::{self, Wanted};
use crate::config::Flags;
use crate::domain::calls::Versions;
use crate::domain::scope::Task;
use crate::domain::time::Timestamp;
use crate::export::undo::{Bins, Remedy, Report, UndoRows};
use crate::export::{Delimiter, Format, Style};
use crate::platform::{PendingFile, Sharing};
use crate::store::Reader;
use crate::store::query::{EntryFilter, EntryView};

/// Show what can be brought back, how and until when, and what cannot, with the reason
#[derive(Debug, clap::Args)]
#[command(after_help = "\
It looks at settled entries, reads this journal only, and changes nothing. A record that was deleted can be
restored for 60 days from Zoho's own time of the deletion, where that is known, else from the time of sending.
The summary says what bringing all of it back would cost; rows go to -o, or to stdout with --format.

With --check Zoho is asked, by reads that cost credits: whether records lie in the recycle bin still, whether
tags and relations are missing still. Each read costs one call and one credit: one for the org, one for each 100
records, one more for those of them that are not there, and one for each page of a related list. --max-calls,
--max-credits and daily_credits bound that as they bound a run, and count what runs spent in the last 24 hours.
Nothing of it is recorded, so later runs do not count what it spent.

For cron: --expiring 7d lists only what the recycle bin lets go of within 7 days and is not back yet. When
nothing is due it prints nothing and exits 0; when something is, it exits 3.

Exit codes: 0 all of it can be brought back, or need not be; 3 some of it cannot, or, with --expiring,
something is due; with --check also 5 not signed in, 6 stopped by a budget or by Zoho.

Examples:
  journal undo-report R12
  journal undo-report --since 2026-08-01 -o undo.csv
  journal undo-report --expiring 7d
  journal undo-report R12 --check --json")]
pub(crate) struct UndoReportArgs {
    /// Requests (R12), entries (E7, E1-E20) or record ids [default: everything]
    #[arg(value_name = "R|E|RECORD")]
    things: Vec<Wanted>,
    /// Write the rows to a file, whole or not at all; - is stdout
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Write the rows as csv or jsonl, to stdout unless -o is given [default: what the file's name ends with, else csv]
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
    /// What stands between the cells of a CSV: , ; | or tab
    #[arg(long, value_name = "CHARACTER", default_value = ",")]
    delimiter: Delimiter,
    /// Begin a CSV with a byte order mark, by which Excel knows UTF-8
    #[arg(long)]
    bom: bool,
    /// Write ids as bare digits, without zcrm_; spreadsheets round those
    #[arg(long)]
    bare_ids: bool,
    /// Only what the recycle bin lets go of within this time and is not back yet
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    expiring: Option<Duration>,
    /// Ask Zoho, too
    #[arg(long)]
    check: bool,
    /// Make no more API calls than this [env: JOURNAL_MAX_CALLS]
    #[arg(long, value_name = "N", requires = "check")]
    max_calls: Option<String>,
    /// Spend no more API credits than this [env: JOURNAL_MAX_CREDITS]
    #[arg(long, value_name = "N", requires = "check")]
    max_credits: Option<String>,
    #[command(flatten)]
    filter: FilterArgs,
}

/// Where rows go.
enum Destination<'a> {
    Nowhere,
    Stdout,
    File(&'a Path),
}

impl UndoReportArgs {
    /// Those of the flags that are settings, too.
    pub(crate) fn settings(&self, flags: Flags) -> Flags {
        Flags { max_calls: self.max_calls.clone(), max_credits: self.max_credits.clone(), ..flags }
    }

    fn destination(&self, json: bool) -> Result<Destination<'_>, CliError> {
        match &self.output {
            Some(path) if path.as_os_str() != "-" => Ok(Destination::File(path)),
            None if self.format.is_none() => Ok(Destination::Nowhere),
            _ if json => Err(CliError::new(
                Exit::Usage,
                "--json prints the summary on stdout, where the rows were to go",
            )
            .hint("name a file for the rows with -o, or leave --json out")),
            _ => Ok(Destination::Stdout),
        }
    }

    fn style(&self) -> Style {
        let named = self.output.as_deref().and_then(format_of);
        Style {
            format: self.format.or(named).unwrap_or(Format::Csv),
            delimiter: self.delimiter,
            bom: self.bom,
            bare_ids: self.bare_ids,
            ..Style::csv()
        }
    }
}

/// One look at the journal, and at Zoho where that was asked for.
struct Scan<'a> {
    reader: &'a Reader,
    things: &'a [Wanted],
    filter: EntryFilter,
    bins: Bins,
    now: Timestamp,
    versions: Versions,
    /// Only what the bin lets go of by then.
    due: Option<Timestamp>,
    checked: Option<Checked>,
}

impl Scan<'_> {
    /// Hands on every entry that is asked about; `None` for one that is open. Returns how many there are.
    fn each(
        &self,
        mut visit: impl FnMut(&EntryView, Option<Remedy>) -> Result<(), CliError>,
    ) -> Result<u64, CliError> {
        wanted::each_among(self.reader, self.things, &self.filter, |entry| {
            visit(entry, Remedy::of(entry, &self.bins, self.now))
        })
    }

    /// Sums all up, and writes the rows.
    fn report(&self, mut rows: Option<&mut UndoRows<'_>>) -> Result<(Report, u64), CliError> {
        let mut report = Report::default();
        let seen = self.each(|entry, remedy| {
            let Some(remedy) = remedy else {
                report.open += u64::from(self.due.is_none());
                return Ok(());
            };
            let looked = self.checked.as_ref().and_then(|checked| checked.seen.get(&entry.entry));
            let remedy = match looked {
                Some(seen) => remedy.corrected(entry, seen),
                None => remedy,
            };
            let remedy = remedy.with_copy(self.reader, entry)?;
            if !self.is_due(&remedy) {
                return Ok(());
            }
            report.add(entry, &remedy, self.versions);
            if let Some(rows) = &mut rows {
                rows.write(entry, &remedy, looked.is_some())?;
            }
            Ok(())
        })?;
        Ok((report, seen))
    }

    /// Whether a look could show it to be due: what Zoho says of a deletion counts more than this journal's own date.
    fn may_be_due(&self, remedy: &Remedy) -> bool {
        self.due.is_none() || remedy.undo.until.is_some() || remedy.task == Some(Task::Restore)
    }

    fn is_due(&self, remedy: &Remedy) -> bool {
        let undo = &remedy.undo;
        self.due
            .is_none_or(|due| undo.can_come_back() && undo.until.is_some_and(|until| until <= due))
    }
}

/// Runs the command.
pub(crate) fn run(args: &UndoReportArgs, context: &mut Context) -> Result<Exit, CliError> {
    let destination = args.destination(context.out.is_json())?;
    let reader = context.reader()?;
    let now = context.now();
    let mut scan = Scan {
        reader: &reader,
        things: &args.things,
        filter: EntryFilter::from(args.filter.clone()),
        bins: Bins::of(&reader)?,
        now,
        versions: context.settings.versions(),
        due: args.expiring.map(|span| now.plus(span)),
        checked: None,
    };
    if args.check {
        scan.checked = Some(check::look(context, &scan)?);
    }
    let style = args.style();
    let checked_at = scan.checked.as_ref().map(|checked| checked.at);
    let (report, seen) = match destination {
        Destination::Nowhere => scan.report(None)?,
        Destination::Stdout => {
            let mut out = context.out.data_writer();
            let mut rows = UndoRows::begin(&mut out, style, scan.versions, checked_at);
            let found = scan.report(Some(&mut rows))?;
            rows.end(args.expiring.is_none())?;
            found
        }
        Destination::File(path) => {
            let failed = |error: io::Error| {
                CliError::new(Exit::Error, format!("{} was not written: {error}", path.display()))
            };
            check_target(path, &context.db())?;
            let mut pending = PendingFile::beside(path, Sharing::OwnerOnly).map_err(failed)?;
            let mut rows = UndoRows::begin(&mut pending, style, scan.versions, checked_at);
            let found = scan.report(Some(&mut rows))?;
            rows.end(true)?;
            pending.commit().map_err(failed)?;
            found
        }
    };
    if seen == 0 && !args.things.is_empty() {
        let hint = "check the numbers: journal list shows entries, journal show a record's story";
        let error = "nothing in this journal is about what was named";
        return Err(CliError::new(Exit::Error, error).hint(hint));
    }
    show::tell(context, args, &scan, &report, &destination)?;
    let is_to_be_told =
        if args.expiring.is_some() { report.entries > 0 } else { report.lost() > 0 };
    Ok(if is_to_be_told { Exit::SomeFailed } else { Exit::Done })
}
