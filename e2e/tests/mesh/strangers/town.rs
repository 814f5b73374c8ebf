//! Two customers and two sellers, what they own, and the calls about it.

use bojagi::client::GatewayClient;
use bojagi::people::{self, join};
use bojagi_api::item::*;
use bojagi_api::order::*;
use bojagi_api::payment::get_payment_request::Key;
use bojagi_api::payment::*;
use bojagi_api::policy::Role;
use bojagi_api::settlement::*;
use bojagi_api::user::*;
use bojagi_e2e::{Offer, Person, Shop, Wish, won};
use bojagi_testkit::{TestAccount, eventually};
use prost_types::FieldMask;
use uuid::Uuid;

use super::{Owned, new_id, owned};

/// Two customers and two sellers who have what can be had.
pub(super) struct Town<'a> {
    shop: &'a Shop,
    pub(super) customer: Person,
    pub(super) other_customer: Person,
    seller: Person,
    other_seller: Person,
    pub(super) offer: Offer,
    pub(super) card: String,
    pub(super) other_card: String,
}

async fn customer_with_card(shop: &Shop) -> (Person, String) {
    let customer = shop.person(&[Role::Customer]);
    let card = customer.card("tok_approve").await;
    customer.charge(100_000, &card).await;
    (customer, card)
}

impl<'a> Town<'a> {
    pub(super) async fn of(shop: &'a Shop) -> Self {
        let (seller, offer) = shop.offer(10_000, 100).await;
        let (other_seller, _) = shop.offer(10_000, 100).await;
        let (customer, card) = customer_with_card(shop).await;
        let (other_customer, other_card) = customer_with_card(shop).await;
        Self { shop, customer, other_customer, seller, other_seller, offer, card, other_card }
    }

    async fn order(&self) -> Order {
        let order = self.customer.place(&Wish::of(&self.offer, 1, &self.card)).await.unwrap();
        assert_eq!(order.state(), OrderState::Confirmed);
        order
    }

    pub(super) async fn orders(&self) -> Vec<Owned> {
        let order = self.order().await;
        let (owner, others) = (&self.customer, [&self.other_customer]);
        vec![
            owned("/bojagi.order.v1.OrderService/GetOrder", &order.id, owner, &others, |order_id| GetOrderRequest {
                order_id,
            }),
            owned("/bojagi.order.v1.OrderService/WatchOrder", &order.id, owner, &others, |order_id| {
                WatchOrderRequest { order_id }
            }),
            owned("/bojagi.order.v1.OrderService/ListOrderHistory", &order.id, owner, &others, |order_id| {
                ListOrderHistoryRequest { order_id, ..Default::default() }
            }),
            owned("/bojagi.order.v1.OrderService/CancelOrder", &order.id, owner, &others, |order_id| {
                CancelOrderRequest { request_id: new_id(), order_id }
            }),
            owned(
                "/bojagi.order.v1.OrderService/ListStoreOrders",
                &self.offer.store_id,
                &self.seller,
                &[&self.other_seller],
                |store_id| ListStoreOrdersRequest { store_id, ..Default::default() },
            ),
        ]
    }

    /// A draft is its customer's, until she has confirmed it.
    pub(super) async fn drafts(&self) -> Vec<Owned> {
        let wish = Wish::of(&self.offer, 1, &self.card).and(&self.offer, 2).request();
        let create = CreateDraftRequest { request_id: new_id(), lines: wish.lines.clone() };
        let draft = self.customer.orders().create_draft(create).await.unwrap().into_inner().order.unwrap();
        let (owner, others) = (&self.customer, [&self.other_customer]);
        let [first, second] = [draft.lines[0].id.clone(), draft.lines[1].id.clone()];
        let (line, seen_version) = (wish.lines.into_iter().next(), draft.version + 2);
        vec![
            owned("/bojagi.order.v1.OrderService/GetOrder", &draft.id, owner, &others, |order_id| GetOrderRequest {
                order_id,
            }),
            owned("/bojagi.order.v1.OrderService/UpdateDraftLine", &draft.id, owner, &others, move |order_id| {
                let (order_line_id, line) = (first.clone(), line.clone());
                UpdateDraftLineRequest { request_id: new_id(), order_id, order_line_id, line }
            }),
            owned("/bojagi.order.v1.OrderService/RemoveDraftLine", &draft.id, owner, &others, move |order_id| {
                RemoveDraftLineRequest { request_id: new_id(), order_id, order_line_id: second.clone() }
            }),
            owned("/bojagi.order.v1.OrderService/ConfirmDraft", &draft.id, owner, &others, move |order_id| {
                ConfirmDraftRequest {
                    request_id: new_id(),
                    order_id,
                    seen_version,
                    tender: wish.tender.clone(),
                    delivery_address: wish.delivery_address.clone(),
                    ..Default::default()
                }
            }),
        ]
    }

    /// The line that nobody else has is the customer's.
    pub(super) async fn carts(&self) -> Vec<Owned> {
        let option_id = self.offer.option_id.clone();
        let add = AddCartLineRequest { request_id: new_id(), option_id: option_id.clone(), quantity: 3 };
        self.customer.carts().add_cart_line(add).await.unwrap();
        let (owner, others) = (&self.customer, [&self.other_customer]);
        vec![
            owned("/bojagi.order.v1.CartService/UpdateCartLine", &option_id, owner, &others, |option_id| {
                UpdateCartLineRequest { request_id: new_id(), option_id, quantity: 2, seen_revision: 0 }
            }),
            owned("/bojagi.order.v1.CartService/RemoveCartLines", &option_id, owner, &others, |option_id| {
                RemoveCartLinesRequest { request_id: new_id(), option_ids: vec![option_id] }
            }),
        ]
    }

    /// The other customer fills a cart and wants to pay for it with her card.
    pub(super) async fn check_out_with_her_card(&self) -> Order {
        let option_id = self.offer.option_id.clone();
        let mut carts = self.other_customer.carts();
        carts.add_cart_line(AddCartLineRequest { request_id: new_id(), option_id, quantity: 1 }).await.unwrap();
        let cart = carts.get_cart(GetCartRequest::default()).await.unwrap().into_inner().cart.unwrap();
        let wish = Wish::of(&self.offer, 1, &self.card).request();
        let request = CheckOutCartRequest {
            request_id: new_id(),
            seen_revision: cart.revision,
            tender: wish.tender,
            delivery_address: wish.delivery_address,
            ..Default::default()
        };
        carts.check_out_cart(request).await.unwrap().into_inner().order.unwrap()
    }

    pub(super) async fn deliveries(&self) -> Vec<Owned> {
        let order = self.order().await;
        let delivery = order.deliveries[0].delivery_id.clone();
        let (seller, strangers) = (&self.seller, [&self.other_seller, &self.other_customer]);
        let get = |delivery_id| GetDeliveryRequest { delivery_id };
        let list = |store_id| ListDeliveriesRequest { store_id, ..Default::default() };
        vec![
            owned("/bojagi.order.v1.DeliveryService/ListDeliveries", &self.offer.store_id, seller, &strangers, list),
            owned("/bojagi.order.v1.DeliveryService/GetDelivery", &delivery, seller, &strangers, get),
            owned("/bojagi.order.v1.DeliveryService/GetDelivery", &delivery, &self.customer, &strangers, get),
            owned(
                "/bojagi.order.v1.DeliveryService/ListDeliveries",
                &order.id,
                &self.customer,
                &[&self.other_customer],
                |order_id| ListDeliveriesRequest { order_id, ..Default::default() },
            ),
            owned(
                "/bojagi.order.v1.DeliveryService/BeginDelivery",
                &delivery,
                seller,
                &[&self.other_seller],
                |delivery_id| BeginDeliveryRequest { request_id: new_id(), delivery_id },
            ),
            owned(
                "/bojagi.order.v1.DeliveryService/CompleteDelivery",
                &delivery,
                seller,
                &[&self.other_seller],
                |delivery_id| CompleteDeliveryRequest { request_id: new_id(), delivery_id },
            ),
        ]
    }

    pub(super) async fn refunds(&self) -> Vec<Owned> {
        let order = self.customer.place(&Wish::of(&self.offer, 4, &self.card)).await.unwrap();
        self.seller.send(&order, &self.offer).await;
        let ask = async || self.customer.request_refund(&order, &self.offer, 1).await.unwrap().id;
        let (agreed, declined, taken_back) = (ask().await, ask().await, ask().await);
        let (customer, seller, line) = (&self.customer, &self.seller, order.lines[0].id.clone());
        let sellers = [&self.other_seller];
        let of_order = |order_id| ListRefundsRequest { order_id, ..Default::default() };
        let of_store = |store_id| ListRefundsRequest { store_id, ..Default::default() };
        let get = |refund_id| GetRefundRequest { refund_id };
        let strangers = [&self.other_customer, &self.other_seller];
        let customers = [&self.other_customer];
        vec![
            owned("/bojagi.order.v1.RefundService/ListRefunds", &order.id, customer, &strangers, of_order),
            owned("/bojagi.order.v1.RefundService/ListRefunds", &self.offer.store_id, seller, &strangers, of_store),
            owned("/bojagi.order.v1.RefundService/GetRefund", &agreed, customer, &strangers, get),
            owned("/bojagi.order.v1.RefundService/GetRefund", &agreed, seller, &strangers, get),
            owned("/bojagi.order.v1.RefundService/RequestRefund", &order.id, customer, &customers, move |order_id| {
                let lines = vec![RequestRefundLine { order_line_id: line.clone(), quantity: 1 }];
                RequestRefundRequest { request_id: new_id(), order_id, lines, reason: "too small".into() }
            }),
            owned("/bojagi.order.v1.RefundService/WithdrawRefund", &taken_back, customer, &customers, |refund_id| {
                WithdrawRefundRequest { request_id: new_id(), refund_id }
            }),
            owned("/bojagi.order.v1.RefundService/ApproveRefund", &agreed, seller, &sellers, |refund_id| {
                ApproveRefundRequest { request_id: new_id(), refund_id, restock: true }
            }),
            owned("/bojagi.order.v1.RefundService/RejectRefund", &declined, seller, &sellers, |refund_id| {
                RejectRefundRequest { request_id: new_id(), refund_id, reason: "worn".into() }
            }),
        ]
    }

    pub(super) async fn payments(&self) -> Vec<Owned> {
        let order = self.order().await;
        let (payment, _) = self.customer.payment(&order.id).await;
        let (owner, others) = (&self.customer, [&self.other_customer, &self.seller]);
        let account = owner.account().account_id.to_string();
        vec![
            owned("/bojagi.payment.v1.PaymentService/GetPayment", &payment.id, owner, &others, |id| {
                GetPaymentRequest { key: Some(Key::PaymentId(id)) }
            }),
            owned("/bojagi.payment.v1.PaymentService/GetPayment", &order.id, owner, &others, |id| GetPaymentRequest {
                key: Some(Key::OrderId(id)),
            }),
            owned("/bojagi.payment.v1.PaymentService/ListPayments", &account, owner, &others, |customer_id| {
                ListPaymentsRequest { customer_id, ..Default::default() }
            }),
            owned(
                "/bojagi.payment.v1.WalletService/ChargePoints",
                &self.card,
                owner,
                &[&self.other_customer],
                |payment_method_id| ChargePointsRequest {
                    request_id: new_id(),
                    amount: Some(won(1_000)),
                    payment_method_id,
                },
            ),
            owned(
                "/bojagi.payment.v1.PaymentMethodService/SetDefaultPaymentMethod",
                &self.card,
                owner,
                &others,
                |payment_method_id| SetDefaultPaymentMethodRequest { payment_method_id },
            ),
            owned(
                "/bojagi.payment.v1.PaymentMethodService/RemovePaymentMethod",
                &self.card,
                owner,
                &others,
                |payment_method_id| RemovePaymentMethodRequest { payment_method_id },
            ),
        ]
    }

    pub(super) async fn catalogue(&self) -> Vec<Owned> {
        let goods = self.shop.offer_of(&self.seller, 5_000, 10).await;
        let item = self.seller.catalogue().get_item(GetItemRequest { item_id: goods.item_id.clone() }).await.unwrap();
        let category_id = item.into_inner().item.unwrap().category_id;
        let (owner, others) = (&self.seller, [&self.other_seller]);
        let only = |path: &str| Some(FieldMask { paths: vec![path.to_owned()] });
        vec![
            owned("/bojagi.item.v1.StockService/AdjustStock", &goods.option_id, owner, &others, |option_id| {
                AdjustStockRequest { request_id: new_id(), option_id, delta: 5 }
            }),
            owned("/bojagi.item.v1.CatalogService/CreateItem", &goods.store_id, owner, &others, move |store_id| {
                CreateItemRequest {
                    request_id: new_id(),
                    store_id,
                    category_id: category_id.clone(),
                    name: format!("Item {}", new_id()),
                    options: vec![OptionDraft {
                        name: "one".into(),
                        price: Some(won(100)),
                        stock: 1,
                        ..Default::default()
                    }],
                    ..Default::default()
                }
            }),
            owned("/bojagi.item.v1.CatalogService/UpdateItem", &goods.item_id, owner, &others, move |item_id| {
                UpdateItemRequest {
                    request_id: new_id(),
                    item_id,
                    description: "better".into(),
                    update_mask: only("description"),
                    ..Default::default()
                }
            }),
            owned("/bojagi.item.v1.CatalogService/DeleteItem", &goods.item_id, owner, &others, |item_id| {
                DeleteItemRequest { item_id }
            }),
            owned("/bojagi.item.v1.StoreService/UpdateStore", &goods.store_id, owner, &others, move |store_id| {
                UpdateStoreRequest {
                    store_id,
                    description: "better".into(),
                    update_mask: only("description"),
                    ..Default::default()
                }
            }),
            owned("/bojagi.item.v1.StoreService/DeleteStore", &goods.store_id, owner, &others, |store_id| {
                DeleteStoreRequest { store_id }
            }),
        ]
    }

    /// Entries of wishlists are called by what they are about, which others may wish for too.
    pub(super) async fn wishes(&self) -> Vec<Owned> {
        let goods = self.shop.offer_of(&self.seller, 5_000, 10).await;
        let option_id = goods.option_id.clone();
        let add = AddWishlistEntryRequest { request_id: new_id(), option_id, quantity: 2 };
        self.customer.wishes().add_wishlist_entry(add).await.unwrap();
        let (owner, others) = (&self.customer, [&self.other_customer, &self.seller]);
        vec![
            owned(
                "/bojagi.item.v1.WishlistService/UpdateWishlistEntry",
                &goods.option_id,
                owner,
                &others,
                |option_id| UpdateWishlistEntryRequest { request_id: new_id(), option_id, quantity: 3 },
            ),
            owned(
                "/bojagi.item.v1.WishlistService/RemoveWishlistEntry",
                &goods.option_id,
                owner,
                &others,
                |option_id| RemoveWishlistEntryRequest { request_id: new_id(), option_id },
            ),
        ]
    }

    /// Needs something sold before.
    pub(super) async fn settlements(&self) -> Vec<Owned> {
        let (owner, others) = (&self.seller, [&self.other_seller]);
        let account = owner.account().account_id.to_string();
        let list = || ListStatementsRequest::default();
        eventually("the sales are booked and closed", async || {
            self.shop.close_day().await;
            !owner.settlements().list_statements(list()).await.unwrap().into_inner().statements.is_empty()
        })
        .await;
        let statements = owner.settlements().list_statements(list()).await.unwrap().into_inner().statements;
        owner.register_bank_account("bank_ok").await;
        let payout = owner.settle().await.unwrap().remove(0).payout.unwrap();
        vec![
            owned(
                "/bojagi.settlement.v1.SettlementService/GetStatement",
                &statements[0].id,
                owner,
                &others,
                |statement_id| GetStatementRequest { statement_id, ..Default::default() },
            ),
            owned("/bojagi.settlement.v1.SettlementService/ListStatements", &account, owner, &others, |seller_id| {
                ListStatementsRequest { seller_id, ..Default::default() }
            }),
            owned("/bojagi.settlement.v1.SettlementService/GetPayout", &payout.id, owner, &others, |payout_id| {
                GetPayoutRequest { payout_id }
            }),
            owned("/bojagi.settlement.v1.SettlementService/ListPayouts", &account, owner, &others, |seller_id| {
                ListPayoutsRequest { seller_id, ..Default::default() }
            }),
        ]
    }

    /// Addresses and sessions are those of accounts that have really signed up.
    pub(super) async fn accounts(&self) -> Vec<Owned> {
        let gateway = GatewayClient::new(&format!("http://{}", self.shop.address())).unwrap();
        let mut members = Vec::new();
        for email in ["owner@example.test", "stranger@example.test"] {
            let person = people::Person {
                email: email.into(),
                password: "orange lamp 77".into(),
                name: "Mi-ja".into(),
                kind: AccountKind::Customer,
            };
            members.push(join(&gateway, &self.shop.data().join("mailbox"), &person).await.unwrap());
        }
        let sessions =
            members[0].gateway.sessions().list_sessions(ListSessionsRequest::default()).await.unwrap().into_inner();
        let session_id = sessions.sessions[0].session_id.clone();
        let [owner, stranger] = [&members[0], &members[1]].map(|member| {
            let account_id = member.account.account_id.parse().unwrap();
            let roles = vec![Role::Customer];
            self.shop.returning(&TestAccount { account_id, session_id: Uuid::now_v7(), roles })
        });
        let address = Address {
            label: "home".into(),
            recipient_name: "Kim".into(),
            phone: "010-1234-5678".into(),
            postal_code: "04524".into(),
            line1: "Sejong-daero 110".into(),
            ..Default::default()
        };
        let add = AddAddressRequest { request_id: new_id(), address: Some(address.clone()), make_default: false };
        let added = members[0].gateway.addresses().add_address(add).await.unwrap().into_inner().address.unwrap();
        let address_id = added.address_id;
        let others = [&stranger];
        vec![
            owned("/bojagi.user.v1.AddressService/UpdateAddress", &address_id, &owner, &others, move |address_id| {
                UpdateAddressRequest {
                    address: Some(Address { address_id, label: "office".into(), ..address.clone() }),
                    update_mask: Some(FieldMask { paths: vec!["label".into()] }),
                }
            }),
            owned("/bojagi.user.v1.AddressService/SetDefaultAddress", &address_id, &owner, &others, |address_id| {
                SetDefaultAddressRequest { address_id }
            }),
            owned("/bojagi.user.v1.AddressService/RemoveAddress", &address_id, &owner, &others, |address_id| {
                RemoveAddressRequest { address_id }
            }),
            owned("/bojagi.user.v1.SessionService/RevokeSession", &session_id, &owner, &others, |session_id| {
                RevokeSessionRequest { session_id }
            }),
        ]
    }
}
