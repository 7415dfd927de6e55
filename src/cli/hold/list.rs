//! `journal hold list`: what is held, by whom, why, and when somebody should look at it.

use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::hold::{named, typed};
use crate::cli::output::words::counted;
use crate::domain::id::{ModuleName, RecordId};
use crate::domain::time::Timestamp;
use crate::store::holding::HoldView;

/// List what is held
#[derive(Debug, clap::Args)]
pub(super) struct ListArgs {
    /// Only holds that name this module
    module: Option<ModuleName>,
    /// Those that are over, too
    #[arg(long)]
    all: bool,
}

#[derive(Serialize)]
struct HoldRow {
    hold_id: String,
    module: String,
    all: bool,
    /// Ids that are held still, as texts.
    ids: Vec<RecordId>,
    ids_placed: u64,
    held_since: Timestamp,
    held_by: Option<String>,
    recorded_by: Option<String>,
    reason: Option<String>,
    ticket: Option<String>,
    review_by: Option<Timestamp>,
    review_due: bool,
    over: bool,
}

#[derive(Serialize)]
struct Document {
    holds: Vec<HoldRow>,
}

/// Runs the command.
pub(super) fn run(args: &ListArgs, context: &mut Context) -> Result<Exit, CliError> {
    let reader = context.reader()?;
    let wanted = |hold: &HoldView| args.module.as_ref().is_none_or(|module| hold.module == *module);
    let mut holds = reader.holds(args.all)?;
    holds.retain(wanted);
    let now = context.now();
    let mut rows = Vec::new();
    for hold in holds {
        let ids = reader.held_ids(hold.hold)?;
        rows.push(HoldRow {
            hold_id: hold.hold.to_string(),
            module: hold.module.to_string(),
            all: hold.whole,
            ids,
            ids_placed: hold.ids,
            held_since: hold.at,
            held_by: hold.held_by,
            recorded_by: hold.recorded_by,
            reason: hold.reason,
            ticket: hold.ticket,
            review_by: hold.review_by,
            review_due: !hold.over && hold.review_by.is_some_and(|at| at <= now),
            over: hold.over,
        });
    }
    drop(reader);
    if context.out.is_json() {
        context.out.json_line(&Document { holds: rows })?;
        return Ok(Exit::Done);
    }
    if rows.is_empty() {
        context.out.say("Nothing is held.");
    }
    for row in &rows {
        tell(context, row)?;
    }
    Ok(Exit::Done)
}

fn tell(context: &mut Context, row: &HoldRow) -> Result<(), CliError> {
    let live = u64::try_from(row.ids.len()).unwrap_or(u64::MAX);
    let what = if row.all {
        format!("all of {}", row.module)
    } else {
        format!("{} of {}", counted(live, "record", "records"), row.module)
    };
    let over = if row.over { ", over" } else { "" };
    let (who, why) = (typed(row.held_by.as_ref()), typed(row.reason.as_ref()));
    let ticket = row.ticket.as_ref().map(|ticket| format!(" ({})", typed(Some(ticket))));
    context.out.data_line(format!(
        "{}: {what}{over}, held by {who} since {}: {why}{}",
        row.hold_id,
        row.held_since,
        ticket.unwrap_or_default()
    ))?;
    if live > 0 {
        context.out.data_line(format!("    {}", named(&row.ids)))?;
    }
    if let Some(at) = row.review_by {
        let due = if row.review_due { ", which has passed: is it still needed?" } else { "" };
        context.out.data_line(format!("    to be reviewed by {at}{due}"))?;
    }
    Ok(())
}
