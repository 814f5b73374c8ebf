//! A shop in a test: settlement, a fake payment that tells facts, and people who call.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bojagi_api::common::{LineAllocation, Money};
use bojagi_api::payment::{PaymentCaptured, PaymentRefunded, PointsCharged};
use bojagi_api::policy::Role;
use bojagi_api::settlement::ledger_service_client::LedgerServiceClient;
use bojagi_api::settlement::operations_service_client::OperationsServiceClient;
use bojagi_api::settlement::settlement_service_client::SettlementServiceClient;
use bojagi_api::settlement::{
    CloseStatementsRequest, CloseStatementsResponse, GetPayoutRequest, GetSellerBalanceRequest, GetTrialBalanceRequest,
    LedgerAccountKind, ListStatementsRequest, Payout, PayoutState, RegisterPayoutAccountRequest,
    RequestSettlementRequest, RequestSettlementResponse, SellerBalance, Statement,
};
use bojagi_chassis::wire;
use bojagi_kernel::reexport::Uuid;
use bojagi_kernel::{Clock, Moment};
use bojagi_settlement::{Bank, Config, MIGRATIONS, NAME, TOPIC};
use bojagi_store::Tx;
use bojagi_testkit::{AccountChannel, Publisher, Rig, TestAccount, eventually};
use tonic::Status;

/// What the bank signs with in tests.
pub(crate) const SECRET: &str = "a secret that only the bank of this test knows";

pub(crate) type Sellers = SettlementServiceClient<AccountChannel>;

pub(crate) struct Shop {
    pub(crate) rig: Rig,
    pub(crate) payment: Publisher,
    pub(crate) admin: TestAccount,
}

pub(crate) fn config() -> Config {
    Config {
        bank_webhook_secret: SECRET.into(),
        simulated_bank_pays_after_ms: 0,
        simulated_bank_returns_after_ms: 0,
        ..Config::default()
    }
}

pub(crate) fn id() -> String {
    Uuid::now_v7().to_string()
}

pub(crate) fn won(minor_units: i64) -> Option<Money> {
    Some(Money { currency_code: "KRW".into(), minor_units })
}

pub(crate) fn minor(money: Option<&Money>) -> i64 {
    money.unwrap().minor_units
}

impl Shop {
    pub(crate) async fn open() -> Self {
        Self::open_in(Rig::new(), config(), None).await
    }

    pub(crate) async fn open_with(config: Config) -> Self {
        Self::open_in(Rig::new(), config, None).await
    }

    pub(crate) async fn open_in(rig: Rig, config: Config, bank: Option<Arc<dyn Bank>>) -> Self {
        let payment = rig.publisher("bojagi.payment.v1").await;
        Self::serve(&rig, config, bank).await;
        let admin = rig.account(&[Role::Admin]);
        Self { rig, payment, admin }
    }

    /// Another process on the same store.
    pub(crate) async fn beside(&self, config: Config, bank: Option<Arc<dyn Bank>>) -> Self {
        let rig = self.rig.beside();
        rig.follow(self.payment.log());
        Self::serve(&rig, config, bank).await;
        Self { rig, payment: self.payment.clone(), admin: self.admin.clone() }
    }

    async fn serve(rig: &Rig, config: Config, bank: Option<Arc<dyn Bank>>) {
        let context = rig.context(NAME, MIGRATIONS).await;
        let channel = rig.channel(NAME);
        let service = match bank {
            None => bojagi_settlement::build(context, channel, config).await,
            Some(bank) => bojagi_settlement::build_with_bank(context, channel, config, bank).await,
        };
        rig.start([(service.unwrap(), TOPIC)]).await;
    }

    pub(crate) fn seller(&self) -> TestAccount {
        self.rig.account(&[Role::Seller])
    }

    pub(crate) fn now(&self) -> Moment {
        self.rig.clock.now()
    }

    pub(crate) fn wait(&self, seconds: u64) {
        self.rig.clock.advance(Duration::from_secs(seconds));
    }

    pub(crate) fn calling_as(&self, account: &TestAccount) -> Sellers {
        SettlementServiceClient::new(self.rig.calling_as(account))
    }

    pub(crate) fn ledger(&self) -> LedgerServiceClient<AccountChannel> {
        LedgerServiceClient::new(self.rig.calling_as(&self.admin))
    }

    pub(crate) fn operations(&self) -> OperationsServiceClient<AccountChannel> {
        OperationsServiceClient::new(self.rig.calling_as(&self.admin))
    }

    /// Tells that an order was paid, and waits until it is booked.
    pub(crate) async fn capture(&self, sale: &Sale) {
        self.payment.tell(sale.payment_id, &sale.captured(self.now())).await;
        self.booked(&sale.payment_id.to_string()).await;
    }

    /// Tells that lines of it went back, and waits until it is booked. Answers the refund.
    pub(crate) async fn refund(&self, sale: &Sale, lines: &[Line]) -> String {
        let refund_id = id();
        self.payment.tell(sale.payment_id, &sale.refunded(&refund_id, lines, 0, self.now())).await;
        self.booked(&refund_id).await;
        refund_id
    }

    pub(crate) async fn charge(&self, amount: i64) {
        let charge_id = id();
        let fact = PointsCharged {
            charge_id: charge_id.clone(),
            customer_id: id(),
            amount: won(amount),
            provider_payment_id: "provider-1".into(),
            charged_at: Some(wire::timestamp(self.now())),
        };
        self.payment.tell(Uuid::now_v7(), &fact).await;
        self.booked(&charge_id).await;
    }

    pub(crate) async fn booked(&self, source: &str) {
        let source: Uuid = source.parse().unwrap();
        eventually("it is booked", async || {
            self.count("SELECT count(*) FROM ledger_transaction WHERE source_id = ?1", Some(source)).await > 0
        })
        .await;
    }

    pub(crate) async fn count(&self, sql: &'static str, of: Option<Uuid>) -> i64 {
        let store = self.rig.store(NAME);
        let counted: Result<_, bojagi_store::Error> = store
            .read(async move |tx: &mut Tx| {
                let params: Vec<_> = of.map(bojagi_store::Value::Uuid).into_iter().collect();
                tx.fetch_one::<(i64,)>(sql, &params).await
            })
            .await;
        counted.unwrap().0
    }

    /// Changes the store behind the service's back.
    pub(crate) async fn bend(&self, sql: &'static str, of: Uuid) {
        let store = self.rig.store(NAME);
        let bent: Result<u64, bojagi_store::Error> =
            store.write(async move |tx: &mut Tx| tx.execute(sql, &[bojagi_store::Value::Uuid(of)]).await).await;
        assert!(bent.unwrap() > 0);
    }

    /// Debits less credits of every kind of account, of everything booked so far. Checks that they sum to nothing.
    pub(crate) async fn balances(&self) -> BTreeMap<LedgerAccountKind, i64> {
        self.rig.clock.advance(Duration::from_micros(1));
        let trial = self.ledger().get_trial_balance(GetTrialBalanceRequest::default()).await.unwrap().into_inner();
        assert!(trial.balanced);
        let balances: BTreeMap<_, _> = trial
            .lines
            .iter()
            .map(|line| (line.account_kind(), minor(line.debits.as_ref()) - minor(line.credits.as_ref())))
            .collect();
        assert_eq!(balances.values().sum::<i64>(), 0);
        balances
    }

    /// Closes everything booked so far.
    pub(crate) async fn close(&self) -> CloseStatementsResponse {
        self.rig.clock.advance(Duration::from_micros(1));
        let request = CloseStatementsRequest { request_id: id(), cut_off: None };
        self.calling_as(&self.admin).close_statements(request).await.unwrap().into_inner()
    }

    pub(crate) async fn statements(&self, seller: &TestAccount) -> Vec<Statement> {
        let request = ListStatementsRequest { page_size: 100, ..Default::default() };
        self.calling_as(seller).list_statements(request).await.unwrap().into_inner().statements
    }

    pub(crate) async fn register(&self, seller: &TestAccount, token: &str) {
        let request = RegisterPayoutAccountRequest {
            request_id: id(),
            bank_token: token.into(),
            bank_name: "Hana".into(),
            last_four: "1234".into(),
        };
        self.calling_as(seller).register_payout_account(request).await.unwrap();
    }

    /// Asks for everything to be settled.
    pub(crate) async fn settle(&self, seller: &TestAccount) -> Result<RequestSettlementResponse, Status> {
        self.calling_as(seller).request_settlement(everything(id())).await.map(tonic::Response::into_inner)
    }

    pub(crate) async fn balance(&self, seller: &TestAccount) -> SellerBalance {
        let answered = self.calling_as(seller).get_seller_balance(GetSellerBalanceRequest {}).await.unwrap();
        let mut balances = answered.into_inner().balances;
        assert_eq!(balances.len(), 1);
        balances.remove(0)
    }

    /// Waits until a payout stands there, and answers it.
    pub(crate) async fn payout_is(&self, payout_id: &str, state: PayoutState) -> Payout {
        eventually("the payout moved", async || self.payout(payout_id).await.state() == state).await;
        self.payout(payout_id).await
    }

    pub(crate) async fn payout(&self, payout_id: &str) -> Payout {
        let request = GetPayoutRequest { payout_id: payout_id.into() };
        self.calling_as(&self.admin).get_payout(request).await.unwrap().into_inner().payout.unwrap()
    }

    /// Restarts everything on the same files.
    pub(crate) async fn crash(self, config: Config, bank: Option<Arc<dyn Bank>>) -> Self {
        let admin = self.admin;
        let restarted = Self::open_in(self.rig.crash().await, config, bank).await;
        Self { admin, ..restarted }
    }
}

pub(crate) fn everything(request_id: String) -> RequestSettlementRequest {
    RequestSettlementRequest {
        request_id,
        first_business_date: "2000-01-01".into(),
        last_business_date: "2100-01-01".into(),
    }
}

/// A line of an order: what the customer pays, and who bears the discounts.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) line_id: Uuid,
    pub(crate) seller: TestAccount,
    pub(crate) quantity: i64,
    pub(crate) paid: i64,
    pub(crate) platform: i64,
    pub(crate) discount: i64,
}

pub(crate) fn line(seller: &TestAccount, quantity: i64, paid: i64, platform: i64, discount: i64) -> Line {
    Line { line_id: Uuid::now_v7(), seller: seller.clone(), quantity, paid, platform, discount }
}

impl Line {
    /// A part of the line.
    pub(crate) fn part(&self, quantity: i64, paid: i64, platform: i64, discount: i64) -> Self {
        Self { quantity, paid, platform, discount, ..self.clone() }
    }

    fn allocation(&self) -> LineAllocation {
        LineAllocation {
            order_line_id: self.line_id.to_string(),
            option_id: id(),
            store_id: id(),
            seller_id: self.seller.account_id.to_string(),
            quantity: self.quantity,
            gross: won(self.paid + self.platform + self.discount),
            net: won(self.paid),
            platform_discount: won(self.platform),
            seller_discount: won(self.discount),
        }
    }
}

/// An order that is paid.
#[derive(Debug, Clone)]
pub(crate) struct Sale {
    pub(crate) payment_id: Uuid,
    pub(crate) order_id: Uuid,
    pub(crate) lines: Vec<Line>,
    pub(crate) points: i64,
}

pub(crate) fn sale(lines: impl Into<Vec<Line>>) -> Sale {
    Sale { payment_id: Uuid::now_v7(), order_id: Uuid::now_v7(), lines: lines.into(), points: 0 }
}

impl Sale {
    pub(crate) fn captured(&self, at: Moment) -> PaymentCaptured {
        let total: i64 = self.lines.iter().map(|line| line.paid).sum();
        PaymentCaptured {
            payment_id: self.payment_id.to_string(),
            order_id: self.order_id.to_string(),
            customer_id: id(),
            points: won(self.points),
            external: won(total - self.points),
            allocations: self.lines.iter().map(Line::allocation).collect(),
            captured_at: Some(wire::timestamp(at)),
        }
    }

    pub(crate) fn refunded(&self, refund_id: &str, lines: &[Line], points: i64, at: Moment) -> PaymentRefunded {
        let total: i64 = lines.iter().map(|line| line.paid).sum();
        PaymentRefunded {
            payment_id: self.payment_id.to_string(),
            order_id: self.order_id.to_string(),
            customer_id: id(),
            refund_id: refund_id.into(),
            points: won(points),
            external: won(total - points),
            allocations: lines.iter().map(Line::allocation).collect(),
            reason: "RETURNED_GOODS".into(),
            captured_at: Some(wire::timestamp(at)),
            refunded_at: Some(wire::timestamp(at)),
        }
    }
}
