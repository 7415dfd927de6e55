//! A directory with a journal, and the environment that the program runs in there.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use anyhow::{Context, Result, ensure};
use zoho_journal::simulator::Simulator;

use crate::journal::{self, Ran};
use crate::strace::{self, Watch};

/// The journal's file.
pub const JOURNAL: &str = "journal.db";

/// What the harness itself puts into a place.
pub const OURS: [&str; 3] = ["home", "ids.txt", "ballast"];

/// A directory with a journal.
#[derive(Debug)]
pub struct Place {
    dir: PathBuf,
    program: PathBuf,
    vars: BTreeMap<&'static str, String>,
}

impl Place {
    /// An empty directory, for a program that talks to this address.
    pub fn new(dir: &Path, program: &Path, api_url: &str, zoho: &Simulator) -> Result<Self> {
        make_directory(dir)?;
        let place = Self::at(dir, program, api_url, zoho);
        make_directory(&dir.join("home"))?;
        Ok(place)
    }

    /// What lies in such a directory already.
    pub fn copied(from: &Path, to: &Path, program: &Path, zoho: &Simulator) -> Result<Self> {
        copy(from, to).with_context(|| format!("copying {}", from.display()))?;
        Ok(Self::at(to, program, &zoho.api_url(), zoho))
    }

    /// The same directory with another Zoho.
    pub fn at(dir: &Path, program: &Path, api_url: &str, zoho: &Simulator) -> Self {
        let home = dir.join("home").display().to_string();
        let vars = [
            ("HOME", home.clone()),
            ("XDG_DATA_HOME", home.clone()),
            ("XDG_CONFIG_HOME", home.clone()),
            ("XDG_CACHE_HOME", home),
            ("JOURNAL_DB", dir.join(JOURNAL).display().to_string()),
            ("JOURNAL_API_URL", api_url.to_owned()),
            // What a dead process sent has arrived before anybody goes on here.
            ("JOURNAL_QUARANTINE", "1ms".to_owned()),
            ("ZOHO_ACCESS_TOKEN", zoho.access_token()),
        ];
        Self { dir: dir.to_owned(), program: program.to_owned(), vars: vars.into_iter().collect() }
    }

    /// Sets a variable of the environment.
    pub fn set(&mut self, name: &'static str, value: impl Into<String>) {
        self.vars.insert(name, value.into());
    }

    /// The directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// A file in it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// The journal.
    pub fn db(&self) -> PathBuf {
        self.file(JOURNAL)
    }

    /// The contents of a file; nothing where there is none.
    pub fn read(&self, name: &str) -> Result<Option<Vec<u8>>> {
        match fs::read(self.file(name)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("reading {name}")),
        }
    }

    /// One id a line, in `ids.txt`.
    pub fn write_ids(&self, ids: &[u64]) -> Result<()> {
        let lines: String = ids.iter().map(|id| format!("{id}\n")).collect();
        fs::write(self.file("ids.txt"), lines).context("writing ids.txt")
    }

    fn under(&self, program: &OsStr) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(&self.vars).env("PATH", "/usr/bin:/bin").current_dir(&self.dir);
        command
    }

    /// A command of the program.
    pub fn command<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Command {
        let mut command = self.under(self.program.as_os_str());
        command.args(args);
        command
    }

    /// Runs the program to its end.
    pub fn run<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Result<Ran> {
        journal::run(&mut self.command(args))
    }

    /// Starts the program.
    pub fn start<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Result<Child> {
        journal::start(&mut self.command(args))
    }

    /// Runs the program under `strace`; also what that wrote down.
    pub fn run_watched(&self, args: &[&str], watch: Watch<'_>) -> Result<(Ran, String)> {
        let notes = self.dir.with_extension("notes");
        let words = strace::words(watch, &self.dir, &notes);
        let (tracer, words) = words.split_first().context("no tracer")?;
        let mut command = self.under(tracer);
        command.args(words).arg(&self.program).args(args);
        let ran = journal::run(&mut command)?;
        let written = fs::read(&notes).with_context(|| format!("strace wrote nothing: {ran}"))?;
        fs::remove_file(&notes)?;
        Ok((ran, String::from_utf8_lossy(&written).into_owned()))
    }

    /// Fails where a file of the program's may be read by others, or where one lies that it does not name.
    pub fn is_tidy(&self) -> Result<()> {
        for entry in fs::read_dir(&self.dir)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if OURS.contains(&name.as_str()) {
                continue;
            }
            ensure!(is_known(&name), "{name} lies beside the journal, and nobody names it");
            let mode = entry.metadata()?.permissions().mode();
            ensure!(mode & 0o077 == 0, "{name} has the mode {mode:o}");
        }
        for key in fs::read_dir(self.file("keys"))? {
            let mode = key?.metadata()?.permissions().mode();
            ensure!(mode & 0o077 == 0, "a key has the mode {mode:o}");
        }
        Ok(())
    }
}

/// The program's own files. A killed process may leave `.NAME.RANDOM.tmp`, which nothing reads.
fn is_known(name: &str) -> bool {
    let of_journal = ["", "-wal", "-shm", ".anchor", ".lock", ".anchor.lock", ".v1.backup"];
    let left = name.strip_prefix('.').and_then(|rest| rest.strip_suffix(".tmp"));
    name == "keys"
        || name == "out.csv"
        || name.strip_prefix(JOURNAL).is_some_and(|suffix| of_journal.contains(&suffix))
        || left.and_then(|rest| rest.rsplit_once('.')).is_some_and(|(_, random)| {
            random.len() == 16 && random.bytes().all(|b| b.is_ascii_hexdigit())
        })
}

/// Whether a file, named from the journal's directory, has the same name in every copy of it.
pub fn is_fixed(file: &str, template: &Path) -> bool {
    file.starts_with(JOURNAL)
        || ["keys", "out.csv"].contains(&file)
        || (!file.is_empty() && template.join(file).exists())
}

/// Makes a directory that only its owner enters; the program refuses others.
pub fn make_directory(path: &Path) -> Result<()> {
    fs::create_dir_all(path).with_context(|| format!("making {}", path.display()))?;
    Ok(fs::set_permissions(path, Permissions::from_mode(0o700))?)
}

/// Copies a directory with all that is in it, with its rights.
pub fn copy(from: &Path, to: &Path) -> Result<()> {
    make_directory(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_the_program_are_told_from_others() {
        for known in ["journal.db", "journal.db-wal", "journal.db.v1.backup", "keys"] {
            assert!(is_known(known), "{known}");
        }
        assert!(is_known(".journal.db.anchor.0123456789abcdef.tmp"));
        for stray in ["journal.db-journal", "journal.db.v1.backup.part", ".x.tmp", "core"] {
            assert!(!is_known(stray), "{stray}");
        }
    }
}
