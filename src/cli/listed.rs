//! Signed approvals, held once more against the lists of allowed signers before anything is sent by them.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::signature::{asked, read_list};
use crate::domain::approval_text::NAMESPACE;
use crate::domain::id::RequestId;
use crate::domain::plan::RequestOverview;
use crate::domain::policy::{Approver, Counting, Demand};
use crate::domain::signers::Signers;
use crate::evidence::verify::{Finding, Report};
use crate::export::cell::visible_short;
use crate::platform::{SshAnswer, shell_quoted, verify_signature};
use crate::store::Reader;
use crate::store::signing::SignedApproval;

/// As much of a name as is shown, in characters.
const SHOWN: usize = 100;

/// How the lists see the approvals of some requests.
#[derive(Debug, Default)]
pub(crate) struct Listed {
    /// Which of them count by the list that is set; `None` where it makes no difference.
    pub(crate) counting: Option<Counting>,
    /// Requests whose signed approval counts no more, and why.
    pub(crate) lapsed: BTreeMap<RequestId, String>,
}

/// A list that is set, as it is now.
struct Set<'a> {
    path: &'a Path,
    bytes: Vec<u8>,
    plain: Option<Signers>,
}

impl<'a> Set<'a> {
    fn read(path: &'a Path) -> Result<Self, CliError> {
        let bytes = read_list(path)?;
        let plain = std::str::from_utf8(&bytes).ok().and_then(|text| Signers::parse(text).ok());
        Ok(Self { path, bytes, plain })
    }

    /// Whether it allows the key of a signature to whoever approved.
    fn allows(&self, one: &SignedApproval) -> Result<bool, CliError> {
        if let Some(plain) = &self.plain {
            return Ok(one.is_allowed_by(plain));
        }
        // Patterns, authorities and dates are for OpenSSH to judge.
        let (who, text) = (one.who.as_str(), one.text.as_str());
        verify_signature(&self.bytes, who, NAMESPACE, &one.armoured, text)
            .map(|answer| answer == SshAnswer::Good)
            .map_err(|error| asked(&error))
    }
}

/// Looks at the signed approvals of these requests that the policy wants signed. Fails where no list can be read.
pub(crate) fn look(
    context: &Context,
    reader: &Reader,
    requests: &[RequestOverview],
    policy: &Demand,
) -> Result<Listed, CliError> {
    let mut listed = Listed::default();
    if policy.approver != Approver::Signed {
        return Ok(listed);
    }
    let wants = |one: &&RequestOverview| {
        policy.of(one.operation, &one.module).wants.wants_approval(one.entries())
    };
    let ids: Vec<RequestId> = requests.iter().filter(wants).map(|one| one.request).collect();
    let approvals = reader.signed_approvals(&ids)?;
    if approvals.is_empty() {
        return Ok(listed);
    }
    let pinned = reader.policy_in_force()?.signers;
    let set = set(context, pinned.is_some(), &approvals)?;
    let mut good = HashSet::new();
    for one in approvals {
        let not_in = if pinned.as_ref().is_some_and(|pinned| !one.is_allowed_by(pinned)) {
            Some("the list that the policy pins (journal policy show)".to_owned())
        } else if let Some(set) = &set
            && !set.allows(&one)?
        {
            Some(format!("the list of allowed signers {}", shell_quoted(set.path)))
        } else {
            None
        };
        match not_in {
            None => drop(good.insert(one.seq)),
            Some(list) => {
                let SignedApproval { who, key, .. } = &one;
                let why = format!(
                    "{}'s signature ({key}) counts no more: {list} does not allow it",
                    visible_short(who, SHOWN)
                );
                listed.lapsed.insert(one.request, why);
            }
        }
    }
    listed.counting = set.is_some().then_some(Counting { good, since: reader.head()?.size });
    Ok(listed)
}

/// The list that is set. None need be where the policy pins one.
fn set<'a>(
    context: &'a Context,
    pinned: bool,
    approvals: &[SignedApproval],
) -> Result<Option<Set<'a>>, CliError> {
    let refused = |why: &str| {
        let names: Vec<String> = approvals.iter().map(|one| one.request.to_string()).collect();
        let what = format!(
            "{} approved by signature, and {why}: nobody can tell whether that still counts; nothing was sent",
            match names.as_slice() {
                [one] => format!("{one} was"),
                all => format!("{} were", all.join(", ")),
            }
        );
        let hint = "set JOURNAL_ALLOWED_SIGNERS or allowed_signers to the list, or pin one: journal policy set \
                    --allowed-signers FILE --reason TEXT";
        CliError::new(Exit::NotConfirmed, what).hint(hint)
    };
    let Some(path) = context.settings.allowed_signers.value.as_deref() else {
        return if pinned {
            Ok(None)
        } else {
            Err(refused("no list of allowed signers is set (JOURNAL_ALLOWED_SIGNERS)"))
        };
    };
    Set::read(path).map(Some).map_err(|error| refused(&error.report().message))
}

/// Adds to a report every signed approval of a request that a list does not allow.
pub(crate) fn check(report: &mut Report, reader: &Reader, list: &Path) -> Result<(), CliError> {
    let set = Set::read(list)?;
    for one in reader.all_signed_approvals()? {
        if set.allows(&one)? {
            continue;
        }
        let SignedApproval { request, seq, who, key, .. } = &one;
        report.ok = false;
        report.findings.push(Finding {
            since: Some(*seq),
            where_: format!("event {seq}"),
            what: format!(
                "the approval of {request} is signed with {key}, which {} does not allow to {}",
                shell_quoted(list),
                visible_short(who, SHOWN)
            ),
        });
    }
    Ok(())
}
