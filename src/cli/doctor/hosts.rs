//! Whether Zoho's servers answer, and how far this machine's clock is off.

use std::time::Duration;

use crate::cli::context::Context;
use crate::cli::doctor::check::{Check, Kind};
use crate::cli::output::words::in_words;
use crate::zoho::Endpoint;
use crate::zoho::probe::{Answered, Prober};

/// A clock that is off by more is worth a word: the times in the journal no longer line up with Zoho's own
/// audit log at a glance.
const CLOCK_WARNING: Duration = Duration::from_secs(30);

/// A clock that is off by more must be set before a run. Runs measure the difference once and reckon with it,
/// so that evidence holds with any constant one; but a clock that far off is one that will be stepped, and a
/// step during a run can be seen by nobody. `--not-before` and `--valid-for` go by it, too.
const CLOCK_PROBLEM: Duration = Duration::from_mins(5);

/// How a clock is set.
const SET_CLOCK: &str = if cfg!(target_os = "macos") {
    "sudo sntp -sS time.apple.com"
} else {
    "sudo timedatectl set-ntp true"
};

/// Asks the API's server and the accounts server.
pub(super) async fn check(context: &Context, endpoint: &Endpoint, checks: &mut Vec<Check>) {
    let prober = match Prober::new(endpoint, context.settings.timeout.value, context.clock) {
        Ok(prober) => prober,
        Err(error) => {
            checks.push(Check::problem(Kind::Other, "api_host", error.to_string()));
            return;
        }
    };
    let api = prober.ask(endpoint.api()).await;
    let ahead = api.as_ref().ok().and_then(|answered| answered.ahead_ms);
    checks.push(answered("api_host", endpoint.api(), api));
    let accounts = prober.ask(endpoint.accounts()).await;
    checks.push(answered("accounts_host", endpoint.accounts(), accounts));
    checks.push(clock(ahead));
}

fn answered(name: &str, base: &str, answer: Result<Answered, String>) -> Check {
    match answer {
        Ok(Answered { took, .. }) => {
            Check::fine(name, format!("{base} answers, after {} ms", took.as_millis()))
        }
        Err(why) => Check::problem(Kind::Other, name, format!("{base} cannot be reached: {why}"))
            .remedy(format!("curl -sSI {base}")),
    }
}

/// Judges how far Zoho's clock is ahead of ours.
fn clock(ahead_ms: Option<i64>) -> Check {
    let Some(ahead_ms) = ahead_ms else {
        return Check::not_checked("clock", "no server told the time");
    };
    let off = Duration::from_millis(ahead_ms.unsigned_abs());
    let way = if ahead_ms < 0 { "ahead of" } else { "behind" };
    let message = format!("this machine's clock is {} {way} Zoho's", in_words(off));
    if off > CLOCK_PROBLEM {
        Check::problem(Kind::Other, "clock", message).remedy(SET_CLOCK)
    } else if off > CLOCK_WARNING {
        Check::warning("clock", message).remedy(SET_CLOCK)
    } else {
        Check::fine("clock", "it agrees with Zoho's to within half a minute")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::check::Status;

    #[test]
    fn a_clock_is_judged_either_way() {
        for (ahead_ms, status) in [
            (0, Status::Fine),
            (30_000, Status::Fine),
            (-30_001, Status::Warning),
            (300_000, Status::Warning),
            (300_001, Status::Problem(Kind::Other)),
            (i64::MIN, Status::Problem(Kind::Other)),
        ] {
            assert_eq!(clock(Some(ahead_ms)).status, status, "{ahead_ms}");
        }
        assert!(clock(Some(-400_000)).message.contains("ahead of Zoho's"));
        assert_eq!(clock(None).status, Status::NotChecked);
    }
}
