//! Dividing an amount so that the parts always add up to it.

/// Divides `total` over `weights` by largest remainder: everyone gets the floor of their exact share, and the units left
/// over go one each to the largest remainders. Ties go to the larger weight, then to the smaller `tie_key`, so that the
/// result does not depend on the order of the lines. A weight of zero never gets a unit.
///
/// Returns `None` when there is nothing to divide over (no positive weight) while `total` is not zero, or when an
/// argument is negative.
#[must_use]
pub fn by_largest_remainder<K: Ord>(total: i64, weights: &[(i64, K)]) -> Option<Vec<i64>> {
    if total < 0 || weights.iter().any(|(weight, _)| *weight < 0) {
        return None;
    }
    let sum: i128 = weights.iter().map(|(weight, _)| i128::from(*weight)).sum();
    if sum == 0 {
        return (total == 0).then(|| vec![0; weights.len()]);
    }

    let mut parts = Vec::with_capacity(weights.len());
    let mut claims = Vec::with_capacity(weights.len());
    let mut left = total;
    for (index, (weight, _)) in weights.iter().enumerate() {
        let exact = i128::from(total) * i128::from(*weight);
        let floor = i64::try_from(exact / sum).ok()?;
        left -= floor;
        parts.push(floor);
        if *weight > 0 {
            claims.push((exact % sum, index));
        }
    }
    claims.sort_by(|(left_rest, left_index), (right_rest, right_index)| {
        let (left_weight, left_key) = &weights[*left_index];
        let (right_weight, right_key) = &weights[*right_index];
        right_rest.cmp(left_rest).then(right_weight.cmp(left_weight)).then(left_key.cmp(right_key))
    });
    // Fewer units are left over than there are positive weights, so one round gives them all out.
    for (_, index) in claims.into_iter().take(usize::try_from(left).ok()?) {
        parts[index] += 1;
    }
    Some(parts)
}

/// What part `taken` of `whole` is worth when the whole is worth `value`, by cumulative floor: the worth of the first
/// `before + taken` units less the worth of the first `before`. Whatever the grouping and order of the takings, the
/// worths add up to exactly `value` when all units are taken.
///
/// Returns `None` when an argument is negative, `whole` is zero, or more than the whole would be taken.
#[must_use]
pub fn by_cumulative_floor(value: i64, whole: i64, before: i64, taken: i64) -> Option<i64> {
    if value < 0 || whole <= 0 || before < 0 || taken < 0 {
        return None;
    }
    let after = before.checked_add(taken)?;
    if after > whole {
        return None;
    }
    let worth = |units: i64| i64::try_from(i128::from(value) * i128::from(units) / i128::from(whole)).ok();
    Some(worth(after)? - worth(before)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_zero_line_never_gets_a_unit() {
        assert_eq!(by_largest_remainder(2, &[(0, 1), (1, 2), (1, 3), (1, 4)]), Some(vec![0, 1, 1, 0]));
    }

    #[test]
    fn nothing_to_divide_over_is_told() {
        assert_eq!(by_largest_remainder(1, &[(0, 1)]), None);
        assert_eq!(by_largest_remainder(0, &[(0, 1)]), Some(vec![0]));
        assert_eq!(by_largest_remainder(-1, &[(1, 1)]), None);
    }

    proptest! {
        #[test]
        fn parts_add_up_and_stay_within_one_of_the_exact_share(
            total in 0..i64::MAX,
            weights in prop::collection::vec(0..i64::MAX, 1..20),
        ) {
            let keyed: Vec<_> = weights.iter().copied().zip(0..).collect();
            let sum: i128 = weights.iter().map(|weight| i128::from(*weight)).sum();
            prop_assume!(sum > 0);
            let parts = by_largest_remainder(total, &keyed).unwrap();
            prop_assert_eq!(parts.iter().map(|part| i128::from(*part)).sum::<i128>(), i128::from(total));
            for (part, weight) in parts.iter().zip(&weights) {
                let floor = i128::from(total) * i128::from(*weight) / sum;
                prop_assert!((floor..=floor + 1).contains(&i128::from(*part)));
                prop_assert!(*weight > 0 || *part == 0);
            }
        }

        #[test]
        fn the_split_does_not_depend_on_the_order_of_the_lines(
            total in 0..1_000_000_i64,
            weights in prop::collection::vec(0..1_000_i64, 1..12),
            rotation in 0..12_usize,
        ) {
            let keyed: Vec<_> = weights.iter().copied().zip(0..).collect();
            prop_assume!(weights.iter().sum::<i64>() > 0);
            let mut rotated = keyed.clone();
            rotated.rotate_left(rotation % keyed.len());
            let by_key = |lines: &[(i64, i32)]| {
                let mut parts: Vec<_> =
                    lines.iter().map(|line| line.1).zip(by_largest_remainder(total, lines).unwrap()).collect();
                parts.sort_unstable();
                parts
            };
            prop_assert_eq!(by_key(&keyed), by_key(&rotated));
        }

        #[test]
        fn takings_in_any_grouping_add_up_to_the_value(
            value in 0..i64::MAX,
            takings in prop::collection::vec(0..1_000_i64, 1..20),
        ) {
            let whole: i64 = takings.iter().sum();
            prop_assume!(whole > 0);
            let (mut before, mut given) = (0, 0);
            for taken in takings {
                given += by_cumulative_floor(value, whole, before, taken).unwrap();
                before += taken;
            }
            prop_assert_eq!(given, value);
            prop_assert_eq!(by_cumulative_floor(value, whole, whole, 1), None);
        }
    }
}
