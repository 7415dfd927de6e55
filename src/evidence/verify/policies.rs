//! The policies of the log as they came into force: that none loosened another by itself, and that each signed
//! approval is of a key that the policy of that moment allowed.

use crate::domain::event::{Event, PolicyApproved, PolicySet};
use crate::domain::id::{EventSeq, PolicyId};
use crate::domain::policy::Terms;
use crate::evidence::verify::findings::Kind;
use crate::evidence::verify::log::LogPass;
use crate::store::Result;
use crate::store::policy::policy_terms;
use crate::store::signing::allows;

/// What policies asked for, as far as the log has been read.
#[derive(Debug, Default)]
pub(super) struct Policies {
    /// Each that was set or proposed; `None` for one that cannot be read.
    all: Vec<Option<Terms>>,
    /// The one in force; `None` while nothing can be said about it.
    in_force: Known,
}

#[derive(Debug)]
enum Known {
    Terms(Box<Terms>),
    Unreadable,
}

impl Default for Known {
    fn default() -> Self {
        Self::Terms(Box::default())
    }
}

impl From<Option<Terms>> for Known {
    fn from(terms: Option<Terms>) -> Self {
        terms.map_or(Self::Unreadable, |terms| Self::Terms(Box::new(terms)))
    }
}

impl Policies {
    fn proposed(&self, policy: PolicyId) -> Option<Terms> {
        let position = policy.get().checked_sub(1).and_then(|at| usize::try_from(at).ok());
        position.and_then(|at| self.all.get(at)).cloned().flatten()
    }
}

impl LogPass<'_> {
    /// A policy that was set: at once only where it loosens nothing.
    pub(super) fn policy_set(&mut self, seq: EventSeq, data: &PolicySet) -> Result<()> {
        // What the signers' seal hides was compared with it before; one that was edited is told there.
        let signers = self.audit.opened(seq.get(), "signers")?;
        let terms = policy_terms(data, signers.as_deref());
        let mut tell = |what: &str| {
            self.found.add(Kind::Log, format!("event {seq}"), what, Some(seq));
        };
        if terms.is_none() {
            tell("it sets a policy that cannot be read");
        }
        if data.in_force {
            if let (Some(terms), Known::Terms(before)) = (&terms, &self.policies.in_force)
                && !terms.is_as_strict_as(before)
            {
                tell("it loosens the policy, and no second person approved that");
            }
            self.policies.in_force = terms.clone().into();
        }
        self.policies.all.push(terms);
        Ok(())
    }

    /// A proposal that is in force from here on.
    pub(super) fn policy_in_force(&mut self, data: &PolicyApproved) {
        self.policies.in_force = self.policies.proposed(data.policy).into();
    }

    /// Whether the key that signed an approval was one that the policy in force then had pinned.
    pub(super) fn pinned(&mut self, seq: EventSeq, event: &Event) -> Result<()> {
        let (signature, list) = if let Event::RequestApproved(data) = event {
            (data.signature, data.allowed_signers)
        } else if let Event::PolicyApproved(data) = event {
            (data.signature, data.allowed_signers)
        } else {
            (None, None)
        };
        let Known::Terms(terms) = &self.policies.in_force else { return Ok(()) };
        let Some(pinned) = terms.signers.as_ref().filter(|_| signature.is_some()) else {
            return Ok(());
        };
        let opened = |field| self.audit.opened(seq.get(), field);
        let (who, armoured) = (opened("approved_by")?, opened("signature")?);
        let compared = opened("allowed_signers")?;
        let of_the_list = compared.is_none_or(|hash| hash == pinned.hash().to_string());
        // What was erased cannot be held against anything; that it was not checked is told with the signature.
        let allowed = who.zip(armoured).is_none_or(|(who, one)| allows(pinned, &who, &one));
        if !of_the_list || !allowed || list.is_none() {
            let what =
                "the key that signed this approval was not in the list that the policy had pinned";
            self.found.add(Kind::Log, format!("event {seq}"), what, Some(seq));
        }
        Ok(())
    }
}
