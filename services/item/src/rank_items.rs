//! Computing what is popular and what trends. Any number of processes look whether that is due; the one that claims it computes,
//! in several units of work. Should it die on the way, its claim lapses and another begins anew; should it only have been slow,
//! it writes nothing any more. Should it fail, it keeps its claim for a while.

use std::time::Duration;

use bojagi_chassis::Context;
use bojagi_kernel::id::ItemId;
use bojagi_kernel::{Failure, Moment};
use bojagi_store::{Error, LockKey, Tx};

use crate::domain::ranking::{self as rules, Figures, RankingKind, Span};
use crate::store::rankings::{self, Claim, Computed, Places};
use crate::store::sales;

/// For how long a claim holds. It is renewed between the parts of the work, of which the longest is to read what was sold in five
/// minutes.
const CLAIMED_FOR: Duration = Duration::from_secs(60);
/// For how long nobody tries again what has failed. What was in the way is hardly gone a second later, and each try reads all sales.
const AFTER_FAILURE: Duration = Duration::from_secs(60);
/// Items whose figures change in one unit of work. It keeps everybody else waiting, so it has to be short.
const ITEMS_A_UNIT: usize = 256;

/// When a ranking that was last computed was due; `None` when it never was.
pub(crate) async fn last_due(context: &Context, kind: RankingKind) -> Result<Option<Moment>, Failure> {
    let computed: Result<_, Error> =
        context.store.read(async move |tx: &mut Tx| rankings::computed(tx, kind).await).await;
    Ok(computed?.map(|computed| computed.due))
}

/// Computes what sold best over the days before `due`, unless another process does or has done so.
pub(crate) async fn rank_popular(context: &Context, due: Moment) -> Result<(), Failure> {
    let Some(mut claim) = begin(context, RankingKind::Popular, due).await? else { return Ok(()) };
    let computed = compute_popular(context, &mut claim, due).await;
    end(context, claim, computed).await
}

/// Computes what sold well over the hours before the full hour `due`, unless another process does or has done so.
pub(crate) async fn rank_trending(context: &Context, due: Moment) -> Result<(), Failure> {
    let Some(mut claim) = begin(context, RankingKind::Trending, due).await? else { return Ok(()) };
    let computed = compute_trending(context, &mut claim, due).await;
    end(context, claim, computed).await
}

async fn compute_popular(context: &Context, claim: &mut Claim, due: Moment) -> Result<(), Failure> {
    let mut sold = Figures::new();
    let mut recently_sold = Figures::new();
    let mut over_days: Vec<Places> = Vec::new();
    for (days, day) in (1..).zip(rules::last_days(&context.calendar, due, rules::LONGEST_PERIOD)) {
        if !add_up(context, claim, &mut sold, (day.span, 1)).await? {
            return Ok(());
        }
        over_days.push((days, rules::places(&sold)));
        if days == rules::DEFAULT_PERIOD {
            recently_sold.clone_from(&sold);
        }
    }
    let before: Result<Figures, Error> =
        context.store.read(async |tx: &mut Tx| rankings::recently_sold(tx).await).await;
    let changes = rules::changes(&before?, &recently_sold);
    for part in changes.chunks(ITEMS_A_UNIT) {
        if !set_recently_sold(context, *claim, part.to_vec()).await? {
            return Ok(());
        }
    }
    complete(context, *claim, over_days, due).await?;
    tracing::info!(%due, items = recently_sold.len(), changed = changes.len(), "what is popular is computed");
    Ok(())
}

async fn compute_trending(context: &Context, claim: &mut Claim, due: Moment) -> Result<(), Failure> {
    let mut scores = Figures::new();
    for hour in rules::last_hours(due) {
        if !add_up(context, claim, &mut scores, hour).await? {
            return Ok(());
        }
    }
    complete(context, *claim, vec![(0, rules::places(&scores))], due).await
}

/// Adds what was sold in a span to figures, each piece with its weight; false when the claim has been lost. Five minutes are read at a
/// time: that is short also in a shop that sells a lot, and in between others have the connection.
async fn add_up(
    context: &Context,
    claim: &mut Claim,
    figures: &mut Figures,
    (span, weight): (Span, i64),
) -> Result<bool, Failure> {
    let mut unread = Some(span);
    while let Some(rest) = unread {
        let read: Result<_, Error> = context.store.read(async move |tx: &mut Tx| sales::latest(tx, rest).await).await;
        let (sold, before) = read?;
        rules::add_up(figures, sold, weight);
        if !hold_on(context, claim).await? {
            return Ok(false);
        }
        unread = before;
    }
    Ok(true)
}

/// Units about a ranking and nothing else go side by side with those of orders.
fn locked(kind: RankingKind) -> [LockKey; 1] {
    [LockKey::named("ranking", kind.name())]
}

async fn begin(context: &Context, kind: RankingKind, due: Moment) -> Result<Option<Claim>, Failure> {
    let now = context.clock.now();
    let unit = async move |tx: &mut Tx| rankings::claim(tx, kind, due, (now, now + CLAIMED_FOR)).await;
    let claimed: Result<_, Error> = context.store.write_locking(locked(kind), unit).await;
    Ok(claimed?)
}

/// Renews a claim once half its time is over; false when it has been lost.
async fn hold_on(context: &Context, claim: &mut Claim) -> Result<bool, Failure> {
    let now = context.clock.now();
    if now + CLAIMED_FOR / 2 <= claim.until {
        return Ok(true);
    }
    claim.until = now + CLAIMED_FOR;
    let claim = *claim;
    let unit = async move |tx: &mut Tx| rankings::renew(tx, claim).await;
    let renewed: Result<_, Error> = context.store.write_locking(locked(claim.kind), unit).await;
    Ok(renewed?)
}

/// Changes figures of items, which is a change of the catalogue like others and locks the store as they do; false when the claim
/// has been lost.
async fn set_recently_sold(context: &Context, claim: Claim, figures: Vec<(ItemId, i64)>) -> Result<bool, Failure> {
    let claim = Claim { until: context.clock.now() + CLAIMED_FOR, ..claim };
    let unit = async move |tx: &mut Tx| {
        if !rankings::renew(tx, claim).await? {
            return Ok(false);
        }
        rankings::set_recently_sold(tx, &figures).await?;
        Ok::<_, Error>(true)
    };
    Ok(context.store.write(unit).await?)
}

async fn complete(context: &Context, claim: Claim, rankings: Vec<Places>, due: Moment) -> Result<(), Failure> {
    let computed = Computed { due, at: context.clock.now() };
    let unit = async move |tx: &mut Tx| rankings::complete(tx, claim, &rankings, computed).await;
    let completed: Result<bool, Error> = context.store.write_locking(locked(claim.kind), unit).await;
    completed?;
    Ok(())
}

/// Holds on to a claim that came to nothing, so that it is tried again only after a while, whoever looks.
async fn end(context: &Context, claim: Claim, computed: Result<(), Failure>) -> Result<(), Failure> {
    if computed.is_err() {
        let claim = Claim { until: context.clock.now() + AFTER_FAILURE, ..claim };
        let unit = async move |tx: &mut Tx| rankings::renew(tx, claim).await;
        let held: Result<bool, Error> = context.store.write_locking(locked(claim.kind), unit).await;
        if let Err(error) = held {
            tracing::warn!(%error, "the claim to a ranking that failed lapses when it would have anyway");
        }
    }
    computed
}

#[cfg(test)]
mod tests;
