use proptest::prelude::*;

use super::*;

fn moment(text: &str) -> Moment {
    text.parse().unwrap()
}

fn item(number: u128) -> ItemId {
    format!("{number:032x}").parse().unwrap()
}

#[test]
fn days_are_whole_days_of_the_shop_and_end_with_yesterday() {
    let seoul = ShopCalendar::in_zone("Asia/Seoul").unwrap();
    // What was due at one in the night of the 2nd of March, in Seoul nine hours ahead; a late run is given the same moment.
    let table = [
        ("2026-03-01T16:00:00Z", "2026-03-01", "2026-02-28T15:00:00Z", "2026-03-01T15:00:00Z"),
        ("2026-03-01T15:00:00Z", "2026-03-01", "2026-02-28T15:00:00Z", "2026-03-01T15:00:00Z"),
        ("2026-03-01T14:59:59Z", "2026-02-28", "2026-02-27T15:00:00Z", "2026-02-28T15:00:00Z"),
        ("2025-12-31T16:00:00Z", "2025-12-31", "2025-12-30T15:00:00Z", "2025-12-31T15:00:00Z"),
    ];
    for (due, name, from, until) in table {
        let span = Span { from: moment(from), until: moment(until) };
        let yesterday = last_days(&seoul, moment(due), 1).next();
        assert_eq!(yesterday, Some(Day { name: name.into(), span }), "{due}");
    }
    let names: Vec<_> = last_days(&seoul, moment("2026-03-01T16:00:00Z"), 30).map(|day| day.name).collect();
    assert_eq!(names.len(), 30);
    assert_eq!(names[..3], ["2026-03-01", "2026-02-28", "2026-02-27"]);
}

#[test]
fn a_day_on_which_clocks_change_is_an_hour_shorter_or_longer() {
    let berlin = ShopCalendar::in_zone("Europe/Berlin").unwrap();
    let hours = |due: &str| {
        let Span { from, until } = last_days(&berlin, moment(due), 1).next().unwrap().span;
        until.since(from).as_secs() / 3600
    };
    assert_eq!(hours("2026-03-29T23:00:00Z"), 23);
    assert_eq!(hours("2026-10-26T00:00:00Z"), 25);
}

#[test]
fn the_slices_of_a_span_are_all_of_it_once() {
    let until = moment("2026-03-01T15:00:00Z");
    for (seconds, expected) in
        [(1, 1), (300, 1), (301, 2), (3_600, 12), (23 * 3_600, 276), (90_000, 300), (90_100, 301)]
    {
        let span = Span { from: until - Duration::from_secs(seconds), until };
        let parts = iter::successors(Some(span.last_slice()), |(_, before)| before.map(Span::last_slice));
        let slices: Vec<_> = parts.map(|(slice, _)| slice).collect();
        assert_eq!(slices.len(), expected, "{seconds}");
        let ends = slices.iter().map(|slice| slice.until).chain([span.from]);
        let starts = [until].into_iter().chain(slices.iter().map(|slice| slice.from));
        assert!(ends.eq(starts), "{seconds}");
        assert!(
            slices.iter().all(|slice| slice.until.since(slice.from) <= SLICE && slice.from < slice.until),
            "{seconds}"
        );
    }
}

#[test]
fn a_span_up_to_a_moment_contains_it_and_nothing_later() {
    let from = moment("2026-03-01T15:00:00Z");
    let span = Span { from, until: from + HOUR };
    for last in [from, from + SLICE, span.until - Duration::from_micros(1)] {
        let up_to = span.up_to(last);
        assert_eq!(up_to.from, from);
        assert!(last < up_to.until && up_to.until <= span.until, "{last}");
        assert_eq!(up_to.until.since(last), Duration::from_micros(1), "{last}");
    }
}

#[test]
fn an_hour_begins_with_its_first_moment() {
    let table = [
        ("2026-03-02T03:00:00Z", "2026-03-02T03:00:00Z"),
        ("2026-03-02T03:59:59.999999Z", "2026-03-02T03:00:00Z"),
        ("2026-03-02T03:00:00.000001Z", "2026-03-02T03:00:00Z"),
        ("1969-12-31T23:30:00.5Z", "1969-12-31T23:00:00Z"),
    ];
    for (now, hour) in table {
        assert_eq!(hour_of(moment(now)), moment(hour), "{now}");
    }
}

#[test]
fn a_sale_counts_a_tenth_less_with_each_hour_until_it_counts_nothing_to_speak_of() {
    let hour = moment("2026-03-02T03:00:00Z");
    let hours: Vec<_> = last_hours(hour).collect();
    assert_eq!(hours[0].0, Span { from: hour - HOUR, until: hour });
    let weights: Vec<_> = hours.iter().map(|(_, weight)| *weight).collect();
    assert_eq!(weights[..4], [1_000_000, 900_000, 810_000, 729_000]);
    assert!(weights[71] > 0 && weights[71] < WHOLE / 1_000, "{}", weights[71]);
    assert_eq!(hours.len(), 72);

    // Seven of now are worth more than ten of four hours ago, and six are not.
    let score = |quantity, age: usize| {
        let mut figures = Figures::new();
        add_up(&mut figures, [(item(1), quantity)], weights[age]);
        figures[&item(1)]
    };
    assert!(score(7, 0) > score(10, 4));
    assert!(score(6, 0) < score(10, 4));
}

#[test]
fn the_best_come_first_and_ties_go_by_id() {
    let figures = Figures::from([(item(3), 5), (item(1), 5), (item(2), 9), (item(4), 1)]);
    assert_eq!(places(&figures), [(item(2), 9), (item(1), 5), (item(3), 5), (item(4), 1)]);
    let many: Figures = (0..500).map(|number| (item(number), 1)).collect();
    assert_eq!(places(&many), (0..100).map(|number| (item(number), 1)).collect::<Vec<_>>());
}

#[test]
fn figures_too_large_to_hold_stay_the_largest() {
    let mut figures = Figures::new();
    add_up(&mut figures, [(item(1), i64::MAX), (item(1), i64::MAX)], WHOLE);
    assert_eq!(figures[&item(1)], i64::MAX);
}

fn some_figures() -> impl Strategy<Value = Figures> {
    proptest::collection::hash_map((0_u128..40).prop_map(item), 1_i64..100, 0..30)
}

proptest! {
    #[test]
    fn hours_and_days_follow_each_other_without_a_gap(micros in 0_i64..4_000_000_000_000_000) {
        let now = Moment::from_micros(micros);
        let hours: Vec<_> = last_hours(hour_of(now)).map(|(span, _)| span).collect();
        prop_assert!(hours[0].until <= now && now < hours[0].until + HOUR);
        let days: Vec<_> = last_days(&ShopCalendar::seoul(), now, LONGEST_PERIOD).map(|day| day.span).collect();
        prop_assert!(days[0].until <= now && now < days[0].until + 24 * HOUR);
        for spans in [hours, days] {
            prop_assert!(spans.windows(2).all(|pair| pair[1].until == pair[0].from));
        }
    }

    #[test]
    fn sales_add_up_in_whatever_order_they_are_read(mut sales in proptest::collection::vec((0_u128..5, 1_i64..1_000), 0..30)) {
        let sum = |sales: &[(u128, i64)]| {
            let mut figures = Figures::new();
            add_up(&mut figures, sales.iter().map(|(number, quantity)| (item(*number), *quantity)), 1);
            figures
        };
        let in_order = sum(&sales);
        sales.reverse();
        prop_assert_eq!(sum(&sales), in_order);
    }

    #[test]
    fn changes_lead_from_what_was_to_what_is_and_say_nothing_else(before in some_figures(), after in some_figures()) {
        let changes = changes(&before, &after);
        prop_assert!(changes.iter().all(|(item_id, figure)| before.get(item_id).copied().unwrap_or(0) != *figure));
        prop_assert!(changes.windows(2).all(|pair| pair[0].0 < pair[1].0));
        let mut changed = before;
        changed.extend(changes);
        changed.retain(|_, figure| *figure != 0);
        prop_assert_eq!(changed, after);
    }
}
