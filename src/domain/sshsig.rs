//! SSH signatures as `ssh-keygen -Y sign` writes them (PROTOCOL.sshsig of OpenSSH). Those of Ed25519 keys are checked
//! here; those of other keys by `ssh-keygen`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, VerifyingKey};
use sha2::{Digest, Sha256, Sha512};

use crate::domain::signers::fingerprint;

const BEGIN: &str = "-----BEGIN SSH SIGNATURE-----";
const END: &str = "-----END SSH SIGNATURE-----";
const MAGIC: &[u8] = b"SSHSIG";
const ED25519: &[u8] = b"ssh-ed25519";

/// No signature of an RSA key with 16,384 bits is longer.
pub const LONGEST: usize = 16 * 1024;

/// A text is no SSH signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is no SSH signature: {0}")]
pub struct NoSignature(&'static str);

/// What a signature says about a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Whoever has the key signed this text.
    Good,
    /// It is of another text, or was changed.
    Bad,
    /// The key is of a kind that only `ssh-keygen` checks.
    NotChecked,
}

/// A signature, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SshSignature {
    key: Vec<u8>,
    namespace: Vec<u8>,
    reserved: Vec<u8>,
    hash: Vec<u8>,
    signature: Vec<u8>,
}

/// Takes a string, as RFC 4251 §5 writes it.
fn string<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], NoSignature> {
    let short = NoSignature("it ends too early");
    let (length, after) = rest.split_first_chunk::<4>().ok_or(short)?;
    let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| short)?;
    let (taken, after) = after.split_at_checked(length).ok_or(short)?;
    *rest = after;
    Ok(taken)
}

impl SshSignature {
    /// Reads one in its armour.
    pub fn parse(armoured: &str) -> Result<Self, NoSignature> {
        if armoured.len() > LONGEST {
            return Err(NoSignature("it is too long"));
        }
        let inner = armoured.trim().strip_prefix(BEGIN).and_then(|rest| rest.strip_suffix(END));
        let inner = inner.ok_or(NoSignature("it has not the lines that begin and end one"))?;
        let plain: String = inner.split_ascii_whitespace().collect();
        let bytes = STANDARD.decode(plain).map_err(|_| NoSignature("it is not base64"))?;
        let rest = bytes.strip_prefix(MAGIC).ok_or(NoSignature("it does not begin as one"))?;
        let mut rest = rest
            .strip_prefix(&1_u32.to_be_bytes())
            .ok_or(NoSignature("it has a version that this program does not know"))?;
        let mut next = || string(&mut rest).map(<[u8]>::to_vec);
        let signature = Self {
            key: next()?,
            namespace: next()?,
            reserved: next()?,
            hash: next()?,
            signature: next()?,
        };
        if !rest.is_empty() {
            return Err(NoSignature("something follows it"));
        }
        Ok(signature)
    }

    /// The key's fingerprint, as `ssh-keygen -l` prints it.
    pub fn fingerprint(&self) -> String {
        fingerprint(&self.key)
    }

    /// The public key that it names.
    pub fn key(&self) -> &[u8] {
        &self.key
    }

    /// What it says about a text. One that was made for another purpose is bad.
    pub fn check(&self, namespace: &str, text: &str) -> Verdict {
        if self.namespace != namespace.as_bytes() {
            return Verdict::Bad;
        }
        let hashed = match self.hash.as_slice() {
            b"sha512" => Sha512::digest(text).to_vec(),
            b"sha256" => Sha256::digest(text).to_vec(),
            _ => return Verdict::Bad,
        };
        let mut key = self.key.as_slice();
        match string(&mut key) {
            Ok(ED25519) => {}
            Ok(_) => return Verdict::NotChecked,
            Err(_) => return Verdict::Bad,
        }
        let mut message = MAGIC.to_vec();
        for part in [&self.namespace, &self.reserved, &self.hash, &hashed] {
            message.extend(u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
            message.extend_from_slice(part);
        }
        match self.of_ed25519(key, &message) {
            Ok(true) => Verdict::Good,
            Ok(false) | Err(_) => Verdict::Bad,
        }
    }

    fn of_ed25519(&self, mut key: &[u8], message: &[u8]) -> Result<bool, NoSignature> {
        let point = string(&mut key)?;
        let mut given = self.signature.as_slice();
        let (kind, bytes) = (string(&mut given)?, string(&mut given)?);
        if !key.is_empty() || !given.is_empty() || kind != ED25519 {
            return Ok(false);
        }
        let (Ok(point), Ok(bytes)) = (point.try_into(), <&[u8; 64]>::try_from(bytes)) else {
            return Ok(false);
        };
        let Ok(key) = VerifyingKey::from_bytes(point) else { return Ok(false) };
        Ok(key.verify_strict(message, &Signature::from_bytes(bytes)).is_ok())
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use ed25519_dalek::{Signer, SigningKey};

    use super::*;

    fn with_length(part: &[u8]) -> Vec<u8> {
        [&u32::try_from(part.len()).unwrap().to_be_bytes(), part].concat()
    }

    /// The line of a list of allowed signers that allows the key with this seed to somebody.
    pub(crate) fn allowed(seed: u8, name: &str) -> String {
        let key = SigningKey::from_bytes(&[seed; 32]);
        let public = [with_length(ED25519), with_length(key.verifying_key().as_bytes())].concat();
        format!("{name} ssh-ed25519 {}\n", STANDARD.encode(public))
    }

    /// A signature in its armour, of the key with this seed.
    pub(crate) fn sign(seed: u8, namespace: &str, text: &str) -> String {
        let key = SigningKey::from_bytes(&[seed; 32]);
        let kind = with_length(ED25519);
        let public = [kind.clone(), with_length(key.verifying_key().as_bytes())].concat();
        let head = [with_length(namespace.as_bytes()), with_length(b""), with_length(b"sha512")];
        let hashed = with_length(&Sha512::digest(text));
        let message = [MAGIC.to_vec(), head.concat(), hashed].concat();
        let signed = [kind, with_length(&key.sign(&message).to_bytes())].concat();
        let version = 1_u32.to_be_bytes().to_vec();
        let parts =
            [MAGIC.to_vec(), version, with_length(&public), head.concat(), with_length(&signed)];
        format!("{BEGIN}\n{}\n{END}\n", STANDARD.encode(parts.concat()))
    }
}

#[cfg(test)]
mod tests {
    use super::testing::sign;
    use super::*;

    /// Made by `ssh-keygen -Y sign -n zoho-journal-approval` of OpenSSH 9.2.
    const BY_OPENSSH: &str = include_str!("../../tests/fixtures/approval.sig");

    #[test]
    fn what_openssh_signs_is_good_here() {
        let signature = SshSignature::parse(BY_OPENSSH).unwrap();
        assert_eq!(signature.check("zoho-journal-approval", "a text\n"), Verdict::Good);
        assert_eq!(signature.check("zoho-journal-approval", "a text"), Verdict::Bad);
        assert_eq!(signature.check("file", "a text\n"), Verdict::Bad);
        let shown = include_str!("../../tests/fixtures/approval.sig.fingerprint");
        assert_eq!(signature.fingerprint(), shown.trim());
    }

    #[test]
    fn a_signature_is_good_for_one_text_and_purpose() {
        let signature = SshSignature::parse(&sign(1, "a", "text")).unwrap();
        assert_eq!(signature.check("a", "text"), Verdict::Good);
        assert_eq!(signature.check("b", "text"), Verdict::Bad);
        assert_eq!(signature.check("a", "texT"), Verdict::Bad);
        let mut other = signature.clone();
        other.signature[30] ^= 1;
        assert_eq!(other.check("a", "text"), Verdict::Bad);
        let mut key = signature;
        key.key = SshSignature::parse(&sign(2, "a", "text")).unwrap().key;
        assert_eq!(key.check("a", "text"), Verdict::Bad);
    }

    #[test]
    fn what_is_no_signature_is_refused() {
        let whole = sign(1, "a", "text");
        for length in 0..whole.trim_end().len() {
            assert!(SshSignature::parse(&whole[..length]).is_err(), "{length}");
        }
        let long = format!("{BEGIN}\n{}\n{END}", "A".repeat(LONGEST));
        assert!(SshSignature::parse(&long).is_err());
        let more = STANDARD.encode([STANDARD.decode(inner(&whole)).unwrap(), vec![0]].concat());
        assert!(SshSignature::parse(&format!("{BEGIN}\n{more}\n{END}")).is_err());
    }

    fn inner(armoured: &str) -> String {
        armoured.lines().filter(|line| !line.starts_with('-')).collect()
    }
}
