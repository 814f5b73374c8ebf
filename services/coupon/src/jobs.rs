//! What the clock starts.

use bojagi_chassis::{Context, tasks};
use bojagi_kernel::Failure;
use bojagi_store::Tx;

use crate::{Config, expire_coupons};

/// Looks for pieces whose time has passed, again and again, until the process is to end.
pub(crate) async fn expire_coupons(context: Context, config: Config) {
    let stop = context.stop.clone();
    let look = move || expire_all_due(context.clone(), config.expiry_batch);
    tasks::every("expire coupons", config.expiry_interval(), stop, look).await;
}

/// Many may expire at the same midnight; between batches others get their turn at the store.
async fn expire_all_due(context: Context, batch: i64) -> Result<(), Failure> {
    loop {
        let now = context.clock.now();
        let expired =
            context.store.write(async move |tx: &mut Tx| expire_coupons::expire_due(tx, now, batch).await).await?;
        if expired == 0 || context.stop.is_cancelled() {
            return Ok(());
        }
    }
}
