//! Commission rates.

use std::collections::{BTreeMap, BTreeSet};

use bojagi_kernel::id::AccountId;
use bojagi_kernel::{BasisPoints, Failure, Moment};
use bojagi_store::{Bind, Error, Filter, FromRow, Row, Tx, params};

use crate::domain::{CommissionRate, CommissionRateId, SettlementRefusal};

impl FromRow for CommissionRate {
    fn from_row(row: &Row<'_>) -> Result<Self, Error> {
        Ok(Self {
            id: row.get(0)?,
            seller_id: row.get(1)?,
            rate: rate(row, 2)?,
            effective_from: row.get(3)?,
            created_at: row.get(4)?,
            created_by: row.get(5)?,
        })
    }
}

fn rate(row: &Row<'_>, index: usize) -> Result<BasisPoints, Error> {
    BasisPoints::new(row.get(index)?).map_err(|error| Error::Column { index, problem: error.to_string() })
}

/// Adds a rate.
///
/// # Errors
/// `RATE_EXISTS` when another one begins for the same sellers at the same moment.
pub(crate) async fn insert_rate(tx: &mut Tx, new: &CommissionRate) -> Result<(), Failure> {
    let inserted = tx
        .execute(
            "INSERT INTO commission_rate (id, seller_id, rate_bps, effective_from, created_at, created_by)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![new.id, new.seller_id, new.rate.points(), new.effective_from, new.created_at, new.created_by],
        )
        .await;
    match inserted {
        Ok(_) => Ok(()),
        Err(error) if matches!(error.constraint(), Some("commission_rate_seller_key" | "commission_rate_all_key")) => {
            Err(SettlementRefusal::RateExists { effective_from: new.effective_from }.into())
        }
        Err(error) => Err(error.into()),
    }
}

/// The rates that hold for sellers at a moment: a seller's own before that for all, and that before the default of then.
///
/// # Errors
/// What the database says.
pub(crate) async fn rates_at(
    tx: &mut Tx,
    sellers: &BTreeSet<AccountId>,
    at: Moment,
) -> Result<BTreeMap<AccountId, BasisPoints>, Error> {
    struct Rate(AccountId, BasisPoints);
    impl FromRow for Rate {
        fn from_row(row: &Row<'_>) -> Result<Self, Error> {
            Ok(Self(row.get(0)?, rate(row, 1)?))
        }
    }
    let asked: Vec<_> = sellers.iter().map(|seller_id| vec![seller_id.bind(), at.bind()]).collect();
    let found: Vec<Rate> = tx
        .fetch_many(
            "SELECT asked.column1, coalesce(
                (SELECT rate_bps FROM commission_rate
                 WHERE seller_id = asked.column1 AND effective_from <= asked.column2
                 ORDER BY effective_from DESC LIMIT 1),
                (SELECT rate_bps FROM commission_rate WHERE seller_id IS NULL AND effective_from <= asked.column2
                 ORDER BY effective_from DESC LIMIT 1),
                (SELECT rate_bps FROM default_commission_rate WHERE effective_from <= asked.column2
                 ORDER BY effective_from DESC LIMIT 1))
             FROM (VALUES {(?1, ?2)}) AS asked",
            &asked,
        )
        .await?;
    Ok(found.into_iter().map(|Rate(seller_id, rate)| (seller_id, rate)).collect())
}

/// The default that came last, and from when on it holds.
///
/// # Errors
/// What the database says.
pub(crate) async fn last_default(tx: &mut Tx) -> Result<Option<(BasisPoints, Moment)>, Error> {
    struct Default(BasisPoints, Moment);
    impl FromRow for Default {
        fn from_row(row: &Row<'_>) -> Result<Self, Error> {
            Ok(Self(rate(row, 0)?, row.get(1)?))
        }
    }
    let last = "SELECT rate_bps, effective_from FROM default_commission_rate ORDER BY effective_from DESC LIMIT 1";
    let found: Option<Default> = tx.fetch_optional(last, &[]).await?;
    Ok(found.map(|Default(rate, effective_from)| (rate, effective_from)))
}

/// Forgets the defaults that would hold later.
///
/// # Errors
/// What the database says.
pub(crate) async fn forget_defaults_after(tx: &mut Tx, now: Moment) -> Result<(), Error> {
    tx.send("DELETE FROM default_commission_rate WHERE effective_from > ?1", params![now]).await
}

/// Adds a default, instead of one from the same moment on.
///
/// # Errors
/// What the database says.
pub(crate) async fn insert_default(tx: &mut Tx, rate: BasisPoints, effective_from: Moment) -> Result<(), Error> {
    tx.send(
        "INSERT INTO default_commission_rate (effective_from, rate_bps) VALUES (?1, ?2)
         ON CONFLICT (effective_from) DO UPDATE SET rate_bps = excluded.rate_bps",
        params![effective_from, rate.points()],
    )
    .await
}

/// Rates, the latest to begin first; with a seller, only that seller's and those for all.
///
/// # Errors
/// What the database says.
pub(crate) async fn list_rates(
    tx: &mut Tx,
    seller_id: Option<AccountId>,
    after: Option<(Moment, CommissionRateId)>,
    limit: i64,
) -> Result<Vec<CommissionRate>, Error> {
    let mut filter = Filter::new();
    filter.and_if("(seller_id = ? OR seller_id IS NULL)", seller_id.as_ref());
    if let Some((effective_from, id)) = &after {
        filter.and("(effective_from, id) < (?, ?)", [effective_from.bind(), id.bind()]);
    }
    let (sql, values) = filter.statement(
        "SELECT id, seller_id, rate_bps, effective_from, created_at, created_by FROM commission_rate",
        "effective_from DESC, id DESC",
        limit,
    );
    tx.fetch_all(&sql, &values).await
}
