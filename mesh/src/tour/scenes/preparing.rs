//! The customer gets ready to buy: cards, points, coupons. Somebody else comes too late for the first-come coupon.

use bojagi_api::coupon::{GetCouponRequest, IssueCouponRequest, IssuedCouponState};
use bojagi_api::payment::{AddPaymentMethodRequest, ChargePointsRequest, ChargeState, PaymentMethodType};

use super::opening::{Offer, Shop};
use super::sign_up::Cast;
use crate::people::Member;
use crate::tour::TourError;
use crate::tour::expect::{self, won};
use crate::tour::purchase::{Piece, new_request_id};
use crate::tour::timeline::{Timeline, Told, krw};

/// The points that the customer buys, in won.
pub(in crate::tour) const POINTS: i64 = 30_000;

/// What the customer can pay with.
pub(in crate::tour) struct Wallet {
    /// A card that is good for everything.
    pub(in crate::tour) card: String,
    /// A card with nothing behind it.
    pub(in crate::tour) empty_card: String,
    pub(in crate::tour) first_come: Piece,
    pub(in crate::tour) makers: Piece,
    pub(in crate::tour) basket: Piece,
    pub(in crate::tour) comeback: Piece,
}

pub(in crate::tour) async fn play(cast: &Cast, shop: &Shop, timeline: &mut Timeline) -> Result<Wallet, TourError> {
    timeline.scene("The customer gets ready")?;
    let customer = &cast.customer;
    let cards = async {
        let card = add_card(customer, "tok_approve", "4242").await?;
        let empty_card = add_card(customer, "tok_decline_insufficient_funds", "0005").await?;
        Ok(Told::new((card, empty_card), "one ends in 4242, the other, with nothing behind it, in 0005"))
    };
    let (card, empty_card) = timeline.step("she adds two cards, as tokens of the provider", cards).await?;

    let charge = charge_points(customer, &card);
    timeline.step(format!("she buys {} points with the first card", krw(POINTS)), charge).await?;

    let too_late = first_come_first_served(cast, &shop.first_come);
    let first_come =
        timeline.step("she asks for the first-come coupon, somebody else a moment later", too_late).await?;

    let others = async {
        let makers = issue(customer, &shop.makers).await?;
        let again = customer.gateway.coupons().issue_coupon(wish(&shop.makers)).await;
        let refused = expect::refused("COUPON_ALREADY_ISSUED", again)?;
        let named = refused.metadata.get("issued_coupon_id").map(String::as_str);
        expect::equal("the piece that the refusal names", Some(makers.id()), named)?;
        let (basket, comeback) = tokio::try_join!(issue(customer, &shop.basket), issue(customer, &shop.comeback))?;
        let names = [&shop.makers, &shop.basket, &shop.comeback].map(|offer| offer.name);
        let story = Told::new((makers, basket, comeback), names.join("; "));
        Ok(story.and(format!("{} once more: refused, {}", shop.makers.name, refused.reason)))
    };
    let (makers, basket, comeback) =
        timeline.step("she gets three more coupons, and asks twice for one", others).await?;
    Ok(Wallet { card, empty_card, first_come, makers, basket, comeback })
}

async fn add_card(customer: &Member, token: &str, last_four: &str) -> Result<String, TourError> {
    let request = AddPaymentMethodRequest {
        request_id: new_request_id(),
        provider_token: token.to_owned(),
        r#type: PaymentMethodType::CreditCard.into(),
        issuer: "Hanbit Card".to_owned(),
        last_four: last_four.to_owned(),
    };
    let answer = customer.gateway.payment_methods().add_payment_method(request).await?.into_inner();
    let method = expect::there("the payment method", answer.payment_method)?;
    expect::equal("the digits that are shown", last_four, method.last_four.as_str())?;
    Ok(method.id)
}

async fn charge_points(customer: &Member, card: &str) -> Result<Told<()>, TourError> {
    let request = ChargePointsRequest {
        request_id: new_request_id(),
        amount: Some(won(POINTS)),
        payment_method_id: card.to_owned(),
    };
    let mut wallet = customer.gateway.wallet();
    let first = wallet.charge_points(request.clone()).await?.into_inner();
    let charge = expect::there("the charge", first.charge)?;
    expect::equal("the state of the charge", ChargeState::Completed, charge.state())?;
    let balance = expect::there("the balance", first.balance)?;
    expect::amount("the balance", POINTS, balance.available.as_ref())?;

    // The line was bad and the client asks again: the same charge, not a second one.
    let second = wallet.charge_points(request).await?.into_inner();
    expect::equal("the charge of the repeated request", Some(charge.id), second.charge.map(|charge| charge.id))?;
    let balance = expect::there("the balance", second.balance)?;
    expect::amount("the balance after the repeated request", POINTS, balance.available.as_ref())?;
    Ok(Told::new((), format!("balance {} KRW", krw(POINTS)))
        .and("the same request once more: the same charge, the same balance"))
}

async fn first_come_first_served(cast: &Cast, offer: &Offer) -> Result<Told<Piece>, TourError> {
    let piece = issue(&cast.customer, offer).await?;
    let refused = expect::refused("COUPON_SOLD_OUT", cast.rival.gateway.coupons().issue_coupon(wish(offer)).await)?;
    let request = GetCouponRequest { coupon_id: offer.coupon_id.clone() };
    let answer = cast.rival.gateway.coupons().get_coupon(request).await?.into_inner();
    let coupon = expect::there("the coupon", answer.coupon)?;
    expect::equal("the pieces that were issued", 1, coupon.issued_count)?;
    Ok(Told::new(piece, format!("{}: the only piece is hers", offer.name))
        .and(format!("the other customer: refused, {}", refused.reason)))
}

async fn issue(customer: &Member, offer: &Offer) -> Result<Piece, TourError> {
    let answer = customer.gateway.coupons().issue_coupon(wish(offer)).await?.into_inner();
    let issued = expect::there("the piece", answer.issued_coupon)?;
    expect::equal("the state of a new piece", IssuedCouponState::Available, issued.state())?;
    Ok(Piece { issued, discount: offer.discount })
}

fn wish(offer: &Offer) -> IssueCouponRequest {
    IssueCouponRequest { request_id: new_request_id(), coupon_id: offer.coupon_id.clone() }
}
