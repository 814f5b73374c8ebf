//! What pieces of a line are worth.

use bojagi_kernel::split::by_cumulative_floor;

use super::super::Line;

/// The money of some pieces of a line, in minor units: gross = net + platform_discount + seller_discount, each 0 or above.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Share {
    pub(crate) gross: i64,
    pub(crate) net: i64,
    pub(crate) platform_discount: i64,
    pub(crate) seller_discount: i64,
}

impl Line {
    /// What `taken` pieces are worth once `before` others of the line have been given back. The net amount goes by cumulative
    /// floor over the pieces, and the platform's part of the discount by cumulative floor over the discount that goes with
    /// them; the seller's part is the rest. So each part grows with every piece, never falls, and adds up to exactly that of
    /// the line in any grouping.
    ///
    /// `None` when they are more than the line has, or a number is negative.
    pub(crate) fn share(&self, before: i64, taken: i64) -> Option<Share> {
        let (platform, seller) =
            self.sold.as_ref().map_or((0, 0), |sold| (sold.platform_discount, sold.seller_discount));
        let gross = self.unit_price.checked_mul(taken)?;
        let net = by_cumulative_floor(self.net(), self.quantity, before, taken)?;
        let net_before = by_cumulative_floor(self.net(), self.quantity, 0, before)?;
        let (discount, discount_before) = (gross - net, self.unit_price.checked_mul(before)? - net_before);
        let platform_discount = match platform + seller {
            0 => 0,
            whole => by_cumulative_floor(platform, whole, discount_before, discount)?,
        };
        Some(Share { gross, net, platform_discount, seller_discount: discount - platform_discount })
    }
}

#[cfg(test)]
mod tests {
    use bojagi_kernel::id::{AccountId, StoreId};
    use proptest::prelude::*;

    use super::super::super::{Sold, samples};
    use super::*;

    fn line(unit_price: i64, quantity: i64, platform: i64, seller: i64) -> Line {
        let sold = Sold {
            item_discount: platform + seller,
            platform_discount: platform,
            seller_discount: seller,
            ..samples::sold(StoreId::generate(), AccountId::generate())
        };
        Line { sold: Some(sold), ..samples::line(unit_price, quantity) }
    }

    #[test]
    fn the_last_piece_takes_what_rounding_left() {
        // 3,000 won less 500 of the platform and 50 of the seller: 2,450 for three pieces.
        let line = line(1_000, 3, 500, 50);
        let shares = [0, 1, 2].map(|before| line.share(before, 1).unwrap());
        assert_eq!(shares.map(|share| share.net), [816, 817, 817]);
        assert_eq!(shares.map(|share| share.platform_discount), [167, 166, 167]);
        assert_eq!(shares.map(|share| share.seller_discount), [17, 17, 16]);
    }

    #[test]
    fn a_piece_that_cost_nothing_gives_nothing_back() {
        let line = line(1, 2, 1, 1);
        let shares = [0, 1].map(|before| line.share(before, 1).unwrap());
        assert_eq!(shares.map(|share| (share.gross, share.net)), [(1, 0), (1, 0)]);
        assert_eq!(shares.map(|share| share.platform_discount + share.seller_discount), [1, 1]);
    }

    #[test]
    fn no_more_pieces_than_the_line_has() {
        let line = line(1_000, 3, 0, 0);
        assert!(line.share(0, 3).is_some());
        for (before, taken) in [(0, 4), (1, 3), (3, 1), (-1, 1), (0, -1)] {
            assert_eq!(line.share(before, taken), None, "{before} {taken}");
        }
    }

    proptest! {
        #[test]
        fn r11_refunds_in_any_grouping_give_back_exactly_what_was_paid(
            unit_price in 1..10_000_i64,
            groups in prop::collection::vec(1..40_i64, 1..12),
            discounts in (0..=1_000_i64, 0..=1_000_i64),
        ) {
            let quantity: i64 = groups.iter().sum();
            let gross = unit_price * quantity;
            let discount = gross * discounts.0 / 1_000;
            let platform = discount * discounts.1 / 1_000;
            let line = line(unit_price, quantity, platform, discount - platform);
            let (mut before, mut sum) = (0, Share::default());
            for taken in groups {
                let share = line.share(before, taken).unwrap();
                prop_assert_eq!(share.gross, share.net + share.platform_discount + share.seller_discount);
                prop_assert_eq!(share.gross, unit_price * taken);
                let parts = [share.net, share.platform_discount, share.seller_discount];
                prop_assert!(parts.iter().all(|part| *part >= 0), "{:?}", share);
                before += taken;
                sum.gross += share.gross;
                sum.net += share.net;
                sum.platform_discount += share.platform_discount;
                sum.seller_discount += share.seller_discount;
                // However it was reached, so much has gone back of so many pieces.
                prop_assert_eq!(Some(sum), line.share(0, before));
            }
            let sold = line.sold.as_ref().unwrap();
            prop_assert_eq!(sum.net, line.net());
            prop_assert_eq!(sum.platform_discount, sold.platform_discount);
            prop_assert_eq!(sum.seller_discount, sold.seller_discount);
        }
    }
}
