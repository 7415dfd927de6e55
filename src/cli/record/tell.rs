//! How the outcome of a recording is told, as text and as JSON.

use serde::Serialize;

use crate::cli::context::{Context, Whereabouts};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::output::words::{counted, grouped};
use crate::cli::record::full::{self, FullDocument};
use crate::cli::record::names::{NamedTag, Resolved};
use crate::cli::record::{Asked, RecordArgs};
use crate::cli::things::{counted_items, in_product, named_tags, quoted, workflows_in_words};
use crate::domain::id::RecordId;
use crate::domain::scope::{TagName, TagSet, Task};
use crate::domain::target::Product;
use crate::export::cell::visible_short;
use crate::intake::{Intake, Layout, Place, RejectedRow};
use crate::store::recording::Recorded;

/// Rejected rows that are shown on a terminal; the rest is counted.
const SHOWN_ROWS: usize = 20;

/// The outcome with `--json`. Its keys are a contract.
#[derive(Serialize)]
struct Outcome<'a> {
    request_id: Option<String>,
    recorded: u64,
    duplicates: u64,
    held: u64,
    rejected: &'a [RejectedRow],
    awaiting_approval: bool,
    next: String,
    dry_run: bool,
    operation: &'a str,
    module: &'a str,
    /// The tags that are removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<&'a [TagName]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    related_list: Option<&'a str>,
    /// The parent of an unlink; `None` where there are many.
    #[serde(skip_serializing_if = "Option::is_none")]
    parent: Option<RecordId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parents: Option<usize>,
    /// Tags that were given by their names, with their ids.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    resolved: &'a [NamedTag],
    #[serde(skip_serializing_if = "Option::is_none")]
    module_id: Option<RecordId>,
    snapshot: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    snapshot_records: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    full_snapshots: Option<FullDocument>,
    #[serde(flatten)]
    place: Whereabouts,
    workflows: Option<bool>,
}

/// File, column and the first rows, so that a wrong column is seen at once. Not kept.
pub(super) fn echo(context: &mut Context, intake: &Intake) {
    let Some(file) = &intake.source.file else { return };
    let layout = match &file.layout {
        Layout::PlainList => "one id a line".to_owned(),
        Layout::Csv { column, parent_column: None, .. } => format!("column {}", quoted(column)),
        Layout::Csv { column, parent_column: Some(parent), .. } => {
            format!("columns {} and {}", quoted(parent), quoted(column))
        }
    };
    let rows = counted(intake.source.rows, "row", "rows");
    context.out.say(format!("{}: {layout}, {rows}", visible_short(&file.name, 80)));
    let shown = |value: &str| if value.is_empty() { "(empty)" } else { value }.to_owned();
    for row in &intake.source.first_rows {
        let parent = row.parent.as_deref().map(|parent| format!("{}, ", shown(parent)));
        let parent = parent.unwrap_or_default();
        context.out.say(format!("  {}: {parent}{}", row.place, shown(&row.value)));
    }
}

/// Tells what became of what was asked for.
pub(super) struct Teller<'a> {
    pub(super) asked: &'a Asked<'a>,
    pub(super) args: &'a RecordArgs,
    pub(super) resolved: &'a Resolved,
}

impl Teller<'_> {
    /// Invalid rows: nothing is recorded, and each is named with line, value and reason.
    pub(super) fn rejected(
        &self,
        context: &mut Context,
        intake: &Intake,
    ) -> Result<Exit, CliError> {
        show_rejected(context, &intake.rejected);
        let next = if self.args.skip_invalid {
            "no row is valid: check the file and its columns".to_owned()
        } else {
            "correct these rows, or record the others with --skip-invalid".to_owned()
        };
        let rows = counted(u64::try_from(intake.rejected.len()).unwrap_or(0), "row is", "rows are");
        if context.out.is_json() {
            let recorded = Recorded {
                request: None,
                entries: 0,
                duplicates: 0,
                held: 0,
                awaiting_approval: false,
            };
            self.json(context, &intake.rejected, &recorded, None, next)?;
        } else {
            context.out.say(format!("Nothing was recorded: {rows} invalid. Next: {next}."));
        }
        Ok(Exit::Error)
    }

    /// The request, or what it would be.
    pub(super) fn recorded(
        &self,
        context: &mut Context,
        intake: &Intake,
        recorded: &Recorded,
        parents: usize,
    ) -> Result<(), CliError> {
        if !intake.rejected.is_empty() {
            show_rejected(context, &intake.rejected);
        }
        let next = self.next_command(context, intake, recorded);
        if context.out.is_json() {
            return self.json(context, &intake.rejected, recorded, Some(parents), next);
        }
        let what = format!(
            "{} in {}",
            self.what(context.settings.product.value, recorded.entries, parents),
            context.whereabouts()?
        );
        let line = match (recorded.request, self.args.dry_run) {
            (Some(request), _) => format!("Recorded {request}: {what}."),
            (None, true) if recorded.entries > 0 || intake.source.rows == 0 => {
                format!("Would record: {what}.")
            }
            (None, true) => {
                "Would record nothing: everything is covered by open entries.".to_owned()
            }
            (None, false) if intake.source.rows == 0 => {
                "Nothing was recorded: there are no rows.".to_owned()
            }
            (None, false) => {
                "Nothing was recorded: everything is covered by open entries.".to_owned()
            }
        };
        context.out.data_line(line)?;
        for tag in &self.resolved.tags {
            context.out.data_line(format!("  {} is tag {}", quoted(&tag.name), tag.id))?;
        }
        if recorded.duplicates > 0 {
            let rows = counted(recorded.duplicates, "duplicate was", "duplicates were");
            context.out.data_line(format!("{rows} dropped."))?;
        }
        if !intake.rejected.is_empty() {
            let rows = u64::try_from(intake.rejected.len()).unwrap_or(0);
            let rows = counted(rows, "invalid row was", "invalid rows were");
            context.out.data_line(format!("{rows} skipped."))?;
        }
        if recorded.held > 0 {
            let entries = counted(recorded.held, "entry is", "entries are");
            context.out.data_line(format!(
                "{entries} under a hold, and not sent while it lasts; {} shows it.",
                context.command("hold list")
            ))?;
        }
        if recorded.awaiting_approval {
            context.out.data_line("Nothing of it is sent before a second person approved it.")?;
        }
        if !self.asked.snapshot && recorded.entries > 0 {
            context.out.data_line(
                "No snapshot will be read: what is there before is not known afterwards, and nothing of \
                 this can be undone.",
            )?;
        }
        if let Some(full) = self.asked.full.filter(|_| recorded.entries > 0) {
            context.out.data_line(full::in_a_sentence(full))?;
        }
        context.out.say(format!("Nothing has been sent to Zoho. Next: {next}"));
        Ok(())
    }

    /// `unlink 3 related records of Campaigns 410405000002264040 (list Leads)`.
    fn what(&self, product: Product, entries: u64, parents: usize) -> String {
        let Asked { task, parent, .. } = self.asked;
        let module = format!("{}{}", self.asked.module, in_product(product));
        let items = format!("{} {}", task.operation(), counted_items(task.operation(), entries));
        match task {
            Task::Delete => {
                let workflows = workflows_in_words(self.asked.workflows.unwrap_or(false));
                format!("{items} of {module} ({workflows})")
            }
            Task::Untag(tags) | Task::Retag(tags) => {
                format!("{items} of {module} ({})", named_tags(tags))
            }
            Task::Unlink(list) | Task::Relink(list) => {
                let of = parent.map_or_else(
                    || {
                        let parents = u64::try_from(parents).unwrap_or(0);
                        format!("{} in {module}", counted(parents, "parent", "parents"))
                    },
                    |parent| format!("{module} {parent}"),
                );
                format!("{items} of {of} (list {list})")
            }
            Task::DeleteTags | Task::Restore | Task::RecreateTags => {
                format!("{items} of {module}")
            }
        }
    }

    fn next_command(&self, context: &Context, intake: &Intake, recorded: &Recorded) -> String {
        let command = |words: String| context.command(&words);
        match recorded.request {
            _ if self.args.dry_run => "the same command without --dry-run".to_owned(),
            Some(request) if recorded.awaiting_approval => {
                let approve = command(format!("approve {request}"));
                format!("a second person looks and approves: {approve}")
            }
            Some(request) => {
                let plan = command(format!("plan {request}"));
                format!("{plan}, then {}", command(format!("sync {request}")))
            }
            None if intake.source.rows == 0 => command("status".to_owned()),
            None => format!(
                "{} shows the open entries; --again records these all the same",
                command("status".to_owned())
            ),
        }
    }

    fn json(
        &self,
        context: &mut Context,
        rejected: &[RejectedRow],
        recorded: &Recorded,
        parents: Option<usize>,
        next: String,
    ) -> Result<(), CliError> {
        let asked = self.asked;
        let outcome = Outcome {
            request_id: recorded.request.map(|request| request.to_string()),
            recorded: recorded.entries,
            duplicates: recorded.duplicates,
            held: recorded.held,
            rejected,
            awaiting_approval: recorded.awaiting_approval,
            next,
            dry_run: self.args.dry_run,
            operation: asked.task.operation().wire_name(),
            module: asked.module.as_str(),
            tags: asked.task.tags().map(TagSet::names),
            related_list: asked.task.list().map(crate::domain::scope::RelatedList::as_str),
            parent: asked.parent,
            parents: parents.filter(|_| asked.task.list().is_some()),
            resolved: &self.resolved.tags,
            module_id: self.resolved.module_id,
            snapshot: asked.snapshot,
            snapshot_records: matches!(asked.task, Task::DeleteTags)
                .then_some(asked.snapshot_records),
            full_snapshots: asked.full.map(FullDocument::of),
            place: context.whereabouts()?,
            workflows: asked.workflows,
        };
        Ok(context.out.json_line(&outcome)?)
    }
}

fn show_rejected(context: &mut Context, rejected: &[RejectedRow]) {
    for row in rejected.iter().take(SHOWN_ROWS) {
        let value = row.shown();
        let place = match row.place {
            Place::Argument(number) => format!("argument {number}"),
            Place::Line(number) => format!("line {number}"),
        };
        context.out.warn(&format!("{place}: \"{value}\": {}", row.reason));
    }
    if let Some(more) = rejected.len().checked_sub(SHOWN_ROWS).filter(|more| *more > 0) {
        let more = grouped(u64::try_from(more).unwrap_or(0));
        context.out.warn(&format!("and {more} more; --json lists every one"));
    }
}
