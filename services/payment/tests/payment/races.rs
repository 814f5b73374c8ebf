//! Races: whoever wins, money is whole.

use bojagi_api::payment::*;
use bojagi_kernel::id::OrderId;
use bojagi_kernel::reexport::Uuid;
use bojagi_testkit::{eventually, reason};

use crate::on_both_providers;
use crate::shop::{Shop, minor};

on_both_providers! {
    a_void_that_races_a_capture_wins_or_loses_but_never_both,
    a_void_that_races_an_authorisation_leaves_nothing_held,
    r10_two_refunds_at_once_never_give_back_more_than_was_taken,
}

async fn a_void_that_races_a_capture_wins_or_loses_but_never_both(shop: Shop) {
    let mut customer = shop.customer();
    customer.charge(64 * 40).await;
    let mut payments = Vec::new();
    for index in 0..64 {
        let token = if index % 2 == 0 { "tok_approve" } else { "tok_slow" };
        payments.push(shop.authorized(&mut customer, token, 100, 40).await);
    }
    let shop = &shop;
    let races = payments.iter().enumerate().map(async |(index, payment)| {
        let yield_first = async |first: bool| {
            if first {
                tokio::task::yield_now().await;
            }
        };
        tokio::join!(
            async {
                yield_first(index % 3 == 0).await;
                shop.capture(payment).await
            },
            async {
                yield_first(index % 3 == 1).await;
                shop.void(&payment.order_id).await
            },
        )
    });
    let outcomes = futures::future::join_all(races).await;

    let (mut taken, mut let_go) = (0, 0);
    for (payment, (captured, voided)) in payments.iter().zip(outcomes) {
        match captured {
            Ok(captured) => {
                assert_eq!((captured.state(), voided.state()), (PaymentState::Captured, PaymentState::Captured));
                assert_eq!(shop.statement(&payment.order_id).captured, 60);
                taken += 1;
            }
            Err(refused) => {
                assert_eq!((reason(&refused).as_str(), voided.state()), ("ORDER_ENDED", PaymentState::Voided));
                eventually("the provider lets go", async || shop.statement(&payment.order_id).voided).await;
                assert_eq!(shop.statement(&payment.order_id).captured, 0);
                let_go += 1;
            }
        }
    }
    assert_eq!(taken + let_go, 64);
    assert_eq!(customer.points().await, (let_go * 40, 0));
    let (captured, voided) = (shop.told::<PaymentCaptured>().await, shop.told::<PaymentVoided>().await);
    assert_eq!((captured.len() as i64, voided.len() as i64), (taken, let_go));
}

async fn a_void_that_races_an_authorisation_leaves_nothing_held(shop: Shop) {
    let mut customer = shop.customer();
    customer.charge(32 * 10).await;
    let method = customer.method("tok_slow").await;
    let (shop, payer, method) = (&shop, &customer, &method);
    let races = (0..32).map(async |index| {
        let order_id = OrderId::generate().to_string();
        let (_, voided) = tokio::join!(shop.authorize(payer, &order_id, method, 100, 10), async {
            for _ in 0..index * 8 {
                tokio::task::yield_now().await;
            }
            shop.void(&order_id).await
        });
        assert_eq!(voided.state(), PaymentState::Voided);
        (order_id, voided.payment.is_some())
    });
    let ended = futures::future::join_all(races).await;
    for (order_id, was_asked) in ended {
        eventually("the provider holds nothing", async || {
            let statement = shop.statement(&order_id);
            statement.voided || (!was_asked && statement.authorized == 0)
        })
        .await;
    }
    assert_eq!(customer.points().await, (320, 0));
}

async fn r10_two_refunds_at_once_never_give_back_more_than_was_taken(shop: Shop) {
    let mut customer = shop.customer();
    customer.charge(50).await;
    let payment = shop.captured(&mut customer, "tok_approve", 100, 50).await;
    let (one, other) =
        tokio::join!(shop.refund(&payment, Uuid::now_v7(), 60), shop.refund(&payment, Uuid::now_v7(), 60),);
    let (done, refused) = if one.is_ok() { (one, other) } else { (other, one) };
    assert_eq!(done.unwrap().refund.unwrap().state(), RefundState::Succeeded);
    let refused = refused.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (tonic::Code::FailedPrecondition, "REFUND_EXCEEDS_CAPTURE")
    );

    let payment = shop.look(&payment.order_id).await;
    assert_eq!((minor(&payment.refunded), minor(&payment.refunding)), (60, 0));
    assert_eq!(shop.statement(&payment.order_id).refunded, 30);
    assert_eq!(customer.points().await, (30, 0));
}
