//! The processor of the tests that run it in this process: its key, and what it would write.

use event::typed::Int;
use event::{Decoder, Event, EventBuilder, Limits, TopicPartition, TypedColumn, column};
use governance::{Installation, Ownership, Signer, Trust};
use merkle::note::SigningKey;
use processor::Identity;
use sealer::RoleKeys;
use segment::manifest::InstalledKey;
use sim::MemoryLog;

/// An installation whose keys everybody knows.
#[derive(Debug, Clone)]
pub struct Owner {
    installation: Installation,
    keys: RoleKeys,
}

#[expect(clippy::unwrap_used, reason = "a failed step fails the test")]
impl Owner {
    /// The owner in an installation whose log has that origin, and whose topics have no prefix.
    ///
    /// # Panics
    ///
    /// If the origin cannot name a key.
    #[must_use]
    pub fn of(origin: &str) -> Self {
        let key = |name: &str, seed| SigningKey::from_seed(&format!("{origin}/{name}"), [seed; 32]);
        let (governance, processor) = (key("governance", 8).unwrap(), key("processor", 9).unwrap());
        let notifier = key("notifier", 10).unwrap();
        let installation = Installation { origin: origin.to_owned(), topic_prefix: String::new() };
        Self { installation, keys: RoleKeys { governance, notifier, processor } }
    }

    /// The keys as the first entry of the log names them.
    #[must_use]
    pub fn installed(&self) -> Vec<InstalledKey> {
        self.keys.installed()
    }

    /// The installation and its keys.
    ///
    /// # Panics
    ///
    /// Never: the keys are some.
    #[must_use]
    pub fn trust(&self) -> Trust {
        let text = |key: &SigningKey| [key.verifier().to_vkey()];
        let (processor, governance) = (text(&self.keys.processor), text(&self.keys.governance));
        Trust::parse(self.installation.clone(), processor, governance).unwrap()
    }

    /// Who the processor is.
    #[must_use]
    pub fn identity(&self) -> Identity {
        Identity { key: self.keys.processor.clone(), trust: self.trust() }
    }

    /// Whom a notifier believes, and its key.
    ///
    /// # Panics
    ///
    /// Never: the key is one.
    #[must_use]
    pub fn notifier(&self) -> notifier::Credentials {
        let key = self.keys.notifier.clone();
        let trust = self.trust().with_notifiers([key.verifier().to_vkey()]).unwrap();
        notifier::Credentials { trust, key }
    }

    /// An alert as the first owner of a partition of events signs it, computed from that offset.
    #[must_use]
    pub fn first_alert(
        &self,
        (topic, partition, offset): (&str, i32, i64),
        mut event: Event<'static>,
    ) -> Event<'static> {
        event.set(column::origin::TOPIC.id(), topic.to_owned().into());
        event.set(column::origin::PARTITION.id(), i64::from(partition).into());
        event.set(column::origin::OFFSET.id(), offset.into());
        let claim = (governance::Id::from_bytes([1; 16]), 1);
        let owner = governance::Id::from_bytes([2; 16]);
        self.signer(&TopicPartition::new(topic, partition), claim, owner).sign_alert(event)
    }

    /// An act as the gateway signs it.
    ///
    /// # Panics
    ///
    /// If the act is none.
    #[must_use]
    pub fn act(&self, nonce: u8, event: Event<'static>) -> Event<'static> {
        let nonce = governance::Id::from_bytes([nonce; 16]);
        governance::sign_act(&self.keys.governance, &self.installation, nonce, event).unwrap()
    }

    /// An event as the owner in force would write it next into a partition.
    ///
    /// # Panics
    ///
    /// If nobody owns the partition.
    #[must_use]
    pub fn write(
        &self,
        log: &MemoryLog,
        partition: &TopicPartition,
        event: EventBuilder,
    ) -> Event<'static> {
        let decoder = Decoder::new(Limits::default());
        let mut ownership = Ownership::new(self.trust());
        let place = (&*partition.topic, partition.partition);
        for record in log.records(partition).unwrap().records() {
            let _refused = ownership.accept(place, record.offset, &decoder.decode(&record).event);
        }
        let current = *ownership.current().unwrap();
        let claim = (current.history, current.epoch);
        self.signer(partition, claim, current.owner)
            .at(current.sequence + 1)
            .sign(event.build().unwrap())
    }

    /// An alert, signed again by whoever signed it; other events as they are.
    ///
    /// # Panics
    ///
    /// If what it says of its owner cannot be read.
    #[must_use]
    pub fn alert(&self, topic: &str, event: Event<'static>) -> Event<'static> {
        let int = |column: TypedColumn<Int>| event.int(column);
        let (Some(stamp), Some(partition)) =
            (governance::Stamp::of(&event), int(column::origin::PARTITION))
        else {
            return event;
        };
        let partition = TopicPartition::new(topic, i32::try_from(partition).unwrap());
        self.signer(&partition, (stamp.history, stamp.epoch), stamp.owner).sign_alert(event)
    }

    fn signer(
        &self,
        partition: &TopicPartition,
        claim: (governance::Id, i64),
        owner: governance::Id,
    ) -> Signer {
        let (key, installation) = (self.keys.processor.clone(), self.installation.clone());
        Signer::new(key, installation, partition.clone(), claim, owner)
    }
}

/// An event without what says who signed it, which differs from owner to owner.
#[must_use]
pub fn unsigned(event: &Event<'static>) -> Event<'static> {
    use event::column::monitor;
    let of_signature = [
        monitor::EPOCH.id(),
        monitor::HISTORY.id(),
        monitor::OWNER.id(),
        monitor::SIGNATURE.id(),
        monitor::SIGNED_BY.id(),
    ];
    let mut plain = Event::empty();
    for (id, cell) in event.cells().iter().filter(|(id, _)| !of_signature.contains(id)) {
        plain.set(*id, cell.clone());
    }
    plain
}
