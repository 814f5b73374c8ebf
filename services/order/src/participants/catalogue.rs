//! Asking item what it offers: the options of a cart, all in one call.

use std::collections::HashMap;
use std::str::FromStr;
use std::time::Instant;

use bojagi_api::item::{self, OptionState};
use bojagi_chassis::wire::read_money;
use bojagi_kernel::Money;
use bojagi_kernel::id::OptionId;

use super::{Participants, Setback, senseless};
use crate::domain::{MAX_GROSS, Offer, Sight, Whereabouts};

impl Participants {
    /// What the catalogue says of each of these options, at most 100, by `until`.
    pub(crate) async fn look_up(
        &self,
        option_ids: &[OptionId],
        until: Instant,
    ) -> Result<HashMap<OptionId, Sight>, Setback> {
        if option_ids.is_empty() {
            return Ok(HashMap::new());
        }
        let request = item::BatchGetOptionsRequest { option_ids: option_ids.iter().map(ToString::to_string).collect() };
        let answer = self.ask_until(until, self.options.clone().batch_get_options(request)).await?;
        let mut sights = HashMap::with_capacity(option_ids.len());
        for found in answer.options {
            let option = found.option.clone().ok_or_else(|| senseless("an option is missing"))?;
            sights.insert(id(&option.option_id)?, sight(found, &option)?);
        }
        for missing in &answer.missing_option_ids {
            sights.insert(id(missing)?, Sight::ItemGone);
        }
        if option_ids.iter().all(|option_id| sights.contains_key(option_id)) {
            Ok(sights)
        } else {
            Err(senseless("not every option was answered"))
        }
    }
}

fn sight(found: item::OptionOfItem, option: &item::Option) -> Result<Sight, Setback> {
    match option.state() {
        _ if found.item_deleted => return Ok(Sight::ItemGone),
        OptionState::Retired => return Ok(Sight::OptionGone),
        OptionState::Active => {}
        OptionState::Unspecified => return Err(senseless("an option has no state")),
    }
    let price = option.price.as_ref().and_then(read_money);
    let sensible = |price: &Money| (1..=MAX_GROSS).contains(&price.minor());
    let unit_price = price.filter(sensible).ok_or_else(|| senseless("a price is none"))?;
    let whereabouts = Whereabouts {
        item_id: id(&found.item_id)?,
        store_id: id(&found.store_id)?,
        item_name: found.item_name,
        option_name: option.name.clone(),
        store_name: found.store_name,
    };
    Ok(Sight::OnOffer(Offer { whereabouts, unit_price, available: option.available }))
}

fn id<T: FromStr>(text: &str) -> Result<T, Setback> {
    text.parse().map_err(|_| senseless("an id is malformed"))
}
