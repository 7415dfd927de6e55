//! `journal sync` and `journal replay`: the reconciler. Both are the same path.

use std::sync::{Arc, mpsc};
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::sync::watch;

use crate::cli::context::{Context, PROGRAM};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::output::words::{counted, in_words};
use crate::cli::plan;
use crate::cli::policy_flags::PolicyFlags;
use crate::cli::record::operator;
use crate::cli::running::{self, Running};
use crate::cli::signing;
use crate::cli::work::{Work, announce, announce_unknown, confirm};
use crate::clock::CommandClock;
use crate::config::Flags;
use crate::domain::codes::may_pass;
use crate::domain::id::RequestId;
use crate::evidence::keeper::lock_path;
use crate::platform::{Holder, OsLock, Sharing, holder};
use crate::reconcile::Parts;
use crate::reconcile::options::{
    Progress, Reporter, RunError, RunKind, RunOptions, Summary, takes_up,
};
use crate::store::StoreError;
use crate::store::writer::Place;
use crate::zoho::ZohoClient;

/// What to do after a run that broke off.
const GO_ON: &str = "journal replay finds out what happened and finishes the work";

/// Flags of a run.
#[derive(Debug, clap::Args)]
pub(crate) struct SyncArgs {
    /// Only these requests (R12)
    #[arg(value_name = "R")]
    requests: Vec<RequestId>,
    /// Do not ask for confirmation
    #[arg(long)]
    yes: bool,
    /// Refuse to send more entries than this in one run [env: JOURNAL_MAX_ENTRIES] [default: 10000]
    #[arg(long, value_name = "N")]
    max_entries: Option<String>,
    /// Stop before more API calls than this, reads included [env: JOURNAL_MAX_CALLS]
    #[arg(long, value_name = "N")]
    max_calls: Option<String>,
    /// Stop before more API credits than this, reads included [env: JOURNAL_MAX_CREDITS]
    #[arg(long, value_name = "N")]
    max_credits: Option<String>,
    /// Stop before more API credits than this in any 24 hours, earlier runs included: a number, or a share of
    /// the org's day such as 20% [env: JOURNAL_DAILY_CREDITS]
    #[arg(long, value_name = "N|P%")]
    daily_credits: Option<String>,
    /// Calls under way at once [env: JOURNAL_CONCURRENCY] [default: 5]
    #[arg(long, value_name = "N")]
    concurrency: Option<String>,
    /// How long to wait for jobs, throttling and quarantines; 0s never waits
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = humantime::parse_duration)]
    wait: Duration,
    /// How long a call without an answer may still take effect [env: JOURNAL_QUARANTINE] [default: 2m]
    #[arg(long, value_name = "DURATION")]
    quarantine: Option<String>,
    /// Set a request aside after so many refusals in a row [env: JOURNAL_MAX_FAILURES] [default: 100]
    #[arg(long, value_name = "N")]
    max_failures: Option<String>,
    /// How many tags one job deletes, 1 to 200 [env: JOURNAL_TAGS_PER_JOB] [default: 100]
    #[arg(long, value_name = "N")]
    tags_per_job: Option<String>,
    #[command(flatten)]
    policy: PolicyFlags,
    /// How long a whole call may take [env: JOURNAL_HTTP_TIMEOUT] [default: 30s]
    #[arg(long, value_name = "DURATION")]
    timeout: Option<String>,
    /// Show the plan, and send nothing
    #[arg(long)]
    dry_run: bool,
}

/// Flags of a replay.
#[derive(Debug, clap::Args)]
pub(crate) struct ReplayArgs {
    /// Take up refused entries with this code only (repeat it for several)
    #[arg(long = "code", value_name = "CODE")]
    codes: Vec<String>,
    #[command(flatten)]
    sync: SyncArgs,
}

impl SyncArgs {
    /// Those of the flags that are settings, too.
    pub(crate) fn settings(&self, flags: Flags) -> Flags {
        self.policy.settings(Flags {
            max_entries: self.max_entries.clone(),
            max_calls: self.max_calls.clone(),
            max_credits: self.max_credits.clone(),
            daily_credits: self.daily_credits.clone(),
            concurrency: self.concurrency.clone(),
            quarantine: self.quarantine.clone(),
            max_failures: self.max_failures.clone(),
            tags_per_job: self.tags_per_job.clone(),
            timeout: self.timeout.clone(),
            ..flags
        })
    }
}

impl ReplayArgs {
    /// Those of the flags that are settings, too.
    pub(crate) fn settings(&self, flags: Flags) -> Flags {
        self.sync.settings(flags)
    }
}

/// Runs `sync`.
pub(crate) fn run_sync(args: &SyncArgs, context: &mut Context) -> Result<Exit, CliError> {
    run(RunKind::Sync, args, &[], context)
}

/// Runs `replay`.
pub(crate) fn run_replay(args: &ReplayArgs, context: &mut Context) -> Result<Exit, CliError> {
    run(RunKind::Replay, &args.sync, &args.codes, context)
}

fn run(
    kind: RunKind,
    args: &SyncArgs,
    codes: &[String],
    context: &mut Context,
) -> Result<Exit, CliError> {
    let wanted = plan::wanted(&args.requests);
    if args.dry_run {
        plan::show(context, wanted.as_deref(), None)?;
        say_what_is_taken_up(kind, codes, context, wanted.as_deref())?;
        warn_of_codes(codes, context, wanted.as_deref())?;
        return Ok(Exit::Done);
    }
    // Before anything else: no question, no token and no lock makes the wrong target right.
    context.check_target()?;
    if let Some(pause) = context.reader()?.pause()? {
        return Err(StoreError::Paused(Box::new(pause)).into());
    }
    check_quarantine(context)?;
    // The lock comes before the plan and the question: what was confirmed must be what is sent.
    let lock = take_lock(kind, context)?;
    let work = Work::find(kind, codes, context, wanted.as_deref())?;
    work.check_full(context)?;
    work.check_cap(context)?;
    warn_of_codes(codes, context, wanted.as_deref())?;
    let mut options = options(kind, args, codes, context)?;
    options.policy.counting = work.listed(context)?;
    let asks = !args.yes;
    if asks && work.entries() > 0 {
        confirm(context, &work)?;
    }
    if asks {
        // Others may record while the question is on the screen, or where there was nothing to ask.
        options.max_entries = work.entries();
    }
    let zoho = client(context, &work)?;
    let keeper = context.keeper_of_run(&lock)?;
    if work.entries() > 0 && args.yes {
        announce(context, &work)?;
    }
    announce_unknown(context, &work)?;
    let ended = execute(context, keeper, zoho, options, work.with_workflows());
    ended.map_err(|error| if asks { more_than_confirmed(error) } else { error })
}

/// The plan is over what is pending; a replay adds refused entries to it.
fn say_what_is_taken_up(
    kind: RunKind,
    codes: &[String],
    context: &mut Context,
    wanted: Option<&[RequestId]>,
) -> Result<(), CliError> {
    if kind == RunKind::Replay {
        let entries = context.reader()?.reopenable(wanted, &|code| takes_up(codes, code))?;
        let entries = counted(entries, "refused entry", "refused entries");
        context
            .out
            .say(format!("A replay would send {entries} once more, beside what is pending."));
    }
    Ok(())
}

/// Codes that take up nothing are said: a typing error must not look like work that is done.
fn warn_of_codes(
    codes: &[String],
    context: &mut Context,
    wanted: Option<&[RequestId]>,
) -> Result<(), CliError> {
    for code in codes {
        let refused = context.reader()?.reopenable(wanted, &|one| one == code)?;
        if refused == 0 {
            let list = context.command("list --state failed");
            context.out.warn(&format!("no refused entry has the code {code}; {list} shows them"));
        } else if !may_pass(code) {
            let entries = counted(refused, "refused entry has", "refused entries have");
            context
                .out
                .warn(&format!("{entries} the code {code}, which does not pass: left as they are"));
        }
    }
    Ok(())
}

/// While a call can still be answered, what is there says nothing about it. A rehearsal may be impatient.
fn check_quarantine(context: &Context) -> Result<(), CliError> {
    let settings = &context.settings;
    let (quarantine, timeout) = (settings.quarantine.value, settings.timeout.value);
    if quarantine >= timeout || context.target()?.api_origin.is_loopback() {
        return Ok(());
    }
    let message = format!(
        "the quarantine of {} is shorter than the time-out of {}: a call could still be under way when \
         it is taken to have had no effect",
        in_words(quarantine),
        in_words(timeout)
    );
    Err(CliError::new(Exit::Usage, message)
        .hint("a longer --quarantine (the default is 2m), or a shorter --timeout"))
}

/// The engine holds what it sends against what was confirmed.
fn more_than_confirmed(error: CliError) -> CliError {
    if error.exit() != Exit::Refused {
        return error;
    }
    CliError::new(Exit::Refused, "more was recorded while you confirmed; nothing was sent")
        .hint("run the command again and look at the new number")
}

/// One reconciler a journal: an OS lock that dies with its process.
pub(crate) fn take_lock(kind: RunKind, context: &Context) -> Result<OsLock, CliError> {
    let path = lock_path(&context.db());
    let sharing = Sharing::seen_at(&context.db())?;
    let note = Holder::this_process(kind.command(), context.now());
    if let Some(lock) = OsLock::try_acquire(&path, sharing, &note)? {
        return Ok(lock);
    }
    let who = holder(&path).ok().flatten().map_or_else(String::new, |one| {
        format!(
            ": {} with process id {} on {}, since {}",
            one.command, one.pid, one.host, one.since
        )
    });
    Err(CliError::new(Exit::AlreadyRunning, format!("another run is on{who}"))
        .hint("wait for it to end; journal status shows how it goes"))
}

fn options(
    kind: RunKind,
    args: &SyncArgs,
    codes: &[String],
    context: &Context,
) -> Result<RunOptions, CliError> {
    let wanted = plan::wanted(&args.requests);
    Ok(RunOptions { wanted, codes: codes.to_vec(), ..options_of(kind, args.wait, context)? })
}

/// What every run is told, whatever it is to do.
pub(crate) fn options_of(
    kind: RunKind,
    wait: Duration,
    context: &Context,
) -> Result<RunOptions, CliError> {
    let settings = &context.settings;
    let arguments: Vec<String> =
        std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    Ok(RunOptions {
        kind,
        db: context.db(),
        target: context.target()?,
        versions: settings.versions(),
        limits: settings.limits(),
        wanted: None,
        codes: Vec::new(),
        recheck: None,
        max_entries: settings.max_entries.value,
        max_calls: settings.max_calls.value,
        max_credits: settings.max_credits.value,
        daily_credits: settings.daily_credits.value,
        concurrency: settings.concurrency.value,
        wait,
        quarantine: settings.quarantine.value,
        max_failures: settings.max_failures.value,
        policy: plan::settings_demand(context).into(),
        program: PROGRAM.to_owned(),
        operator: operator(context)?,
        arguments: serde_json::to_string(&arguments)?,
    })
}

/// The client. A token is needed only when there is something to send or to find out.
fn client(context: &mut Context, work: &Work) -> Result<ZohoClient<CommandClock>, CliError> {
    if !work.is_idle() {
        signing::check_possible(context, "entries stay as they are")?;
    }
    signing::client(context)
}

/// Passes what happens on to the thread that owns the output.
struct Channel(mpsc::Sender<Progress>);

impl Reporter for Channel {
    fn tell(&self, progress: &Progress) {
        // Nobody listening any more means that the output is gone; the run goes on.
        self.0.send(progress.clone()).ok();
    }
}

/// Runs the engine on a runtime of its own while this thread shows how it goes.
pub(crate) fn execute(
    context: &mut Context,
    keeper: crate::evidence::keeper::Keeper,
    zoho: ZohoClient<CommandClock>,
    options: RunOptions,
    workflows: bool,
) -> Result<Exit, CliError> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let (told, progress) = mpsc::channel();
    let channel = Arc::new(Channel(told));
    let interrupt = listen_for_interrupts(&runtime, &channel)?;
    let (store, publisher) = keeper.into_run();
    let (on_commit, anchoring) = running::throttled(publisher, context.clock);
    let clock = Arc::new(context.clock);
    let wanted = options.wanted.clone();
    let parts = Parts {
        store,
        on_commit,
        writing: Place::Thread,
        zoho: Arc::new(zoho),
        clock,
        reporter: channel,
        interrupt,
    };
    let run = runtime
        .spawn(crate::reconcile::run(parts, options, |summary| running::exit_of(summary).code()));
    let mut running = Running::new(context, wanted, workflows);
    for step in progress {
        running.show(&step);
    }
    let ended = runtime.block_on(run);
    let ended = ended.map_err(|error| RunError::Broken(error.to_string())).and_then(|one| one);
    // Before anything is reported as done, the anchor says so too.
    let anchored = anchoring.finish();
    let summary: Summary = ended.map_err(CliError::from)?;
    anchored?;
    running.sum_up(&summary)
}

/// The first Ctrl-C lets calls under way come home, the second leaves them to the next run.
fn listen_for_interrupts(
    runtime: &Runtime,
    channel: &Arc<Channel>,
) -> Result<watch::Receiver<u8>, CliError> {
    use tokio::signal::unix::{SignalKind, signal};
    let (signals, interrupt) = watch::channel(0_u8);
    let _guard = runtime.enter();
    let mut asked = signal(SignalKind::interrupt())?;
    let mut terminated = signal(SignalKind::terminate())?;
    // Weak: this task outlives the run, and the run's end is what ends the channel.
    let channel = Arc::downgrade(channel);
    runtime.spawn(async move {
        loop {
            tokio::select! {
                _ = asked.recv() => {}
                _ = terminated.recv() => {}
            }
            signals.send_modify(|count| *count = count.saturating_add(1));
            if let Some(channel) = channel.upgrade() {
                channel.tell(&Progress::Interrupted);
            }
        }
    });
    Ok(interrupt)
}

impl From<RunError> for CliError {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Store(error) => Self::from(error).or_hint(GO_ON),
            RunError::Broken(_) => Self::new(Exit::Error, error).hint(GO_ON),
        }
    }
}
