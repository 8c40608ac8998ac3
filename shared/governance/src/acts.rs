//! The governance topic: which of its records are acts, and which acts are in force.

use std::collections::BTreeSet;

use event::{Event, column};
use merkle::hash::sha256;

use crate::act::{Act, verify_act};
use crate::admission::{Admission, Admitted};
use crate::effect::Effect;
use crate::fold::Fold;
use crate::id::Id;
use crate::refusal::Refusal;
use crate::scope::Scope;
use crate::trust::Trust;

/// The governance topic as it was read so far.
#[derive(Debug, Clone)]
pub struct Acts {
    trust: Trust,
    next: i64,
    nonces: BTreeSet<Id>,
    /// Digests of the identifiers of acts.
    ids: BTreeSet<Id>,
    fold: Fold,
}

impl Acts {
    /// A topic of which nothing was read.
    #[must_use]
    pub const fn new(trust: Trust) -> Self {
        Self { trust, next: 0, nonces: BTreeSet::new(), ids: BTreeSet::new(), fold: Fold::new() }
    }

    /// First offset that was not read.
    #[must_use]
    pub const fn next(&self) -> i64 {
        self.next
    }

    /// Number of acts that are kept: those in force.
    #[must_use]
    pub fn len(&self) -> usize {
        self.fold.len()
    }

    /// Whether no act is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes the record at an offset: its broker time in microseconds, and its event, `None` if it
    /// did not decode. Records must come in order; one that was read is not read again.
    ///
    /// # Errors
    ///
    /// Why the record is no act, or not one any more.
    pub fn handle(
        &mut self,
        offset: i64,
        time: i64,
        event: Option<&Event<'_>>,
    ) -> Result<Act, Refusal> {
        if offset < self.next {
            return Err(Refusal::Copied);
        }
        self.next = offset.saturating_add(1);
        self.fold.reach(time);
        let event = event.ok_or(Refusal::Unsigned)?;
        let (nonce, digest) = verify_act(&self.trust, event)?;
        let id = id_of(event);
        if self.nonces.contains(&nonce) || id.is_some_and(|id| self.ids.contains(&id)) {
            return Err(Refusal::Copied);
        }
        let effect = Effect::of(event).map_err(|_| Refusal::TooLarge)?;
        self.nonces.insert(nonce);
        self.ids.extend(id);
        let act = Act {
            offset,
            event_id: event.text(column::EVENT_ID).unwrap_or_default().to_owned(),
            digest,
            scope: Scope::of(event),
            effect,
        };
        self.fold.add(&act);
        Ok(act)
    }

    /// What a partition has to admit from its frontier on; `None` if nothing in scope is in force.
    /// `tenant` is the one that the topic belongs to, if it is not shared. At most about
    /// `bytes_max` bytes of acts, at least one act: the range ends where they do.
    #[must_use]
    pub fn admission(
        &self,
        governance: &str,
        (tenant, topic, partition): (Option<&str>, &str, i32),
        from: i64,
        bytes_max: usize,
    ) -> Option<Admission> {
        let mut acts: Vec<Admitted> = Vec::new();
        let (mut next, mut bytes) = (self.next, 0_usize);
        for (act, size) in self.fold.since(from) {
            if !act.scope.covers(tenant, topic, partition) {
                continue;
            }
            let Some(effect) = act.effect.clone() else {
                unreachable!("only acts with an effect are kept")
            };
            bytes = bytes.saturating_add(size);
            if bytes > bytes_max && !acts.is_empty() {
                next = act.offset;
                break;
            }
            acts.push(Admitted { offset: act.offset, digest: act.digest, effect });
        }
        let governance = governance.to_owned();
        let of = self.next;
        (!acts.is_empty()).then_some(Admission { governance, from, next, of, acts })
    }
}

/// A digest of the identifier of an act, which is of its tenant.
fn id_of(act: &Event<'_>) -> Option<Id> {
    let id = act.text(column::EVENT_ID).filter(|id| !id.is_empty())?;
    let tenant = act.text(column::TENANT_ID);
    let length = tenant.map_or(0, str::len);
    let named = format!("{length}:{}{id}", tenant.unwrap_or_default());
    let digest = sha256(named.as_bytes());
    let [first, _] = digest.as_chunks::<16>().0 else { unreachable!("a digest has 32 bytes") };
    Some(Id::from_bytes(*first))
}
