//! `journal demo`: the whole story against the built-in Zoho, in seconds, without an account.
//!
//! It runs the very commands that it shows, in this process, against a simulator in this process.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use clap::Parser;
use secrecy::SecretString;
use serde::Serialize;
use serde_json::Value;

use crate::cli::Cli;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::output::{Options, Out};
use crate::config::{Flags, Settings};
use crate::domain::state::EntryState;
use crate::platform::create_directory_private;
use crate::simulator::{Config, Fault, Simulator};

/// Records in the simulated org.
const LEADS: usize = 3000;

/// Rows of the CSV that name a lead which is there.
const GOOD: usize = 1000;

/// Lines of the audit CSV that are shown.
const SHOWN: usize = 6;

/// Show the whole story against a built-in Zoho that misbehaves: no account is needed
#[derive(Debug, clap::Args)]
pub(crate) struct DemoArgs {
    /// Where to put the demo's files [default: a new directory for temporary files]
    #[arg(long, value_name = "DIRECTORY")]
    dir: Option<PathBuf>,
    /// The same seed gives the same records and the same faults
    #[arg(long, value_name = "N", default_value_t = 7)]
    seed: u64,
}

/// A step of the story, with `--json`.
#[derive(Serialize)]
struct Step<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    command: &'a str,
    exit_code: u8,
    output: Vec<Value>,
}

/// The end of the story, with `--json`.
#[derive(Serialize)]
struct End {
    #[serde(rename = "type")]
    kind: &'static str,
    exit_code: u8,
    meaning: &'static str,
    next: String,
    directory: String,
    findings: Vec<String>,
}

struct Story<'a> {
    context: &'a mut Context,
    simulator: Simulator,
    directory: PathBuf,
    /// What did not go as told.
    findings: Vec<String>,
}

/// Runs the command.
pub(crate) fn run(args: &DemoArgs, context: &mut Context) -> Result<Exit, CliError> {
    let directory = directory(args)?;
    let simulator = Simulator::start_blocking(Config {
        seed: args.seed,
        records: vec![("Leads".to_owned(), LEADS)],
        retry_after_s: 0,
        ..Config::default()
    })?;
    let settings = settings(&directory, &simulator)?;
    let token = SecretString::from(simulator.access_token());
    let own_settings = std::mem::replace(&mut context.settings, settings);
    let own_token = context.token.replace(token);
    let mut story = Story { context, simulator, directory, findings: Vec::new() };
    let told = story.tell();
    let exit = told.and_then(|()| story.end());
    context.settings = own_settings;
    context.token = own_token;
    exit
}

fn directory(args: &DemoArgs) -> Result<PathBuf, CliError> {
    let directory = if let Some(directory) = &args.dir {
        directory.clone()
    } else {
        let name = format!("journal-demo-{}", std::process::id());
        std::env::temp_dir().join(name)
    };
    let directory = std::path::absolute(directory)?;
    if directory.join("demo.db").exists() {
        return Err(CliError::new(Exit::Error, "there is a demo in this directory already")
            .hint("choose another --dir, or remove it"));
    }
    create_directory_private(&directory)?;
    Ok(directory)
}

/// Settings of the story only: nothing of the user's own environment reaches the simulator's journal.
fn settings(directory: &Path, simulator: &Simulator) -> Result<Settings, CliError> {
    // As if from the environment, so that the commands shown stay short.
    let db = directory.join("demo.db").display().to_string();
    let environment = |name: &str| match name {
        "JOURNAL_DB" => Some(db.clone()),
        "JOURNAL_API_URL" => Some(simulator.api_url()),
        // Seconds instead of minutes: this Zoho is known to be quick.
        "JOURNAL_QUARANTINE" => Some("1s".to_owned()),
        _ => None,
    };
    Ok(Settings::resolve(&Flags::default(), &environment, None)?)
}

impl Story<'_> {
    fn tell(&mut self) -> Result<(), CliError> {
        self.say("A Zoho with 3,000 leads runs inside this program. Nothing leaves your machine.");
        let locked = self.write_csv()?;
        self.command(&["init"], &[Exit::Done])?;

        self.say(
            "leads.csv holds 1,000 leads as Zoho exports them, and what real lists hold: duplicates, an id \
             that never existed, a lead that somebody has deleted already, a locked one, and three rows \
             that a spreadsheet damaged.",
        );
        self.command(
            &[
                "delete",
                "Leads",
                "--from",
                "leads.csv",
                "--reason",
                "data clean-up",
                "--ticket",
                "OPS-42",
            ],
            &[Exit::Error],
        )?;
        self.say("Nothing is guessed: damaged rows stop the request, unless you say that they are skipped.");
        self.command(
            &[
                "delete",
                "Leads",
                "--from",
                "leads.csv",
                "--reason",
                "data clean-up",
                "--ticket",
                "OPS-42",
                "--skip-invalid",
            ],
            &[Exit::Done],
        )?;
        self.command(&["plan"], &[Exit::Done])?;

        self.say(
            "Now Zoho misbehaves: some calls are throttled, some answers get lost after the work was done, \
             some never arrive, and a gateway answers with a web page.",
        );
        for fault in [Fault::LoseAnswer, Fault::Throttle, Fault::Html, Fault::LoseRequest] {
            self.simulator.plan_faults(vec![fault]);
        }
        self.command(&["sync", "--yes"], &[Exit::SomeFailed])?;

        self.say(
            "The locked lead was unlocked in Zoho meanwhile. A replay takes up what may pass now.",
        );
        if !self.simulator.unlock(locked) {
            self.findings.push("the locked lead could not be unlocked".to_owned());
        }
        self.command(&["replay", "--yes"], &[Exit::SomeFailed, Exit::Done])?;
        self.command(&["status"], &[Exit::Done])?;
        self.command(&["list", "--state", "failed"], &[Exit::Done])?;
        self.command(&["export", "-o", "audit.csv"], &[Exit::Done])?;
        self.show_csv()?;
        self.command(&["verify"], &[Exit::Done])
    }

    /// The list that the story is about. Returns the locked lead.
    fn write_csv(&mut self) -> Result<u64, CliError> {
        let snapshot = self.simulator.snapshot();
        let leads: Vec<u64> =
            snapshot.modules.get("Leads").map(|module| module.live.clone()).unwrap_or_default();
        let (Some(&first), Some(&second), Some(good)) =
            (leads.first(), leads.get(1), leads.get(..GOOD))
        else {
            return Err(CliError::new(Exit::Error, "the simulator has no leads"));
        };
        self.simulator.lock(first);
        self.simulator.delete_as_other_user(second);
        let mut text = "\u{feff}\"Record Id\",\"Company\"\r\n".to_owned();
        for (row, id) in good.iter().chain(good.iter().take(20)).enumerate() {
            // Writing into a String cannot fail.
            write!(text, "\"zcrm_{id}\",\"Company {row}\"\r\n").ok();
        }
        text.push_str("\"zcrm_999999999999999999\",\"Never there\"\r\n");
        for damaged in ["6.15574E+17", "", "n/a"] {
            write!(text, "\"{damaged}\",\"Damaged\"\r\n").ok();
        }
        fs::write(self.directory.join("leads.csv"), text)?;
        Ok(first)
    }

    fn say(&mut self, words: &str) {
        if !self.context.out.is_json() {
            self.context.out.say("");
            self.context.out.say(words);
        }
    }

    /// Shows a command and runs it, as its user would.
    fn command(&mut self, words: &[&str], expected: &[Exit]) -> Result<(), CliError> {
        let shown = format!(
            "journal {}",
            words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
        );
        let words: Vec<String> = words.iter().map(|word| self.in_directory(word)).collect();
        let line = std::iter::once("journal".to_owned()).chain(words);
        let cli = Cli::try_parse_from(line)
            .map_err(|error| CliError::new(Exit::Error, error.to_string()))?;
        let json = self.context.out.is_json();
        if json {
            return self.command_as_json(cli, &shown, expected);
        }
        self.context.out.say("");
        self.context.out.say(format!("$ {shown}"));
        let result = cli.command.run(self.context);
        self.context.out.flush()?;
        self.check(&shown, result, expected)
    }

    fn command_as_json(
        &mut self,
        cli: Cli,
        shown: &str,
        expected: &[Exit],
    ) -> Result<(), CliError> {
        let options = Options { json: true, ..Options::default() };
        let (out, captured) = Out::captured(options);
        let own = std::mem::replace(&mut self.context.out, out);
        let result = cli.command.run(self.context);
        let flushed = self.context.out.flush();
        self.context.out = own;
        flushed?;
        let exit_code =
            result.as_ref().map_or_else(|error| error.exit().code(), |exit| exit.code());
        let output = captured
            .stdout()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|_| Value::from(line)))
            .collect();
        let step = Step { kind: "step", command: shown, exit_code, output };
        self.context.out.json_line(&step)?;
        self.check(shown, result, expected)
    }

    fn check(
        &mut self,
        shown: &str,
        result: Result<Exit, CliError>,
        expected: &[Exit],
    ) -> Result<(), CliError> {
        let exit = match result {
            Ok(exit) => exit,
            Err(error) => {
                self.context.out.error(&error.report())?;
                error.exit()
            }
        };
        if !expected.contains(&exit) {
            self.findings.push(format!("{shown} ended with exit code {}", exit.code()));
        }
        Ok(())
    }

    /// Files of the story lie in its directory, whatever the current one is.
    fn in_directory(&self, word: &str) -> String {
        if Path::new(word).extension().is_some_and(|end| end == "csv") {
            self.directory.join(word).display().to_string()
        } else {
            word.to_owned()
        }
    }

    fn show_csv(&mut self) -> Result<(), CliError> {
        if self.context.out.is_json() {
            return Ok(());
        }
        let text = fs::read_to_string(self.directory.join("audit.csv"))?;
        self.say("The audit begins like this:");
        for line in text.lines().take(SHOWN) {
            self.context.out.data_line(line)?;
        }
        Ok(())
    }

    /// Holds the journal against what the simulated Zoho really did, and says where the files are.
    fn end(&mut self) -> Result<Exit, CliError> {
        let zoho = self.simulator.snapshot();
        let deleted = zoho.history.keys().filter(|id| zoho.deletions_by_calls(**id) > 0).count();
        let twice = zoho.history.keys().filter(|id| zoho.deletions_by_calls(**id) > 1).count();
        let totals: std::collections::BTreeMap<_, _> =
            self.context.reader()?.totals()?.into_iter().collect();
        let count = |state| totals.get(&state).copied().unwrap_or(0);
        if u64::try_from(deleted).ok() != Some(count(EntryState::Done)) || twice > 0 {
            self.findings.push(format!(
                "Zoho deleted {deleted} leads for us, {twice} of them twice, and the journal says {}",
                count(EntryState::Done)
            ));
        }
        let open: u64 =
            totals.iter().filter(|(state, _)| !state.is_settled()).map(|(_, n)| n).sum();
        if open > 0 {
            self.findings.push(format!("{open} entries are not settled"));
        }
        let exit = if self.findings.is_empty() { Exit::Done } else { Exit::Error };
        let directory = self.directory.display().to_string();
        let next = format!("journal --db {directory}/demo.db show E1");
        if self.context.out.is_json() {
            let findings = std::mem::take(&mut self.findings);
            self.context.out.json_line(&End {
                kind: "summary",
                exit_code: exit.code(),
                meaning: exit.meaning(),
                next,
                directory,
                findings,
            })?;
            return Ok(exit);
        }
        if self.findings.is_empty() {
            self.say(&format!(
                "Zoho was asked what it really did: {deleted} leads were deleted by our calls, none of them \
                 twice, and the journal accounts for each row of leads.csv."
            ));
        }
        for finding in std::mem::take(&mut self.findings) {
            self.context.out.warn(&format!("not as told: {finding}"));
        }
        self.context.out.say(format!("The files are in {directory}. Next: {next}"));
        Ok(exit)
    }
}

/// A word as a shell would want it.
fn quoted(word: &str) -> String {
    if word.contains(' ') { format!("\"{word}\"") } else { word.to_owned() }
}
