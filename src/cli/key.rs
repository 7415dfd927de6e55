//! `journal key`: the key that signs the journal's checkpoints.

use std::path::PathBuf;

use clap::Subcommand;
use serde::Serialize;

use crate::cli::checkpoint::save;
use crate::cli::context::{Context, PROGRAM};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::evidence::keeper::Operator;
use crate::evidence::key::key_path;
use crate::evidence::note::VerifierKey;
use crate::platform::shell_quoted;
use crate::store::StoreError;

/// Show, give away or replace the key that signs the journal's checkpoints
#[derive(Debug, clap::Args)]
pub(super) struct KeyArgs {
    #[command(subcommand)]
    command: KeyCommand,
}

#[derive(Debug, Subcommand)]
enum KeyCommand {
    /// Show the public key, its fingerprint, and where the private key lies
    Show,
    /// Print the public key for an auditor, as c2sp.org/signed-note writes it
    Export(ExportKeyArgs),
    Rotate(RotateArgs),
}

#[derive(Debug, clap::Args)]
struct ExportKeyArgs {
    /// Write it to a file; - is stdout
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Replace the signing key with a new one; the log says so, signed by both
///
/// What the old key signed stays verifiable. The old private key is removed; a copy of it signs nothing that
/// an auditor with the new key accepts. Give the new public key to whoever holds the old one.
#[derive(Debug, clap::Args)]
struct RotateArgs {
    /// Why, for the audit
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

/// What `--json` says. Its keys are a contract.
#[derive(Serialize)]
struct Document {
    key: String,
    fingerprint: String,
    origin: String,
    private_key_file: String,
    private_key_there: bool,
    /// Every key that the log names, the first one first.
    keys: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    replaced: Option<String>,
}

/// Runs the command.
pub(super) fn run(args: KeyArgs, context: &mut Context) -> Result<Exit, CliError> {
    match args.command {
        KeyCommand::Show => show(context),
        KeyCommand::Export(args) => export(context, args.output),
        KeyCommand::Rotate(args) => rotate(context, &args.reason),
    }
}

/// The key in force, with all that is said of it.
fn in_force(context: &Context) -> Result<(VerifierKey, Document), CliError> {
    let identity = context.reader()?.journal_identity()?;
    let file = key_path(&context.db(), identity.journal);
    let last = identity.keys.last().map_or("", String::as_str);
    let key: VerifierKey = last.parse().map_err(|error| StoreError::Corrupt {
        table: "event",
        what: format!("the signing key that it names: {error}"),
    })?;
    let document = Document {
        key: key.to_string(),
        fingerprint: key.fingerprint().to_string(),
        origin: identity.journal.origin(),
        private_key_there: file.is_file(),
        private_key_file: file.display().to_string(),
        keys: identity.keys,
        replaced: None,
    };
    Ok((key, document))
}

fn show(context: &mut Context) -> Result<Exit, CliError> {
    let (_, document) = in_force(context)?;
    let out = &mut context.out;
    if out.is_json() {
        out.json_line(&document)?;
        return Ok(Exit::Done);
    }
    out.data_row(format!("public key    {}", document.key))?;
    out.data_row(format!("fingerprint   sha256 {}", document.fingerprint))?;
    out.data_row(format!("origin        {}", document.origin))?;
    let there = if document.private_key_there { "" } else { " (missing)" };
    out.data_row(format!("private key   {}{there}", document.private_key_file))?;
    let earlier = document.keys.len().saturating_sub(1);
    for key in document.keys.iter().take(earlier) {
        out.data_row(format!("earlier key   {key}"))?;
    }
    out.flush()?;
    Ok(Exit::Done)
}

fn export(context: &mut Context, output: Option<PathBuf>) -> Result<Exit, CliError> {
    let (key, document) = in_force(context)?;
    let line = format!("{key}\n");
    let file = output.filter(|path| path.as_os_str() != "-");
    if let Some(path) = &file {
        save(context, path, line.as_bytes())?;
        let shown = shell_quoted(path);
        context
            .out
            .say(format!("The public key is in {shown}. Tell its fingerprint by another way:"));
        context.out.say(format!("sha256 {}", document.fingerprint));
    }
    if context.out.is_json() {
        context.out.json_line(&document)?;
    } else if file.is_none() {
        context.out.data_line(line.trim_end())?;
    }
    Ok(Exit::Done)
}

fn rotate(context: &mut Context, reason: &str) -> Result<Exit, CliError> {
    if reason.trim().is_empty() {
        let hint = "say why the key is replaced, for the audit";
        return Err(CliError::new(Exit::Usage, "--reason is empty").hint(hint));
    }
    let (account, now) = (context.operator()?, context.now());
    let mut keeper = context.keeper()?;
    let rotated =
        keeper.rotate(reason.trim(), Operator { account: &account, program: PROGRAM }, now)?;
    drop(keeper);
    let (_, mut document) = in_force(context)?;
    document.replaced = Some(rotated.old.to_string());
    if context.out.is_json() {
        context.out.json_line(&document)?;
        return Ok(Exit::Done);
    }
    let out = &mut context.out;
    out.data_row(format!("public key    {}", rotated.new))?;
    out.data_row(format!("fingerprint   sha256 {}", document.fingerprint))?;
    out.data_row(format!("replaces      {}", rotated.old))?;
    out.flush()?;
    out.say("Both keys signed the change, and the log holds it. Checkpoints that the old key signed stay");
    out.say("verifiable. Give the new public key to your auditors: journal key export -o FILE");
    Ok(Exit::Done)
}
