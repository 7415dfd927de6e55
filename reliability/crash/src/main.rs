//! `journal-crash`: the real binary, killed and failed at every system call, on a full disk, and at random.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool")]

use std::path::PathBuf;
use std::process::{Command as Process, ExitCode, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::{Args, Parser, Subcommand};
use journal_crash::calls::{self, Options};
use journal_crash::place::make_directory;
use journal_crash::report::Report;
use journal_crash::strace::{self, Point};
use journal_crash::{disk, soak};

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
    /// Commands on a disk with little room, from none upwards; takes root, or user namespaces
    FullDisk {
        /// So many sizes of each command
        #[arg(long, value_name = "N", default_value_t = 40)]
        sizes: u64,
    },
    /// Random SIGKILL behind a network that goes wrong, while others record
    Soak {
        /// How long
        #[arg(long, value_name = "N", default_value_t = 7200)]
        seconds: u64,
    },
    /// Falsifies what recoveries left: each must be noticed
    Teeth,
    /// All of it: every call, hundreds of pairs, 40 sizes, two hours
    All {
        /// A slice of it, in two minutes
        #[arg(long)]
        quick: bool,
    },
}

/// Points, pairs, sizes and seconds of a slice.
const QUICK: (usize, usize, u64, u64) = (120, 15, 6, 10);

/// Points, pairs, sizes and seconds of everything.
const WHOLE: (Option<(usize, usize)>, u64, u64) = (None, 40, 7200);

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

/// Set where the program was started again with the rights to mount.
const AGAIN: &str = "JOURNAL_CRASH_UNSHARED";

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
    let program =
        program.canonicalize().with_context(|| format!("no program at {}", program.display()))?;
    let (dir, temporary) = work_directory(cli.common.dir.as_deref())?;
    if matches!(cli.command, Command::FullDisk { .. } | Command::All { .. })
        && !disk::works(&dir)
        && let Some(ended) = start_again()
    {
        return Ok(ended);
    }
    let report = Report::new(&std::env::temp_dir().join("journal-crash-failed"));
    let options = Options {
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
            let options = Options {
                sample: args.points.map(|points| (points, args.pairs)),
                scenarios: args.scenarios.clone(),
                point: args.point.clone().map(|point| (point, args.then.clone())),
                ..options
            };
            struck(&options, &report)?;
        }
        Command::FullDisk { sizes } => full_disk(&options, *sizes, &report)?,
        Command::Soak { seconds } => soak::run(&options, Duration::from_secs(*seconds), &report)?,
        Command::Teeth => calls::teeth(&options, &report)?,
        Command::All { quick } => {
            let (sample, sizes, seconds) =
                if *quick { (Some((QUICK.0, QUICK.1)), QUICK.2, QUICK.3) } else { WHOLE };
            let options = Options { sample, ..options };
            calls::teeth(&options, &report)?;
            struck(&options, &report)?;
            full_disk(&options, sizes, &report)?;
            soak::run(&options, Duration::from_secs(seconds), &report)?;
        }
    }
    drop(temporary);
    Ok(report.end())
}

fn struck(options: &Options, report: &Report) -> Result<()> {
    ensure!(strace::works(), "strace is not here, or may not trace");
    calls::run(options, report)
}

fn full_disk(options: &Options, sizes: u64, report: &Report) -> Result<()> {
    if disk::works(&options.dir) {
        return disk::run(options, sizes, report);
    }
    println!("************************************************************************");
    println!("* SKIPPED: no file system can be mounted here, so no disk was full.    *");
    println!("* It takes root, or user namespaces: unshare -rm true                  *");
    println!("************************************************************************");
    Ok(())
}

/// As root of namespaces of its own, where an ordinary user may be that; `None` where nobody may.
fn start_again() -> Option<bool> {
    if std::env::var_os(AGAIN).is_some() {
        return None;
    }
    let probe = Process::new("unshare").args(["-rm", "true"]).stderr(Stdio::null()).status();
    probe.ok().filter(ExitStatus::success)?;
    let mut again = Process::new("unshare");
    again.arg("-rm").arg(std::env::current_exe().ok()?).args(std::env::args_os().skip(1));
    let status = again.env(AGAIN, "1").status().ok()?;
    Some(status.success())
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
