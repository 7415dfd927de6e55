//! `journal simulate`: the built-in Zoho on its own, for rehearsals and tests.

use std::io;
use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

use serde::Serialize;
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::simulator::{
    ChildrenAtStart, Config, Edition, Fault, LinksAtStart, Simulator, parse_fault,
};

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
    /// A tag to begin with, on every record of its module, such as Leads=Prime
    #[arg(long, value_name = "MODULE=NAME", value_parser = parse_tag)]
    tag: Vec<(String, String)>,
    /// Records to begin with on a related list of the first record of a module, such as
    /// Campaigns/Leads=50; --records has to make both
    #[arg(long, value_name = "MODULE/LIST=N", value_parser = parse_links)]
    link: Vec<LinksAtStart>,
    /// Children to begin with: the first records of a module belong to the first one of another,
    /// such as Accounts/Contacts=50, and are deleted and restored with it
    #[arg(long, value_name = "PARENT/MODULE=N", value_parser = parse_children)]
    child: Vec<ChildrenAtStart>,
    /// A fault and how often it strikes, such as lose-answer=0.1
    #[arg(long, value_name = "NAME[=RATE]", value_parser = |text: &str| parse_fault(text))]
    fault: Vec<(Fault, f64)>,
    /// The most tags that one job deletes; Zoho's texts say 200, and 100
    #[arg(long, value_name = "N", default_value = "200")]
    tags_per_job: NonZeroUsize,
    /// How long a job waits before it runs
    #[arg(long, value_name = "DURATION", default_value = "500ms", value_parser = humantime::parse_duration)]
    job_scheduled: Duration,
    /// How long a job then runs; its tags go one by one meanwhile
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = humantime::parse_duration)]
    job_running: Duration,
    /// The most records, notes and attachments that the recycle bin gives back at once
    #[arg(long, value_name = "N", default_value_t = 1000)]
    restore_at_once: usize,
    /// How long a restore of more than that waits
    #[arg(long, value_name = "DURATION", default_value = "500ms", value_parser = humantime::parse_duration)]
    restore_scheduled: Duration,
    /// A scope of the tokens, such as ZohoCRM.modules.ALL; may be repeated [default: everything]
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    scope: Vec<String>,
    /// How long a refreshed access token is good, in seconds
    #[arg(long, value_name = "N", default_value_t = 3600)]
    token_seconds: u32,
    /// The org's edition, from which limits follow: free, standard, professional, enterprise, ultimate,
    /// bigin-free, bigin-express or bigin-premier
    #[arg(long, value_name = "NAME", default_value_t = Edition::Enterprise, value_parser = |text: &str| text.parse::<Edition>())]
    edition: Edition,
    /// How many users the org pays for, from which its credits follow
    #[arg(long, value_name = "N", default_value = "2")]
    users: NonZeroU32,
    /// How many calls may be under way at once [default: the edition's]
    #[arg(long, value_name = "N")]
    concurrency_limit: Option<NonZeroUsize>,
    /// The API credits of 24 hours [default: the edition's]
    #[arg(long, value_name = "N")]
    daily_credits: Option<u64>,
    /// How long each call takes; what it does is done amid that
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = humantime::parse_duration)]
    latency: Duration,
    /// How far its clock is ahead, such as 90s, or behind, such as -2m
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = parse_skew, allow_hyphen_values = true)]
    clock_skew: i64,
}

/// The first line on stdout. Its keys are a contract.
#[derive(Serialize)]
struct Started {
    api_url: String,
    accounts_url: String,
    access_token: String,
    state_url: String,
    client_id: String,
    client_secret: String,
    refresh_token: String,
    grant_code: String,
}

impl Started {
    fn of(simulator: &Simulator) -> Self {
        Self {
            api_url: simulator.api_url(),
            accounts_url: simulator.accounts_url(),
            access_token: simulator.access_token(),
            state_url: simulator.state_url(),
            client_id: simulator.client_id(),
            client_secret: simulator.client_secret(),
            refresh_token: simulator.refresh_token(),
            grant_code: simulator.grant_code(),
        }
    }
}

fn parse_records(text: &str) -> Result<(String, usize), String> {
    let (module, count) = text.split_once('=').ok_or("expected MODULE=N, as in Leads=1000")?;
    let count = count.parse().map_err(|_| format!("\"{count}\" is no number of records"))?;
    Ok((module.to_owned(), count))
}

fn parse_tag(text: &str) -> Result<(String, String), String> {
    let (module, name) = text.split_once('=').ok_or("expected MODULE=NAME, as in Leads=Prime")?;
    Ok((module.to_owned(), name.to_owned()))
}

fn parse_links(text: &str) -> Result<LinksAtStart, String> {
    let expected = "expected MODULE/LIST=N, as in Campaigns/Leads=50";
    let (list, count) = parse_records(text).map_err(|_| expected)?;
    let (module, list) = list.split_once('/').ok_or(expected)?;
    Ok(LinksAtStart { module: module.to_owned(), list: list.to_owned(), count })
}

fn parse_children(text: &str) -> Result<ChildrenAtStart, String> {
    let expected = "expected PARENT/MODULE=N, as in Accounts/Contacts=50";
    let LinksAtStart { module, list, count } = parse_links(text).map_err(|_| expected)?;
    Ok(ChildrenAtStart { parent: module, module: list, count })
}

/// Milliseconds, with a sign; a number without a unit is seconds.
fn parse_skew(text: &str) -> Result<i64, String> {
    let (sign, size) = match text.strip_prefix('-') {
        Some(size) => (-1, size),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let size = match size.parse() {
        Ok(seconds) => Ok(Duration::from_secs(seconds)),
        Err(_) => humantime::parse_duration(size),
    };
    let size = size.map_err(|error| format!("{error}: write a duration such as 90s or -2m"))?;
    // A hundred years keep every date within four digits.
    let ms = i64::try_from(size.as_millis()).ok().filter(|ms| *ms <= 100 * 366 * 86_400_000);
    ms.map(|ms| sign * ms).ok_or_else(|| "at most a hundred years".to_owned())
}

/// The faults for the help, by what they strike.
fn fault_list() -> String {
    let special =
        |fault: Fault| fault.strikes_reads() || fault.strikes_jobs() || fault.needs_items();
    [
        faults("every call that changes something", |fault| !special(fault)),
        faults(
            "only what is answered item by item: not the deletion of one tag, and no job",
            Fault::needs_items,
        ),
        faults("only the submission of a job, which deletes tags in bulk", Fault::strikes_jobs),
        faults("only reads", Fault::strikes_reads),
    ]
    .join("\n\n")
}

fn faults(struck: &str, is_meant: impl Fn(Fault) -> bool) -> String {
    let meant = Fault::ALL.into_iter().filter(|fault| is_meant(*fault));
    let lines: Vec<String> =
        meant.map(|fault| format!("\n  {:<27}{}", fault.name(), fault.description())).collect();
    format!("Faults that strike {struck}:{}", lines.concat())
}

fn config(args: SimulateArgs) -> Result<Config, CliError> {
    let ms = |duration: Duration| {
        i64::try_from(duration.as_millis())
            .map_err(|_| CliError::new(Exit::Usage, "a job cannot take that long"))
    };
    Ok(Config {
        listen: args.listen,
        seed: args.seed,
        records: args.records,
        tags: args.tag,
        links: args.link,
        children: args.child,
        faults: args.fault,
        mass_delete_tags_limit: args.tags_per_job.get(),
        job_scheduled_ms: ms(args.job_scheduled)?,
        job_running_ms: ms(args.job_running)?,
        restore_at_once: args.restore_at_once,
        restore_scheduled_ms: ms(args.restore_scheduled)?,
        scopes: (!args.scope.is_empty()).then_some(args.scope),
        token_seconds: args.token_seconds,
        edition: args.edition,
        users: args.users.get(),
        concurrency_limit: args.concurrency_limit.map(NonZeroUsize::get),
        daily_credits: args.daily_credits,
        latency_ms: u64::try_from(args.latency.as_millis()).unwrap_or(u64::MAX),
        clock_skew_ms: args.clock_skew,
        ..Config::default()
    })
}

/// What is asked for and makes no sense is a mistake in the command line.
fn start_error(error: io::Error) -> CliError {
    if error.kind() == io::ErrorKind::InvalidInput {
        CliError::new(Exit::Usage, error)
    } else {
        error.into()
    }
}

/// Runs the command, until it is interrupted.
pub(crate) fn run(args: SimulateArgs, context: &mut Context) -> Result<Exit, CliError> {
    if !args.listen.ip().is_loopback() {
        return Err(CliError::new(Exit::Usage, "the simulator listens on this machine only")
            .hint("give a loopback address, such as 127.0.0.1:8080"));
    }
    let config = config(args)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let simulator = Simulator::start(config).map_err(start_error)?;
        // Before the first line: whoever reads it may send a signal at once.
        let mut interrupted = signal(SignalKind::interrupt())?;
        let mut terminated = signal(SignalKind::terminate())?;
        context.out.json_line(&Started::of(&simulator))?;
        context.out.say("The simulator runs until it is interrupted (Ctrl-C).");
        tokio::select! {
            _ = interrupted.recv() => {}
            _ = terminated.recv() => {}
        }
        Ok(Exit::Done)
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        args: SimulateArgs,
    }

    fn read(words: &[&str]) -> Result<Config, String> {
        let line = Line::try_parse_from([&["simulate"], words].concat());
        let line = line.map_err(|error| error.to_string())?;
        config(line.args).map_err(|error| error.report().message)
    }

    #[test]
    fn without_options_it_is_the_default_simulator() {
        let (read, default) = (read(&[]).unwrap(), Config::default());
        assert_eq!(read.mass_delete_tags_limit, default.mass_delete_tags_limit);
        assert_eq!(read.job_scheduled_ms, default.job_scheduled_ms);
        assert_eq!(read.job_running_ms, default.job_running_ms);
        assert_eq!(read.restore_at_once, default.restore_at_once);
        assert_eq!(read.restore_scheduled_ms, default.restore_scheduled_ms);
        assert_eq!((read.listen, read.seed), (default.listen, default.seed));
        assert_eq!((read.scopes, read.token_seconds), (default.scopes, default.token_seconds));
        assert_eq!((read.edition, read.users), (default.edition, default.users));
        assert_eq!(read.concurrency_limit, default.concurrency_limit);
        assert_eq!(read.daily_credits, default.daily_credits);
        assert_eq!((read.latency_ms, read.clock_skew_ms), (default.latency_ms, 0));
    }

    #[test]
    fn options_say_what_tokens_may_do_and_what_the_org_allows() {
        let config = read(&[
            "--scope=ZohoCRM.modules.ALL",
            "--scope=ZohoCRM.org.READ,ZohoCRM.users.READ",
            "--token-seconds=5",
            "--edition=bigin-premier",
            "--users=7",
            "--concurrency-limit=3",
            "--daily-credits=0",
            "--latency=20ms",
            "--clock-skew",
            "-2m",
        ])
        .unwrap();
        let scopes = ["ZohoCRM.modules.ALL", "ZohoCRM.org.READ", "ZohoCRM.users.READ"];
        assert_eq!(config.scopes.unwrap(), scopes);
        assert_eq!((config.token_seconds, config.edition), (5, Edition::BiginPremier));
        assert_eq!((config.users, config.concurrency_limit), (7, Some(3)));
        assert_eq!((config.daily_credits, config.latency_ms), (Some(0), 20));
        assert_eq!(config.clock_skew_ms, -120_000);
        for bad in ["--edition=Free", "--users=0", "--concurrency-limit=0", "--latency=-1s"] {
            assert!(read(&[bad]).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_skew_is_a_duration_with_or_without_sign_and_unit() {
        for (text, ms) in
            [("0", 0), ("90", 90_000), ("-90", -90_000), ("+1h", 3_600_000), ("-250ms", -250)]
        {
            assert_eq!(parse_skew(text), Ok(ms), "{text}");
        }
        for bad in ["", "-", "soon", "--1s", "1000y", "99999999999999999999"] {
            assert!(parse_skew(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn options_say_what_it_begins_with_and_how_long_jobs_take() {
        let config = read(&[
            "--tag=Leads=a=b",
            "--link=Campaigns/Leads=50",
            "--tags-per-job=100",
            "--job-scheduled=2s",
            "--job-running=1m 30s",
            "--child=Accounts/Contacts=3",
            "--restore-at-once=2",
            "--restore-scheduled=1h",
        ])
        .unwrap();
        assert_eq!(config.tags, [("Leads".to_owned(), "a=b".to_owned())]);
        let link =
            LinksAtStart { module: "Campaigns".to_owned(), list: "Leads".to_owned(), count: 50 };
        assert_eq!(config.links, [link]);
        let (parent, module) = ("Accounts".to_owned(), "Contacts".to_owned());
        assert_eq!(config.children, [ChildrenAtStart { parent, module, count: 3 }]);
        assert_eq!((config.restore_at_once, config.restore_scheduled_ms), (2, 3_600_000));
        assert_eq!(config.mass_delete_tags_limit, 100);
        assert_eq!((config.job_scheduled_ms, config.job_running_ms), (2000, 90_000));
        for bad in [
            "--tag=Leads",
            "--link=Leads=1",
            "--link=A/B",
            "--link=A/B=x",
            "--child=A=1",
            "--tags-per-job=0",
        ] {
            assert!(read(&[bad]).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_help_lists_each_fault_once() {
        let help = fault_list();
        for fault in Fault::ALL {
            assert_eq!(help.matches(&format!("\n  {} ", fault.name())).count(), 1, "{fault}");
        }
    }
}
