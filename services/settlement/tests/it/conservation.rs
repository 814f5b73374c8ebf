//! The trial balance of any moment, and the proof against payment and the orders.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bojagi_api::order::order_service_server::{OrderService, OrderServiceServer};
use bojagi_api::payment::payment_service_server::{PaymentService, PaymentServiceServer};
use bojagi_api::settlement::{GetTrialBalanceRequest, MoneyBook, ProveConservationRequest};
use bojagi_api::{order, payment};
use bojagi_chassis::{Service, answer, wire};
use bojagi_kernel::{Kind, Refusal};
use bojagi_settlement::{MIGRATIONS, NAME, TOPIC};
use bojagi_testkit::{Rig, reason};
use tonic::{Request, Response, Status};

use crate::support::{Shop, config, line, minor, sale, won};

#[tokio::test]
async fn m1_the_trial_balance_of_any_moment_sums_to_nothing() {
    let shop = Shop::open().await;
    let seller = shop.seller();
    let began = shop.now();
    for round in 1..=6 {
        let order = sale([line(&seller, 2, 1_000 * round, 10 * round, round)]);
        shop.capture(&order).await;
        shop.wait(10);
        if round % 2 == 0 {
            shop.refund(&order, &[order.lines[0].part(1, 500 * round, 5 * round, 0)]).await;
            shop.wait(10);
        }
    }
    let mut last = 0;
    for second in 0..100 {
        let at = (began + Duration::from_secs(second)).min(shop.now());
        let request = GetTrialBalanceRequest { as_of: Some(wire::timestamp(at)) };
        let trial = shop.ledger().get_trial_balance(request).await.unwrap().into_inner();
        assert!(trial.balanced);
        let debits: i64 = trial.lines.iter().map(|line| minor(line.debits.as_ref())).sum();
        let credits: i64 = trial.lines.iter().map(|line| minor(line.credits.as_ref())).sum();
        assert_eq!(debits, credits);
        assert!(debits >= last);
        last = debits;
    }
    assert_eq!(shop.count("SELECT sum(amount) FROM ledger_posting", None).await, 0);
    let ahead = Some(wire::timestamp(shop.now() + Duration::from_micros(1)));
    let refused = shop.ledger().get_trial_balance(GetTrialBalanceRequest { as_of: ahead }).await.unwrap_err();
    assert_eq!(reason(&refused), "AS_OF_IN_FUTURE");
}

/// What the peers answer.
#[derive(Clone, Default)]
struct Peers {
    payment: Arc<Mutex<(i64, i64)>>,
    orders: Arc<Mutex<(i64, i64)>>,
    /// What order answers instead.
    refusal: Arc<Mutex<Option<Refusal>>>,
}

/// A service of which only some methods are asked; the others refuse.
macro_rules! fake {
    ($service:ident, { $($asked:tt)* }, $($method:ident($request:ty) -> $response:ty;)+) => {
        #[tonic::async_trait]
        impl $service for Peers {
            $($asked)*

            $(async fn $method(&self, _: Request<$request>) -> Result<Response<$response>, Status> {
                Err(Status::internal("nobody asks this in these tests"))
            })+
        }
    };
}

fake! {
    PaymentService,
    {
        async fn get_captured_totals(
            &self,
            request: Request<payment::GetCapturedTotalsRequest>,
        ) -> Result<Response<payment::GetCapturedTotalsResponse>, Status> {
            assert!(request.get_ref().as_of.is_some());
            let (captured, refunded) = *self.payment.lock().unwrap();
            let total = payment::CapturedTotal { captured: won(captured), refunded: won(refunded) };
            Ok(Response::new(payment::GetCapturedTotalsResponse { totals: vec![total] }))
        }
    },
    authorize(payment::AuthorizeRequest) -> payment::AuthorizeResponse;
    capture(payment::CaptureRequest) -> payment::CaptureResponse;
    void(payment::VoidRequest) -> payment::VoidResponse;
    refund(payment::RefundRequest) -> payment::RefundResponse;
    get_payment(payment::GetPaymentRequest) -> payment::GetPaymentResponse;
    list_payments(payment::ListPaymentsRequest) -> payment::ListPaymentsResponse;
    sync_payment(payment::SyncPaymentRequest) -> payment::SyncPaymentResponse;
    ingest_provider_event(payment::IngestProviderEventRequest) -> payment::IngestProviderEventResponse;
}

fake! {
    OrderService,
    {
        type WatchOrderStream = futures::stream::Empty<Result<order::WatchOrderResponse, Status>>;

        async fn get_order_totals(
            &self,
            _: Request<order::GetOrderTotalsRequest>,
        ) -> Result<Response<order::GetOrderTotalsResponse>, Status> {
            if let Some(refusal) = self.refusal.lock().unwrap().clone() {
                return Err(answer::status("order", refusal.into()));
            }
            let (paid, given_back) = *self.orders.lock().unwrap();
            let total = order::OrderMoneyTotal { paid: won(paid), given_back: won(given_back) };
            Ok(Response::new(order::GetOrderTotalsResponse { totals: vec![total] }))
        }
    },
    watch_order(order::WatchOrderRequest) -> Self::WatchOrderStream;
    place_order(order::PlaceOrderRequest) -> order::PlaceOrderResponse;
    get_order(order::GetOrderRequest) -> order::GetOrderResponse;
    list_orders(order::ListOrdersRequest) -> order::ListOrdersResponse;
    list_store_orders(order::ListStoreOrdersRequest) -> order::ListStoreOrdersResponse;
    list_order_history(order::ListOrderHistoryRequest) -> order::ListOrderHistoryResponse;
    cancel_order(order::CancelOrderRequest) -> order::CancelOrderResponse;
    create_draft(order::CreateDraftRequest) -> order::CreateDraftResponse;
    update_draft_line(order::UpdateDraftLineRequest) -> order::UpdateDraftLineResponse;
    remove_draft_line(order::RemoveDraftLineRequest) -> order::RemoveDraftLineResponse;
    confirm_draft(order::ConfirmDraftRequest) -> order::ConfirmDraftResponse;
}

async fn shop_with(peers: &Peers) -> Shop {
    let rig = Rig::new();
    let context = rig.context(NAME, MIGRATIONS).await;
    let settlement = bojagi_settlement::build(context.clone(), rig.channel(NAME), config()).await.unwrap();
    let peers = Service::new(NAME, &context)
        .answers(PaymentServiceServer::new(peers.clone()))
        .answers(OrderServiceServer::new(peers.clone()));
    let payment = rig.publisher("bojagi.payment.v1").await;
    rig.start([(settlement, TOPIC), (peers, "bojagi.nothing.v1")]).await;
    let admin = rig.account(&[bojagi_api::policy::Role::Admin]);
    Shop { rig, payment, admin }
}

#[tokio::test]
async fn m2_the_books_agree_to_the_unit_or_it_is_said_where_not() {
    let peers = Peers::default();
    let shop = shop_with(&peers).await;
    let seller = shop.seller();
    let order = sale([line(&seller, 2, 10_000, 1_000, 0)]);
    shop.capture(&order).await;
    shop.refund(&order, &[order.lines[0].part(1, 5_000, 500, 0)]).await;
    shop.wait(1);
    *peers.payment.lock().unwrap() = (10_000, 5_000);
    *peers.orders.lock().unwrap() = (10_000, 5_000);
    let prove = async || {
        let proved = shop.ledger().prove_conservation(ProveConservationRequest::default()).await;
        proved.unwrap().into_inner()
    };
    let proof = prove().await;
    assert!(proof.agrees);
    let [won_books] = proof.currencies.as_slice() else { panic!("{proof:?}") };
    assert_eq!((won_books.currency_code.as_str(), won_books.agrees), ("KRW", true));
    for figure in [&won_books.payment, &won_books.orders, &won_books.ledger] {
        let figure = figure.as_ref().unwrap();
        let amounts = [&figure.captured, &figure.refunded, &figure.net].map(|money| minor(money.as_ref()));
        assert_eq!(amounts, [10_000, 5_000, 5_000]);
    }

    // Somewhere one unit is lost, and the net hides it.
    *peers.orders.lock().unwrap() = (10_001, 5_001);
    let proof = prove().await;
    assert!(!proof.agrees);
    let differences = &proof.currencies[0].differences;
    let found: Vec<_> = differences
        .iter()
        .map(|one| (one.book(), one.other_book(), minor(one.captured.as_ref()), minor(one.refunded.as_ref())))
        .collect();
    assert_eq!(found, [(MoneyBook::Payment, MoneyBook::Orders, -1, -1), (MoneyBook::Orders, MoneyBook::Ledger, 1, 1)],);

    // Before anything happened all books are empty, but the fakes do not know about time.
    *peers.payment.lock().unwrap() = (0, 0);
    *peers.orders.lock().unwrap() = (0, 0);
    let before = ProveConservationRequest { as_of: Some(wire::timestamp(shop.now() - Duration::from_secs(3600))) };
    assert!(shop.ledger().prove_conservation(before).await.unwrap().into_inner().agrees);
}

#[tokio::test]
async fn a_peer_that_is_not_there_is_named() {
    let shop = Shop::open().await;
    let refused = shop.ledger().prove_conservation(ProveConservationRequest::default()).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (tonic::Code::Unavailable, "PEER_UNAVAILABLE"));
    assert!(refused.message().contains("payment"), "{refused:?}");
}

#[tokio::test]
async fn a_peer_that_has_no_time_is_named_and_one_that_refuses_is_a_defect() {
    let peers = Peers::default();
    let shop = shop_with(&peers).await;
    for (kind, code, told) in [
        (Kind::Exhausted, tonic::Code::Unavailable, "PEER_UNAVAILABLE"),
        (Kind::LostRace, tonic::Code::Unavailable, "PEER_UNAVAILABLE"),
        (Kind::Unavailable, tonic::Code::Unavailable, "PEER_UNAVAILABLE"),
        (Kind::TooLate, tonic::Code::Unavailable, "PEER_UNAVAILABLE"),
        (Kind::Forbidden, tonic::Code::Internal, "INTERNAL"),
    ] {
        *peers.refusal.lock().unwrap() = Some(Refusal::new("order", kind, "SOME_REASON", "not now"));
        let refused = shop.ledger().prove_conservation(ProveConservationRequest::default()).await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_str()), (code, told), "{kind:?}");
    }
}
