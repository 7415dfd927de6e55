//! `journal-crash`: the real binary, killed and failed at every system call, on a full disk, and at random.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool")]

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use clap::{Args, Parser, Subcommand};
use journal_crash::calls;
use journal_crash::place::make_directory;
use journal_crash::report::Report;
use journal_crash::strace::{self, Point};

/// Kills and fails the real `journal` and holds what is left against the simulator, item by item.
#[derive(Debug, Parser)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Args)]
struct Common {
    /// The program [default: the `journal` beside this one]
    #[arg(long, global = true, value_name = "PATH")]
    journal: Option<PathBuf>,
    /// What is drawn follows from it
    #[arg(long, global = true, default_value_t = 1)]
    seed: u64,
    /// Trials at once
    #[arg(long, global = true, default_value_t = 2)]
    jobs: usize,
    /// Where trials take place [default: a new directory in /dev/shm, or the temporary one]
    #[arg(long, global = true, value_name = "DIR")]
    dir: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// SIGKILL, EIO and ENOSPC at every system call, and again during the recovery
    Calls(CallsArgs),
    /// Falsifies what recoveries left: each must be noticed
    Teeth,
}

#[derive(Debug, Args)]
struct CallsArgs {
    /// So many points, evenly drawn, instead of all
    #[arg(long, value_name = "N")]
    points: Option<usize>,
    /// So many pairs: killed, and killed again during the recovery
    #[arg(long, value_name = "N", requires = "points", default_value_t = 0)]
    pairs: usize,
    /// Only this scenario (repeat it for several)
    #[arg(long = "scenario", value_name = "NAME")]
    scenarios: Vec<String>,
    /// Only this point, such as fdatasync@journal.db-wal:3:KILL
    #[arg(long, value_name = "POINT", requires = "scenarios")]
    point: Option<Point>,
    /// Strikes the recovery
    #[arg(long, value_name = "POINT", requires = "point")]
    then: Option<Point>,
}

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("journal-crash: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> Result<bool> {
    let program = match &cli.common.journal {
        Some(path) => path.clone(),
        None => std::env::current_exe()?.with_file_name("journal"),
    };
    let program = program.canonicalize().with_context(|| format!("no program at {}", program.display()))?;
    let (dir, temporary) = work_directory(cli.common.dir.as_deref())?;
    let report = Report::new(&std::env::temp_dir().join("journal-crash-failed"));
    let options = calls::Options {
        program,
        dir,
        seed: cli.common.seed,
        jobs: cli.common.jobs,
        sample: None,
        scenarios: Vec::new(),
        point: None,
    };
    match &cli.command {
        Command::Calls(args) => {
            ensure!(strace::works(), "strace is not here, or may not trace");
            let options = calls::Options {
                sample: args.points.map(|points| (points, args.pairs)),
                scenarios: args.scenarios.clone(),
                point: args.point.clone().map(|point| (point, args.then.clone())),
                ..options
            };
            calls::run(&options, &report)?;
        }
        Command::Teeth => calls::teeth(&options, &report)?,
    }
    drop(temporary);
    Ok(report.end())
}

/// Memory is as good as a disk against a kill, and much faster.
fn work_directory(given: Option<&std::path::Path>) -> Result<(PathBuf, Option<tempfile::TempDir>)> {
    if let Some(dir) = given {
        make_directory(dir)?;
        return Ok((dir.canonicalize()?, None));
    }
    let memory = std::path::Path::new("/dev/shm");
    let made = tempfile::Builder::new().prefix("journal-crash").tempdir_in(memory);
    let made = made.or_else(|_| tempfile::Builder::new().prefix("journal-crash").tempdir())?;
    Ok((made.path().canonicalize()?, Some(made)))
}
