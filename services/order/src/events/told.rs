//! Facts told: each in the commit that makes it true, none with an address in it.

use bojagi_api::order as api;
use bojagi_chassis::wire::{money, timestamp};
use bojagi_kernel::Moment;
use bojagi_store::{Error, Tx};

use super::refunds;
use crate::domain::{DeliveryId, News, Order};
use crate::wire;

/// The contexts that an order asks to hold something. They are asked side by side, so whoever may have been asked is named;
/// each tells its release even when it held nothing.
fn participants(order: &Order) -> Vec<i32> {
    let coupon = order.asks_coupon().then_some(api::Participant::Coupon);
    let asked = [Some(api::Participant::Stock), coupon, Some(api::Participant::Payment)];
    asked.into_iter().flatten().map(i32::from).collect()
}

/// Tells what has happened to an order, if it concerns others.
pub(crate) async fn tell(tx: &mut Tx, order: &Order, news: News, now: Moment) -> Result<(), Error> {
    let (order_id, customer_id) = (order.id.to_string(), order.customer_id.to_string());
    let (lines, at) = (|| lines(order), Some(timestamp(now)));
    let key = order.id.into();
    let told = match news {
        News::Placed => {
            let totals = Some(wire::totals(order));
            let fact = api::OrderPlaced { order_id, customer_id, lines: lines(), totals, placed_at: at };
            bojagi_events::tell(tx, key, &fact, now).await
        }
        News::Confirmed => {
            let fact = api::OrderConfirmed {
                order_id,
                customer_id,
                lines: lines(),
                totals: Some(wire::totals(order)),
                participants: participants(order),
                confirmed_at: at,
            };
            bojagi_events::tell(tx, key, &fact, now).await
        }
        News::Failed => {
            let reason = order.failure.as_ref().map(|failure| failure.reason.clone()).unwrap_or_default();
            let participants = participants(order);
            let fact = api::OrderFailed { order_id, customer_id, lines: lines(), participants, reason, failed_at: at };
            bojagi_events::tell(tx, key, &fact, now).await
        }
        News::Cancelling(reason) => {
            let fact = api::OrderCancelled {
                order_id,
                customer_id,
                lines: lines(),
                participants: participants(order),
                reason: reason.name().to_owned(),
                cancelled_at: at,
            };
            bojagi_events::tell(tx, key, &fact, now).await
        }
        News::Completed => {
            let fact = api::OrderCompleted { order_id, customer_id, lines: lines(), completed_at: at };
            bojagi_events::tell(tx, key, &fact, now).await
        }
        News::DeliveryBegun(id) => match parcel(order, id) {
            Some((store_id, seller_id, lines)) => {
                let delivery_id = id.to_string();
                let fact = api::DeliveryBegun { order_id, delivery_id, store_id, seller_id, lines, begun_at: at };
                bojagi_events::tell(tx, key, &fact, now).await
            }
            None => return Ok(()),
        },
        News::DeliveryCompleted(id) => match parcel(order, id) {
            Some((store_id, seller_id, lines)) => {
                let delivery_id = id.to_string();
                let fact =
                    api::DeliveryCompleted { order_id, delivery_id, store_id, seller_id, lines, completed_at: at };
                bojagi_events::tell(tx, key, &fact, now).await
            }
            None => return Ok(()),
        },
        News::RefundRequested(id) | News::RefundWithdrawn(id) | News::RefundApproved(id) | News::RefundRejected(id) => {
            return refunds::tell(tx, order, id, now).await;
        }
        // Payment tells that the money went back.
        News::RefundMoved(_) => return Ok(()),
        // Its participants told their releases themselves; nobody waits for more.
        News::Cancelled => return Ok(()),
    };
    told.map(drop)
}

fn lines(order: &Order) -> Vec<api::OrderFactLine> {
    let line = |line: &crate::domain::Line| {
        let sold = line.sold.as_ref();
        api::OrderFactLine {
            order_line_id: line.id.to_string(),
            option_id: line.option_id.to_string(),
            item_id: sold.map(|sold| sold.item_id.to_string()).unwrap_or_default(),
            store_id: sold.map(|sold| sold.store_id.to_string()).unwrap_or_default(),
            seller_id: sold.map(|sold| sold.seller_id.to_string()).unwrap_or_default(),
            unit_price: Some(money(order.money(line.unit_price))),
            quantity: line.quantity,
            allocation: sold.map(|sold| wire::allocation(order, line, sold)),
        }
    };
    order.lines.iter().map(line).collect()
}

/// The store, the seller and the contents of a parcel.
fn parcel(order: &Order, id: DeliveryId) -> Option<(String, String, Vec<api::DeliveryFactLine>)> {
    let parcel = order.deliveries.iter().find(|parcel| parcel.id == id)?;
    let line = |line: &crate::domain::Line| api::DeliveryFactLine {
        order_line_id: line.id.to_string(),
        option_id: line.option_id.to_string(),
        quantity: line.quantity,
    };
    let lines = wire::lines_of_store(order, parcel).map(line).collect();
    Some((parcel.store_id.to_string(), parcel.seller_id.to_string(), lines))
}
