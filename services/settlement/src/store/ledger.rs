//! The ledger: added to, read, never changed.

use bojagi_kernel::id::{AccountId, OrderId};
use bojagi_kernel::reexport::Uuid;
use bojagi_kernel::{Failure, Moment, Money};
use bojagi_store::{Bind, Error, Filter, FromRow, Kind, Row, Tx, Value, params};

use super::stored::money;
use crate::domain::{
    Account, AccountKind, LedgerAccountId, LedgerEntryId, Transaction, TransactionId, TransactionKind,
};

/// Whether something was booked now or before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Booked {
    /// Now.
    Now,
    /// Before; nothing happened.
    Before,
}

/// Books transactions that belong together. Those whose kind and source are booked already are not booked again.
///
/// # Errors
/// What the database says; broken when only some of them were booked before.
pub(crate) async fn book(tx: &mut Tx, transactions: &[Transaction], trace_id: &str) -> Result<Booked, Failure> {
    let keyed: Vec<_> = transactions.iter().map(|transaction| (TransactionId::generate(), transaction)).collect();
    let rows: Vec<_> = keyed
        .iter()
        .map(|(id, transaction)| {
            let cause = transaction.cause();
            let order = cause.order_id.map_or(Value::Null(Kind::Uuid), |order| Value::Uuid(order.into()));
            vec![
                id.bind(),
                transaction.kind().bind(),
                Value::Uuid(cause.source_id),
                order,
                Value::Moment(cause.booked_at),
                trace_id.bind(),
            ]
        })
        .collect();
    let inserted = tx
        .execute_many(
            "INSERT INTO ledger_transaction (id, kind, source_id, order_id, booked_at, trace_id)
             VALUES {(?1, ?2, ?3, ?4, ?5, ?6)} ON CONFLICT (source_id, kind) DO NOTHING",
            &rows,
        )
        .await?;
    if inserted == 0 {
        return Ok(Booked::Before);
    }
    if inserted != rows.len() as u64 {
        return Err(Failure::broken("of transactions that belong together some were booked before"));
    }
    open_accounts(tx, transactions).await?;
    insert_postings(tx, &keyed).await?;
    Ok(Booked::Now)
}

/// Accounts are opened by whoever books in them first.
async fn open_accounts(tx: &mut Tx, transactions: &[Transaction]) -> Result<(), Error> {
    let mut accounts: Vec<_> =
        transactions.iter().flat_map(Transaction::postings).map(|posting| posting.account).collect();
    accounts.sort_unstable();
    accounts.dedup();
    let rows: Vec<_> = accounts
        .iter()
        .map(|account| vec![Value::Uuid(account.id().into()), account.kind.bind(), account.seller_id.bind()])
        .collect();
    let sql = "INSERT INTO ledger_account (id, kind, seller_id) VALUES {(?1, ?2, ?3)} ON CONFLICT (id) DO NOTHING";
    tx.send_many(sql, &rows).await
}

async fn insert_postings(tx: &mut Tx, transactions: &[(TransactionId, &Transaction)]) -> Result<(), Error> {
    let lines: Vec<_> = transactions
        .iter()
        .flat_map(|(id, transaction)| {
            let booked_at = transaction.cause().booked_at;
            (1_i64..).zip(transaction.postings()).map(move |(position, posting)| {
                (id, position, posting.account.id(), posting.amount.currency(), posting.amount.minor(), booked_at)
            })
        })
        .collect();
    let rows: Vec<_> = lines
        .iter()
        .map(|(id, position, account, currency, minor, booked_at)| {
            vec![
                id.bind(),
                position.bind(),
                account.bind(),
                Value::Text(currency.code()),
                minor.bind(),
                booked_at.bind(),
            ]
        })
        .collect();
    tx.send_many(
        "INSERT INTO ledger_posting (transaction_id, position, account_id, currency, amount, booked_at)
         VALUES {(?1, ?2, ?3, ?4, ?5, ?6)}",
        &rows,
    )
    .await
}

/// Which entries to list.
#[derive(Debug, Default)]
pub(crate) struct EntryFilter {
    /// Only accounts of this kind.
    pub(crate) account_kind: Option<AccountKind>,
    /// Only the account of this seller.
    pub(crate) seller_id: Option<AccountId>,
    /// Only of this order.
    pub(crate) order_id: Option<OrderId>,
    /// Only of transactions of this kind.
    pub(crate) transaction_kind: Option<TransactionKind>,
    /// Only booked at or after.
    pub(crate) from: Option<Moment>,
    /// Only booked before.
    pub(crate) until: Option<Moment>,
    /// Where the page begins: the last entry of the page before.
    pub(crate) after: Option<(Moment, TransactionId, i64)>,
}

/// One posting with the transaction and the account that it belongs to.
#[derive(Debug, Clone)]
pub(crate) struct LedgerLine {
    pub(crate) transaction_id: TransactionId,
    pub(crate) position: i64,
    pub(crate) transaction_kind: TransactionKind,
    pub(crate) source_id: Uuid,
    pub(crate) order_id: Option<OrderId>,
    pub(crate) account_kind: AccountKind,
    pub(crate) seller_id: Option<AccountId>,
    pub(crate) amount: Money,
    pub(crate) booked_at: Moment,
    pub(crate) trace_id: String,
}

impl LedgerLine {
    /// Its id, which comes out of its place in its transaction.
    pub(crate) fn id(&self) -> LedgerEntryId {
        LedgerEntryId::derive(self.transaction_id.as_uuid(), &self.position.to_string())
    }
}

impl FromRow for LedgerLine {
    fn from_row(row: &Row<'_>) -> Result<Self, Error> {
        Ok(Self {
            transaction_id: row.get(0)?,
            position: row.get(1)?,
            transaction_kind: row.get(2)?,
            source_id: row.get(3)?,
            order_id: row.get(4)?,
            account_kind: row.get(5)?,
            seller_id: row.get(6)?,
            amount: money(row, 7, 8)?,
            booked_at: row.get(9)?,
            trace_id: row.get(10)?,
        })
    }
}

/// Entries, newest first.
///
/// # Errors
/// What the database says.
pub(crate) async fn list_entries(tx: &mut Tx, wanted: &EntryFilter, limit: i64) -> Result<Vec<LedgerLine>, Error> {
    let account = wanted.account();
    let (sql, values) = listing(wanted, account.as_ref(), limit);
    tx.fetch_all(&sql, &values).await
}

impl EntryFilter {
    /// The one account whose entries are listed. An order has few, whatever account they are in: they are found by the order.
    fn account(&self) -> Option<LedgerAccountId> {
        let account = match (self.order_id, self.seller_id, self.account_kind) {
            (None, Some(seller_id), _) => Account::payable_to(seller_id),
            (None, None, Some(kind)) if kind != AccountKind::SellerPayable => Account::of_shop(kind),
            _ => return None,
        };
        Some(account.id())
    }
}

/// The statement of a page. It speaks of the postings' own moments, which indexes have in the order of the list, of all accounts
/// and of each.
fn listing<'a>(wanted: &'a EntryFilter, account: Option<&'a LedgerAccountId>, limit: i64) -> (String, Vec<Value<'a>>) {
    let mut filter = Filter::new();
    filter.and_if("p.account_id = ?", account);
    filter.and_if("a.seller_id = ?", wanted.seller_id.as_ref());
    filter.and_if("a.kind = ?", wanted.account_kind.as_ref());
    filter.and_if("t.order_id = ?", wanted.order_id.as_ref());
    filter.and_if("t.kind = ?", wanted.transaction_kind.as_ref());
    filter.and_if("p.booked_at >= ?", wanted.from.as_ref());
    filter.and_if("p.booked_at < ?", wanted.until.as_ref());
    if let Some((booked_at, transaction, position)) = &wanted.after {
        filter.and(
            "(p.booked_at, p.transaction_id, p.position) < (?, ?, ?)",
            [booked_at.bind(), transaction.bind(), position.bind()],
        );
    }
    filter.statement(
        "SELECT t.id, p.position, t.kind, t.source_id, t.order_id, a.kind, a.seller_id, p.currency, p.amount,
            p.booked_at, t.trace_id
         FROM ledger_posting p
         JOIN ledger_transaction t ON t.id = p.transaction_id
         JOIN ledger_account a ON a.id = p.account_id",
        "p.booked_at DESC, p.transaction_id DESC, p.position DESC",
        limit,
    )
}

/// The sums of all accounts of one kind in one currency.
#[derive(Debug, Clone)]
pub(crate) struct BookSum {
    pub(crate) kind: AccountKind,
    pub(crate) debits: Money,
    pub(crate) credits: Money,
    pub(crate) account_count: i64,
}

impl FromRow for BookSum {
    fn from_row(row: &Row<'_>) -> Result<Self, Error> {
        Ok(Self {
            kind: row.get(0)?,
            debits: money(row, 1, 2)?,
            credits: money(row, 1, 3)?,
            account_count: row.get(4)?,
        })
    }
}

/// The sum over all postings of each currency, which is 0 as long as the books balance.
///
/// # Errors
/// What the database says.
pub(crate) async fn imbalances(tx: &mut Tx) -> Result<Vec<(String, i64)>, Error> {
    tx.fetch_all("SELECT currency, CAST(sum(amount) AS BIGINT) FROM ledger_posting GROUP BY currency", &[]).await
}

/// The sums of what was booked before `as_of`, by currency and kind of account.
///
/// # Errors
/// What the database says.
pub(crate) async fn sum_accounts(tx: &mut Tx, as_of: Moment) -> Result<Vec<BookSum>, Error> {
    tx.fetch_all(
        "SELECT a.kind, s.currency, CAST(sum(s.debits) AS BIGINT), CAST(sum(s.credits) AS BIGINT), count(*)
         FROM (
            SELECT account_id, currency,
                sum(CASE WHEN amount > 0 THEN amount ELSE 0 END) AS debits,
                sum(CASE WHEN amount < 0 THEN -amount ELSE 0 END) AS credits
            FROM ledger_posting WHERE booked_at < ?1 GROUP BY account_id, currency
         ) s
         JOIN ledger_account a ON a.id = s.account_id
         GROUP BY a.kind, s.currency ORDER BY s.currency, a.kind",
        params![as_of],
    )
    .await
}

/// What was captured and what was refunded before `as_of` by the account that every payment goes through, by currency.
///
/// # Errors
/// What the database says.
pub(crate) async fn clearing_totals(tx: &mut Tx, as_of: Moment) -> Result<Vec<(Money, Money)>, Error> {
    struct Totals(Money, Money);
    impl FromRow for Totals {
        fn from_row(row: &Row<'_>) -> Result<Self, Error> {
            Ok(Self(money(row, 0, 1)?, money(row, 0, 2)?))
        }
    }
    let clearing = Account::of_shop(AccountKind::PaymentClearing).id();
    let totals: Vec<Totals> = tx
        .fetch_all(
            "SELECT currency,
                CAST(sum(CASE WHEN amount > 0 THEN amount ELSE 0 END) AS BIGINT),
                CAST(sum(CASE WHEN amount < 0 THEN -amount ELSE 0 END) AS BIGINT)
             FROM ledger_posting WHERE account_id = ?1 AND booked_at < ?2 GROUP BY currency ORDER BY currency",
            params![clearing, as_of],
        )
        .await?;
    Ok(totals.into_iter().map(|Totals(captured, refunded)| (captured, refunded)).collect())
}

#[cfg(test)]
mod tests {
    use bojagi_store::{Options, Store};
    use bojagi_testkit::{Explain, Rig};

    use super::*;

    /// How the database finds a page in the middle of a list.
    async fn plan(rig: &Rig, wanted: EntryFilter) -> String {
        let options = Options::at(rig.folder().join("plans.sqlite"));
        let store = Store::open(&options, crate::MIGRATIONS, rig.clock.as_ref()).await.unwrap();
        let explain = Explain::on(&store);
        let found: Result<String, Error> = store
            .read(async move |tx: &mut Tx| {
                let after = Some((Moment::from_micros(0), TransactionId::generate(), 1));
                let wanted = EntryFilter { after, ..wanted };
                let account = wanted.account();
                let (sql, values) = listing(&wanted, account.as_ref(), 20);
                explain.plan(tx, &sql, &values).await
            })
            .await;
        found.unwrap()
    }

    #[tokio::test]
    async fn a_page_reads_no_more_than_itself() {
        let rig = Rig::new();
        let all = EntryFilter::default;
        for (wanted, index) in [
            (all(), "ledger_posting_newest"),
            (EntryFilter { seller_id: Some(AccountId::generate()), ..all() }, "ledger_posting_account"),
            (EntryFilter { account_kind: Some(AccountKind::Bank), ..all() }, "ledger_posting_account"),
        ] {
            let plan = plan(&rig, wanted).await;
            assert!(plan.contains(index), "{plan}");
            assert!(!plan.contains("TEMP B-TREE FOR ORDER BY"), "{plan}");
        }
        let of_order =
            EntryFilter { order_id: Some(OrderId::generate()), seller_id: Some(AccountId::generate()), ..all() };
        let plan = plan(&rig, of_order).await;
        assert!(plan.contains("ledger_transaction_order"), "{plan}");
    }
}
