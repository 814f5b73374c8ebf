//! What everything has to cost, computed apart from the services. All amounts are in won.

/// What a coupon takes off.
#[derive(Debug, Clone, Copy)]
pub(super) enum Benefit {
    /// An amount, of which at most half of what it applies to counts.
    Fixed(i64),
    /// A rate in basis points, rounded down, up to a cap.
    Percent { rate_bps: i64, cap: Option<i64> },
}

/// A coupon, as far as amounts depend on it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Discount {
    pub(super) benefit: Benefit,
    /// What the seller pays of it, in basis points.
    pub(super) seller_share_bps: i64,
}

/// A line before discounts, with its own coupons in the order in which they apply.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) gross: i64,
    pub(super) discounts: Vec<Discount>,
}

/// A line after discounts. `gross = net + item_discount + order_discount`, and both discounts together are what the two pay.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sums {
    pub(super) gross: i64,
    pub(super) item_discount: i64,
    pub(super) order_discount: i64,
    pub(super) seller_pays: i64,
    pub(super) platform_pays: i64,
    pub(super) net: i64,
}

impl Sums {
    pub(super) const fn discount(&self) -> i64 {
        self.item_discount + self.order_discount
    }

    /// What the seller is left with, and what the platform keeps, at a commission rate in basis points.
    pub(super) const fn earnings(&self, commission_bps: i64) -> Earnings {
        let base = self.gross - self.seller_pays;
        let commission = rate(commission_bps, base);
        Earnings { commission, net: base - commission }
    }

    fn take(&mut self, taken: i64, seller_share_bps: i64) {
        let seller = rate(seller_share_bps, taken);
        self.seller_pays += seller;
        self.platform_pays += taken - seller;
        self.net -= taken;
    }
}

/// What a sale brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Earnings {
    pub(super) commission: i64,
    pub(super) net: i64,
}

/// A basket after all coupons: the lines' own first, then one over all of them.
pub(super) fn basket(lines: &[Line], order_discount: Option<Discount>) -> Vec<Sums> {
    let mut sums: Vec<Sums> = lines.iter().map(after_own_discounts).collect();
    if let Some(discount) = order_discount {
        let total = sums.iter().map(|line| line.net).sum();
        let parts = shared_out(taken_off(discount.benefit, total), &sums, total);
        for (line, part) in sums.iter_mut().zip(parts) {
            line.order_discount = part;
            line.take(part, discount.seller_share_bps);
        }
    }
    sums
}

fn after_own_discounts(line: &Line) -> Sums {
    let mut sums = Sums { gross: line.gross, net: line.gross, ..Sums::default() };
    for discount in &line.discounts {
        let taken = taken_off(discount.benefit, sums.net);
        sums.item_discount += taken;
        sums.take(taken, discount.seller_share_bps);
    }
    sums
}

fn taken_off(benefit: Benefit, amount: i64) -> i64 {
    match benefit {
        Benefit::Fixed(fixed) => fixed.min(amount / 2),
        Benefit::Percent { rate_bps, cap } => rate(rate_bps, amount).min(cap.unwrap_or(i64::MAX)),
    }
}

/// Shares a discount out in proportion to what the lines cost: everyone the whole units of their share, and the units that
/// are left one each to the lines with the largest fractions.
fn shared_out(discount: i64, lines: &[Sums], total: i64) -> Vec<i64> {
    let share = |line: &Sums| discount * line.net / total.max(1);
    let fraction = |line: &Sums| discount * line.net % total.max(1);
    let mut parts: Vec<i64> = lines.iter().map(share).collect();
    let mut left = discount - parts.iter().sum::<i64>();
    let mut by_fraction: Vec<usize> = (0..lines.len()).collect();
    by_fraction.sort_by_key(|&index| std::cmp::Reverse(fraction(&lines[index])));
    for index in by_fraction {
        if left > 0 {
            parts[index] += 1;
            left -= 1;
        }
    }
    parts
}

/// A rate in basis points of an amount, rounded down.
const fn rate(bps: i64, amount: i64) -> i64 {
    amount * bps / 10_000
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIXED: Discount = Discount { benefit: Benefit::Fixed(1_000), seller_share_bps: 0 };
    const TENTH: Discount =
        Discount { benefit: Benefit::Percent { rate_bps: 1_000, cap: None }, seller_share_bps: 5_000 };

    #[test]
    fn fixed_comes_before_percent() {
        let line = Line { gross: 10_000, discounts: vec![FIXED, TENTH] };
        let [sums] = basket(&[line], None)[..] else { panic!("one line") };
        assert_eq!((sums.net, sums.item_discount, sums.seller_pays, sums.platform_pays), (8_100, 1_900, 450, 1_450));
        assert_eq!(sums.earnings(850), Earnings { commission: 811, net: 8_739 });
    }

    #[test]
    fn a_fixed_coupon_takes_at_most_half() {
        let line = Line { gross: 1_501, discounts: vec![FIXED] };
        assert_eq!(basket(&[line], None)[0].net, 751);
    }

    #[test]
    fn a_discount_over_all_lines_is_shared_out_by_largest_fraction() {
        let lines =
            [(8_100, vec![]), (21_993, vec![]), (9_400, vec![])].map(|(gross, discounts)| Line { gross, discounts });
        let capped =
            Discount { benefit: Benefit::Percent { rate_bps: 1_500, cap: Some(2_999) }, seller_share_bps: 2_500 };
        let sums = basket(&lines, Some(capped));
        // 615.09, 1,670.09 and 713.81: the last one gets the unit that is left.
        assert_eq!(sums.iter().map(|line| line.order_discount).collect::<Vec<_>>(), [615, 1_670, 714]);
        assert_eq!(sums.iter().map(|line| line.seller_pays).collect::<Vec<_>>(), [153, 417, 178]);
        assert!(sums.iter().all(|line| line.gross == line.net + line.seller_pays + line.platform_pays));
    }
}
