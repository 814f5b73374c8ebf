//! Killed at every step of the saga: the order reaches its end after the next start, without new traffic.

use std::sync::Arc;

use bojagi_api::order::{MoneyState, OrderState};
use bojagi_api::payment::PaymentState;
use bojagi_api::policy::Role;
use bojagi_e2e::{Offer, Person, Shop, Wish, won};
use bojagi_testkit::eventually;
use tempfile::TempDir;

use crate::running::Running;

/// The provider takes so long that the binary can be killed meanwhile.
const SETTINGS: &[(&str, &str)] = &[
    ("BOJAGI_PAYMENT__SIMULATOR_SLOW_MS", "700"),
    // So that nobody waits long for what was cut off.
    ("BOJAGI_PAYMENT__PROVIDER_TIMEOUT_MS", "2000"),
    ("BOJAGI_PAYMENT__RECOVER_AFTER_MS", "7000"),
];

/// Where the binary is killed.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// The order is stored; item, coupon and payment are being asked.
    Reserving,
    /// The provider is being asked to hold the money.
    Authorizing,
    /// The provider is being asked to take it: the pivot.
    Capturing,
    /// It is confirmed; item, coupon and settlement hear of it.
    Confirmed,
    /// The customer has cancelled before the capture; payment is being asked to void.
    Voiding,
    /// The customer has cancelled after it; the provider is being asked to give back.
    Refunding,
    /// A piece that was sent is given back; the provider is being asked for its money, and item hears of it.
    GivingBack,
    /// The card was declined; what was taken is being given back.
    Releasing,
}

const STEPS: [Step; 8] = [
    Step::Reserving,
    Step::Authorizing,
    Step::Capturing,
    Step::Confirmed,
    Step::Voiding,
    Step::Refunding,
    Step::GivingBack,
    Step::Releasing,
];

impl Step {
    const fn card(self) -> &'static str {
        match self {
            Self::Releasing => "tok_decline_lost_card",
            _ => "tok_slow",
        }
    }

    /// Brings a new order to the step.
    async fn reach(self, (seller, customer): (&Person, &Person), offer: &Offer, card: &str) -> String {
        let order = customer.place(&Wish { at_once: true, ..Wish::of(offer, 2, card) }).await.unwrap();
        let paid = async |wanted: &[PaymentState]| {
            // Whoever comes late to the step is killed a little after it: that has to go well too.
            eventually("payment was asked", async || {
                let request = bojagi_api::payment::ListPaymentsRequest::default();
                let listed = customer.payments().list_payments(request).await.unwrap().into_inner().payments;
                listed.iter().any(|payment| payment.order_id == order.id && wanted.contains(&payment.state()))
            })
            .await;
        };
        match self {
            Self::Reserving => {}
            Self::Authorizing => paid(&[PaymentState::Pending, PaymentState::Authorized, PaymentState::Captured]).await,
            Self::Capturing => paid(&[PaymentState::Authorized, PaymentState::Captured]).await,
            Self::Confirmed => drop(customer.wait_for(&order.id, OrderState::Confirmed).await),
            Self::Voiding => {
                paid(&[PaymentState::Pending, PaymentState::Authorized, PaymentState::Captured]).await;
                customer.cancel(&order.id).await.unwrap();
            }
            Self::Refunding => {
                customer.wait_for(&order.id, OrderState::Confirmed).await;
                customer.cancel(&order.id).await.unwrap();
            }
            Self::GivingBack => {
                let order = customer.wait_for(&order.id, OrderState::Confirmed).await;
                seller.send(&order, offer).await;
                let refund = customer.request_refund(&order, offer, 1).await.unwrap();
                seller.approve_refund(&refund.id, true).await.unwrap();
            }
            Self::Releasing => {
                eventually("it has failed", async || customer.order(&order.id).await.failure.is_some()).await;
            }
        }
        order.id
    }

    const fn end(self) -> OrderState {
        match self {
            Self::Reserving | Self::Authorizing | Self::Capturing | Self::Confirmed | Self::GivingBack => {
                OrderState::Confirmed
            }
            Self::Voiding | Self::Refunding | Self::Releasing => OrderState::Cancelled,
        }
    }

    /// Of the two pieces, those that stay with the customer.
    const fn sold(self) -> i64 {
        match self {
            Self::Reserving | Self::Authorizing | Self::Capturing | Self::Confirmed => 2,
            Self::GivingBack => 1,
            Self::Voiding | Self::Refunding | Self::Releasing => 0,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r16_killed_at_every_step_it_goes_on_by_itself() {
    let folder = Arc::new(TempDir::new().unwrap());
    let (mut running, address) = Running::start(&folder, &["--no-demo"], SETTINGS);
    let mut shop = Shop::attach(Arc::clone(&folder), address).await;
    let (mut seller, offer) = shop.offer(10_000, 100).await;
    let mut sold = 0;
    for step in STEPS {
        let customer = shop.person(&[Role::Customer]);
        let card = customer.card(step.card()).await;
        let order_id = step.reach((&seller, &customer), &offer, &card).await;
        running.kill();
        assert!(shop.check_moving().holds(), "right after it was killed {step:?}:\n{}", shop.check_moving());

        let (restarted, address) = Running::start(&folder, &["--no-demo"], SETTINGS);
        running = restarted;
        shop = Shop::attach(Arc::clone(&folder), address).await;
        seller = shop.returning(seller.account());
        let customer = shop.returning(customer.account());
        customer.wait_for(&order_id, step.end()).await;
        shop.verify().await;
        let order = customer.order(&order_id).await;
        let money = match order.money_state() {
            MoneyState::Paid => order.state() == OrderState::Confirmed && step.sold() == 2,
            MoneyState::PartiallyRefunded => order.refunded == Some(won(10_000)) && step.sold() == 1,
            MoneyState::Unpaid | MoneyState::Refunded => order.state() == OrderState::Cancelled,
            _ => false,
        };
        assert!(money, "killed {step:?}: {order:?}");
        sold += step.sold();
        let stock = shop.stock(&offer).await;
        assert_eq!((stock.available, stock.reserved, stock.sold), (100 - sold, 0, sold), "killed {step:?}");
    }
    running.kill();
}
