//! Orders for tests of the rules.

use std::time::Duration;

use bojagi_kernel::id::{AccountId, ItemId, OptionId, OrderId, OrderLineId, StoreId};
use bojagi_kernel::{Currency, Moment};

use super::{Address, FailureCause, InstanceId, Line, MadeOf, NewOrder, Order, RetryPolicy, Sold};

pub(crate) const NOW: Moment = Moment::from_micros(1_772_420_400_000_000);

pub(crate) const POLICY: RetryPolicy = RetryPolicy {
    deadline: Duration::from_secs(30),
    lease: Duration::from_secs(20),
    first_pause: Duration::from_millis(200),
    longest_pause: Duration::from_secs(5),
    attempts: 5,
    refusals: 2,
    recheck: Duration::from_secs(10),
    release_overdue: Duration::from_secs(600),
};

pub(crate) fn line(unit_price: i64, quantity: i64) -> Line {
    Line {
        id: OrderLineId::generate(),
        option_id: OptionId::generate(),
        quantity,
        unit_price,
        coupons: Vec::new(),
        sold: None,
    }
}

pub(crate) fn sold(store_id: StoreId, seller_id: AccountId) -> Sold {
    Sold {
        item_id: ItemId::generate(),
        store_id,
        seller_id,
        option_name: "Large".into(),
        item_name: "Tea".into(),
        store_name: "Tea house".into(),
        item_discount: 0,
        order_discount: 0,
        platform_discount: 0,
        seller_discount: 0,
    }
}

pub(crate) fn pending() -> Order {
    let new = NewOrder {
        id: OrderId::generate(),
        customer_id: AccountId::generate(),
        currency: Currency::KRW,
        lines: vec![line(1_000, 2), line(500, 1)],
        discount: 0,
        points: 2_500,
        payment_method_id: None,
        order_coupon_id: None,
        quote_hash: "shown".into(),
        address: Address { recipient: "Kim".into(), ..Address::default() },
        trace: None,
        made_of: MadeOf::Request,
    };
    Order::place(new, InstanceId::generate(), &POLICY, NOW).unwrap()
}

pub(crate) fn confirmed() -> Order {
    let mut order = pending();
    let parts = order.lines.iter().map(|_| sold(StoreId::generate(), AccountId::generate())).collect();
    order.confirm(parts, NOW, &POLICY, NOW);
    order
}

/// An order whose parcels have left, of 2 pieces at 1,000 won and 1 at 500.
pub(crate) fn sent() -> Order {
    let mut order = confirmed();
    for parcel in order.deliveries.clone() {
        order.begin_delivery(parcel.seller_id, parcel.id, NOW).unwrap();
    }
    order
}

pub(crate) fn out_of_stock() -> FailureCause {
    FailureCause {
        reason: "OUT_OF_STOCK".into(),
        domain: "item".into(),
        message: "only 1 left".into(),
        metadata: vec![("available".into(), "1".into())],
    }
}
