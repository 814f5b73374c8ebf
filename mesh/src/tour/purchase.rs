//! What a customer means to buy: the request for it, and what it has to cost.

use bojagi_api::coupon::{self, IssuedCoupon, QuoteDiscountsRequest, QuoteDiscountsResponse, QuoteLine};
use bojagi_api::order::{
    self, CheckOutCartRequest, ConfirmDraftRequest, DeliveryAddress, Order, OrderLine, PlaceOrderLine,
    PlaceOrderRequest, Tender, Wait,
};
use uuid::Uuid;

use super::TourError;
use super::arithmetic::{self, Discount, Earnings, Line, Sums};
use super::expect::{self, won};
use super::patience::until_as_expected;
use super::scenes::opening::COMMISSION_BPS;
use crate::client;
use crate::people::Member;

/// An id for a request that is made once.
pub(super) fn new_request_id() -> String {
    Uuid::now_v7().to_string()
}

/// Something that can be bought.
#[derive(Debug, Clone)]
pub(super) struct Product {
    pub(super) item_id: String,
    pub(super) name: String,
    pub(super) option_id: String,
    pub(super) store_id: String,
    /// Which of the two sellers sells it.
    pub(super) seller: usize,
    /// In won.
    pub(super) price: i64,
    /// Pieces that were put in.
    pub(super) stock: i64,
}

/// The customer's piece of a coupon.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    pub(super) issued: IssuedCoupon,
    pub(super) discount: Discount,
}

impl Piece {
    pub(super) fn id(&self) -> &str {
        &self.issued.issued_coupon_id
    }
}

/// A line of a purchase, with the coupons that are laid on it in the order in which they apply.
pub(super) struct Wanted<'a> {
    pub(super) product: &'a Product,
    pub(super) quantity: i64,
    pub(super) coupons: Vec<&'a Piece>,
}

/// A whole purchase.
pub(super) struct Purchase<'a> {
    pub(super) lines: Vec<Wanted<'a>>,
    pub(super) order_coupon: Option<&'a Piece>,
    /// What is paid with points, in won; the rest is paid with the method.
    pub(super) points: i64,
    pub(super) payment_method_id: &'a str,
}

impl Purchase<'_> {
    /// What each line has to cost.
    pub(super) fn sums(&self) -> Vec<Sums> {
        let line = |wanted: &Wanted<'_>| Line {
            gross: wanted.product.price * wanted.quantity,
            discounts: wanted.coupons.iter().map(|piece| piece.discount).collect(),
        };
        let lines: Vec<_> = self.lines.iter().map(line).collect();
        arithmetic::basket(&lines, self.order_coupon.map(|piece| piece.discount))
    }

    pub(super) fn gross(&self) -> i64 {
        self.sums().iter().map(|line| line.gross).sum()
    }

    pub(super) fn discount(&self) -> i64 {
        self.sums().iter().map(Sums::discount).sum()
    }

    /// What the customer has to pay.
    pub(super) fn net(&self) -> i64 {
        self.gross() - self.discount()
    }

    /// What is left for the payment method.
    pub(super) fn external(&self) -> i64 {
        self.net() - self.points
    }

    /// What the lines of one seller come to, each with its commission.
    pub(super) fn sales_of(&self, seller: usize) -> Vec<(Sums, Earnings)> {
        let lines = self.lines.iter().zip(self.sums());
        let own = lines.filter(|(wanted, _)| wanted.product.seller == seller);
        own.map(|(_, sums)| (sums, sums.earnings(COMMISSION_BPS[seller]))).collect()
    }

    /// Asks what the coupons would take off, and compares it. Coupon hears of prices by events, so that what was put on offer a
    /// moment ago may not be known there yet.
    pub(super) async fn quote(&self, customer: &Member) -> Result<QuoteDiscountsResponse, TourError> {
        let quote = until_as_expected(|| async {
            match customer.gateway.coupons().quote_discounts(self.quote_request()).await {
                Ok(answer) => Ok(answer.into_inner()),
                Err(status) if client::reason(&status) == "ITEM_NOT_FOUND" => {
                    Err(TourError::differs("the prices that coupon knows", "those of all lines", "not all"))
                }
                Err(status) => Err(status.into()),
            }
        });
        let quote = quote.await?;
        expect::equal("the lines of the quote", self.lines.len(), quote.lines.len())?;
        for (number, (expected, line)) in self.sums().into_iter().zip(&quote.lines).enumerate() {
            let what = |amount: &str| format!("the {amount} of quoted line {number}");
            expect::amount(what("gross"), expected.gross, line.gross.as_ref())?;
            expect::amount(what("item discount"), expected.item_discount, line.item_discount.as_ref())?;
            expect::amount(what("order discount"), expected.order_discount, line.order_discount.as_ref())?;
            expect::amount(what("seller's part"), expected.seller_pays, line.seller_discount.as_ref())?;
            expect::amount(what("platform's part"), expected.platform_pays, line.platform_discount.as_ref())?;
            expect::amount(what("net"), expected.net, line.net.as_ref())?;
        }
        expect::amount("the gross of the quote", self.gross(), quote.total_gross.as_ref())?;
        expect::amount("the discount of the quote", self.discount(), quote.total_discount.as_ref())?;
        expect::amount("the net of the quote", self.net(), quote.total_net.as_ref())?;
        expect::equal("the quote has a hash", true, !quote.quote_hash.is_empty())?;
        Ok(quote)
    }

    /// The order for what was quoted.
    pub(super) fn order_request(&self, quote: &QuoteDiscountsResponse, wait: Wait) -> PlaceOrderRequest {
        PlaceOrderRequest {
            request_id: new_request_id(),
            lines: self.lines.iter().map(Wanted::line).collect(),
            item_coupons: self.coupons_on_lines(),
            order_issued_coupon_id: self.order_coupon.map(Piece::id).unwrap_or_default().to_owned(),
            expected_discount: Some(won(self.discount())),
            quote_hash: quote.quote_hash.clone(),
            tender: Some(self.tender()),
            delivery_address: Some(address()),
            wait: wait.into(),
        }
    }

    /// The same order, of lines that are in the cart.
    pub(super) fn check_out_request(&self, quote: &QuoteDiscountsResponse, seen_revision: i64) -> CheckOutCartRequest {
        CheckOutCartRequest {
            request_id: new_request_id(),
            seen_revision,
            option_ids: self.lines.iter().map(|wanted| wanted.product.option_id.clone()).collect(),
            item_coupons: self.coupons_on_lines(),
            order_issued_coupon_id: self.order_coupon.map(Piece::id).unwrap_or_default().to_owned(),
            expected_discount: Some(won(self.discount())),
            quote_hash: quote.quote_hash.clone(),
            tender: Some(self.tender()),
            delivery_address: Some(address()),
            wait: Wait::Unspecified.into(),
        }
    }

    /// The same order, of a draft that was seen like this.
    pub(super) fn confirm_request(&self, quote: &QuoteDiscountsResponse, draft: &Order) -> ConfirmDraftRequest {
        ConfirmDraftRequest {
            request_id: new_request_id(),
            order_id: draft.id.clone(),
            seen_version: draft.version,
            item_coupons: self.coupons_on_lines(),
            order_issued_coupon_id: self.order_coupon.map(Piece::id).unwrap_or_default().to_owned(),
            expected_discount: Some(won(self.discount())),
            quote_hash: quote.quote_hash.clone(),
            tender: Some(self.tender()),
            delivery_address: Some(address()),
            wait: Wait::Unspecified.into(),
        }
    }

    fn coupons_on_lines(&self) -> Vec<order::ItemCouponUse> {
        let use_on = |(number, piece): (usize, &Piece)| order::ItemCouponUse {
            line_index: i32::try_from(number).unwrap_or(i32::MAX),
            issued_coupon_id: piece.id().to_owned(),
        };
        self.item_coupons().map(use_on).collect()
    }

    fn tender(&self) -> Tender {
        Tender { points: Some(won(self.points)), payment_method_id: self.payment_method_id.to_owned() }
    }

    /// Compares the amounts of an order whose coupons have been reserved.
    pub(super) fn check(&self, order: &Order) -> Result<(), TourError> {
        let totals = expect::there("the totals of the order", order.totals.as_ref())?;
        expect::amount("the gross of the order", self.gross(), totals.gross.as_ref())?;
        expect::amount("the discount of the order", self.discount(), totals.discount.as_ref())?;
        expect::amount("the net of the order", self.net(), totals.net.as_ref())?;
        expect::amount("the points of the order", self.points, totals.points.as_ref())?;
        expect::amount("the card's part of the order", self.external(), totals.external.as_ref())?;
        expect::equal("the lines of the order", self.lines.len(), order.lines.len())?;
        let lines = self.lines.iter().zip(self.sums()).zip(&order.lines);
        lines.enumerate().try_for_each(|(number, ((wanted, sums), line))| wanted.check(number, sums, line))
    }

    fn item_coupons(&self) -> impl Iterator<Item = (usize, &Piece)> {
        self.lines
            .iter()
            .enumerate()
            .flat_map(|(number, wanted)| wanted.coupons.iter().map(move |piece| (number, *piece)))
    }

    fn quote_request(&self) -> QuoteDiscountsRequest {
        let line = |(number, wanted): (usize, &Wanted<'_>)| QuoteLine {
            line_key: number.to_string(),
            option_id: wanted.product.option_id.clone(),
            quantity: wanted.quantity,
        };
        let use_on = |(number, piece): (usize, &Piece)| coupon::ItemCouponUse {
            line_key: number.to_string(),
            issued_coupon_id: piece.id().to_owned(),
        };
        QuoteDiscountsRequest {
            lines: self.lines.iter().enumerate().map(line).collect(),
            item_coupons: self.item_coupons().map(use_on).collect(),
            order_issued_coupon_id: self.order_coupon.map(Piece::id).unwrap_or_default().to_owned(),
        }
    }
}

impl Wanted<'_> {
    /// As it is asked for.
    pub(super) fn line(&self) -> PlaceOrderLine {
        PlaceOrderLine {
            option_id: self.product.option_id.clone(),
            quantity: self.quantity,
            unit_price: Some(won(self.product.price)),
        }
    }

    fn check(&self, number: usize, sums: Sums, line: &OrderLine) -> Result<(), TourError> {
        let what = |part: &str| format!("the {part} of order line {number}");
        expect::equal(what("option"), &self.product.option_id, &line.option_id)?;
        expect::equal(what("store"), &self.product.store_id, &line.store_id)?;
        expect::equal(what("item name"), &self.product.name, &line.item_name)?;
        expect::equal(what("quantity"), self.quantity, line.quantity)?;
        expect::amount(what("unit price"), self.product.price, line.unit_price.as_ref())?;
        expect::amount(what("gross"), sums.gross, line.gross.as_ref())?;
        expect::amount(what("item discount"), sums.item_discount, line.item_discount.as_ref())?;
        expect::amount(what("order discount"), sums.order_discount, line.order_discount.as_ref())?;
        expect::amount(what("discount"), sums.discount(), line.discount.as_ref())?;
        expect::amount(what("platform's part"), sums.platform_pays, line.platform_discount.as_ref())?;
        expect::amount(what("seller's part"), sums.seller_pays, line.seller_discount.as_ref())?;
        expect::amount(what("net"), sums.net, line.net.as_ref())
    }
}

fn address() -> DeliveryAddress {
    DeliveryAddress {
        recipient: "Mina Kang".to_owned(),
        phone: "010-0000-1234".to_owned(),
        postal_code: "03045".to_owned(),
        line1: "12 Jahamun-ro, Jongno-gu, Seoul".to_owned(),
        line2: "3F".to_owned(),
    }
}
