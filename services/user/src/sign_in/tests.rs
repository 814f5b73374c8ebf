use super::*;
use crate::config::{Config, Rate};
use crate::shared::bench::{Bench, EMAIL, PASSWORD};

async fn sign_in_from(bench: &Bench, origin: &str) -> Result<(), Failure> {
    let wish = SignIn { email: EMAIL.parse().unwrap(), password: PASSWORD.to_owned(), device_name: String::new() };
    sign_in(&bench.shared, &Origin(origin.to_owned()), wish).await.map(drop)
}

fn reason(outcome: Result<(), Failure>) -> String {
    outcome.unwrap_err().refusal().unwrap().reason.to_string()
}

#[tokio::test]
async fn a_password_that_is_hashed_anew_while_it_is_proven_is_right() {
    let bench = Bench::open().await;
    let account_id = bench.customer().await;
    let signing_in = sign_in_from(&bench, "192.0.2.1");
    bench.meanwhile(signing_in, bench.hash_anew(account_id, PASSWORD)).await.unwrap();
}

#[tokio::test]
async fn a_password_that_is_changed_while_it_is_proven_is_wrong() {
    let bench = Bench::open().await;
    let account_id = bench.customer().await;
    let signing_in = sign_in_from(&bench, "192.0.2.1");
    let outcome = bench.meanwhile(signing_in, bench.hash_anew(account_id, "violet chair 31")).await;
    assert_eq!(reason(outcome), "BAD_CREDENTIALS");
}

#[tokio::test]
async fn a_sign_in_that_is_cut_short_costs_its_origin_an_attempt() {
    let mut config = Config::default();
    config.limits.sign_in_per_origin = Rate { burst: 1, every_seconds: 60 };
    let bench = Bench::open_with(config).await;
    bench.customer().await;
    sign_in_from(&bench, "203.0.113.1").await.unwrap();
    bench.leave(sign_in_from(&bench, "203.0.113.1")).await;
    assert_eq!(reason(sign_in_from(&bench, "203.0.113.1").await), "TOO_MANY_ATTEMPTS");
    sign_in_from(&bench, "192.0.2.1").await.unwrap();
}
