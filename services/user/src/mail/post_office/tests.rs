use bojagi_kernel::ManualClock;
use bojagi_testkit::{Place, eventually};
use futures::FutureExt;
use futures::future::BoxFuture;
use parking_lot::Mutex;

use super::*;
use crate::domain::account::{AccountKind, NewAccount};
use crate::mail::MailFault;
use crate::secret::SecretHash;

const EMAIL: &str = "mi.ja@example.com";

/// Fails so many times, then delivers.
#[derive(Default)]
struct Flaky {
    failures_left: Mutex<u32>,
    delivered: Mutex<Vec<Letter>>,
}

impl Mailer for Arc<Flaky> {
    fn send(&self, letter: Letter) -> BoxFuture<'static, Result<(), MailFault>> {
        let flaky = Arc::clone(self);
        async move {
            let mut failures_left = flaky.failures_left.lock();
            if *failures_left > 0 {
                *failures_left -= 1;
                return Err(std::io::Error::other("the wire is cut").into());
            }
            flaky.delivered.lock().push(letter);
            Ok(())
        }
        .boxed()
    }
}

struct Bench {
    store: Store,
    clock: Arc<ManualClock>,
    mailer: Arc<Flaky>,
}

impl Bench {
    async fn open(place: &Place, failures: u32) -> Self {
        let clock = Arc::new(ManualClock::at(Moment::from_micros(1_772_420_400_000_000)));
        let options = place.store("user");
        let store = Store::open(&options, crate::MIGRATIONS, clock.as_ref()).await.unwrap();
        let mailer = Arc::new(Flaky { failures_left: Mutex::new(failures), ..Flaky::default() });
        Self { store, clock, mailer }
    }

    fn office(&self) -> PostOffice {
        let config = Arc::new(Config::default());
        PostOffice {
            store: self.store.clone(),
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
            limits: Arc::new(Limits::new(&config.limits)),
            config,
            mailer: Arc::new(Arc::clone(&self.mailer)),
        }
    }

    async fn sign_up(&self) {
        let email: crate::domain::email::EmailAddress = EMAIL.parse().unwrap();
        let now = self.clock.now();
        let new = NewAccount { email, name: "x".into(), phone: String::new(), kind: AccountKind::Customer };
        let unit = async move |tx: &mut Tx| {
            accounts::sign_up(tx, &new, "hash", now).await?;
            mails::queue(tx, new.email.as_str(), Occasion::SignUp, now).await
        };
        self.store.write(unit).await.unwrap();
    }

    async fn wish(&self, occasion: Occasion) {
        let now = self.clock.now();
        self.store.write(async move |tx: &mut Tx| mails::queue(tx, EMAIL, occasion, now).await).await.unwrap();
    }

    /// Whether the link in a letter holds.
    async fn holds(&self, letter: &Letter) -> bool {
        let token = letter.body.split("#token=").nth(1).unwrap().lines().next().unwrap();
        let (token, now) = (SecretHash::of(token), self.clock.now());
        let looking = async move |tx: &mut Tx| links::owner(tx, &token, LinkPurpose::Verify, now).await;
        self.store.read(looking).await.unwrap().is_some()
    }

    /// As another process takes what is due at a moment.
    async fn take(&self, now: Moment, lease_ends: Moment) -> Vec<QueuedMail> {
        let taking = async move |tx: &mut Tx| {
            let due = mails::due(tx, now, 10).await?;
            mails::take(tx, &due, now, lease_ends).await
        };
        self.store.write(taking).await.unwrap()
    }

    async fn queued(&self) -> i64 {
        let counting = self.store.read(async |tx: &mut Tx| tx.fetch_one("SELECT count(*) FROM mail", &[]).await);
        let (count,): (i64,) = counting.await.unwrap();
        count
    }
}

#[tokio::test]
async fn a_mail_that_cannot_leave_is_put_off_and_leaves_unchanged_later() {
    let place = Place::as_configured();
    let bench = Bench::open(&place, 2).await;
    bench.sign_up().await;
    let office = bench.office();
    assert_eq!(office.round().await.unwrap(), 1);
    assert_eq!(office.round().await.unwrap(), 0, "it is not due yet");
    bench.clock.advance(Duration::from_secs(2));
    assert_eq!(office.round().await.unwrap(), 1);
    bench.clock.advance(Duration::from_secs(2));
    assert_eq!(office.round().await.unwrap(), 0, "the pause has doubled");
    bench.clock.advance(Duration::from_secs(2));
    assert_eq!((office.round().await.unwrap(), bench.queued().await), (1, 0));
    assert_eq!(bench.mailer.delivered.lock().len(), 1);
}

#[tokio::test]
async fn a_mail_that_could_not_leave_does_not_come_after_one_with_a_newer_link() {
    let place = Place::as_configured();
    let bench = Bench::open(&place, 1).await;
    bench.sign_up().await;
    let office = bench.office();
    assert_eq!(office.round().await.unwrap(), 1);
    bench.wish(Occasion::Verification).await;
    assert_eq!((office.round().await.unwrap(), bench.queued().await), (1, 0));
    bench.clock.advance(Duration::from_secs(10));
    assert_eq!(office.round().await.unwrap(), 0);
    let delivered = bench.mailer.delivered.lock().clone();
    assert_eq!(delivered.len(), 1);
    assert!(bench.holds(&delivered[0]).await);
}

#[tokio::test]
async fn of_many_wishes_for_a_link_in_one_round_the_last_is_answered() {
    let place = Place::as_configured();
    let bench = Bench::open(&place, 0).await;
    bench.sign_up().await;
    for _ in 0..5 {
        bench.clock.advance(Duration::from_secs(1));
        bench.wish(Occasion::Verification).await;
    }
    bench.wish(Occasion::Reset).await;
    assert_eq!((bench.office().round().await.unwrap(), bench.queued().await), (7, 0));
    let mut delivered = bench.mailer.delivered.lock().clone();
    delivered.sort_by(|one, other| one.subject.cmp(&other.subject));
    let [reset, verification] = delivered.as_slice() else { panic!("{} letters", delivered.len()) };
    assert_eq!(reset.subject, "Set a new password");
    assert_eq!(verification.written_at, bench.clock.now());
    assert!(bench.holds(verification).await);
}

#[tokio::test]
async fn a_mail_that_was_taken_by_who_died_is_sent_by_another() {
    let place = Place::as_configured();
    let bench = Bench::open(&place, 0).await;
    bench.sign_up().await;
    let now = bench.clock.now();
    let lease_ends = now + Duration::from_secs(90);
    assert_eq!(bench.take(now, lease_ends).await.len(), 1);
    assert_eq!(bench.office().round().await.unwrap(), 0);
    bench.clock.advance(Duration::from_secs(90));
    assert_eq!(bench.office().round().await.unwrap(), 1);
    assert_eq!(bench.queued().await, 0);
    assert_eq!(bench.mailer.delivered.lock().len(), 1);
}

#[tokio::test]
async fn who_fails_after_the_lease_takes_a_mail_from_nobody() {
    let place = Place::as_configured();
    let bench = Bench::open(&place, 0).await;
    bench.sign_up().await;
    let now = bench.clock.now();
    let sleeper = bench.take(now, now).await.remove(0);
    let later = now + Duration::from_secs(90);
    let other = bench.take(later, later).await.remove(0);
    let until = now + Duration::from_secs(2);
    let putting_off = async move |tx: &mut Tx| mails::put_off(tx, sleeper.mail_id, sleeper.attempts, until).await;
    bench.store.write(putting_off).await.unwrap();
    bench.clock.advance(Duration::from_secs(2));
    assert_eq!(bench.office().round().await.unwrap(), 0, "the other one may be sending it");
    assert_eq!(other.attempts, 2);
}

#[test]
fn a_lease_covers_a_round_in_which_every_delivery_times_out() {
    // 32 mails, 8 at a time, 30 seconds each.
    assert_eq!(longest_round(&Config::default()), Duration::from_secs(4 * 30) + SLACK);
}

#[tokio::test]
async fn a_mail_is_given_up_when_its_link_would_not_hold() {
    let place = Place::as_configured();
    let bench = Bench::open(&place, u32::MAX).await;
    bench.sign_up().await;
    bench.office().round().await.unwrap();
    assert_eq!(bench.queued().await, 1);
    bench.clock.advance(Config::default().link_life());
    bench.office().round().await.unwrap();
    assert_eq!(bench.queued().await, 0);
    assert!(bench.mailer.delivered.lock().is_empty());
}

#[tokio::test]
async fn the_task_is_woken_by_the_queue_and_ends_when_it_should() {
    let place = Place::as_configured();
    let bench = Bench::open(&place, 0).await;
    let stop = CancellationToken::new();
    let task = tokio::spawn(bench.office().run(stop.clone()));
    bench.sign_up().await;
    eventually("the mail is delivered", async || bench.mailer.delivered.lock().len() == 1).await;
    stop.cancel();
    tokio::time::timeout(Duration::from_secs(10), task).await.unwrap().unwrap();
}

#[test]
fn pauses_double_up_to_five_minutes() {
    let pauses: Vec<_> = [1, 2, 3, 8, 9, 50, i64::MAX].map(|attempts| pause_after(attempts).as_secs()).into();
    assert_eq!(pauses, [2, 4, 8, 256, 300, 300, 300]);
}
