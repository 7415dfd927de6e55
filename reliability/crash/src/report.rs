//! What was tried and how it went, and where the remains of what failed lie.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::Result;

use crate::place::copy;

/// Of a hundred blows so many must fall.
const STRUCK_PERCENT: usize = 90;

/// Counts of one kind of trial.
#[derive(Debug, Default)]
struct Counts {
    passed: usize,
    failed: usize,
    struck: usize,
    missed: usize,
}

/// How one trial went.
#[derive(Debug)]
pub struct Trial {
    /// What it was, as it is shown.
    pub what: String,
    /// The command that tries it again.
    pub again: String,
    /// Blows that fell, and that were meant to.
    pub struck: (usize, usize),
    /// What was wrong.
    pub verdict: Result<()>,
    /// Where it took place.
    pub dir: PathBuf,
}

/// All trials so far. Shared by those who try.
#[derive(Debug)]
pub struct Report {
    counts: Mutex<BTreeMap<String, Counts>>,
    missed: Mutex<Vec<String>>,
    remains: PathBuf,
}

impl Report {
    /// An empty one; directories of failed trials are kept below `remains`.
    pub fn new(remains: &Path) -> Self {
        Self { counts: Mutex::default(), missed: Mutex::default(), remains: remains.to_owned() }
    }

    /// Takes in a trial, says what failed, and clears up behind what passed.
    pub fn take(&self, name: &str, trial: Trial) -> Result<()> {
        let number = {
            let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
            let counts = counts.entry(name.to_owned()).or_default();
            counts.passed += usize::from(trial.verdict.is_ok());
            counts.failed += usize::from(trial.verdict.is_err());
            counts.struck += trial.struck.0;
            counts.missed += trial.struck.1 - trial.struck.0;
            counts.failed
        };
        if trial.struck.0 < trial.struck.1 {
            self.missed.lock().unwrap_or_else(PoisonError::into_inner).push(trial.what.clone());
        }
        let Err(why) = trial.verdict else {
            return match fs::remove_dir_all(&trial.dir) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
                Ok(()) | Err(_) => Ok(()),
            };
        };
        let kept = self.remains.join(format!("{name}-{number}"));
        fs::create_dir_all(&self.remains)?;
        if trial.dir.exists() {
            fs::remove_dir_all(&kept).ok();
            // Trials may take place in memory, and remains do not.
            copy(&trial.dir, &kept)?;
            fs::remove_dir_all(&trial.dir)?;
        }
        println!("FAILED {}\n  {}", trial.what, format!("{why:#}").replace('\n', "\n  "));
        println!("  again: {}\n  kept:  {}", trial.again, kept.display());
        Ok(())
    }

    /// A line about one kind of trial.
    pub fn show(&self, name: &str, note: &str) {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(Counts { passed, failed, struck, missed }) = counts.get(name) else {
            println!("{name:<22} nothing was tried  {note}");
            return;
        };
        println!(
            "{name:<22} {passed:>6} passed {failed:>4} failed {struck:>6} struck {missed:>4} missed  {note}"
        );
    }

    /// How many passed, failed, struck and missed.
    pub fn totals(&self) -> (usize, usize, usize, usize) {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.values().fold((0, 0, 0, 0), |sum, one| {
            (sum.0 + one.passed, sum.1 + one.failed, sum.2 + one.struck, sum.3 + one.missed)
        })
    }

    /// The last line, and whether all is well: nothing failed, something was tried, and the blows fell.
    pub fn end(&self) -> bool {
        let (passed, failed, struck, missed) = self.totals();
        let all_missed = self.missed.lock().unwrap_or_else(PoisonError::into_inner);
        for what in all_missed.iter().take(20) {
            println!("missed: {what}");
        }
        let enough = struck * 100 >= (struck + missed) * STRUCK_PERCENT;
        if !enough {
            println!("FAILED: too few blows fell, so that little was tried");
        }
        println!(
            "{passed} passed, {} failed ({struck} injections struck, {missed} did not)",
            failed + usize::from(!enough)
        );
        failed == 0 && enough && passed > 0
    }
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    fn trial(struck: (usize, usize), verdict: Result<()>, dir: &Path) -> Trial {
        fs::create_dir_all(dir).unwrap();
        Trial { what: "w".to_owned(), again: "a".to_owned(), struck, verdict, dir: dir.to_owned() }
    }

    #[test]
    fn a_report_is_good_only_when_something_passed_nothing_failed_and_the_blows_fell() {
        let temporary = tempfile::tempdir().unwrap();
        let (dir, remains) = (temporary.path().join("d"), temporary.path().join("failed"));
        let report = Report::new(&remains);
        assert!(!report.end());
        report.take("x", trial((1, 1), Ok(()), &dir)).unwrap();
        assert!(report.end() && !dir.exists());
        report.take("x", trial((0, 1), Ok(()), &dir)).unwrap();
        assert!(!report.end());
        let report = Report::new(&remains);
        report.take("x", trial((1, 1), Ok(()), &dir)).unwrap();
        report.take("x", trial((1, 1), Err(anyhow!("why")), &dir)).unwrap();
        assert!(!report.end() && remains.join("x-1").exists() && !dir.exists());
        assert_eq!(report.totals(), (1, 1, 2, 0));
    }
}
