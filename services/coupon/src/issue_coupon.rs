//! First come, first served.
//!
//! When the issue of a coupon opens, thousands ask at once. All that have come by the time a unit of work begins are decided in
//! it, in the order in which they came, and what was answered is on disk.

use std::sync::Arc;

use bojagi_api::coupon::IssueCouponResponse;
use bojagi_chassis::once::{self, Keyed};
use bojagi_kernel::id::{AccountId, CouponId};
use bojagi_kernel::{Clock, Failure, Moment};
use bojagi_store::{Asked, Combined, LockKey, Store, Tx};

use crate::domain::Counter;
use crate::events;
use crate::rpc::answers;
use crate::store::pieces::PieceOfCoupon;
use crate::store::{coupons, pieces};

/// Takes the asks of customers.
pub(crate) type Issue = Combined<Keyed<Wish>, IssueCouponResponse, Failure>;

/// A customer asks for a piece.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wish {
    pub(crate) coupon_id: CouponId,
    pub(crate) customer_id: AccountId,
}

type Wished<'a> = &'a Asked<Keyed<Wish>>;

/// The place where customers ask. Refused: `CouponNotFound`, `AlreadyIssued`, `CouponRetired`, `NotYetOpen`, `NoLongerOpen`,
/// `SoldOut`.
pub(crate) fn issue(store: &Store, clock: &Arc<dyn Clock>) -> Issue {
    let clock = Arc::clone(clock);
    // How many pieces there are and who has one, and the kept answer.
    let locks = |wish: &Keyed<Wish>| [LockKey::of(wish.ask.coupon_id), wish.key.lock()];
    Combined::new(store.clone(), Keyed::request, locks, async move |tx: &mut Tx, asks: &[Wished<'_>]| {
        let now = clock.now();
        once::each(tx, asks, now, async |tx: &mut Tx, wishes: &[Wished<'_>]| issue_each(tx, wishes, now).await).await
    })
}

async fn issue_each(
    tx: &mut Tx,
    wishes: &[Wished<'_>],
    now: Moment,
) -> Result<Vec<Result<IssueCouponResponse, Failure>>, Failure> {
    let wanted = wishes.iter().map(|wished| wished.ask.ask);
    let found = coupons::find_all(tx, &wanted.clone().map(|wish| wish.coupon_id).collect()).await?;
    let had = pieces::of_customers(tx, &wanted.map(|wish| (wish.coupon_id, wish.customer_id)).collect()).await?;
    let mut counter = Counter::new(found, had);
    let mut issued = Vec::with_capacity(wishes.len());
    let mut answers = Vec::with_capacity(wishes.len());
    for wished in wishes {
        let Wish { coupon_id, customer_id } = wished.ask.ask;
        answers.push(match counter.give(coupon_id, customer_id, now) {
            Ok((piece, coupon)) => {
                issued.push((piece.clone(), wished.trace.clone()));
                let piece = answers::piece(&PieceOfCoupon { piece, coupon }, now);
                Ok(IssueCouponResponse { issued_coupon: Some(piece) })
            }
            Err(refusal) => Err(refusal.into()),
        });
    }

    // The coupons are locked, so nobody can have issued one since they were loaded.
    if !coupons::count_issues(tx, counter.issued()).await? {
        return Err(Failure::broken("fewer pieces can be issued than a moment ago"));
    }
    pieces::insert_all(tx, &issued.iter().map(|(piece, _)| piece).collect::<Vec<_>>()).await?;
    events::tell_issued(tx, issued.iter().map(|(piece, trace)| (piece, trace.clone())), now).await?;
    Ok(answers)
}
