//! What people decided: that an approval is of what was recorded, by whom it says, and that holds hold what they did.

use crate::domain::event::{Event, PolicyApproved, RequestApproved};
use crate::domain::id::{EventSeq, HoldId, RecordId, RequestId};
use crate::domain::merkle::{Hash, Tree};
use crate::domain::policy::same_person;
use crate::domain::ranges::EntryRanges;
use crate::domain::seal::{LeafPurpose, Secret, SecretTree, held_id, item_leaf};
use crate::domain::sshsig::Verdict;
use crate::evidence::verify::Unchecked;
use crate::evidence::verify::findings::Kind;
use crate::evidence::verify::log::LogPass;
use crate::store::Result;
use crate::store::audit::HeldIdRow;
use crate::store::signing::KeptSignature;

/// What a decision is about, by its number.
#[derive(Debug, Clone, Copy)]
enum Decided {
    Request(i64),
    Policy(i64),
}

impl LogPass<'_> {
    /// Checks what a person decided.
    pub(super) fn decision(&mut self, seq: EventSeq, leaf: Hash, event: &Event) -> Result<()> {
        if let Event::RequestApproved(data) = event {
            let request = Decided::Request(data.request.get());
            self.decided(seq, request, data.content, "approved_by")?;
            self.of_request(seq, data.request, data.entries.as_ref());
            self.of_request(seq, data.request, data.unread.as_ref());
            self.request_signature(seq, data)?;
            self.pinned(seq, event)?;
            self.by_whom(seq, data)
        } else if let Event::RequestRejected(data) = event {
            let request = Decided::Request(data.request.get());
            self.of_request(seq, data.request, Some(&data.entries));
            self.decided(seq, request, data.content, "rejected_by")
        } else if let Event::PolicyApproved(data) = event {
            let policy = Decided::Policy(data.policy.get());
            self.policy_signature(seq, data)?;
            self.pinned(seq, event)?;
            self.policy_in_force(data);
            self.decided(seq, policy, data.content, "approved_by")
        } else if let Event::PolicyRejected(data) = event {
            let policy = Decided::Policy(data.policy.get());
            self.decided(seq, policy, data.content, "rejected_by")
        } else if let Event::PolicySet(data) = event {
            self.proposals.push((seq, leaf));
            self.policy_set(seq, data)
        } else {
            Ok(())
        }
    }

    /// A signed approval is of the text that the log gives for it, after the approval that it names.
    fn request_signature(&mut self, seq: EventSeq, data: &RequestApproved) -> Result<()> {
        let earlier = self.approvals.insert(data.request, seq);
        let position = data.request.get().checked_sub(1).and_then(|at| usize::try_from(at).ok());
        let asked = position.and_then(|at| self.recorded.get(at)).map(|(asked, _)| *asked);
        let (Some(_), Some(asked)) = (data.signature, asked) else { return Ok(()) };
        if data.earlier != earlier {
            let what = "its signature is of an approval after another one than there was";
            self.found.add(Kind::Log, format!("event {seq}"), what, Some(seq));
        }
        let kept = self.audit.signature_of_request(asked, seq, data)?;
        self.signature(seq, kept);
        Ok(())
    }

    /// The same of a policy.
    fn policy_signature(&mut self, seq: EventSeq, data: &PolicyApproved) -> Result<()> {
        let position = data.policy.get().checked_sub(1).and_then(|at| usize::try_from(at).ok());
        let asked = position.and_then(|at| self.proposals.get(at)).map(|(asked, _)| *asked);
        let (Some(_), Some(asked)) = (data.signature, asked) else { return Ok(()) };
        let kept = self.audit.signature_of_policy(asked, seq)?;
        self.signature(seq, kept);
        Ok(())
    }

    fn signature(&mut self, seq: EventSeq, kept: KeptSignature) {
        let verdict = kept.verdict();
        match (verdict, kept) {
            (Some(Verdict::Good), _) => self.signatures += 1,
            (Some(Verdict::Bad), _) => {
                let what = "the signature of this approval is not of what it approves";
                self.found.add(Kind::Log, format!("event {seq}"), what, Some(seq));
            }
            (Some(Verdict::NotChecked), KeptSignature::Whole { armoured, text }) => {
                self.unchecked.push(Unchecked::OtherKey { seq, armoured, text });
            }
            (None | Some(Verdict::NotChecked), _) => self.unchecked.push(Unchecked::Erased(seq)),
        }
    }

    /// A decision about a request moves no other's entries.
    fn of_request(&mut self, seq: EventSeq, request: RequestId, entries: Option<&EntryRanges>) {
        let position = request.get().checked_sub(1).and_then(|at| usize::try_from(at).ok());
        let known = position.and_then(|at| self.requests.get(at));
        // One that is not there is told by the fold.
        let (Some(known), Some(entries)) = (known, entries) else { return };
        let inside = entries.first().is_some_and(|first| first >= known.first)
            && entries.last().is_some_and(|last| last <= known.last);
        if !inside {
            let what = "it decides about entries of another request";
            self.found.add(Kind::Log, format!("event {seq}"), what, Some(seq));
        }
    }

    /// A decision names the leaf of what it is about.
    fn decided(
        &mut self,
        seq: EventSeq,
        about: Decided,
        content: Hash,
        who: &'static str,
    ) -> Result<()> {
        let (known, number) = match about {
            Decided::Request(number) => (&self.recorded, number),
            Decided::Policy(number) => (&self.proposals, number),
        };
        let position = number.checked_sub(1).and_then(|at| usize::try_from(at).ok());
        // One that is not there is told by the fold.
        let Some((asked, leaf)) = position.and_then(|at| known.get(at)).copied() else {
            return Ok(());
        };
        let mut tell = |what: &str| {
            self.found.add(Kind::Log, format!("event {seq}"), what, Some(seq));
        };
        if leaf != content {
            tell("it decides about something else than what was recorded: their hashes differ");
        }
        if matches!(about, Decided::Policy(_)) && who == "approved_by" {
            let set_by = self.audit.opened(asked.get(), "set_by")?;
            let approved_by = self.audit.opened(seq.get(), who)?;
            if let (Some(one), Some(other)) = (set_by, approved_by)
                && same_person(&one, &other)
            {
                tell("who proposed the policy approved it");
            }
        }
        Ok(())
    }

    /// Whether a second person approved follows from the names, as far as they were not erased.
    fn by_whom(&mut self, seq: EventSeq, data: &RequestApproved) -> Result<()> {
        let position = data.request.get().checked_sub(1).and_then(|at| usize::try_from(at).ok());
        let Some((asked, _)) = position.and_then(|at| self.recorded.get(at)).copied() else {
            return Ok(());
        };
        let opened = |at: EventSeq, field| self.audit.opened(at.get(), field);
        let names = opened(asked, "requested_by")?.zip(opened(seq, "approved_by")?);
        let accounts = opened(asked, "recorded_by")?.zip(opened(seq, "recorded_by")?);
        if names.is_some_and(|(one, other)| same_person(&one, &other) == data.second)
            || accounts.is_some_and(|(one, other)| (one == other) != data.same_account)
        {
            let what = "whether a second person approved is not what the names say";
            self.found.add(Kind::Log, format!("event {seq}"), what, Some(seq));
        }
        Ok(())
    }

    /// The ids of every hold: their leaves give its root, and each is released by the event that did it.
    pub(super) fn holds(&mut self) -> Result<()> {
        let audit = self.audit;
        for (number, hold) in (1_i64..).zip(self.rows.holds()) {
            let id = HoldId::new(number);
            if hold.placed.whole {
                continue;
            }
            let found = &mut self.found;
            let mut tell = |what: &str| {
                found.add(Kind::Items, format!("hold {id}"), what, Some(hold.seq));
            };
            let secrets = audit.hold_secrets(id)?;
            let key = match secrets.as_slice() {
                [(0, 0, key)] => <[u8; 32]>::try_from(key.as_slice()).ok(),
                _ => None,
            };
            let Some(secret) = key.map(Secret::new) else {
                tell("its secret is missing, or one too many: what it holds cannot be proven");
                continue;
            };
            let mut salts = SecretTree::new(secret, hold.placed.ids);
            let (mut tree, mut next, mut whole, mut released) =
                (Tree::default(), 1_u64, true, true);
            audit.each_held_id(id, |row: HeldIdRow| {
                let target = row.target.and_then(RecordId::from_stored);
                whole &= i64::try_from(next) == Ok(row.place);
                match target {
                    Some(target) => {
                        let salt = salts.salt(next - 1, LeafPurpose::Held);
                        tree.append(item_leaf(&salt, &held_id(id, next, target)), |_, _| ());
                    }
                    None => whole = false,
                }
                let by = hold.released_at(next).map(EventSeq::get);
                released &= by == row.released;
                next += 1;
            })?;
            if !whole || next - 1 != hold.placed.ids || Some(tree.root()) != hold.placed.ids_root {
                tell("its ids are not those that the log sealed: an id or the secret was edited");
            }
            if !released {
                tell("which of its ids are released is not what the log says");
            }
        }
        Ok(())
    }
}
