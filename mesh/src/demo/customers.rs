//! The customers get ready to buy: a card, points, an address, coupons.

use bojagi_api::coupon::IssueCouponRequest;
use bojagi_api::payment::{AddPaymentMethodRequest, ChargePointsRequest, ChargeState, PaymentMethodType};
use bojagi_api::user::{AddAddressRequest, Address};

use super::coupons::Coupons;
use super::stores::won;
use super::{DemoError, request_id, side_by_side};
use crate::people::Member;

/// What each customer has in points, in won, by turns.
const POINTS: [i64; 2] = [50_000, 120_000];

/// The coupons that every customer has a piece of.
const GIVEN: [&str; 2] = ["Sweet Start 2,000", "Welcome 5,000"];

/// Gives each customer a card, points paid with it, and an address.
pub(super) async fn prepare_payments(customers: &[Member]) -> Result<(), DemoError> {
    let prepare = async |(customer, points): (&Member, i64)| {
        add_address(customer).await?;
        let payment_method_id = add_card(customer).await?;
        charge_points(customer, payment_method_id, points).await
    };
    side_by_side(customers.iter().zip(POINTS.into_iter().cycle()).map(prepare)).await?;
    Ok(())
}

pub(super) async fn issue_coupons(customers: &[Member], coupons: &Coupons) -> Result<(), DemoError> {
    let pieces = customers.iter().flat_map(|customer| GIVEN.map(|name| (customer, name)));
    let issue = async |(customer, name): (&Member, &'static str)| {
        let what = format!("{name} for {}", customer.account.email);
        let coupon_id = coupons.get(name).ok_or_else(DemoError::incomplete(&what))?.clone();
        let request = IssueCouponRequest { request_id: request_id(&what), coupon_id };
        customer.gateway.coupons().issue_coupon(request).await.map_err(DemoError::refused(what))?;
        Ok(())
    };
    side_by_side(pieces.map(issue)).await?;
    Ok(())
}

async fn add_address(customer: &Member) -> Result<(), DemoError> {
    let what = format!("address of {}", customer.account.email);
    let address = Address {
        label: "home".to_owned(),
        recipient_name: customer.account.name.clone(),
        phone: "010-0000-1234".to_owned(),
        postal_code: "03045".to_owned(),
        line1: "12 Jahamun-ro, Jongno-gu, Seoul".to_owned(),
        line2: "3F".to_owned(),
        ..Address::default()
    };
    let request = AddAddressRequest { request_id: request_id(&what), address: Some(address), make_default: true };
    customer.gateway.addresses().add_address(request).await.map_err(DemoError::refused(what))?;
    Ok(())
}

async fn add_card(customer: &Member) -> Result<String, DemoError> {
    let what = format!("card of {}", customer.account.email);
    let request = AddPaymentMethodRequest {
        request_id: request_id(&what),
        provider_token: "tok_approve".to_owned(),
        r#type: PaymentMethodType::CreditCard.into(),
        issuer: "Hanbit Card 한빛카드".to_owned(),
        last_four: "4242".to_owned(),
    };
    let answer = customer.gateway.payment_methods().add_payment_method(request).await;
    let method = answer.map_err(DemoError::refused(&what))?.into_inner().payment_method;
    Ok(method.ok_or_else(DemoError::incomplete(what))?.id)
}

async fn charge_points(customer: &Member, payment_method_id: String, points: i64) -> Result<(), DemoError> {
    let what = format!("charge of points for {}", customer.account.email);
    let request = ChargePointsRequest { request_id: request_id(&what), amount: Some(won(points)), payment_method_id };
    let answer = customer.gateway.wallet().charge_points(request).await.map_err(DemoError::refused(&what))?;
    let charge = answer.into_inner().charge.ok_or_else(DemoError::incomplete(&what))?;
    match charge.state() {
        ChargeState::Completed => Ok(()),
        _ => Err(DemoError::Incomplete(what)),
    }
}
