//! Which facts a group reacts to, and how.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;

use bojagi_kernel::Failure;
use bojagi_store::{LockKey, Tx};
use futures::FutureExt;
use futures::future::LocalBoxFuture;

use crate::Event;

type Keys = Box<dyn Fn(&Event) -> Vec<LockKey> + Send + Sync>;
type Reaction = Box<dyn for<'a> Fn(&'a mut Tx, &'a Event) -> LocalBoxFuture<'a, Result<(), Failure>> + Send + Sync>;

/// For [`Hears::on_locking`]: what the fact is about is all that the reaction concerns.
#[must_use]
pub const fn nothing_more<M>(_: &M) -> Vec<LockKey> {
    Vec::new()
}

/// The reactions of one group of consumers, by type of fact.
pub struct Hears {
    group: &'static str,
    reactions: BTreeMap<String, Reaction>,
    /// What reactions lock, besides what their fact is about, by type of fact; those that are not here lock the store.
    keys: BTreeMap<String, Keys>,
}

impl Hears {
    /// A group that reacts to nothing yet. The name is part of what is stored: it does not change.
    #[must_use]
    pub fn new(group: &'static str) -> Self {
        Self { group, reactions: BTreeMap::new(), keys: BTreeMap::new() }
    }

    /// Reacts to facts of type `M`. The reaction is a unit of work in the group's own store: what it does happens
    /// together with the note that the fact was heard. It is such a part already, and has none of its own
    /// ([`Tx::nested`](bojagi_store::Tx::nested)): what a panic left open would be undone alone.
    #[must_use]
    pub fn on<M, R>(mut self, reaction: R) -> Self
    where
        M: prost::Message + prost::Name + Default + 'static,
        R: AsyncFn(&mut Tx, &Event, M) -> Result<(), Failure> + Send + Sync + Clone + 'static,
    {
        let boxed: Reaction = Box::new(move |tx, event| {
            let reaction = reaction.clone();
            Box::pin(async move { reaction(tx, event, event.decode::<M>()?).await })
        });
        self.reactions.insert(M::full_name(), boxed);
        self
    }

    /// The same for a reaction that concerns only what the fact is about and what these keys stand for, as
    /// [`Store::write_locking`](bojagi_store::Store::write_locking) has it: then it runs side by side with others. It has to bear
    /// being in one unit with reactions to other facts.
    #[must_use]
    pub fn on_locking<M, K, R>(mut self, keys: K, reaction: R) -> Self
    where
        M: prost::Message + prost::Name + Default + 'static,
        K: Fn(&M) -> Vec<LockKey> + Send + Sync + 'static,
        R: AsyncFn(&mut Tx, &Event, M) -> Result<(), Failure> + Send + Sync + Clone + 'static,
    {
        // A fact that cannot be read has no keys, and fails its reaction.
        let of_event = move |event: &Event| event.decode::<M>().map(|fact| keys(&fact)).unwrap_or_default();
        self.keys.insert(M::full_name(), Box::new(of_event));
        self.on(reaction)
    }

    /// What the reactions to some facts lock; nothing when it is the whole store.
    pub(crate) fn keys<'a>(&self, events: impl IntoIterator<Item = &'a Event>) -> Option<Vec<LockKey>> {
        let mut keys = Vec::new();
        for event in events {
            keys.push(LockKey::of(event.aggregate_id));
            if self.cares_for(&event.event_type) {
                keys.extend(self.keys.get(&event.event_type)?(event));
            }
        }
        Some(keys)
    }

    /// The name of the group.
    #[must_use]
    pub const fn group(&self) -> &'static str {
        self.group
    }

    /// The types it reacts to, as full names of messages.
    pub fn types(&self) -> impl Iterator<Item = &str> {
        self.reactions.keys().map(String::as_str)
    }

    /// Whether it reacts to facts of this type.
    pub(crate) fn cares_for(&self, event_type: &str) -> bool {
        self.reactions.contains_key(event_type)
    }

    /// Applies one event.
    pub(crate) async fn react(&self, tx: &mut Tx, event: &Event) -> Result<(), Failure> {
        match self.reactions.get(&event.event_type) {
            // What would go wrong with the next attempt as well is one fact's trouble, and not that of all behind it.
            Some(reaction) => AssertUnwindSafe(reaction(tx, event))
                .catch_unwind()
                .await
                .unwrap_or_else(|_| Err(Failure::broken("the reaction panicked"))),
            None if event.is_unreadable() => Err(Failure::broken("nobody can react to a record that cannot be read")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use bojagi_kernel::Moment;
    use bojagi_kernel::id::EventId;
    use bojagi_kernel::reexport::Uuid;
    use prost::{Message, Name};

    use super::*;

    #[derive(Clone, PartialEq, prost::Message)]
    struct Sold {
        #[prost(string, tag = "1")]
        option: String,
    }

    impl Name for Sold {
        const NAME: &'static str = "Sold";
        const PACKAGE: &'static str = "test.v1";
    }

    #[derive(Clone, PartialEq, prost::Message)]
    struct Closed {}

    impl Name for Closed {
        const NAME: &'static str = "Closed";
        const PACKAGE: &'static str = "test.v1";
    }

    #[derive(Clone, PartialEq, prost::Message)]
    struct Unheard {}

    impl Name for Unheard {
        const NAME: &'static str = "Unheard";
        const PACKAGE: &'static str = "test.v1";
    }

    fn event<M: Message + Name>(fact: &M) -> Event {
        Event {
            id: EventId::generate(),
            event_type: M::full_name(),
            aggregate_id: Uuid::now_v7(),
            sequence: 1,
            told_at: Moment::from_micros(0),
            trace: None,
            payload: fact.encode_to_vec(),
        }
    }

    #[test]
    fn a_batch_locks_what_its_facts_are_about_unless_a_reaction_locks_the_store() {
        let hears = Hears::new("group")
            .on_locking(
                |fact: &Sold| vec![LockKey::named("option", &fact.option)],
                async |_: &mut Tx, _: &Event, _: Sold| Ok(()),
            )
            .on(async |_: &mut Tx, _: &Event, _: Closed| Ok(()));
        let (tea, cup) = (event(&Sold { option: "tea".into() }), event(&Sold { option: "cup".into() }));
        let (unheard, closed) = (event(&Unheard {}), event(&Closed {}));
        let about = |event: &Event| LockKey::of(event.aggregate_id);
        let option = |name: &str| LockKey::named("option", name);
        assert_eq!(
            hears.keys([&tea, &unheard, &cup]),
            Some(vec![about(&tea), option("tea"), about(&unheard), about(&cup), option("cup")])
        );
        assert_eq!(hears.keys([&tea, &closed]), None);
        // What cannot be read has no keys of its own, and fails its reaction.
        let broken = Event { payload: vec![0xff], ..tea };
        assert_eq!(hears.keys([&broken]), Some(vec![about(&broken)]));
    }
}
