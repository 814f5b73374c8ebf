//! Rankings: who computes them, and what came of it.

use bojagi_kernel::Moment;
use bojagi_kernel::id::ItemId;
use bojagi_store::{Bind, Error, Tx, Value, from_row, params, stored_enum};

use crate::domain::ranking::{Figures, RankingKind};

stored_enum!(RankingKind { Popular => "POPULAR", Trending => "TRENDING" });

/// The right to compute a ranking, until it lapses and somebody else takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) kind: RankingKind,
    /// Higher than those of all earlier claims to the ranking.
    pub(crate) epoch: i64,
    /// When it lapses.
    pub(crate) until: Moment,
}

/// When a ranking was computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Computed {
    /// When it was due.
    pub(crate) due: Moment,
    /// When it was done.
    pub(crate) at: Moment,
}

from_row!(Computed { due, at });

/// When a ranking was last computed; `None` when it never was.
pub(crate) async fn computed(tx: &mut Tx, kind: RankingKind) -> Result<Option<Computed>, Error> {
    tx.fetch_optional(
        "SELECT computed_for, computed_at FROM ranking WHERE kind = ?1 AND computed_for IS NOT NULL",
        params![kind],
    )
    .await
}

/// Claims a ranking that is `due`; `None` when it was computed for that moment, or somebody else is about it.
pub(crate) async fn claim(
    tx: &mut Tx,
    kind: RankingKind,
    due: Moment,
    (now, until): (Moment, Moment),
) -> Result<Option<Claim>, Error> {
    let claimed: Option<(i64,)> = tx
        .fetch_optional(
            "UPDATE ranking SET epoch = epoch + 1, claimed_until = ?4
             WHERE kind = ?1 AND (computed_for IS NULL OR computed_for < ?2)
                AND (claimed_until IS NULL OR claimed_until <= ?3)
             RETURNING epoch",
            params![kind, due, now, until],
        )
        .await?;
    Ok(claimed.map(|(epoch,)| Claim { kind, epoch, until }))
}

/// Holds on to a claim until a later moment; false when it has lapsed and somebody else has taken it.
pub(crate) async fn renew(tx: &mut Tx, claim: Claim) -> Result<bool, Error> {
    let renewed = tx
        .execute(
            "UPDATE ranking SET claimed_until = ?3 WHERE kind = ?1 AND epoch = ?2",
            params![claim.kind, claim.epoch, claim.until],
        )
        .await?;
    Ok(renewed == 1)
}

/// The places of a ranking over some days, 0 for none, with the figures that they go by.
pub(crate) type Places = (i64, Vec<(ItemId, i64)>);

/// Ends a claim by what was computed, all or nothing; false when somebody else has taken it.
pub(crate) async fn complete(
    tx: &mut Tx,
    claim: Claim,
    rankings: &[Places],
    computed: Computed,
) -> Result<bool, Error> {
    let completed = tx
        .execute(
            "UPDATE ranking SET claimed_until = NULL, computed_for = ?3, computed_at = ?4 WHERE kind = ?1 AND epoch = ?2",
            params![claim.kind, claim.epoch, computed.due, computed.at],
        )
        .await?;
    if completed == 0 {
        return Ok(false);
    }
    tx.send("DELETE FROM ranked_item WHERE kind = ?1", params![claim.kind]).await?;
    let numbered = |(days, places): &Places| {
        let days = *days;
        (1_i64..).zip(places.clone()).map(move |(place, (item_id, figure))| (days, place, item_id, figure))
    };
    let places: Vec<_> = rankings.iter().flat_map(numbered).collect();
    let rows: Vec<Vec<Value<'_>>> = places
        .iter()
        .map(|(days, place, item_id, figure)| {
            vec![claim.kind.bind(), days.bind(), place.bind(), item_id.bind(), figure.bind()]
        })
        .collect();
    tx.send_many("INSERT INTO ranked_item (kind, days, place, item_id, figure) VALUES {(?1, ?2, ?3, ?4, ?5)}", &rows)
        .await?;
    Ok(true)
}

const PLACES: &str = "SELECT r.item_id, r.figure FROM ranked_item r JOIN item i ON i.item_id = r.item_id
    WHERE r.kind = ?1 AND r.days = ?2 AND i.deleted_at IS NULL ORDER BY r.place LIMIT ?3";

/// The first living items of a ranking over some days, at most `limit`, with the figures that they go by.
pub(crate) async fn places(tx: &mut Tx, kind: RankingKind, days: i64, limit: i64) -> Result<Vec<(ItemId, i64)>, Error> {
    tx.fetch_all(PLACES, params![kind, days, limit]).await
}

const RECENTLY_SOLD: &str = "SELECT item_id, recently_sold FROM item WHERE deleted_at IS NULL AND recently_sold > 0";

/// What searches take to be sold lately of the living items of which anything was.
pub(crate) async fn recently_sold(tx: &mut Tx) -> Result<Figures, Error> {
    let figures: Vec<(ItemId, i64)> = tx.fetch_all(RECENTLY_SOLD, &[]).await?;
    Ok(figures.into_iter().collect())
}

/// Has searches take it that so much was sold lately of some items.
pub(crate) async fn set_recently_sold(tx: &mut Tx, figures: &[(ItemId, i64)]) -> Result<(), Error> {
    let rows: Vec<_> = figures.iter().map(|(item_id, figure)| vec![item_id.bind(), figure.bind()]).collect();
    tx.send_many(
        "UPDATE item SET recently_sold = v.column2 FROM (VALUES {(?1, ?2)}) AS v
         WHERE item.item_id = v.column1 AND item.deleted_at IS NULL",
        &rows,
    )
    .await
}

#[cfg(test)]
mod tests;
