//! The contract of a store, on SQLite and on PostgreSQL.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

/// Each promise as a test on SQLite, and as one on the PostgreSQL server of the environment if there is one.
macro_rules! on_both {
    ($($promise:ident),+ $(,)?) => {
        mod on_sqlite {
            use super::*;
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $promise() {
                super::$promise(Place::in_files()).await;
            })+
        }

        mod on_postgres {
            use super::*;
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $promise() {
                match Place::on_postgres() {
                    Some(place) => super::$promise(place).await,
                    None => eprintln!("skipped: {} names no server", bojagi_testkit::SERVER_VARIABLE),
                }
            })+
        }
    };
}

mod combined;
mod facts;
mod migrations;
mod proxy;
mod servers;
mod side_by_side;
// After the macro that they use.
mod spans;
mod units;
