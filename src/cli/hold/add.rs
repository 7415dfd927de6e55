//! `journal hold add`: holds, waits for the calls that are under way, and tells what went before.

use std::time::Duration;

use serde::Serialize;

use crate::cli::approve::{check_reason, shown_reason, who};
use crate::cli::context::{Context, PROGRAM, Whereabouts};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::hold::{SHOWN, SHOWN_ROWS, WhichArgs};
use crate::cli::output::words::{counted, grouped, in_words};
use crate::cli::record::checks::check_module;
use crate::clock::Clock;
use crate::domain::id::{EntryId, HoldId};
use crate::domain::ranges::EntryRanges;
use crate::domain::state::EntryState;
use crate::domain::time::Timestamp;
use crate::evidence::keeper::lock_path;
use crate::export::Undo;
use crate::export::cell::visible_short;
use crate::export::undo::Bins;
use crate::export::undo::Why as UndoWhy;
use crate::platform;
use crate::store::StoreError;
use crate::store::approval::By;
use crate::store::holding::NewHold;
use crate::store::query::{EntryFilter, EntryView};

/// How often it is looked whether calls have come home.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Entries that went before a hold, as many as are told one by one.
const TOLD: usize = 1_000;

/// Hold records: nothing deletes, untags or unlinks them until they are released
#[derive(Debug, clap::Args)]
#[command(after_help = "\
An id is held in whatever module it stands, as the record itself and as the one whose list something is taken out
of. A hold never ends by the clock, and never keeps an undo back. It cannot keep Zoho itself from deleting a record
together with its parent: hold the parents as well.

Examples:
  journal hold add Leads 410405000002264040 --reason \"legal case 7\" --ticket LEG-7
  journal hold add Contacts --from custody.csv --reason \"legal case 7\" --review-by 2027-06-30
  journal hold add Deals --all --reason \"audit\"")]
pub(super) struct AddArgs {
    #[command(flatten)]
    which: WhichArgs,
    /// Why, for the audit
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// The ticket it belongs to
    #[arg(long, value_name = "REF")]
    ticket: Option<String>,
    /// When somebody should look whether it is still needed (2027-06-30); status and doctor remind
    #[arg(long, value_name = "DATE")]
    review_by: Option<Timestamp>,
    /// Who holds [default: the OS user]
    #[arg(long = "as", value_name = "WHO")]
    who: Option<String>,
    /// How long to wait for calls that are under way, before telling what went
    #[arg(long, value_name = "DURATION", default_value = "45s", value_parser = humantime::parse_duration)]
    wait: Duration,
}

/// An entry that went before the hold.
#[derive(Debug, Serialize)]
struct Went {
    entry_id: String,
    request_id: String,
    operation: &'static str,
    state: &'static str,
    undo: Option<&'static str>,
    undo_until: Option<Timestamp>,
    /// The open entry that is to bring it back.
    being_undone_by: Option<String>,
    command: Option<String>,
}

/// The outcome with `--json`. Its keys are a contract.
#[derive(Serialize)]
struct Document<'a> {
    hold_id: String,
    module: &'a str,
    all: bool,
    ids: u64,
    /// Open entries that are held now.
    held: u64,
    entries: String,
    review_by: Option<Timestamp>,
    held_by: &'a str,
    recorded_by: &'a str,
    reason: &'a str,
    ticket: Option<&'a str>,
    /// Calls under way that had not come home when the waiting was over.
    under_way: u64,
    went_before: Vec<Went>,
    went_before_more: u64,
    next: String,
    #[serde(flatten)]
    place: Whereabouts,
}

/// Runs the command.
pub(super) fn run(args: &AddArgs, context: &mut Context) -> Result<Exit, CliError> {
    check_reason(&args.reason)?;
    let product = context.settings.product.value;
    check_module(product, context.settings.api_version_for(product), &args.which.module)?;
    let account = context.account()?.name;
    let name = who(args.who.as_deref(), &account)?;
    let by = By { who: &name, account: &account, reason: &args.reason, program: PROGRAM };
    drop(context.reader()?);
    let ids = args.which.read(context)?;
    let new = NewHold {
        module: &args.which.module,
        ids: ids.as_deref(),
        review_by: args.review_by,
        ticket: args.ticket.as_deref(),
        by,
    };
    let now = context.now();
    let mut keeper = context.keeper()?;
    let placed = keeper.write("placing a hold", now, |tx| tx.place_hold(&new))?;
    drop(keeper);
    let under_way = wait_for_calls(context, placed.hold, args.wait)?;
    let before = went_before(context, placed.hold)?;
    let outcome = Outcome { hold: placed.hold, under_way, before };
    tell(context, args, &new, &placed.entries.named().to_string(), placed.entries.len(), outcome)?;
    Ok(Exit::Done)
}

struct Outcome {
    hold: HoldId,
    under_way: u64,
    before: WentBefore,
}

/// What was sent before the hold.
struct WentBefore {
    went: Vec<Went>,
    more: u64,
    /// Those of them that can be brought back, and that nobody brings back.
    restorable: EntryRanges,
}

/// Waits while calls that carry what is held now are under way. How many entries are under way still.
fn wait_for_calls(context: &mut Context, hold: HoldId, wait: Duration) -> Result<u64, CliError> {
    let began = context.clock.elapsed();
    let mut told = false;
    loop {
        let entries = context.reader()?.under_hold(hold, &[EntryState::InFlight])?.len();
        // A run that died sends nothing any more; the next one reads what its calls did.
        let on = platform::is_held(&lock_path(&context.db())).unwrap_or(true);
        if entries == 0 || !on || context.clock.elapsed().saturating_sub(began) >= wait {
            return Ok(entries);
        }
        if !told {
            let under_way = match entries {
                1 => "1 entry of it is in a call under way: waiting for it".to_owned(),
                _ => format!(
                    "{} entries of it are in calls under way: waiting for these",
                    grouped(entries)
                ),
            };
            context
                .out
                .say(format!("The hold is recorded. {under_way}, {} at most.", in_words(wait)));
            told = true;
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

/// What of it was sent before the hold.
fn went_before(context: &Context, hold: HoldId) -> Result<WentBefore, CliError> {
    let reader = context.reader()?;
    let states = [EntryState::InFlight, EntryState::Queued, EntryState::Unknown, EntryState::Done];
    let entries = reader.under_hold(hold, &states)?;
    let bins = Bins::of(&reader)?;
    let now = context.now();
    let mut went = Vec::new();
    let mut restorable: Vec<EntryId> = Vec::new();
    let shown = entries.iter().take(TOLD).collect();
    let filter = EntryFilter { entries: shown, ..EntryFilter::default() };
    if !entries.is_empty() {
        reader.entries(&filter, |entry: &EntryView| {
            let undo = Undo::of(entry, &bins, now);
            let under_way = undo.filter(|undo| undo.why == UndoWhy::UnderWay);
            let back = under_way.is_none() && undo.is_some_and(|undo| undo.can_come_back());
            let command = format!("undo {} --reason TEXT", entry.entry);
            if back {
                restorable.push(entry.entry);
            }
            went.push(Went {
                entry_id: entry.entry.to_string(),
                request_id: entry.request.request.to_string(),
                operation: entry.scope.operation.wire_name(),
                state: entry.state.wire_name(),
                undo: undo.map(|undo| undo.state.wire_name()),
                undo_until: undo.and_then(|undo| undo.until),
                being_undone_by: under_way.and_then(|undo| undo.by).map(|by| by.to_string()),
                command: back.then(|| context.command(&command)),
            });
            Ok::<_, StoreError>(())
        })?;
    }
    let told = u64::try_from(went.len()).unwrap_or(u64::MAX);
    let more = entries.len().saturating_sub(told);
    Ok(WentBefore { went, more, restorable: restorable.into_iter().collect() })
}

fn tell(
    context: &mut Context,
    args: &AddArgs,
    new: &NewHold<'_>,
    entries: &str,
    held: u64,
    outcome: Outcome,
) -> Result<(), CliError> {
    let Outcome { hold, under_way, before: WentBefore { went, more, restorable } } = outcome;
    let next = if !restorable.is_empty() {
        let entries = restorable.named().to_string().replace(',', " ");
        context.command(&format!("undo {entries} --reason TEXT"))
    } else if went.iter().any(|one| one.being_undone_by.is_some()) {
        context.command("sync")
    } else {
        context.command("hold list")
    };
    let place = context.whereabouts()?;
    let ids = u64::try_from(new.ids.map_or(0, <[_]>::len)).unwrap_or(u64::MAX);
    if context.out.is_json() {
        return Ok(context.out.json_line(&Document {
            hold_id: hold.to_string(),
            module: new.module.as_str(),
            all: new.ids.is_none(),
            ids,
            held,
            entries: entries.to_owned(),
            review_by: new.review_by,
            held_by: new.by.who,
            recorded_by: new.by.account,
            reason: new.by.reason,
            ticket: new.ticket,
            under_way,
            went_before: went,
            went_before_more: more,
            next,
            place,
        })?);
    }
    let what = match new.ids {
        None => format!("all of {}", new.module),
        Some(_) => format!("{} of {}", counted(ids, "record", "records"), new.module),
    };
    let ticket = args.ticket.as_ref().map(|ticket| format!(" ({})", visible_short(ticket, SHOWN)));
    context.out.data_line(format!(
        "Held {hold}: {what} in {place}, by {}: {}{}.",
        visible_short(new.by.who, SHOWN),
        shown_reason(new.by.reason),
        ticket.unwrap_or_default()
    ))?;
    if held > 0 {
        let many = counted(held, "open entry is", "open entries are");
        context.out.data_line(format!("{many} held now: {}.", visible_short(entries, SHOWN)))?;
    }
    if under_way > 0 {
        let many = counted(under_way, "entry is", "entries are");
        context.out.warn(&format!(
            "{many} in calls under way, and nothing is known of them yet: journal hold add again, or journal show, \
             tells later"
        ));
    }
    for one in went.iter().take(SHOWN_ROWS) {
        context.out.data_line(format!("Went before: {}", went_in_words(one)))?;
    }
    let more = more
        .saturating_add(u64::try_from(went.len().saturating_sub(SHOWN_ROWS)).unwrap_or(u64::MAX));
    if more > 0 {
        context.out.data_line(format!("Went before: {more} more; --json tells more of them"))?;
    }
    context.out.say(
        "A hold keeps this program back, and nobody else; Zoho may still delete a record together with its parent.",
    );
    context.out.say(format!("Next: {next}"));
    Ok(())
}

/// `E7 of R1 (delete): done; can be restored until …: journal undo E7 --reason TEXT`
fn went_in_words(one: &Went) -> String {
    let Went { entry_id, request_id, operation, state, undo, undo_until, command, .. } = one;
    let until = undo_until.map(|at| format!(" until {at}")).unwrap_or_default();
    let being = one.being_undone_by.as_ref();
    let back = match (undo, command) {
        _ if being.is_some() => {
            let by = being.map(String::as_str).unwrap_or_default();
            format!("; {by} is to bring it back{until}: journal sync")
        }
        (_, Some(command)) => format!("; it can be brought back{until}: {command}"),
        (Some("undone"), None) => "; it was brought back".to_owned(),
        (Some(_), None) => "; it cannot be brought back".to_owned(),
        (None, None) => "; what came of it is not known yet: journal replay finds out".to_owned(),
    };
    format!("{entry_id} of {request_id} ({operation}) is {state}{back}")
}
