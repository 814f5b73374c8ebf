//! A shop with the coupon context in it, and order, item and user as publishers.

use bojagi_api::common::Money;
use bojagi_api::coupon::coupon::Benefit;
use bojagi_api::coupon::coupon_service_client::CouponServiceClient;
use bojagi_api::coupon::{
    Coupon, CouponScope, CreateCouponRequest, IssueCouponRequest, IssuedCoupon, ItemCouponUse, ListMyCouponsRequest,
    PercentBenefit, QuoteDiscountsRequest, QuoteDiscountsResponse, QuoteLine, RedemptionLine, RedemptionUse,
    ReserveRedemptionsRequest, ReserveRedemptionsResponse,
};
use bojagi_api::policy::Role;
use bojagi_api::{item, order};
use bojagi_chassis::Channel;
use bojagi_coupon::Config;
use bojagi_kernel::reexport::Uuid;
use bojagi_store::{Error, Tx, params};
use bojagi_testkit::{AccountChannel, Publisher, Rig, TestAccount, eventually};
use tonic::Status;

pub(crate) struct Shop {
    pub(crate) rig: Rig,
    pub(crate) orders: Publisher,
    pub(crate) items: Publisher,
    pub(crate) users: Publisher,
    admin: TestAccount,
}

impl Shop {
    pub(crate) async fn open() -> Self {
        Self::open_on(Rig::new()).await
    }

    pub(crate) async fn open_on(rig: Rig) -> Self {
        let orders = rig.publisher("bojagi.order.v1").await;
        let items = rig.publisher("bojagi.item.v1").await;
        let users = rig.publisher("bojagi.user.v1").await;
        serve(&rig).await;
        let admin = rig.account(&[Role::Admin]);
        Self { rig, orders, items, users, admin }
    }

    /// Another process on the same store.
    pub(crate) async fn beside(&self) -> Self {
        let rig = self.rig.beside();
        for publisher in [&self.orders, &self.items, &self.users] {
            rig.follow(publisher.log());
        }
        serve(&rig).await;
        let (orders, items, users) = (self.orders.clone(), self.items.clone(), self.users.clone());
        Self { rig, orders, items, users, admin: self.admin.clone() }
    }

    /// The same shop after the process was killed and started again.
    pub(crate) async fn crash(self) -> Self {
        let Self { rig, orders, items, users, .. } = self;
        drop((orders, items, users));
        Self::open_on(rig.crash().await).await
    }

    pub(crate) fn customer(&self) -> TestAccount {
        self.rig.account(&[Role::Customer])
    }

    pub(crate) fn admin(&self) -> CouponServiceClient<AccountChannel> {
        self.calling_as(&self.admin)
    }

    pub(crate) fn calling_as(&self, account: &TestAccount) -> CouponServiceClient<AccountChannel> {
        CouponServiceClient::new(self.rig.calling_as(account))
    }

    pub(crate) fn order(&self) -> CouponServiceClient<Channel> {
        CouponServiceClient::new(self.rig.workload("order"))
    }

    pub(crate) async fn create(&self, coupon: Coupon) -> Coupon {
        let request = CreateCouponRequest { request_id: new_id(), coupon: Some(coupon) };
        self.admin().create_coupon(request).await.unwrap().into_inner().coupon.unwrap()
    }

    pub(crate) async fn issue(&self, customer: &TestAccount, coupon_id: &str) -> Result<IssuedCoupon, Status> {
        let request = IssueCouponRequest { request_id: new_id(), coupon_id: coupon_id.into() };
        let answer = self.calling_as(customer).issue_coupon(request).await?;
        Ok(answer.into_inner().issued_coupon.unwrap())
    }

    /// A piece of a new coupon.
    pub(crate) async fn piece(&self, customer: &TestAccount, coupon: Coupon) -> IssuedCoupon {
        let coupon = self.create(coupon).await;
        self.issue(customer, &coupon.coupon_id).await.unwrap()
    }

    pub(crate) async fn pieces_of(&self, customer: &TestAccount) -> Vec<IssuedCoupon> {
        let request = ListMyCouponsRequest::default();
        self.calling_as(customer).list_my_coupons(request).await.unwrap().into_inner().issued_coupons
    }

    /// The state of the only piece that a customer has.
    pub(crate) async fn state_of_the_piece_of(&self, customer: &TestAccount) -> (String, String) {
        let pieces = self.pieces_of(customer).await;
        assert_eq!(pieces.len(), 1);
        (pieces[0].state().as_str_name().replace("ISSUED_COUPON_STATE_", ""), pieces[0].order_id.clone())
    }

    pub(crate) async fn quote(
        &self,
        customer: &TestAccount,
        request: QuoteDiscountsRequest,
    ) -> Result<QuoteDiscountsResponse, Status> {
        Ok(self.calling_as(customer).quote_discounts(request).await?.into_inner())
    }

    pub(crate) async fn reserve(
        &self,
        request: ReserveRedemptionsRequest,
    ) -> Result<ReserveRedemptionsResponse, Status> {
        Ok(self.order().reserve_redemptions(request).await?.into_inner())
    }

    pub(crate) async fn confirm(&self, order_id: &str) {
        self.orders
            .tell(
                uuid(order_id),
                &order::OrderConfirmed { order_id: order_id.into(), participants: asked(), ..Default::default() },
            )
            .await;
    }

    pub(crate) async fn fail(&self, order_id: &str) {
        self.orders
            .tell(
                uuid(order_id),
                &order::OrderFailed { order_id: order_id.into(), participants: asked(), ..Default::default() },
            )
            .await;
    }

    pub(crate) async fn cancel(&self, order_id: &str) {
        self.orders
            .tell(
                uuid(order_id),
                &order::OrderCancelled { order_id: order_id.into(), participants: asked(), ..Default::default() },
            )
            .await;
    }

    /// Puts options with these prices on offer, and waits until coupon knows them.
    pub(crate) async fn offer(&self, prices: &[i64]) -> Vec<String> {
        let item_id = new_id();
        let options: Vec<_> = prices.iter().map(|price| option(&new_id(), *price)).collect();
        let snapshot = item::ItemSnapshot { item_id: item_id.clone(), options: options.clone(), ..Default::default() };
        self.items.tell(uuid(&item_id), &item::ItemCreated { item: Some(snapshot) }).await;
        let last = options.last().unwrap().option_id.clone();
        eventually("the prices are known", async || self.price_of(&last).await.is_some()).await;
        options.into_iter().map(|option| option.option_id).collect()
    }

    /// The price that a quote shows for an option, if the option is on offer.
    pub(crate) async fn price_of(&self, option_id: &str) -> Option<i64> {
        let quoted = self.quote(&self.customer(), quote_of(&[(option_id, 1)])).await.ok()?;
        Some(minor(&quoted.lines[0].unit_price))
    }

    /// Every fact of a type that coupon has told, in order.
    pub(crate) async fn told<M: prost::Message + prost::Name + Default>(&self) -> Vec<M> {
        let read: Result<Vec<(Vec<u8>,)>, Error> = self
            .rig
            .store("coupon")
            .read(async |tx: &mut Tx| {
                tx.fetch_all(
                    "SELECT payload FROM outbox WHERE event_type = ?1 ORDER BY position",
                    params![M::full_name()],
                )
                .await
            })
            .await;
        read.unwrap().into_iter().map(|(payload,)| M::decode(payload.as_slice()).unwrap()).collect()
    }
}

async fn serve(rig: &Rig) {
    let context = rig.context("coupon", bojagi_coupon::MIGRATIONS).await;
    let config = Config { expiry_interval_ms: 10, expiry_batch: 3 };
    let service = bojagi_coupon::build(context, rig.channel("coupon"), config).await.unwrap();
    rig.start([(service, bojagi_coupon::TOPIC)]).await;
}

pub(crate) fn new_id() -> String {
    Uuid::now_v7().to_string()
}

pub(crate) fn uuid(text: &str) -> Uuid {
    Uuid::try_parse(text).unwrap()
}

pub(crate) fn won(minor_units: i64) -> Money {
    Money { currency_code: "KRW".into(), minor_units }
}

pub(crate) fn minor(money: &Option<Money>) -> i64 {
    money.as_ref().unwrap().minor_units
}

pub(crate) fn option(option_id: &str, price: i64) -> item::OptionSnapshot {
    item::OptionSnapshot {
        option_id: option_id.into(),
        name: "기본".into(),
        price: Some(won(price)),
        state: item::OptionState::Active.into(),
        sale_window: None,
    }
}

/// A coupon that takes a fixed amount off a line.
pub(crate) fn fixed(amount: i64) -> Coupon {
    Coupon {
        name: "첫 구매".into(),
        benefit: Some(Benefit::FixedAmount(won(amount))),
        scope: CouponScope::Item.into(),
        ..Default::default()
    }
}

/// A coupon that takes a part off a line.
pub(crate) fn percent(rate_bps: i32) -> Coupon {
    Coupon { benefit: Some(Benefit::Percent(PercentBenefit { rate_bps, cap: None })), ..fixed(1) }
}

/// The same coupon, for a whole order.
pub(crate) fn for_order(coupon: Coupon) -> Coupon {
    Coupon { scope: CouponScope::Order.into(), ..coupon }
}

/// A question about options and quantities; the lines are called "0", "1", …
pub(crate) fn quote_of(lines: &[(&str, i64)]) -> QuoteDiscountsRequest {
    let lines = lines.iter().enumerate().map(|(index, (option_id, quantity))| QuoteLine {
        line_key: index.to_string(),
        option_id: (*option_id).into(),
        quantity: *quantity,
    });
    QuoteDiscountsRequest { lines: lines.collect(), ..Default::default() }
}

pub(crate) fn laid_on(line: usize, piece: &IssuedCoupon) -> ItemCouponUse {
    ItemCouponUse { line_key: line.to_string(), issued_coupon_id: piece.issued_coupon_id.clone() }
}

/// What order asks for a new order of single pieces at these prices, without coupons.
pub(crate) fn ask(customer: &TestAccount, prices: &[i64]) -> ReserveRedemptionsRequest {
    let lines = prices.iter().map(|price| RedemptionLine {
        order_line_id: new_id(),
        option_id: new_id(),
        quantity: 1,
        unit_price: Some(won(*price)),
    });
    ReserveRedemptionsRequest {
        order_id: new_id(),
        customer_id: customer.account_id.to_string(),
        lines: lines.collect(),
        uses: Vec::new(),
        expected_discount: Some(won(0)),
        quote_hash: String::new(),
    }
}

/// The same with a piece on a line; `discount` is what the customer was shown in all.
pub(crate) fn with_piece(
    mut ask: ReserveRedemptionsRequest,
    line: usize,
    piece: &IssuedCoupon,
    discount: i64,
) -> ReserveRedemptionsRequest {
    let order_line_id = ask.lines[line].order_line_id.clone();
    ask.uses.push(RedemptionUse { issued_coupon_id: piece.issued_coupon_id.clone(), order_line_id });
    ask.expected_discount = Some(won(discount));
    ask
}

/// The same with a piece on the whole order.
pub(crate) fn with_order_piece(
    mut ask: ReserveRedemptionsRequest,
    piece: &IssuedCoupon,
    discount: i64,
) -> ReserveRedemptionsRequest {
    let issued_coupon_id = piece.issued_coupon_id.clone();
    ask.uses.push(RedemptionUse { issued_coupon_id, order_line_id: String::new() });
    ask.expected_discount = Some(won(discount));
    ask
}

/// What a refusal says beside its reason.
pub(crate) fn metadata(status: &Status, key: &str) -> String {
    use tonic_types::StatusExt;
    status.get_error_details().error_info().unwrap().metadata[key].clone()
}

/// The fields that a refusal names.
pub(crate) fn fields(status: &Status) -> Vec<String> {
    use tonic_types::StatusExt;
    let details = status.get_error_details();
    let bad = details.bad_request().map(|bad| bad.field_violations.clone()).unwrap_or_default();
    bad.into_iter().map(|violation| violation.field).collect()
}

/// Coupon is among those that an order asked.
fn asked() -> Vec<i32> {
    vec![order::Participant::Coupon.into()]
}
