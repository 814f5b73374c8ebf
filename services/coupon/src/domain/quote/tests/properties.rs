//! What holds for every basket and every choice of coupons.

use proptest::prelude::*;

use super::*;
use crate::domain::Canonical;

/// A basket, the coupons laid on its lines, and perhaps one on the order.
#[derive(Debug, Clone)]
struct Purchase {
    lines: Vec<WantedLine>,
    laid: Vec<(usize, HeldCoupon)>,
    on_order: Option<HeldCoupon>,
}

impl Purchase {
    fn quote(&self) -> Quote {
        let laid: Vec<_> = self.laid.iter().map(|(line, coupon)| (*line, coupon)).collect();
        quoted(&self.lines, &laid, self.on_order.as_ref())
    }

    /// The same purchase with its lines in another order.
    fn with_lines_rotated(&self, by: usize) -> Self {
        let count = self.lines.len();
        let mut lines = self.lines.clone();
        lines.rotate_left(by % count);
        let moved = |line: usize| (line + count - by % count) % count;
        let laid = self.laid.iter().map(|(line, coupon)| (moved(*line), coupon.clone())).collect();
        Self { lines, laid, on_order: self.on_order.clone() }
    }

    fn by_option(&self) -> Vec<(OptionId, LineAmounts)> {
        let mut amounts: Vec<_> = self.lines.iter().map(|line| line.option_id).zip(self.quote().lines).collect();
        amounts.sort_by_key(|(option_id, _)| *option_id);
        amounts
    }
}

fn benefits() -> impl Strategy<Value = Benefit> {
    prop_oneof![
        (1..2_000_000_i64).prop_map(fixed),
        (500..=9_500_i32, prop::option::of(1..500_000_i64))
            .prop_map(|(rate, cap)| Benefit::Percent { rate: BasisPoints::new(rate).unwrap(), cap: cap.map(won) }),
    ]
}

fn coupons(scope: Scope) -> impl Strategy<Value = HeldCoupon> {
    (benefits(), 0..=10_000_i32, prop::option::of(0..1_000_000_i64)).prop_map(
        move |(benefit, seller_share, minimum)| {
            let mut coupon = held(scope, benefit, seller_share);
            coupon.terms.minimum_spend = minimum.map(won);
            coupon
        },
    )
}

prop_compose! {
    fn purchases()(
        lines in prop::collection::vec((0..1_000_000_i64, 1..4_i64, prop::collection::vec(coupons(Scope::Item), 0..3)), 1..9),
        on_order in prop::option::of(coupons(Scope::Order)),
    ) -> Purchase {
        let mut laid = Vec::new();
        let mut wanted = Vec::new();
        for (index, (price, quantity, coupons)) in lines.into_iter().enumerate() {
            wanted.push(lines_of(price, quantity));
            laid.extend(coupons.into_iter().map(|coupon| (index, coupon)));
        }
        Purchase { lines: wanted, laid, on_order }
    }
}

proptest! {
    #[test]
    fn line_discounts_add_up_to_what_the_coupons_take(purchase in purchases()) {
        let quote = purchase.quote();
        let taken: i64 = quote.verdicts().filter_map(|verdict| verdict.outcome.as_ref().ok()).map(|it| it.discount).sum();
        prop_assert_eq!(quote.total_discount(), taken);
        prop_assert_eq!(quote.consumed().iter().map(|piece| piece.discount).sum::<i64>(), taken);
    }

    #[test]
    fn platform_and_seller_together_pay_the_discount(purchase in purchases()) {
        for line in purchase.quote().lines {
            prop_assert_eq!(line.platform_discount + line.seller_discount, line.discount());
            prop_assert!(line.platform_discount >= 0 && line.seller_discount >= 0);
        }
    }

    #[test]
    fn no_line_costs_less_than_nothing_and_a_zero_line_gets_no_unit(purchase in purchases()) {
        for line in purchase.quote().lines {
            prop_assert!(line.item_discount >= 0 && line.order_discount >= 0 && line.net() >= 0);
            prop_assert!(line.gross - line.item_discount > 0 || line.order_discount == 0);
        }
    }

    #[test]
    fn the_order_of_the_lines_has_no_effect(purchase in purchases(), by in 0..9_usize) {
        prop_assert_eq!(purchase.by_option(), purchase.with_lines_rotated(by).by_option());
    }

    #[test]
    fn the_order_in_which_coupons_are_named_has_no_effect(purchase in purchases(), by in 0..9_usize) {
        let mut renamed = purchase.clone();
        renamed.laid.reverse();
        let middle = by % renamed.laid.len().max(1);
        renamed.laid.rotate_left(middle);
        let (before, after) = (purchase.quote(), renamed.quote());
        prop_assert_eq!(&before.lines, &after.lines);
        let basket = basket(&purchase.lines);
        prop_assert_eq!(Canonical(&basket, &before).to_string(), Canonical(&basket, &after).to_string());
    }
}
