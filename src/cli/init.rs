//! `journal init`: makes a journal.

use serde::Serialize;

use crate::cli::context::{Context, PROGRAM};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::output::{Line, Tone};
use crate::domain::entropy::SystemEntropy;
use crate::evidence::anchor::anchor_path;
use crate::evidence::keeper::{Keeper, Operator};
use crate::evidence::key::key_path;

/// Create the journal: the file, its signing key and its anchor
///
/// Every other command refuses a path that holds no journal, so a mistyped --db is an error and never a
/// new, empty journal. An existing file is never overwritten.
#[derive(Debug, clap::Args)]
pub(crate) struct InitArgs {
    /// Let the members of this group on this host work with the journal, too
    #[arg(long, value_name = "GROUP")]
    group: Option<String>,
}

/// What was made and what comes next.
#[derive(Serialize)]
struct Made {
    db: String,
    journal: String,
    key: String,
    anchor: String,
    verifier_key: String,
    next: String,
}

pub(crate) fn run(args: &InitArgs, context: &mut Context) -> Result<Exit, CliError> {
    let db = context.db();
    let account = context.operator()?;
    let by = Operator { account: &account, program: PROGRAM };
    let entropy = Box::new(SystemEntropy);
    let keeper = Keeper::init(&db, args.group.as_deref(), entropy, by, context.now())?;
    let made = Made {
        db: db.display().to_string(),
        journal: keeper.journal().to_string(),
        key: key_path(&db, keeper.journal()).display().to_string(),
        anchor: anchor_path(&db).display().to_string(),
        verifier_key: keeper.verifier().to_string(),
        next: context.command("delete MODULE --from FILE --reason TEXT"),
    };
    let out = &mut context.out;
    if out.is_json() {
        out.json_line(&made)?;
        return Ok(Exit::Done);
    }
    for (label, value, note) in [
        ("journal", &made.db, ""),
        ("anchor", &made.anchor, "shows when an older copy is put back: back it up elsewhere"),
        ("key", &made.key, "signs checkpoints: keep it private"),
        ("verifier key", &made.verifier_key, "give it to your auditors"),
    ] {
        let line = Line::new().toned(Tone::Strong, format!("{label:<13}")).text(value);
        out.data_row(if note.is_empty() {
            line
        } else {
            line.toned(Tone::Faint, format!("  ({note})"))
        })?;
    }
    out.flush()?;
    out.say(format!("next: {}", made.next));
    Ok(Exit::Done)
}
