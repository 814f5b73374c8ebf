//! The contexts that an order asks: item, coupon and payment.
//!
//! Every ask is keyed by the order, or by the refund, so it can be repeated without a second effect, and answers what holds now; what a
//! cart asks of the catalogue only looks. An answer is either what was asked for, or a [`Setback`].

mod catalogue;
mod payments;
mod reservations;

use std::time::{Duration, Instant};

use bojagi_api::coupon::coupon_service_client::CouponServiceClient;
use bojagi_api::item::option_service_client::OptionServiceClient;
use bojagi_api::item::stock_service_client::StockServiceClient;
use bojagi_api::payment::payment_service_client::PaymentServiceClient;
use bojagi_chassis::{Channel, answer, deadline};
use bojagi_kernel::{Failure, Kind, Refusal};
use tonic::{Response, Status};

pub(crate) use payments::Voided;
pub(crate) use reservations::sold_lines;

/// Why an ask did not come to what was asked for.
#[derive(Debug)]
pub(crate) enum Setback {
    /// No, for good.
    Refused(Box<Refusal>),
    /// No answer, or one that decides nothing: ask again.
    Unanswered(String),
    /// Payment does not know, and only its provider can tell.
    Unresolved,
}

/// The clients, and how long each ask may take.
pub(crate) struct Participants {
    stock: StockServiceClient<Channel>,
    options: OptionServiceClient<Channel>,
    coupons: CouponServiceClient<Channel>,
    payments: PaymentServiceClient<Channel>,
    timeout: Duration,
}

impl Participants {
    pub(crate) fn new(channel: Channel, timeout: Duration) -> Self {
        Self {
            stock: StockServiceClient::new(channel.clone()),
            options: OptionServiceClient::new(channel.clone()),
            coupons: CouponServiceClient::new(channel.clone()),
            payments: PaymentServiceClient::new(channel),
            timeout,
        }
    }

    /// Waits for an answer for as long as one ask may take.
    async fn ask<T>(&self, call: impl Future<Output = Result<Response<T>, Status>> + Send) -> Result<T, Setback> {
        self.ask_until(Instant::now() + self.timeout, call).await
    }

    /// Waits for an answer; the deadline travels with the call. A call is kilobytes of state: in a box it is not copied each time
    /// that an order moves.
    async fn ask_until<T>(
        &self,
        until: Instant,
        call: impl Future<Output = Result<Response<T>, Status>> + Send,
    ) -> Result<T, Setback> {
        let call = Box::pin(deadline::scope(until, call));
        match tokio::time::timeout_at(until.into(), call).await {
            Ok(Ok(response)) => Ok(response.into_inner()),
            Ok(Err(status)) => Err(setback(status)),
            Err(_) => Err(Setback::Unanswered("no answer in time".to_owned())),
        }
    }
}

/// A status that leaves open whether anything happened, or that may be gone in a moment, decides nothing.
fn setback(status: Status) -> Setback {
    match answer::failure(status) {
        Failure::Refused(refusal) => match refusal.kind {
            Kind::Invalid
            | Kind::NotFound
            | Kind::AlreadyExists
            | Kind::WrongState
            | Kind::Unauthenticated
            | Kind::Forbidden => Setback::Refused(refusal),
            Kind::LostRace | Kind::Exhausted | Kind::Unavailable | Kind::TooLate => {
                Setback::Unanswered(refusal.to_string())
            }
        },
        failure @ (Failure::Unavailable(_) | Failure::Broken(_)) => Setback::Unanswered(failure.to_string()),
    }
}

/// An answer that cannot be right decides nothing either.
fn senseless(problem: &str) -> Setback {
    Setback::Unanswered(format!("the answer makes no sense: {problem}"))
}
