//! `StockService`.

use bojagi_api::item as api;
use bojagi_api::item::stock_service_server::StockService;
use bojagi_chassis::{Caller, Context, Fields, answer, once};
use bojagi_kernel::Failure;
use bojagi_store::{LockKey, Tx};
use tonic::{Request, Response, Status};

use super::{read, reading, show};
use crate::NAME;
use crate::adjust_stock::adjust_stock;
use crate::domain::refusal::StockRefusal;
use crate::domain::reservation::Asked;
use crate::reserve_stock::Reservations;
use crate::store::stock;

/// Answers calls about stock.
pub(crate) struct StockRoom {
    pub(crate) context: Context,
    pub(crate) reservations: Reservations,
}

#[tonic::async_trait]
impl StockService for StockRoom {
    async fn adjust_stock(
        &self,
        request: Request<api::AdjustStockRequest>,
    ) -> Result<Response<api::AdjustStockResponse>, Status> {
        answer::to(NAME, async {
            let caller = Caller::of(&request);
            let seller_id = caller.account()?.account_id;
            let request = request.into_inner();
            let mut fields = Fields::new(NAME);
            let request_id = fields.request_id(&request.request_id);
            let option_id = fields.id("option_id", &request.option_id);
            let delta = fields.count("delta", request.delta, -read::MOST_PIECES..=read::MOST_PIECES);
            if request.delta == 0 {
                fields.wrong("delta", "must not be 0");
            }
            let (Some(request_id), Some(option_id), Some(delta)) = (request_id, option_id, delta) else {
                return Err(fields.refuse());
            };
            fields.finish()?;
            let key = once::key(&caller, "AdjustStock", request_id, &request);
            let (now, locked) = (self.context.clock.now(), [LockKey::of(option_id)]);
            once::write_locking(&self.context.store, locked, key, now, async move |tx: &mut Tx| {
                let adjusted = adjust_stock(tx, seller_id, option_id, delta, now).await?;
                Ok(api::AdjustStockResponse { stock: Some(show::stock(&adjusted)) })
            })
            .await
        })
        .await
    }

    async fn get_stock(
        &self,
        request: Request<api::GetStockRequest>,
    ) -> Result<Response<api::GetStockResponse>, Status> {
        answer::to(NAME, async {
            let option_id = Fields::only_id(NAME, "option_id", &request.get_ref().option_id)?;
            let unit = async move |tx: &mut Tx| Ok(stock::find(tx, option_id).await?);
            let found = reading(&self.context, unit).await?;
            let counted = found.ok_or(StockRefusal::OptionNotFound { option_id })?;
            Ok(api::GetStockResponse { stock: Some(show::stock(&counted)) })
        })
        .await
    }

    async fn reserve_stock(
        &self,
        request: Request<api::ReserveStockRequest>,
    ) -> Result<Response<api::ReserveStockResponse>, Status> {
        answer::to(NAME, async {
            let asked = asked(request.get_ref())?;
            let (state, held) = self.reservations.ask(asked).await?;
            Ok(api::ReserveStockResponse {
                state: show::hold_state(state).into(),
                lines: held.into_iter().map(show::reserved_line).collect(),
            })
        })
        .await
    }
}

fn asked(request: &api::ReserveStockRequest) -> Result<Asked, Failure> {
    let mut fields = Fields::new(NAME);
    let order_id = fields.id("order_id", &request.order_id);
    let customer_id = fields.id("customer_id", &request.customer_id);
    let lines = read::asked_lines(&mut fields, &request.lines);
    let (Some(order_id), Some(customer_id), Some(lines)) = (order_id, customer_id, lines) else {
        return Err(fields.refuse());
    };
    Ok(Asked { order_id, customer_id, lines })
}
