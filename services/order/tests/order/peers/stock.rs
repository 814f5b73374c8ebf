//! A fake of item: two stores of two sellers; options whose ids have an even last bit belong to the first.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use bojagi_api::item::stock_service_server::StockService;
use bojagi_api::{item, order};
use bojagi_events::{Event, Hears};
use bojagi_kernel::{Failure, Moment};
use bojagi_store::Tx;
use bojagi_testkit::TestAccount;
use tonic::{Code, Request, Response, Status};
use uuid::Uuid;

use super::catalogue::Catalogue;
use super::{Script, refuse};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hold {
    Reserved,
    Sold,
    Ended,
}

#[derive(Clone)]
pub(crate) struct Stock(Arc<State>);

pub(crate) struct State {
    pub(crate) sellers: [TestAccount; 2],
    pub(crate) stores: [Uuid; 2],
    pub(crate) holds: Mutex<HashMap<String, Hold>>,
    /// How often pieces moved: once for each reservation, sale and return.
    pub(crate) moves: Mutex<Vec<(String, Hold)>>,
    pub(crate) reserve: Script,
    /// Options of which nothing is left, whatever the catalogue shows.
    sold_out: Mutex<HashSet<String>>,
    /// What can be bought.
    pub(crate) catalogue: Catalogue,
    /// Facts are heard only later.
    pub(crate) asleep: Mutex<bool>,
}

impl std::ops::Deref for Stock {
    type Target = State;

    fn deref(&self) -> &State {
        &self.0
    }
}

impl Stock {
    pub(crate) fn new(sellers: [TestAccount; 2]) -> Self {
        Self(Arc::new(State {
            sellers,
            stores: [Uuid::now_v7(), Uuid::now_v7()],
            holds: Mutex::default(),
            moves: Mutex::default(),
            reserve: Script::default(),
            sold_out: Mutex::default(),
            catalogue: Catalogue::default(),
            asleep: Mutex::new(false),
        }))
    }

    pub(crate) fn hold(&self, order_id: &str) -> Option<Hold> {
        self.holds.lock().unwrap().get(order_id).copied()
    }

    /// From now on every order of this option is refused, however often it is asked for.
    pub(crate) fn sells_out(&self, option_id: &str) {
        self.sold_out.lock().unwrap().insert(option_id.to_owned());
    }

    fn lacks(&self, lines: &[item::ReserveStockLine]) -> bool {
        let sold_out = self.sold_out.lock().unwrap();
        lines.iter().any(|line| sold_out.contains(&line.option_id))
    }

    fn enter(&self, order_id: &str, hold: Hold) -> bool {
        let before = self.holds.lock().unwrap().insert(order_id.to_owned(), hold);
        if before == Some(hold) {
            return false;
        }
        self.moves.lock().unwrap().push((order_id.to_owned(), hold));
        true
    }

    pub(crate) fn hears(&self) -> Hears {
        let [confirmed, failed, cancelled] = [(); 3].map(|()| self.clone());
        Hears::new("item")
            .on(async move |_: &mut Tx, _: &Event, fact: order::OrderConfirmed| {
                confirmed.enter(&fact.order_id, Hold::Sold);
                Ok(())
            })
            .on(async move |tx: &mut Tx, event: &Event, fact: order::OrderFailed| {
                failed.release(tx, &fact.order_id, event.told_at).await
            })
            .on(async move |tx: &mut Tx, event: &Event, fact: order::OrderCancelled| {
                cancelled.release(tx, &fact.order_id, event.told_at).await
            })
    }

    async fn release(&self, tx: &mut Tx, order_id: &str, now: Moment) -> Result<(), Failure> {
        if *self.asleep.lock().unwrap() {
            return Err(Failure::Unavailable("asleep".into()));
        }
        if self.enter(order_id, Hold::Ended) {
            let fact = item::StockReleased { order_id: order_id.into(), ..Default::default() };
            bojagi_events::tell(tx, order_id.parse().unwrap(), &fact, now).await?;
        }
        Ok(())
    }

    fn reserved(&self, line: item::ReserveStockLine) -> item::ReservedLine {
        let option: Uuid = line.option_id.parse().unwrap();
        let which = usize::from(option.as_bytes()[15] & 1);
        item::ReservedLine {
            order_line_id: line.order_line_id,
            option_id: line.option_id,
            item_id: Uuid::new_v5(&option, b"item").to_string(),
            item_name: "Tea".into(),
            option_name: "Large".into(),
            store_id: self.stores[which].to_string(),
            store_name: format!("Store {which}"),
            seller_id: self.sellers[which].account_id.to_string(),
            unit_price: line.expected_unit_price,
            quantity: line.quantity,
        }
    }
}

#[tonic::async_trait]
impl StockService for Stock {
    async fn reserve_stock(
        &self,
        request: Request<item::ReserveStockRequest>,
    ) -> Result<Response<item::ReserveStockResponse>, Status> {
        let request = request.into_inner();
        self.reserve
            .play(async || {
                match self.hold(&request.order_id) {
                    Some(Hold::Ended) => return Err(refuse(Code::FailedPrecondition, "ORDER_ENDED")),
                    Some(Hold::Reserved | Hold::Sold) => {}
                    None if self.lacks(&request.lines) => {
                        return Err(refuse(Code::FailedPrecondition, "OUT_OF_STOCK"));
                    }
                    None => drop(self.enter(&request.order_id, Hold::Reserved)),
                }
                let lines = request.lines.clone().into_iter().map(|line| self.reserved(line)).collect();
                Ok(Response::new(item::ReserveStockResponse { state: item::HoldState::Reserved.into(), lines }))
            })
            .await
    }

    async fn adjust_stock(
        &self,
        _: Request<item::AdjustStockRequest>,
    ) -> Result<Response<item::AdjustStockResponse>, Status> {
        Err(Status::unimplemented("order does not ask this"))
    }

    async fn get_stock(&self, _: Request<item::GetStockRequest>) -> Result<Response<item::GetStockResponse>, Status> {
        Err(Status::unimplemented("order does not ask this"))
    }
}
