//! Commands run in this process, on a journal of a test.

use std::path::Path;

use clap::Parser;

use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::output::{Options, Out};
use crate::cli::{Cli, tell};
use crate::clock::{Steady, SystemClock};
use crate::config::{Flags, Settings};

/// What a command did.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) exit: Exit,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// The one JSON document on stdout.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap()
    }

    /// Lines of stdout.
    pub(crate) fn lines(&self) -> Vec<&str> {
        self.stdout.lines().collect()
    }
}

/// A context without a journal, a token or any setting.
pub(crate) fn context() -> Context {
    let (out, _) = Out::captured(Options::default());
    let flags = Flags { db: Some("none.db".into()), ..Flags::default() };
    let settings = Settings::resolve(&flags, &|_| None, None).unwrap();
    Context {
        settings,
        out,
        clock: Steady::start(SystemClock),
        input_allowed: false,
        token: None,
        session: None,
    }
}

/// Runs `journal --db DB ARGUMENTS` without any other setting.
pub(crate) fn run(db: &Path, arguments: &[&str]) -> Ran {
    let path = db.to_str().unwrap();
    let words = ["journal", "--db", path].into_iter().chain(arguments.iter().copied());
    let cli = Cli::try_parse_from(words).unwrap();
    let options = Options { json: cli.global.json, ..Options::default() };
    let (out, captured) = Out::captured(options);
    let flags = Flags { db: cli.global.db.clone(), ..Flags::default() };
    let settings = Settings::resolve(&flags, &|_| None, None).unwrap();
    let mut context = Context {
        settings,
        out,
        clock: Steady::start(SystemClock),
        input_allowed: false,
        token: None,
        session: None,
    };
    let exit = match cli.command.run(&mut context) {
        Ok(exit) => exit,
        Err(error) => tell(&mut context.out, &error),
    };
    context.out.finish().unwrap();
    Ran { exit, stdout: captured.stdout(), stderr: captured.stderr() }
}
