//! `RankingService`.

use std::collections::HashMap;

use bojagi_api::item as api;
use bojagi_api::item::ranking_service_server::RankingService;
use bojagi_chassis::{Context, Fields, answer, wire};
use bojagi_kernel::Failure;
use bojagi_kernel::id::ItemId;
use bojagi_store::Tx;
use tonic::{Request, Response, Status};

use super::{browsing, show};
use crate::NAME;
use crate::domain::catalogue::Item;
use crate::domain::ranking::{self as rules, RankingKind};
use crate::store::rankings::Computed;
use crate::store::{items, rankings};

/// Answers calls about what sells.
pub(crate) struct Rankings {
    pub(crate) context: Context,
}

/// A ranking as it was computed, and its items as they are now, each with the figure that it goes by.
type Shown = Option<(Computed, Vec<(Item, i64)>)>;

#[tonic::async_trait]
impl RankingService for Rankings {
    async fn list_popular_items(
        &self,
        request: Request<api::ListPopularItemsRequest>,
    ) -> Result<Response<api::ListPopularItemsResponse>, Status> {
        answer::to(NAME, async {
            let request = request.get_ref();
            let mut fields = Fields::new(NAME);
            let days = number(
                &mut fields,
                ("period_days", request.period_days),
                (rules::DEFAULT_PERIOD, rules::LONGEST_PERIOD),
            );
            let limit = limit(&mut fields, request.limit);
            let (Some(days), Some(limit)) = (days, limit) else { return Err(fields.refuse()) };
            let Some((computed, places)) = self.shown(RankingKind::Popular, days, limit).await? else {
                return Ok(api::ListPopularItemsResponse::default());
            };
            let names = rules::last_days(&self.context.calendar, computed.due, days).map(|day| day.name);
            let names: Vec<String> = names.collect();
            let popular = places
                .iter()
                .map(|(item, sold)| api::PopularItem { item: Some(show::item(item)), sold_quantity: *sold });
            Ok(api::ListPopularItemsResponse {
                popular_items: popular.collect(),
                computed_at: Some(wire::timestamp(computed.at)),
                first_day: names.last().cloned().unwrap_or_default(),
                last_day: names.first().cloned().unwrap_or_default(),
            })
        })
        .await
    }

    async fn list_trending_items(
        &self,
        request: Request<api::ListTrendingItemsRequest>,
    ) -> Result<Response<api::ListTrendingItemsResponse>, Status> {
        answer::to(NAME, async {
            let mut fields = Fields::new(NAME);
            let limit = limit(&mut fields, request.get_ref().limit);
            let Some(limit) = limit else { return Err(fields.refuse()) };
            let Some((computed, places)) = self.shown(RankingKind::Trending, 0, limit).await? else {
                return Ok(api::ListTrendingItemsResponse::default());
            };
            let trending =
                places.iter().map(|(item, score)| api::TrendingItem { item: Some(show::item(item)), score: *score });
            Ok(api::ListTrendingItemsResponse {
                trending_items: trending.collect(),
                computed_at: Some(wire::timestamp(computed.at)),
                sold_until: Some(wire::timestamp(computed.due)),
            })
        })
        .await
    }
}

impl Rankings {
    /// The first living items of a ranking over some days, 0 for none.
    async fn shown(&self, kind: RankingKind, days: i64, limit: i64) -> Result<Shown, Failure> {
        let unit = async move |tx: &mut Tx| {
            let Some(computed) = rankings::computed(tx, kind).await? else { return Ok(None) };
            let places = rankings::places(tx, kind, days, limit).await?;
            let ids: Vec<ItemId> = places.iter().map(|(item_id, _)| *item_id).collect();
            let figures: HashMap<_, _> = places.into_iter().collect();
            let items = items::find_all(tx, &ids).await?;
            let with_figure = |item: Item| {
                let figure = figures.get(&item.item_id).copied().unwrap_or_default();
                (item, figure)
            };
            Ok(Some((computed, items.into_iter().map(with_figure).collect())))
        };
        browsing(&self.context, unit).await
    }
}

fn limit(fields: &mut Fields, limit: i32) -> Option<i64> {
    number(fields, ("limit", limit), (rules::DEFAULT_SHOWN, rules::MOST_SHOWN))
}

/// A number from 1 on, or the default when it is 0.
fn number(fields: &mut Fields, (field, asked): (&str, i32), (default, most): (i64, i64)) -> Option<i64> {
    if asked == 0 { Some(default) } else { fields.count(field, asked.into(), 1..=most) }
}
