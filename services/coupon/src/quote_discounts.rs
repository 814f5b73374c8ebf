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
            let mut lines = Vec::with_capacity(wanted.len());
            for (option_id, quantity) in wanted {
                let price = prices::find(tx, option_id).await?;
                let unit_price = price.ok_or(CouponRefusal::OptionNotFound { option_id })?;
                lines.push(WantedLine { option_id, quantity, unit_price });
            }
            let basket = Basket::of(lines)?;
            let held = pieces::held(tx, customer_id, wishes.issued_coupon_ids()).await?;
            let quote = quote(&basket, &wishes, &held, now);
            Ok((basket, quote))
        })
        .await
}
