//! Signed approvals: what is to be signed, and who signed it.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::domain::approval_text::{HEADER, NAMESPACE};
use crate::domain::merkle::Hash;
use crate::domain::sshsig::{LONGEST, SshSignature, Verdict};
use crate::evidence::verify::{Finding, Report, Unchecked};
use crate::export::cell::visible_short;
use crate::platform::{
    Sharing, SshAnswer, SshKeygenError, check_signature, read_configuration, shell_quoted,
    verify_signature, write_atomically,
};
use crate::store::signing::Signed;

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
    let ask = context.command(&format!("approve {subject} --ask {subject}.txt"));
    let approve =
        context.command(&format!("approve {subject} --as WHO --signature {subject}.txt.sig"));
    format!("{ask}, then, once it is signed, {approve}")
}

/// Refuses a text that cannot be made any more.
pub(crate) fn whole(text: Option<String>, subject: &str) -> Result<String, CliError> {
    text.ok_or_else(|| {
        let what = format!(
            "{subject} cannot be signed: what the text has to name (the reason, or the org) was erased; nothing \
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
    sign: String,
    next: String,
}

/// Writes what is to be signed.
pub(crate) fn write_text(
    context: &mut Context,
    subject: &str,
    text: &str,
    file: &Path,
) -> Result<Exit, CliError> {
    let to_file = file.as_os_str() != "-";
    if to_file {
        check_free(file)?;
        write_atomically(file, text.as_bytes(), Sharing::OwnerOnly).map_err(|error| {
            CliError::new(Exit::Error, format!("{} cannot be written: {error}", shell_quoted(file)))
        })?;
    }
    let name = if to_file { shell_quoted(file) } else { "FILE".to_owned() };
    let sign = format!("ssh-keygen -Y sign -f KEY -n {NAMESPACE} {name}");
    let signed = if to_file { format!("{}.sig", file.display()) } else { "FILE.sig".to_owned() };
    let next = context.command(&format!(
        "approve {subject} --as WHO --signature {}",
        shell_quoted(Path::new(&signed))
    ));
    if context.out.is_json() {
        let file = to_file.then(|| file.display().to_string());
        context.out.json_line(&AskDocument {
            subject,
            file,
            namespace: NAMESPACE,
            text,
            sign,
            next,
        })?;
        return Ok(Exit::Done);
    }
    if to_file {
        context.out.say(format!("What whoever approves {subject} signs is in {name}."));
    } else {
        context.out.data_bytes(text.as_bytes())?;
        context.out.flush()?;
    }
    context.out.say(format!("They read it and sign it with a key that is allowed to: {sign}"));
    context.out.say(format!("Next: {next}"));
    Ok(Exit::Done)
}

/// A file that holds anything but such a text is not replaced.
fn check_free(file: &Path) -> Result<(), CliError> {
    let shown = shell_quoted(file);
    let mut begins = vec![0; HEADER.len()];
    match File::open(file).and_then(|mut open| open.read_exact(&mut begins)) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Ok(()) if begins == HEADER.as_bytes() => Ok(()),
        Ok(()) | Err(_) => {
            let what =
                format!("{shown} is there already, and is no text to sign: it was left alone");
            Err(CliError::new(Exit::Error, what).hint("name another file"))
        }
    }
}

/// Holds a signature against the text and against the list of allowed signers.
pub(crate) fn prove(
    context: &Context,
    who: &str,
    file: &Path,
    text: &str,
) -> Result<Proof, CliError> {
    let list = allowed_signers(context)?;
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
    let refused = |why: &str| {
        let what = format!(
            "the signature in {shown} (key {key}) does not approve this as {name}: {why}; nothing was recorded"
        );
        let hint = format!(
            "the name after --as must stand before that key in the list of allowed signers, and what is signed is \
             what --ask writes now, with -n {NAMESPACE}"
        );
        CliError::new(Exit::Refused, what).hint(hint)
    };
    match verify_signature(&list, who, NAMESPACE, &armoured, text).map_err(|error| asked(&error))? {
        SshAnswer::Good => {}
        SshAnswer::Bad(why) => return Err(refused(&visible_short(&why, SHOWN))),
    }
    // Two programs that share no code agree, where this one can tell.
    if parsed.check(NAMESPACE, text) == Verdict::Bad {
        return Err(refused("it is of another text"));
    }
    let allowed_signers = Hash::new(Sha256::digest(&list).into()).to_string();
    Ok(Proof { armoured, allowed_signers, key })
}

/// The list of allowed signers, which nobody else may write.
fn allowed_signers(context: &Context) -> Result<Vec<u8>, CliError> {
    let Some(path) = &context.settings.allowed_signers.value else {
        let what = "no list of allowed signers is set, so nobody can tell whose signature counts";
        let hint = "set JOURNAL_ALLOWED_SIGNERS or allowed_signers to a file in the form of ssh-keygen(1), \
                    ALLOWED SIGNERS";
        return Err(CliError::new(Exit::Usage, what).hint(hint));
    };
    read_configuration(path, LONGEST_LIST).map_err(|problem| {
        let what = format!("the list of allowed signers cannot be trusted: {problem}");
        CliError::new(Exit::Error, what).hint("nothing was recorded")
    })
}

fn asked(error: &SshKeygenError) -> CliError {
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
                        report.anchored = false;
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
