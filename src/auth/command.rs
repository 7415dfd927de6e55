//! A secret that a command prints, such as that of a password manager.

use std::io;
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use secrecy::zeroize::Zeroizing;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, ChildStdout, Command};

use crate::platform;
use crate::zoho::secret::{SECRET_MAX, WipedText};

/// How long a command may take: somebody may have to unlock a password manager first.
pub const COMMAND_TIMEOUT: Duration = Duration::from_mins(2);

/// How long what it printed may still be on its way after it ended. A pipe that stays open longer is held
/// by something that it left behind.
const GRACE: Duration = Duration::from_millis(500);

/// What the command has no use for. It runs with the rest of our environment, as from a shell.
const OUR_SECRETS: [&str; 4] =
    ["ZOHO_CLIENT_ID", "ZOHO_CLIENT_SECRET", "ZOHO_REFRESH_TOKEN", "ZOHO_ACCESS_TOKEN"];

/// Words that mean something to a shell only.
const SHELL_WORDS: [&str; 9] = ["|", "||", "&&", "&", ";", ">", ">>", "<", "2>"];

/// Why a command gave no secret. Nothing of what it printed, and none of its arguments, is repeated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// A quote that is never closed, or nothing at all.
    #[error("the command cannot be split into words: is a quote left open?")]
    Words,
    /// No shell runs it.
    #[error("the command holds \"{0}\", and no shell runs it: write sh -c '…' around it")]
    Shell(&'static str),
    /// It could not be started.
    #[error("{program} cannot be run: {source}")]
    Start {
        /// The first word of the command.
        program: String,
        /// The system's answer.
        source: io::Error,
    },
    /// It failed.
    #[error("{program} failed ({status}); what it said about it stands above")]
    Failed {
        /// The first word of the command.
        program: String,
        /// How it ended.
        status: ExitStatus,
    },
    /// It took too long, and was ended.
    #[error("{program} did not end within {} s", limit.as_secs())]
    TimedOut {
        /// The first word of the command.
        program: String,
        /// How long it was given.
        limit: Duration,
    },
    /// It printed far more than a secret, or no text.
    #[error("{program} printed something else than one secret")]
    Output {
        /// The first word of the command.
        program: String,
    },
}

/// Splits a command into words by a shell's rules for quotes. No shell runs it: nothing is expanded, and
/// nothing in a profile's name or a path can become a command of its own.
pub fn words(command: &str) -> Result<(String, Vec<String>), CommandError> {
    let words = shell_words::split(command).map_err(|_| CommandError::Words)?;
    let mut words = words.into_iter();
    let program = words.next().filter(|program| !program.is_empty()).ok_or(CommandError::Words)?;
    let arguments: Vec<String> = words.collect();
    if program != "sh"
        && let Some(word) =
            SHELL_WORDS.iter().find(|word| arguments.iter().any(|one| one == **word))
    {
        return Err(CommandError::Shell(word));
    }
    Ok((program, arguments))
}

/// Runs the command and takes what it prints. Its errors pass through to ours; it reads nothing, since
/// our input may be a list of ids. When this is dropped or time is up the command is killed.
pub async fn secret_of(command: &str, limit: Duration) -> Result<WipedText, CommandError> {
    // At a terminal it stays in our group: another one could not ask there for a password.
    run(command, limit, !platform::has_terminal()).await
}

/// Runs it, in a group of its own where all that it started is to be killed with it.
async fn run(command: &str, limit: Duration, own_group: bool) -> Result<WipedText, CommandError> {
    let (program, arguments) = words(command)?;
    let mut command = Command::new(&program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    command.kill_on_drop(true);
    for name in OUR_SECRETS {
        command.env_remove(name);
    }
    if own_group {
        platform::in_own_group(command.as_std_mut());
    }
    let mut child = command
        .spawn()
        .map_err(|source| CommandError::Start { program: program.clone(), source })?;
    let mut group = Group(child.id().filter(|_| own_group));
    match tokio::time::timeout(limit, output(&mut child, &mut group)).await {
        Err(_) => Err(CommandError::TimedOut { program, limit }),
        Ok(Err(source)) => Err(CommandError::Start { program, source }),
        Ok(Ok((_, status))) if !status.success() => Err(CommandError::Failed { program, status }),
        Ok(Ok((Some(text), _))) => Ok(text),
        Ok(Ok((None, _))) => Err(CommandError::Output { program }),
    }
}

/// A group of processes, by its leader's number, that ends with this value.
struct Group(Option<u32>);

impl Group {
    /// Ends all of them. Only before the leader was waited for.
    fn end(&mut self) {
        if let Some(leader) = self.0.take() {
            platform::end_group(leader);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.end();
    }
}

/// What it printed, where that may be a secret, and how it ended. What it leaves behind, such as an agent,
/// may keep the pipe open: it is the command's own end that counts.
async fn output(
    child: &mut Child,
    group: &mut Group,
) -> io::Result<(Option<WipedText>, ExitStatus)> {
    // A line end or two come with it.
    let most = SECRET_MAX + 16;
    let mut bytes = Zeroizing::new(Vec::with_capacity(most + 1));
    let stdout = child.stdout.take();
    let ended = {
        let mut reading = pin!(read(stdout, &mut bytes, most));
        tokio::select! {
            read = &mut reading => { read?; None }
            status = child.wait() => {
                group.0 = None;
                let read = tokio::time::timeout(GRACE, reading).await;
                read.unwrap_or(Ok(()))?;
                Some(status?)
            }
        }
    };
    if bytes.len() > most {
        // It may wait for ever for us to read on.
        group.end();
        child.start_kill()?;
        child.wait().await?;
        return Ok((None, ExitStatus::default()));
    }
    let status = match ended {
        Some(status) => status,
        None => child.wait().await?,
    };
    group.0 = None;
    let text = std::str::from_utf8(&bytes).ok().map(|text| Zeroizing::new(text.trim().to_owned()));
    Ok((text, status))
}

/// Reads to the end, or one byte more than the most. What was read is there also when this is dropped.
async fn read(stdout: Option<ChildStdout>, bytes: &mut Vec<u8>, most: usize) -> io::Result<()> {
    let Some(stdout) = stdout else {
        return Ok(());
    };
    // So that the bytes never outgrow their place: what moves is not wiped where it was.
    let mut stdout = stdout.take(u64::try_from(most + 1).unwrap_or(u64::MAX));
    while bytes.len() <= most && stdout.read_buf(bytes).await? > 0 {}
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn ran(command: &str) -> Result<String, String> {
        let printed = secret_of(command, Duration::from_secs(30)).await;
        printed.map(|text| text.to_string()).map_err(|error| format!("{error} {error:?}"))
    }

    #[tokio::test]
    async fn what_a_command_prints_is_taken_without_blanks_around_it() {
        assert_eq!(ran("printf ' s3cret\\n\\n'").await.unwrap(), "s3cret");
        assert_eq!(ran("sh -c 'printf a; printf b | cat'").await.unwrap(), "ab");
        // No shell: nothing is expanded.
        assert_eq!(ran("echo '$HOME' `id` $(id)").await.unwrap(), "$HOME `id` $(id)");
        assert_eq!(ran("cat").await.unwrap(), "");
    }

    #[tokio::test]
    async fn a_command_that_fails_gives_nothing_and_is_not_quoted() {
        for (command, told) in [
            ("sh -c 'echo canary; exit 3'", "sh failed (exit status: 3)"),
            ("sh -c 'printf %09999d 0; echo canary'", "something else"),
            ("sh -c 'while :; do echo canary; done'", "something else"),
            ("printf '\\377'", "something else"),
            ("no-such-program-here canary", "no-such-program-here cannot be run"),
            ("cat '/canary", "quote left open"),
            ("", "quote left open"),
            ("'' canary", "quote left open"),
            ("pass show canary | head -1", "no shell runs it"),
        ] {
            let error = ran(command).await.expect_err(command);
            assert!(error.contains(told), "{error}");
            assert!(!error.contains("canary"), "{error}");
        }
    }

    #[tokio::test]
    async fn a_command_that_hangs_is_ended() {
        let limit = Duration::from_millis(50);
        let error = secret_of("tail -f /dev/null", limit).await.unwrap_err();
        assert!(matches!(error, CommandError::TimedOut { .. }), "{error}");
    }

    #[tokio::test]
    async fn what_a_command_leaves_behind_is_not_waited_for() {
        let agent = ran("sh -c 'tail -f /dev/null & echo $!'").await.unwrap();
        // It lives on, as an agent should.
        let killed = std::process::Command::new("kill").arg(&agent).status().unwrap();
        assert!(killed.success());
    }

    #[tokio::test]
    async fn what_it_started_is_ended_with_it() {
        let place = tempfile::tempdir().unwrap();
        let fifo = place.path().join("fifo");
        let made = std::process::Command::new("mkfifo").arg(&fifo).status().unwrap();
        assert!(made.success());
        let command = format!("sh -c 'tail -f /dev/null >{} & wait'", fifo.display());
        let (opened, ended) = (tokio::sync::oneshot::channel(), tokio::sync::oneshot::channel());
        std::thread::spawn(move || {
            // Opens when its writer does, and ends when its writer is gone.
            let mut fifo = std::fs::File::open(fifo).unwrap();
            opened.0.send(()).unwrap();
            ended.0.send(std::io::Read::read_to_end(&mut fifo, &mut Vec::new())).ok();
        });
        let limit = Duration::from_secs(30);
        tokio::select! {
            ran = run(&command, limit, true) => panic!("{ran:?}"),
            opened = opened.1 => opened.unwrap(),
        }
        tokio::time::timeout(limit, ended.1).await.expect("its child lives").unwrap().unwrap();
    }
}
