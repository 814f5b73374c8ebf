//! What somebody wants to order.

use bojagi_api::order::{DeliveryAddress, ItemCouponUse, PlaceOrderLine, PlaceOrderRequest, Tender, Wait};
use uuid::Uuid;

use crate::shop::Offer;
use crate::won;

/// One line of a wish.
#[derive(Debug, Clone)]
pub struct Line {
    /// What.
    pub offer: Offer,
    /// How many.
    pub quantity: i64,
    /// Issued item coupons for it.
    pub coupons: Vec<String>,
}

/// What somebody wants to order, and how they pay.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// The lines.
    pub lines: Vec<Line>,
    /// An issued order coupon.
    pub coupon: String,
    /// Won that the coupons take off, as the customer was shown.
    pub discount: i64,
    /// Points to pay with.
    pub points: i64,
    /// A payment method for the rest.
    pub card: String,
    /// Take the PENDING order at once.
    pub at_once: bool,
    /// The key; a new one when empty.
    pub request_id: String,
}

impl Wish {
    /// `quantity` of one thing, paid by card.
    #[must_use]
    pub fn of(offer: &Offer, quantity: i64, card: &str) -> Self {
        let line = Line { offer: offer.clone(), quantity, coupons: Vec::new() };
        Self { lines: vec![line], card: card.to_owned(), ..Self::default() }
    }

    /// The same with one more line.
    #[must_use]
    pub fn and(mut self, offer: &Offer, quantity: i64) -> Self {
        self.lines.push(Line { offer: offer.clone(), quantity, coupons: Vec::new() });
        self
    }

    /// As the request of an order.
    #[must_use]
    pub fn request(&self) -> PlaceOrderRequest {
        let lines = self.lines.iter().map(|line| PlaceOrderLine {
            option_id: line.offer.option_id.clone(),
            quantity: line.quantity,
            unit_price: Some(won(line.offer.price)),
        });
        let item_coupons = self.lines.iter().zip(0..).flat_map(|(line, index)| {
            line.coupons.iter().map(move |coupon| ItemCouponUse { line_index: index, issued_coupon_id: coupon.clone() })
        });
        let request_id = if self.request_id.is_empty() { Uuid::now_v7().to_string() } else { self.request_id.clone() };
        PlaceOrderRequest {
            request_id,
            lines: lines.collect(),
            item_coupons: item_coupons.collect(),
            order_issued_coupon_id: self.coupon.clone(),
            expected_discount: Some(won(self.discount)),
            quote_hash: String::new(),
            tender: Some(Tender {
                points: (self.points > 0).then(|| won(self.points)),
                payment_method_id: self.card.clone(),
            }),
            delivery_address: Some(DeliveryAddress {
                recipient: "김보자".into(),
                phone: "010-1234-5678".into(),
                postal_code: "04524".into(),
                line1: "서울 중구 세종대로 110".into(),
                line2: String::new(),
            }),
            wait: if self.at_once { Wait::None } else { Wait::Unspecified }.into(),
        }
    }
}
