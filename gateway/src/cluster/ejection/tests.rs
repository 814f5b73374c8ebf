use super::*;

const CONFIG: EjectionConfig = EjectionConfig {
    consecutive_failures: 3,
    window_ms: 1000,
    success_rate_calls: 4,
    success_rate_endpoints: 3,
    success_rate_deviation_percent: 190,
    base_ms: 100,
    longest_ms: 250,
    max_percent: 50,
};

#[tokio::test(start_paused = true)]
async fn an_ejection_is_longer_each_time_up_to_a_bound_and_shorter_again_after_good_times() {
    let mut record = Record::default();
    let mut now = Instant::now();
    for expected in [100, 200, 250, 250] {
        let time = record.eject(now, &CONFIG);
        assert_eq!(time, Duration::from_millis(expected));
        assert!(record.is_ejected(now + time - Duration::from_millis(1)));
        now += time;
        assert!(!record.is_ejected(now), "it ends by itself");
    }
    now += Duration::from_millis(399);
    let time = record.eject(now, &CONFIG);
    assert_eq!(
        time,
        Duration::from_millis(200),
        "four times, less three good times as long as the first, and once more"
    );
    now += time + Duration::from_millis(99);
    assert_eq!(record.eject(now, &CONFIG), Duration::from_millis(250), "while it is ejected is no good time");
    now += Duration::from_secs(3600);
    assert_eq!(record.eject(now, &CONFIG), Duration::from_millis(100), "all is forgotten");
    assert_eq!(record.ejections(), 7);
}

#[test]
fn failures_in_a_row_are_forgotten_with_the_first_success() {
    let mut record = Record::default();
    let in_a_row: Vec<_> = [true, true, false, true].map(|failed| record.note(failed)).to_vec();
    assert_eq!(in_a_row, [1, 2, 0, 1]);
}

#[tokio::test(start_paused = true)]
async fn a_window_has_a_rate_only_with_enough_calls() {
    let mut record = Record::default();
    for failed in [true, false, false] {
        record.note(failed);
    }
    assert_eq!(record.end_window(&CONFIG), None);
    for failed in [true, false, false, false] {
        record.note(failed);
    }
    assert_eq!(record.end_window(&CONFIG), Some(0.75));
    assert_eq!(record.end_window(&CONFIG), None, "every window begins anew");
}

#[test]
fn one_bad_endpoint_among_good_ones_is_below_the_least_rate() {
    let rates = [1.0, 1.0, 1.0, 1.0, 0.2];
    let least = least_success_rate(&rates, 190);
    assert!(least > 0.2 && least < 1.0, "{least}");
    let alike = [0.5, 0.5, 0.5];
    assert!(alike.iter().all(|rate| *rate >= least_success_rate(&alike, 190)), "what is bad everywhere ejects nobody");
}

#[test]
fn what_callers_can_cause_is_no_failure() {
    let failures: Vec<i32> = (0..17).filter(|code| is_failure(Code::from(*code))).collect();
    assert_eq!(failures, [2, 13, 14, 15]);
}
