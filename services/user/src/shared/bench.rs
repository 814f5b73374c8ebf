//! Use cases without routes and tasks, for tests of what happens while a password is hashed.

use bojagi_kernel::ManualClock;
use bojagi_testkit::{Place, eventually};

use super::*;
use crate::config::Hashing;
use crate::domain::account::{AccountKind, NewAccount};
use crate::store::accounts;

pub(crate) const EMAIL: &str = "mi.ja@example.com";
pub(crate) const PASSWORD: &str = "orange lamp 77";

/// One hash at a time, and cheap ones.
const HASHING: Hashing = Hashing { memory_kib: 8, passes: 1, parallel: 1, waiting: 9 };

/// What use cases share, on a store of its own.
pub(crate) struct Bench {
    pub(crate) shared: Shared,
    /// Makes hashes while nobody has a turn at the shared one.
    pub(crate) hasher: Hasher,
    _place: Place,
}

impl Bench {
    pub(crate) async fn open() -> Self {
        Self::open_with(Config::default()).await
    }

    pub(crate) async fn open_with(config: Config) -> Self {
        let clock = Arc::new(ManualClock::at(Moment::from_micros(1_772_420_400_000_000)));
        let place = Place::as_configured();
        let store = Store::open(&place.store("user"), crate::MIGRATIONS, clock.as_ref()).await.unwrap();
        let shared = Shared {
            keyring: Keyring::open(store.clone(), &config, clock.now()).await.unwrap(),
            pager: Pager::new([9; 32]),
            hasher: Hasher::new(HASHING).unwrap(),
            limits: Arc::new(Limits::new(&config.limits)),
            config: Arc::new(config),
            store,
            clock,
        };
        Self { shared, hasher: Hasher::new(HASHING).unwrap(), _place: place }
    }

    /// An account that is in use, with the password.
    pub(crate) async fn customer(&self) -> AccountId {
        let (hash, now) = (self.hasher.hash(PASSWORD).await.unwrap(), self.shared.now());
        let unit = async move |tx: &mut Tx| {
            accounts::sign_up(tx, &new_account(), &hash, now).await?;
            let known = accounts::credentials_by_email(tx, EMAIL).await?.unwrap();
            accounts::verify(tx, known.account_id, now).await?;
            Ok::<_, Error>(known.account_id)
        };
        self.shared.store.write(unit).await.unwrap()
    }

    /// Gives an account a new hash of a password, the same or another.
    pub(crate) async fn hash_anew(&self, account_id: AccountId, password: &str) {
        let hash = self.hasher.hash(password).await.unwrap();
        let unit = async move |tx: &mut Tx| accounts::set_password(tx, account_id, None, &hash).await;
        assert!(self.shared.store.write(unit).await.unwrap());
    }

    /// Begins `work`, does something else while it waits for its turn to hash, and lets it go on.
    pub(crate) async fn meanwhile<T>(&self, work: impl Future<Output = T>, other: impl Future<Output = ()>) -> T {
        let hasher = &self.shared.hasher;
        let (nobody_has_a_turn, places) = (hasher.stop(HASHING.parallel).await, hasher.places_left());
        let between = async {
            eventually("it waits for its turn", async || hasher.places_left() < places).await;
            other.await;
            drop(nobody_has_a_turn);
        };
        tokio::join!(work, between).0
    }

    /// Begins `work` and leaves it as it waits for its turn to hash.
    pub(crate) async fn leave<T>(&self, work: impl Future<Output = T>) {
        let hasher = &self.shared.hasher;
        let (_nobody_has_a_turn, places) = (hasher.stop(HASHING.parallel).await, hasher.places_left());
        tokio::select! {
            _ = work => panic!("it had its turn"),
            () = eventually("it waits for its turn", async || hasher.places_left() < places) => {}
        }
    }
}

pub(crate) fn new_account() -> NewAccount {
    NewAccount { email: EMAIL.parse().unwrap(), name: "x".into(), phone: String::new(), kind: AccountKind::Customer }
}
