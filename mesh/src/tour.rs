//! A day at the shop, walked through over the public API and checked to the unit.
//!
//! New people come each time: a customer who buys, one who comes too late, two sellers, an admin. What every amount has to be is
//! computed here, by [`arithmetic`], and compared with what the shop answers. The first difference ends the tour, and is named.
//!
//! The tour can be walked on a shop that is in use: it compares what belongs to its own people and orders, and of what
//! belongs to everybody only that it is sound.

mod arithmetic;
mod error;
mod expect;
mod patience;
mod purchase;
mod scenes;
mod timeline;

use std::path::PathBuf;

use bojagi_kernel::Failure;
use futures::FutureExt;
use futures::future::BoxFuture;

pub use self::error::TourError;
use self::scenes::{
    books, cancelled_order, delivery, failing_order, opening, preparing, settlement, shopping, sign_up, taking_back,
};
pub use self::timeline::{Step, Timeline};
use crate::client::GatewayClient;

/// Where a tour takes place.
pub struct Stage<'a> {
    /// The gateway, as nobody.
    pub gateway: GatewayClient,
    /// The folder that mails go to.
    pub mailbox: PathBuf,
    /// Who runs the shop.
    pub admin: Admin<'a>,
}

/// Who runs the shop during a tour.
pub enum Admin<'a> {
    /// An admin who is there already.
    SignsIn {
        /// The address.
        email: String,
        /// The password.
        password: String,
    },
    /// A new account, made an admin by this.
    Granted(Box<GrantAdmin<'a>>),
}

/// Makes the account with an address an admin.
pub type GrantAdmin<'a> = dyn Fn(String) -> BoxFuture<'a, Result<(), Failure>> + Send + Sync + 'a;

impl<'a> Admin<'a> {
    /// A new account, made an admin by `grant`, which is given its address.
    pub fn granted<F>(grant: impl Fn(String) -> F + Send + Sync + 'a) -> Self
    where
        F: Future<Output = Result<(), Failure>> + Send + 'a,
    {
        Self::Granted(Box::new(move |email| grant(email).boxed()))
    }
}

/// Walks through the day, scene by scene, and records it.
///
/// # Errors
/// The first thing that differs from what it should be, or that could not be asked.
pub async fn run(stage: Stage<'_>, timeline: &mut Timeline) -> Result<(), TourError> {
    let cast = sign_up::play(&stage, timeline).await?;
    let shop = opening::play(&cast, timeline).await?;
    let wallet = preparing::play(&cast, &shop, timeline).await?;

    let bought = shopping::play(&cast, &shop, &wallet, timeline).await?;
    failing_order::play(&cast, &shop, &wallet, timeline).await?;
    let cancelled = cancelled_order::play(&cast, &shop, &wallet, timeline).await?;
    delivery::play(&cast, &bought, timeline).await?;

    let closed_at = settlement::play(&cast, &bought, &cancelled, timeline).await?;
    books::play(&cast, &bought, closed_at, timeline).await?;
    taking_back::play(&cast, &shop, &bought, timeline).await
}
