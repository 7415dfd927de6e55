//! `journal sample`: entries for an auditor to look at, drawn so that nobody chose them.

use serde::Serialize;

use crate::cli::checkpoint::obtain;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::list::{FilterArgs, heading, line};
use crate::cli::output::words::{counted, grouped};
use crate::domain::sample::Draw;
use crate::export::{AsOf, Style, View, export};
use crate::store::StoreError;
use crate::store::query::EntryFilter;

/// More nobody looks at; the whole is an export.
const MOST: u32 = 100_000;

/// Draw entries for an auditor, by a seed that decides which
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The auditor names the seed. An entry's rank is SHA-256(seed, a zero byte, its number in decimal digits), and those
with the smallest ranks are drawn: whoever knows the population, which is told with its checkpoint, can draw again.

Examples:
  journal sample 25 --seed \"Meyer & Co, 22 November\" --state done
  journal sample 25 --seed \"Meyer & Co, 22 November\" --json")]
pub(super) struct SampleArgs {
    /// How many
    #[arg(value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST)))]
    number: u32,
    /// What decides which; any text
    #[arg(long, value_name = "TEXT")]
    seed: String,
    #[command(flatten)]
    filter: FilterArgs,
}

/// The last line with `--json`. Its keys are a contract.
#[derive(Serialize)]
struct Summary<'a> {
    r#type: &'static str,
    drawn: usize,
    population: u64,
    seed: &'a str,
    /// The entries in the order of their ranks.
    entries: Vec<String>,
    rank: &'static str,
    events: u64,
    root: String,
    checkpoint: String,
}

/// Runs the command.
pub(super) fn run(args: SampleArgs, context: &mut Context) -> Result<Exit, CliError> {
    if args.seed.is_empty() {
        let hint = "the auditor names any text, such as a date and a name";
        return Err(CliError::new(Exit::Usage, "--seed is empty").hint(hint));
    }
    let (reader, given) = obtain(context, None)?;
    let head = given.checkpoint.head;
    if reader.head()? != head {
        return Err(CliError::new(
            Exit::Error,
            "the journal grows now, so no checkpoint names the population",
        )
        .hint("run it again when the run is over"));
    }
    let filter = EntryFilter::from(args.filter);
    let mut draw = Draw::new(&args.seed, usize::try_from(args.number).unwrap_or(usize::MAX));
    reader.entries(&filter, |entry| {
        draw.push(entry.entry);
        Ok::<_, StoreError>(())
    })?;
    let (population, drawn) = draw.finish();
    let as_of = AsOf { now: context.now(), versions: context.settings.versions() };
    let out = &mut context.out;
    if out.is_json() {
        for (_, entry) in &drawn {
            let only = EntryFilter { entries: vec![*entry], ..EntryFilter::default() };
            let style = Style { row_type: Some("entry"), ..Style::jsonl() };
            export(&reader, View::Entries, &only, style, as_of, &mut out.data_writer())?;
        }
        out.json_line(&Summary {
            r#type: "summary",
            drawn: drawn.len(),
            population,
            seed: &args.seed,
            entries: drawn.iter().map(|(_, entry)| entry.to_string()).collect(),
            rank: "sha256(seed || 0x00 || entry number)",
            events: head.size,
            root: head.root.to_string(),
            checkpoint: given.note.to_string(),
        })?;
        return Ok(Exit::Done);
    }
    if !drawn.is_empty() {
        out.data_row(heading())?;
    }
    for (_, entry) in &drawn {
        out.data_row(line(&reader.entry(*entry)?))?;
    }
    out.flush()?;
    let number = u64::try_from(drawn.len()).unwrap_or(u64::MAX);
    out.say(format!(
        "{} drawn of {}, by the seed \"{}\", at the checkpoint of {} events with root {}",
        counted(number, "entry", "entries"),
        grouped(population),
        args.seed,
        grouped(head.size),
        head.root
    ));
    out.say("journal certificate E… -o DIR writes down what the log proves about them");
    Ok(Exit::Done)
}
