//! OpenSSH's own `ssh-keygen`, which knows whose key may sign, and keys of all kinds.

use std::ffi::OsStr;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::file::Sharing;
use super::os;
use super::write::create_exclusive;

const PROGRAM: &str = "ssh-keygen";

/// It could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum SshKeygenError {
    /// It is not installed.
    #[error("{PROGRAM} is not installed, or not in PATH")]
    Missing,
    /// The operating system refused.
    #[error("{PROGRAM} cannot be run: {0}")]
    Io(#[from] io::Error),
}

/// What it said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The signature is good.
    Good,
    /// It is not, with its own words.
    Bad(String),
}

/// Whether a signature is of this text, and of a key that the list allows to this name.
pub fn verify_signature(
    allowed_signers: &[u8],
    who: &str,
    namespace: &str,
    armoured: &str,
    text: &str,
) -> Result<Answer, SshKeygenError> {
    let files = Scratch::new()?;
    let allowed = files.add("allowed_signers", allowed_signers)?;
    let signature = files.add("signature", armoured.as_bytes())?;
    let words = [OsStr::new("-Y"), OsStr::new("verify"), OsStr::new("-f"), allowed.as_os_str()];
    let more = [OsStr::new("-I"), OsStr::new(who)];
    ask(words.into_iter().chain(more), namespace, &signature, text)
}

/// Whether a signature is of this text, whoever's key it is.
pub fn check_signature(
    namespace: &str,
    armoured: &str,
    text: &str,
) -> Result<Answer, SshKeygenError> {
    let files = Scratch::new()?;
    let signature = files.add("signature", armoured.as_bytes())?;
    let words = [OsStr::new("-Y"), OsStr::new("check-novalidate")];
    ask(words.into_iter(), namespace, &signature, text)
}

fn ask<'a>(
    words: impl Iterator<Item = &'a OsStr>,
    namespace: &str,
    signature: &Path,
    text: &str,
) -> Result<Answer, SshKeygenError> {
    let mut command = Command::new(PROGRAM);
    command.args(words).args(["-n", namespace, "-s"]).arg(signature);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| {
        if error.kind() == io::ErrorKind::NotFound {
            SshKeygenError::Missing
        } else {
            SshKeygenError::Io(error)
        }
    })?;
    if let Some(mut stdin) = child.stdin.take() {
        // One that refuses early does not read to the end; its answer says why.
        match stdin.write_all(text.as_bytes()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => return Err(error.into()),
            _ => {}
        }
    }
    let output = child.wait_with_output()?;
    if output.status.success() {
        return Ok(Answer::Good);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = if said.trim().is_empty() { String::from_utf8_lossy(&output.stdout) } else { said };
    Ok(Answer::Bad(said.lines().map(str::trim).collect::<Vec<_>>().join("; ")))
}

/// A directory that nobody else can look into: what was judged is what `ssh-keygen` reads.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> io::Result<Self> {
        let mut name = [0_u8; 8];
        getrandom::fill(&mut name).map_err(io::Error::other)?;
        let name = format!("zoho-journal-{:016x}", u64::from_be_bytes(name));
        let path = std::env::temp_dir().join(name);
        os::create_directory(&path, 0o700)?;
        Ok(Self(path))
    }

    fn add(&self, name: &str, bytes: &[u8]) -> io::Result<PathBuf> {
        let path = self.0.join(name);
        create_exclusive(&path, bytes, Sharing::OwnerOnly)?;
        Ok(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What is left holds no secret.
        std::fs::remove_dir_all(&self.0).ok();
    }
}
