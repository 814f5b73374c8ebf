//! Giving hearts and follows, and taking them back.
//!
//! When something is talked about, thousands give it a heart at once, and all of them are counted in one row. All that have come by the
//! time a unit of work begins are decided in it, in the order in which they came: it loads what they need, counts in memory, and writes
//! once a table.

use std::sync::Arc;

use bojagi_chassis::CommonRefusal;
use bojagi_chassis::once::{self, Keyed};
use bojagi_kernel::id::AccountId;
use bojagi_kernel::{Clock, Failure, Moment};
use bojagi_store::{Asked, Combined, LockKey, Store, Tx};

use crate::domain::favours::{Tally, Wish};
use crate::store::customers;
use crate::store::favours::{self, Favoured};

/// Takes the wishes of customers, and answers how many favours the thing has then.
pub(crate) type Favours<Thing> = Combined<Keyed<Wish<Thing>>, i64, Failure>;

type Wished<'a, Thing> = &'a Asked<Keyed<Wish<Thing>>>;

/// The place where customers give and take back. Refused: what [`Favoured::not_found`] says, and `TokenRevoked` to who has gone.
pub(crate) fn favours<Thing: Favoured>(store: &Store, clock: &Arc<dyn Clock>) -> Favours<Thing> {
    let clock = Arc::clone(clock);
    // Who has given to the thing and how many they are, and the kept answer.
    let locks = |wish: &Keyed<Wish<Thing>>| [LockKey::of(wish.ask.thing), kept_answers(wish.ask.customer_id)];
    Combined::new(store.clone(), Keyed::request, locks, async move |tx: &mut Tx, asks: &[Wished<'_, Thing>]| {
        let now = clock.now();
        once::each(tx, asks, now, async |tx: &mut Tx, wishes: &[Wished<'_, Thing>]| fulfil(tx, wishes, now).await).await
    })
}

/// What a unit locks for the kept answers to a customer: one of a few parts of all of them. A lock for each request would be too many for
/// a unit that decides hundreds, and then it would lock the whole store, in which orders are waiting for their stock. It still does when
/// those hundreds are about more than some 110 different things; then it is one short unit for all of them, and nobody's alone.
fn kept_answers(customer_id: AccountId) -> LockKey {
    const PARTS: u8 = 16;
    let [.., last] = *customer_id.as_uuid().as_bytes();
    LockKey::named("answers about favours", &(last % PARTS).to_string())
}

async fn fulfil<Thing: Favoured>(
    tx: &mut Tx,
    wishes: &[Wished<'_, Thing>],
    now: Moment,
) -> Result<Vec<Result<i64, Failure>>, Failure> {
    let wishes = wishes.iter().map(|wished| wished.ask.ask);
    let counts = favours::counts(tx, &wishes.clone().map(|wish| wish.thing).collect()).await?;
    let given = favours::given(tx, &wishes.clone().map(|wish| (wish.thing, wish.customer_id)).collect()).await?;
    let closed = customers::closed_of(tx, &wishes.clone().map(|wish| wish.customer_id).collect()).await?;
    let mut tally = Tally::new(counts, given);
    let answers = wishes.map(|wish| {
        // Tokens are not asked about again, so the account may have been closed since the caller's was given.
        if closed.contains(&wish.customer_id) {
            return Err(CommonRefusal::TokenRevoked.into());
        }
        tally.fulfil(wish).ok_or_else(|| Thing::not_found().into())
    });
    let answers = answers.collect();
    favours::keep(tx, &tally.changes(), now).await?;
    Ok(answers)
}
