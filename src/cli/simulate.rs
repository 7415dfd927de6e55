//! `journal simulate`: the built-in Zoho on its own, for rehearsals and tests.

use std::net::SocketAddr;

use serde::Serialize;
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::simulator::{Config, Fault, Simulator, parse_fault};

/// Run a Zoho that keeps state and misbehaves on demand, on this machine only
#[derive(Debug, clap::Args)]
#[command(after_help = fault_list())]
pub(crate) struct SimulateArgs {
    /// Where to listen; loopback only
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// The same seed gives the same records and the same faults
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Records to begin with, such as Leads=1000
    #[arg(long, value_name = "MODULE=N", value_parser = parse_records)]
    records: Vec<(String, usize)>,
    /// A fault and how often it strikes, such as lose-answer=0.1
    #[arg(long, value_name = "NAME[=RATE]", value_parser = |text: &str| parse_fault(text))]
    fault: Vec<(Fault, f64)>,
}

/// The first line on stdout. Its keys are a contract.
#[derive(Serialize)]
struct Started {
    api_url: String,
    accounts_url: String,
    access_token: String,
    state_url: String,
}

fn parse_records(text: &str) -> Result<(String, usize), String> {
    let (module, count) = text.split_once('=').ok_or("expected MODULE=N, as in Leads=1000")?;
    let count = count.parse().map_err(|_| format!("\"{count}\" is no number of records"))?;
    Ok((module.to_owned(), count))
}

fn fault_list() -> String {
    let faults = Fault::ALL.iter();
    let lines: Vec<String> =
        faults.map(|fault| format!("  {:<24}{}", fault.name(), fault.description())).collect();
    format!("Faults:\n{}", lines.join("\n"))
}

/// Runs the command, until it is interrupted.
pub(crate) fn run(args: SimulateArgs, context: &mut Context) -> Result<Exit, CliError> {
    if !args.listen.ip().is_loopback() {
        return Err(CliError::new(Exit::Usage, "the simulator listens on this machine only")
            .hint("give a loopback address, such as 127.0.0.1:8080"));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let simulator = Simulator::start(Config {
            listen: args.listen,
            seed: args.seed,
            records: args.records,
            faults: args.fault,
            ..Config::default()
        })?;
        // Before the first line: whoever reads it may send a signal at once.
        let mut interrupted = signal(SignalKind::interrupt())?;
        let mut terminated = signal(SignalKind::terminate())?;
        context.out.json_line(&Started {
            api_url: simulator.api_url(),
            accounts_url: simulator.accounts_url(),
            access_token: simulator.access_token(),
            state_url: simulator.state_url(),
        })?;
        context.out.say("The simulator runs until it is interrupted (Ctrl-C).");
        tokio::select! {
            _ = interrupted.recv() => {}
            _ = terminated.recv() => {}
        }
        Ok(Exit::Done)
    })
}
