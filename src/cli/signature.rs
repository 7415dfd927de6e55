//! Signed approvals: what is to be signed, and who signed it.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::domain::approval_list::{ApprovalList, HEADER as LIST_HEADER};
use crate::domain::approval_text::{HEADER, NAMESPACE};
use crate::domain::id::RequestId;
use crate::domain::merkle::Hash;
use crate::domain::signers::Signers;
use crate::domain::sshsig::{LONGEST, SshSignature, Verdict};
use crate::evidence::verify::{Finding, Report, Unchecked};
use crate::export::cell::visible_short;
use crate::platform::{
    Sharing, SshAnswer, SshKeygenError, check_signature, read_configuration, shell_quoted,
    verify_signature, write_atomically,
};
use crate::store::signing::{Signed, ToSign};

/// No list of people is longer.
const LONGEST_LIST: u64 = 1024 * 1024;

/// As much of what `ssh-keygen` said as is shown, in characters.
const SHOWN: usize = 300;

/// What to install where `ssh-keygen` is missing.
const INSTALL: &str = "install OpenSSH's client: openssh-client on Debian and Ubuntu, openssh-clients on Fedora, \
                       openssh on Alpine and Arch; macOS has it";

/// A signature that is good, and whose key is allowed.
pub(crate) struct Proof {
    armoured: String,
    allowed_signers: String,
    /// The key's fingerprint.
    pub(crate) key: String,
}

impl Proof {
    /// As the journal takes it.
    pub(crate) fn signed<'a>(&'a self, text: &'a str) -> Signed<'a> {
        Signed { text, armoured: &self.armoured, allowed_signers: &self.allowed_signers }
    }
}

/// The commands that make a signed approval.
pub(crate) fn how_to_sign(context: &Context, subject: &str) -> String {
    let file = if subject.contains(' ') { "approval" } else { subject };
    let ask = context.command(&format!("approve {subject} --ask {file}.txt"));
    let approve =
        context.command(&format!("approve {subject} --as WHO --signature {file}.txt.sig"));
    format!("{ask}, then, once it is signed, {approve}")
}

/// Refuses a text that cannot be made any more.
pub(crate) fn whole(text: Option<ToSign>, subject: &str) -> Result<ToSign, CliError> {
    text.ok_or_else(|| {
        let what = format!(
            "{subject} cannot be signed: what the text has to name (the reason, the org, or whose key full snapshots are encrypted to) was erased; nothing \
             was recorded"
        );
        CliError::new(Exit::Refused, what).hint("record it anew, and withdraw this one")
    })
}

/// What `--ask` says with `--json`. Its keys are a contract.
#[derive(Serialize)]
struct AskDocument<'a> {
    subject: &'a str,
    file: Option<String>,
    namespace: &'a str,
    text: &'a str,
    /// Of several requests: what the hashes in the text are of.
    parts: Vec<PartRow<'a>>,
    sign: String,
    next: String,
}

#[derive(Serialize)]
struct PartRow<'a> {
    request_id: String,
    file: Option<String>,
    sha256: Hash,
    text: &'a str,
}

/// The file beside the list that says what is approved of one request.
fn beside(file: &Path, request: RequestId) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(format!(".{request}"));
    PathBuf::from(name)
}

/// Writes what is to be signed.
pub(crate) fn write_text(
    context: &mut Context,
    subject: &str,
    text: &ToSign,
    file: &Path,
) -> Result<Exit, CliError> {
    let to_file = file.as_os_str() != "-";
    if to_file {
        let parts = text.parts.iter().map(|(request, part)| (beside(file, *request), part));
        let files: Vec<_> = parts.chain([(file.to_owned(), &text.signed)]).collect();
        files.iter().try_for_each(|(file, _)| check_free(file))?;
        for (file, text) in &files {
            write_atomically(file, text.as_bytes(), Sharing::OwnerOnly).map_err(|error| {
                let what = format!("{} cannot be written: {error}", shell_quoted(file));
                CliError::new(Exit::Error, what)
            })?;
        }
    }
    let name = if to_file { shell_quoted(file) } else { "FILE".to_owned() };
    let sign = format!("ssh-keygen -Y sign -f KEY -n {NAMESPACE} {name}");
    let signed = if to_file { format!("{}.sig", file.display()) } else { "FILE.sig".to_owned() };
    let next = context.command(&format!(
        "approve {subject} --as WHO --signature {}",
        shell_quoted(Path::new(&signed))
    ));
    if context.out.is_json() {
        let shown = |file: &Path| to_file.then(|| file.display().to_string());
        let parts = text.parts.iter().map(|(request, text)| PartRow {
            request_id: request.to_string(),
            file: shown(&beside(file, *request)),
            sha256: Hash::of(text.as_bytes()),
            text,
        });
        context.out.json_line(&AskDocument {
            subject,
            file: shown(file),
            namespace: NAMESPACE,
            text: &text.signed,
            parts: parts.collect(),
            sign,
            next,
        })?;
        return Ok(Exit::Done);
    }
    if to_file {
        context.out.say(format!("What whoever approves {subject} signs is in {name}."));
    } else {
        context.out.data_bytes(text.signed.as_bytes())?;
        context.out.flush()?;
    }
    tell_parts(context, text, file);
    context.out.say(format!("They read it and sign it with a key that is allowed to: {sign}"));
    context.out.say(format!("Next: {next}"));
    Ok(Exit::Done)
}

/// What the hashes in a list are of.
fn tell_parts(context: &mut Context, text: &ToSign, file: &Path) {
    if text.parts.is_empty() {
        return;
    }
    if file.as_os_str() == "-" {
        context.out.say("It holds the SHA-256 of each of these texts, which say what is approved:");
        for (_, part) in &text.parts {
            context.out.say(part.trim_end());
        }
        return;
    }
    let files: Vec<String> =
        text.parts.iter().map(|(request, _)| shell_quoted(&beside(file, *request))).collect();
    context.out.say(format!(
        "It holds the SHA-256 of each of these files, which say what is approved, in plain words: {}",
        files.join(" ")
    ));
    context.out.say(format!("To compare: sha256sum {}", files.join(" ")));
}

/// A file that holds anything but such a text is not replaced.
fn check_free(file: &Path) -> Result<(), CliError> {
    let shown = shell_quoted(file);
    // Neither header is shorter, and both differ from whatever else lies there.
    let mut begins = vec![0; HEADER.len()];
    let ours = [HEADER.as_bytes(), LIST_HEADER.as_bytes()];
    match File::open(file).and_then(|mut open| open.read_exact(&mut begins)) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Ok(()) if ours.iter().any(|ours| ours.starts_with(&begins)) => Ok(()),
        Ok(()) | Err(_) => {
            let what =
                format!("{shown} is there already, and is no text to sign: it was left alone");
            Err(CliError::new(Exit::Error, what).hint("name another file"))
        }
    }
}

/// Holds a signature against the text and against the lists of allowed signers: the one that the policy pins, and the
/// one that is set. Whichever there is has to allow it.
pub(crate) fn prove(
    context: &Context,
    who: &str,
    file: &Path,
    text: &ToSign,
) -> Result<Proof, CliError> {
    let pinned = context.reader()?.policy_in_force()?.signers;
    let set = match (&context.settings.allowed_signers.value, &pinned) {
        (None, Some(_)) => None,
        (path, _) => Some(allowed_signers(path.as_deref())?),
    };
    let shown = shell_quoted(file);
    let mut armoured = String::new();
    let limit = u64::try_from(LONGEST).unwrap_or(u64::MAX).saturating_add(1);
    File::open(file)
        .and_then(|open| open.take(limit).read_to_string(&mut armoured))
        .map_err(|error| CliError::new(Exit::Error, format!("{shown} cannot be read: {error}")))?;
    let parsed = SshSignature::parse(&armoured).map_err(|error| {
        let what = format!("{shown}: {error}; nothing was recorded");
        CliError::new(Exit::Error, what).hint("ssh-keygen -Y sign writes one into FILE.sig")
    })?;
    let key = parsed.fingerprint();
    let name = visible_short(who, SHOWN).into_owned();
    let list = if pinned.is_some() {
        "that the policy pins (journal policy show)"
    } else {
        "of allowed signers"
    };
    let refused = |why: &str| {
        let changed =
            changed_since(file, text).map(|what| format!(" ({what})")).unwrap_or_default();
        let what = format!(
            "the signature in {shown} (key {key}) does not approve this as {name}: {why}{changed}; nothing was \
             recorded"
        );
        let hint = format!(
            "the name after --as must stand before that key in the list {list}, and what is signed is what --ask \
             writes now, with -n {NAMESPACE}"
        );
        CliError::new(Exit::Refused, what).hint(hint)
    };
    let kept = pinned.as_ref().map(|pinned| pinned.to_string().into_bytes());
    for list in kept.iter().chain(&set) {
        match verify_signature(list, who, NAMESPACE, &armoured, &text.signed)
            .map_err(|error| asked(&error))?
        {
            SshAnswer::Good => {}
            SshAnswer::Bad(why) => return Err(refused(&visible_short(&why, SHOWN))),
        }
    }
    // Two programs that share no code agree, where this one can tell.
    if parsed.check(NAMESPACE, &text.signed) == Verdict::Bad {
        return Err(refused("it is of another text"));
    }
    let hash = kept.or(set).map(|list| Hash::of(&list).to_string());
    Ok(Proof { armoured, allowed_signers: hash.unwrap_or_default(), key })
}

/// Which of several requests are not any more what they were when the list beside a signature was written.
fn changed_since(signature: &Path, text: &ToSign) -> Option<String> {
    let file = signature.to_str()?.strip_suffix(".sig")?;
    let mut written = String::new();
    File::open(file).ok()?.take(LONGEST_LIST).read_to_string(&mut written).ok()?;
    let (written, now): (ApprovalList, ApprovalList) =
        (written.parse().ok()?, text.signed.parse().ok()?);
    let differ = |one: &ApprovalList, other: &ApprovalList| -> Vec<RequestId> {
        let parts = one.parts().iter().filter(|part| !other.parts().contains(part));
        parts.map(|(request, _)| *request).collect()
    };
    let mut changed = differ(&written, &now);
    changed.extend(differ(&now, &written));
    changed.sort_unstable();
    changed.dedup();
    let names: Vec<String> = changed.iter().map(ToString::to_string).collect();
    let verb = if names.len() == 1 { "is" } else { "are" };
    (!names.is_empty()).then(|| {
        format!("{} {verb} not what {} lists", names.join(", "), shell_quoted(Path::new(file)))
    })
}

/// The list of allowed signers that is set, which nobody else may write.
fn allowed_signers(path: Option<&Path>) -> Result<Vec<u8>, CliError> {
    let Some(path) = path else {
        let what = "no list of allowed signers is set, so nobody can tell whose signature counts";
        let hint = "set JOURNAL_ALLOWED_SIGNERS or allowed_signers to a file in the form of ssh-keygen(1), \
                    ALLOWED SIGNERS, or pin one: journal policy set --allowed-signers FILE --reason TEXT";
        return Err(CliError::new(Exit::Usage, what).hint(hint));
    };
    read_list(path)
}

pub(crate) fn read_list(path: &Path) -> Result<Vec<u8>, CliError> {
    read_configuration(path, LONGEST_LIST).map_err(|problem| {
        let what = format!("the list of allowed signers cannot be trusted: {problem}");
        CliError::new(Exit::Error, what).hint("nothing was recorded")
    })
}

/// A list of allowed signers as a policy pins it.
pub(crate) fn signers_of(path: &Path) -> Result<Signers, CliError> {
    let refused = |why: &str| {
        let what = format!("{}: {why}; nothing was recorded", shell_quoted(path));
        let hint = "a list that a policy pins has a line for each person and key: bert@example.com ssh-ed25519 AAAA…";
        CliError::new(Exit::Error, what).hint(hint)
    };
    let text = String::from_utf8(read_list(path)?).map_err(|_| refused("it is not UTF-8"))?;
    Signers::parse(&text).map_err(|error| refused(&error.to_string()))
}

pub(crate) fn asked(error: &SshKeygenError) -> CliError {
    let hint = match error {
        SshKeygenError::Missing => INSTALL,
        SshKeygenError::Io(_) => "nothing was recorded",
    };
    CliError::new(Exit::Error, error.to_string()).hint(hint)
}

/// Has `ssh-keygen` check what the journal cannot check by itself, and gives what nobody checked, in words.
pub(crate) fn check_rest(report: &mut Report) -> Vec<String> {
    let mut left = Vec::new();
    for one in std::mem::take(&mut report.unchecked) {
        match one {
            Unchecked::Erased(seq) => left.push(format!(
                "the signature of event {seq} was not checked: it, or what it is of, was erased"
            )),
            Unchecked::OtherKey { seq, armoured, text } => {
                match check_signature(NAMESPACE, &armoured, &text) {
                    Ok(SshAnswer::Good) => report.signatures += 1,
                    Ok(SshAnswer::Bad(why)) => {
                        report.ok = false;
                        report.findings.push(Finding {
                            since: Some(seq),
                            where_: format!("event {seq}"),
                            what: format!(
                                "the signature of this approval is not of what it approves: {}",
                                visible_short(&why, SHOWN)
                            ),
                        });
                    }
                    Err(error) => {
                        left.push(format!("the signature of event {seq} was not checked: {error}"));
                    }
                }
            }
        }
    }
    left
}
