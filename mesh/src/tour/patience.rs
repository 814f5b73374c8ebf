//! Waiting for what the shop does by itself after it has answered.

use std::time::Duration;

use tokio::time::{Instant, interval};

use super::TourError;

/// How long the shop may take: the first facts wait until groups have joined a broker, on a busy machine for long.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// How often it is asked meanwhile.
const INTERVAL: Duration = Duration::from_millis(5);

/// Asks until nothing differs any more, and answers what was asked for. After a minute the last difference is the answer;
/// anything but a difference is at once.
pub(super) async fn until_as_expected<T, F>(ask: impl Fn() -> F) -> Result<T, TourError>
where
    F: Future<Output = Result<T, TourError>>,
{
    until_given_up(Instant::now() + PATIENCE, ask).await
}

async fn until_given_up<T, F>(given_up: Instant, ask: impl Fn() -> F) -> Result<T, TourError>
where
    F: Future<Output = Result<T, TourError>>,
{
    let mut ticks = interval(INTERVAL);
    loop {
        ticks.tick().await;
        match ask().await {
            Err(TourError::Differs { .. }) if Instant::now() < given_up => {}
            Err(TourError::Differs { what, expected, actual }) => {
                return Err(TourError::differs(format!("{what}, in the end"), expected, actual));
            }
            outcome => return outcome,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::super::expect;
    use super::*;

    #[tokio::test]
    async fn a_difference_is_asked_again_and_told_in_the_end() {
        let asked = Cell::new(0);
        let ask = || async {
            asked.set(asked.get() + 1);
            expect::equal("count", 3, asked.get())
        };
        assert!(until_as_expected(ask).await.is_ok());
        assert_eq!(asked.get(), 3);
        let told = until_given_up(Instant::now(), ask).await.unwrap_err().to_string();
        assert_eq!(told, "count, in the end: expected 3, got 4");
    }
}
