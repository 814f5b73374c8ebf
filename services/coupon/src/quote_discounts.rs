//! What a customer's coupons would take off. Nothing is kept: the same question about unchanged prices and coupons has
//! the same answer.

use bojagi_chassis::Context;
use bojagi_kernel::Failure;
use bojagi_kernel::id::{AccountId, OptionId};
use bojagi_store::Tx;

use crate::domain::{Basket, CouponRefusal, Quote, WantedLine, Wishes, quote};
use crate::store::{pieces, prices};

/// Quotes options and quantities with the coupons that a customer wishes to use.
///
/// # Errors
/// `OptionNotFound`, `CurrencyMismatch`; `INVALID_ARGUMENT` when the sum is too large. A coupon that does not fit is no
/// error but a verdict in the quote.
pub(crate) async fn quote_discounts(
    context: &Context,
    customer_id: AccountId,
    wanted: Vec<(OptionId, i64)>,
    wishes: Wishes,
) -> Result<(Basket, Quote), Failure> {
    let now = context.clock.now();
    context
        .store
        .read(async move |tx: &mut Tx| {
            let option_ids: Vec<_> = wanted.iter().map(|(option_id, _)| *option_id).collect();
            let prices = prices::of(tx, &option_ids).await?;
            let line = |(option_id, quantity)| {
                let unit_price = *prices.get(&option_id).ok_or(CouponRefusal::OptionNotFound { option_id })?;
                Ok::<_, CouponRefusal>(WantedLine { option_id, quantity, unit_price })
            };
            let basket = Basket::of(wanted.into_iter().map(line).collect::<Result<_, _>>()?)?;
            let held = pieces::held(tx, customer_id, wishes.issued_coupon_ids()).await?;
            let quote = quote(&basket, &wishes, &held, now);
            Ok((basket, quote))
        })
        .await
}
