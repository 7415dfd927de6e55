//! The lines, as text and as JSON.

use serde::Serialize;

use crate::cli::doctor::check::{Check, Status, exit};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::output::words::counted;
use crate::cli::output::{Line, Out, Tone};

#[derive(Serialize)]
struct Document<'a> {
    ok: bool,
    checks: &'a [Check],
}

/// Shows every line, and says how it ends.
pub(super) fn all(checks: &[Check], out: &mut Out) -> Result<Exit, CliError> {
    let exit = exit(checks);
    if out.is_json() {
        out.json_line(&Document { ok: exit == Exit::Done, checks })?;
        return Ok(exit);
    }
    for check in checks {
        out.data_row(line(check))?;
    }
    out.flush()?;
    out.say(sum(checks, exit));
    Ok(exit)
}

fn line(check: &Check) -> Line {
    let (tone, word) = match check.status {
        Status::Fine => (Tone::Good, "ok"),
        Status::Warning => (Tone::Warn, "warning"),
        Status::Problem(_) => (Tone::Bad, "problem"),
        Status::NotChecked => (Tone::Faint, "not checked"),
    };
    let person = check.person.as_ref().map(|person| format!(" ({person})")).unwrap_or_default();
    let line = Line::new()
        .toned(tone, format!("{word:<11}"))
        .text("  ")
        .toned(Tone::Strong, &check.name)
        .text(format!(": {}{person}", check.message));
    match &check.remedy {
        Some(remedy) => line.text("; next: ").toned(Tone::Strong, remedy),
        None => line,
    }
}

fn sum(checks: &[Check], exit: Exit) -> String {
    let count = |wanted: fn(Status) -> bool| {
        let some = checks.iter().filter(|check| wanted(check.status)).count();
        u64::try_from(some).unwrap_or(u64::MAX)
    };
    let problems = count(|status| matches!(status, Status::Problem(_)));
    let warnings = count(|status| status == Status::Warning);
    let meaning = if exit == Exit::Done { "nothing stands in the way" } else { exit.meaning() };
    format!(
        "{}, {}. Exit code {}: {meaning}.",
        counted(problems, "problem", "problems"),
        counted(warnings, "warning", "warnings"),
        exit.code()
    )
}
