//! Taking back hearts and follows that nobody is to see any more: those of customers whose accounts are closed, and those of deleted
//! items and stores, which are not shown from the moment of their deletion. There may be any number of them, and others wait for each
//! unit of work, so it takes back a portion at a time, and the counters with it.

use std::time::Duration;

use bojagi_chassis::{Context, tasks};
use bojagi_kernel::Failure;
use bojagi_kernel::id::{AccountId, ItemId, StoreId};
use bojagi_store::{LockKey, Tx};

use crate::store::customers;
use crate::store::favours::{self, Favoured};

/// How often it is looked for some.
const PAUSE: Duration = Duration::from_secs(1);
/// Hearts or follows that one unit takes back at most. A unit locks each thing whose counter it changes, of which 128 can be locked one
/// by one.
const PORTION: i64 = 100;

/// Takes back what is to be taken back, now and then, until the process is to end. Nearly always there is nothing, and then the writer
/// is not bothered.
pub(crate) async fn withdraw_favours(context: Context) {
    let stop = context.stop.clone();
    tasks::every("withdrawing hearts and follows", PAUSE, stop, move || withdraw(context.clone())).await;
}

async fn withdraw(context: Context) -> Result<(), Failure> {
    // Each has its turn, also where another fails.
    let customers = of_closed_customers(&context).await;
    let items = of_deleted::<ItemId>(&context).await;
    let stores = of_deleted::<StoreId>(&context).await;
    customers.and(items).and(stores)
}

async fn of_closed_customers(context: &Context) -> Result<(), Failure> {
    let closed: Vec<AccountId> =
        context.store.read(async |tx: &mut Tx| customers::to_clear(tx, PORTION).await.map_err(Failure::from)).await?;
    for customer_id in closed {
        let is_clear =
            of_customer::<ItemId>(context, customer_id).await? && of_customer::<StoreId>(context, customer_id).await?;
        if is_clear {
            // Whoever has gone gives nothing more, so nothing can have come since.
            let unit = async move |tx: &mut Tx| Ok::<_, Failure>(customers::cleared(tx, customer_id).await?);
            context.store.write_locking([LockKey::of(customer_id)], unit).await?;
        }
    }
    Ok(())
}

/// False when the process is to end before all is taken back.
async fn of_customer<Thing: Favoured>(context: &Context, customer_id: AccountId) -> Result<bool, Failure> {
    while !context.stop.is_cancelled() {
        let read = async move |tx: &mut Tx| Ok::<_, Failure>(favours::of_customer(tx, customer_id, PORTION).await?);
        let things: Vec<Thing> = context.store.read(read).await?;
        if things.is_empty() {
            return Ok(true);
        }
        let locked: Vec<_> = things.iter().copied().map(LockKey::of).collect();
        let unit = async move |tx: &mut Tx| Ok::<_, Failure>(favours::take_back(tx, customer_id, &things).await?);
        context.store.write_locking(locked, unit).await?;
    }
    Ok(false)
}

async fn of_deleted<Thing: Favoured>(context: &Context) -> Result<(), Failure> {
    let read = async |tx: &mut Tx| Ok::<_, Failure>(favours::of_deleted(tx, PORTION).await?);
    let deleted: Vec<Thing> = context.store.read(read).await?;
    for thing in deleted {
        while !context.stop.is_cancelled() {
            let unit = async move |tx: &mut Tx| Ok::<_, Failure>(favours::withdraw_from(tx, thing, PORTION).await?);
            if context.store.write_locking([LockKey::of(thing)], unit).await? < PORTION {
                break;
            }
        }
    }
    Ok(())
}
