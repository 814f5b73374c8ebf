//! Commission rates.

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

/// The rate that holds for a seller at a moment: the seller's own before that for all. Nothing when none was ever set.
///
/// # Errors
/// What the database says.
pub(crate) async fn rate_at(tx: &mut Tx, seller_id: AccountId, at: Moment) -> Result<Option<BasisPoints>, Error> {
    struct Rate(BasisPoints);
    impl FromRow for Rate {
        fn from_row(row: &Row<'_>) -> Result<Self, Error> {
            rate(row, 0).map(Self)
        }
    }
    let found: Option<Rate> = tx
        .fetch_optional(
            "SELECT rate_bps FROM commission_rate
             WHERE (seller_id = ?1 OR seller_id IS NULL) AND effective_from <= ?2
             ORDER BY seller_id IS NULL, effective_from DESC LIMIT 1",
            params![seller_id, at],
        )
        .await?;
    Ok(found.map(|Rate(rate)| rate))
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
