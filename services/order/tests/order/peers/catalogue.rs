//! A fake of what item offers: options by their ids, as a test says they are.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use bojagi_api::item;
use bojagi_api::item::option_service_server::OptionService;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::Script;
use crate::house::won;

#[derive(Clone, Default)]
pub(crate) struct Catalogue(Arc<State>);

#[derive(Default)]
pub(crate) struct State {
    options: Mutex<HashMap<String, item::OptionOfItem>>,
    pub(crate) look_up: Script,
}

impl std::ops::Deref for Catalogue {
    type Target = State;

    fn deref(&self) -> &State {
        &self.0
    }
}

impl Catalogue {
    /// Puts a new option on offer.
    pub(crate) fn offers(&self, price: i64, available: i64) -> String {
        let option_id = Uuid::now_v7().to_string();
        let option = item::Option {
            option_id: option_id.clone(),
            name: "Large".into(),
            price: Some(won(price)),
            state: item::OptionState::Active.into(),
            available,
            ..Default::default()
        };
        let placed = item::OptionOfItem {
            option: Some(option),
            item_id: Uuid::now_v7().to_string(),
            item_name: "Tea".into(),
            store_id: Uuid::now_v7().to_string(),
            store_name: "Tea house".into(),
            item_deleted: false,
        };
        self.options.lock().unwrap().insert(option_id.clone(), placed);
        option_id
    }

    fn change(&self, option_id: &str, change: impl FnOnce(&mut item::OptionOfItem, &mut item::Option)) {
        let mut options = self.options.lock().unwrap();
        let placed = options.get_mut(option_id).unwrap();
        let mut option = placed.option.take().unwrap();
        change(placed, &mut option);
        placed.option = Some(option);
    }

    pub(crate) fn prices(&self, option_id: &str, price: i64) {
        self.change(option_id, |_, option| option.price = Some(won(price)));
    }

    pub(crate) fn has_left(&self, option_id: &str, available: i64) {
        self.change(option_id, |_, option| option.available = available);
    }

    pub(crate) fn retires(&self, option_id: &str) {
        self.change(option_id, |_, option| option.state = item::OptionState::Retired.into());
    }

    pub(crate) fn deletes_item_of(&self, option_id: &str) {
        self.retires(option_id);
        self.change(option_id, |placed, _| placed.item_deleted = true);
    }
}

#[tonic::async_trait]
impl OptionService for Catalogue {
    async fn batch_get_options(
        &self,
        request: Request<item::BatchGetOptionsRequest>,
    ) -> Result<Response<item::BatchGetOptionsResponse>, Status> {
        let asked = request.into_inner().option_ids;
        assert!((1..=100).contains(&asked.len()), "item refuses other batches");
        self.look_up
            .play(async || {
                let offered = self.options.lock().unwrap();
                let (there, missing): (Vec<_>, Vec<_>) =
                    asked.into_iter().partition(|option_id| offered.contains_key(option_id));
                Ok(Response::new(item::BatchGetOptionsResponse {
                    options: there.iter().map(|option_id| offered[option_id].clone()).collect(),
                    missing_option_ids: missing,
                }))
            })
            .await
    }
}
