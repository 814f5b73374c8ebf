//! Statements, as they are shown.

use bojagi_kernel::Moment;
use bojagi_kernel::id::AccountId;
use bojagi_store::{Bind, Error, Filter, FromRow, Row, Tx, params};

use super::stored::money;
use crate::domain::{Amounts, Statement, StatementId, StatementState};

/// The columns of a statement, in the order in which it is read.
pub(super) const COLUMNS: &str = "id, seller_id, business_date, cut_off, state, currency, gross, refunds, commission,
    seller_discount, platform_subsidy, net, capture_count, refund_count, payout_id, created_at, settled_at";

impl FromRow for Statement {
    fn from_row(row: &Row<'_>) -> Result<Self, Error> {
        Ok(Self {
            id: row.get(0)?,
            seller_id: row.get(1)?,
            business_date: row.get(2)?,
            cut_off: row.get(3)?,
            state: row.get(4)?,
            amounts: Amounts {
                gross: row.get(6)?,
                commission: row.get(8)?,
                seller_discount: row.get(9)?,
                platform_subsidy: row.get(10)?,
                net: row.get(11)?,
            },
            refunds: row.get(7)?,
            net: money(row, 5, 11)?,
            capture_count: row.get(12)?,
            refund_count: row.get(13)?,
            payout_id: row.get(14)?,
            created_at: row.get(15)?,
            settled_at: row.get(16)?,
        })
    }
}

/// Which statements to list.
#[derive(Debug)]
pub(crate) struct StatementFilter {
    /// Only of this seller.
    pub(crate) seller_id: Option<AccountId>,
    /// Only in this state.
    pub(crate) state: Option<StatementState>,
    /// The first business date.
    pub(crate) first: Option<String>,
    /// The last business date.
    pub(crate) last: Option<String>,
    /// Where the page begins: the last statement of the page before.
    pub(crate) after: Option<(Moment, StatementId)>,
}

/// Statements, newest cut-off first.
///
/// # Errors
/// What the database says.
pub(crate) async fn list_statements(
    tx: &mut Tx,
    wanted: &StatementFilter,
    limit: i64,
) -> Result<Vec<Statement>, Error> {
    let mut filter = Filter::new();
    filter.and_if("seller_id = ?", wanted.seller_id.as_ref());
    filter.and_if("state = ?", wanted.state.as_ref());
    filter.and_if("business_date >= ?", wanted.first.as_ref());
    filter.and_if("business_date <= ?", wanted.last.as_ref());
    if let Some((cut_off, id)) = &wanted.after {
        filter.and("(cut_off, id) < (?, ?)", [cut_off.bind(), id.bind()]);
    }
    let (sql, values) = filter.statement(&format!("SELECT {COLUMNS} FROM statement"), "cut_off DESC, id DESC", limit);
    tx.fetch_all(&sql, &values).await
}

/// A statement, if there is one.
///
/// # Errors
/// What the database says.
pub(crate) async fn find_statement(tx: &mut Tx, id: StatementId) -> Result<Option<Statement>, Error> {
    tx.fetch_optional(&format!("SELECT {COLUMNS} FROM statement WHERE id = ?1"), params![id]).await
}
