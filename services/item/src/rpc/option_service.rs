//! `OptionService`.

use std::collections::HashSet;

use bojagi_api::item as api;
use bojagi_api::item::option_service_server::OptionService;
use bojagi_chassis::{Context, Fields, answer};
use bojagi_kernel::Failure;
use bojagi_kernel::id::OptionId;
use bojagi_store::Tx;
use tonic::{Request, Response, Status};

use super::{reading, show};
use crate::NAME;
use crate::store::placed::{self, PlacedOption};

/// Options that are answered at once.
const MOST_OPTIONS: usize = 100;

/// Answers calls about options by their ids.
pub(crate) struct Options {
    pub(crate) context: Context,
}

#[tonic::async_trait]
impl OptionService for Options {
    async fn batch_get_options(
        &self,
        request: Request<api::BatchGetOptionsRequest>,
    ) -> Result<Response<api::BatchGetOptionsResponse>, Status> {
        answer::to(NAME, async {
            let option_ids = batch(&request.get_ref().option_ids)?;
            let unit = async move |tx: &mut Tx| {
                let found = placed::find_all(tx, &option_ids).await?;
                let there: HashSet<_> = found.iter().map(|placed| placed.option.option_id).collect();
                let missing: Vec<_> = option_ids.into_iter().filter(|option_id| !there.contains(option_id)).collect();
                Ok((found, missing))
            };
            let (found, missing) = reading(&self.context, unit).await?;
            Ok(api::BatchGetOptionsResponse {
                options: found.into_iter().map(option_of_item).collect(),
                missing_option_ids: missing.iter().map(ToString::to_string).collect(),
            })
        })
        .await
    }
}

/// The ids of a batch, each once, in the order in which they were asked for.
fn batch(option_ids: &[String]) -> Result<Vec<OptionId>, Failure> {
    let mut fields = Fields::new(NAME);
    if option_ids.is_empty() || option_ids.len() > MOST_OPTIONS {
        fields.wrong("option_ids", format_args!("must be 1 to {MOST_OPTIONS}"));
        return Err(fields.refuse());
    }
    let mut read = Vec::with_capacity(option_ids.len());
    for (index, option_id) in option_ids.iter().enumerate() {
        let option_id = fields.id::<OptionId>(&format!("option_ids[{index}]"), option_id);
        read.extend(option_id.filter(|option_id| !read.contains(option_id)));
    }
    fields.finish()?;
    Ok(read)
}

fn option_of_item(placed: PlacedOption) -> api::OptionOfItem {
    api::OptionOfItem {
        option: Some(show::option(&placed.option)),
        item_id: placed.item_id.to_string(),
        item_name: placed.item_name,
        store_id: placed.store_id.to_string(),
        store_name: placed.store_name,
        item_deleted: placed.item_deleted,
    }
}
