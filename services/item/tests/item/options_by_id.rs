//! Options by their own ids, as order asks for them.

use bojagi_api::item as api;
use bojagi_api::item::option_service_client::OptionServiceClient;
use bojagi_testkit::reason;
use tonic::{Code, Status};

use crate::shop::{Shop, draft, kept, line, new_id, order};

async fn batch(shop: &Shop, option_ids: &[&str]) -> Result<api::BatchGetOptionsResponse, Status> {
    let request = api::BatchGetOptionsRequest { option_ids: option_ids.iter().map(ToString::to_string).collect() };
    let mut options = OptionServiceClient::new(shop.rig.workload("order"));
    Ok(options.batch_get_options(request).await?.into_inner())
}

#[tokio::test]
async fn options_are_answered_as_they_are_now_wherever_they_belong() {
    let shop = Shop::open().await;
    let mug = shop.new_item("Mug", vec![draft("red", 5_000, 10), draft("blue", 6_000, 10)]).await;
    let bowl = shop.new_item("Bowl", vec![draft("small", 7_000, 3)]).await;
    let plate = shop.new_item("Plate", vec![draft("flat", 8_000, 3)]).await;
    let [red, blue, small, flat] =
        [&mug.options[0], &mug.options[1], &bowl.options[0], &plate.options[0]].map(Clone::clone);
    // The red one is retired, the plate deleted, the bowl dearer and one less.
    shop.update_options(&mug, vec![kept(&blue)]).await;
    shop.catalog(&shop.seller).delete_item(api::DeleteItemRequest { item_id: plate.item_id.clone() }).await.unwrap();
    let dearer = api::OptionDraft { price: Some(crate::shop::won(7_500)), ..kept(&small) };
    let bowl = shop.update_options(&bowl, vec![dearer]).await;
    shop.reservations().reserve_stock(order(vec![line(&bowl.options[0], 1)])).await.unwrap();

    let unknown = new_id();
    let asked = [&small.option_id, &unknown, &red.option_id, &flat.option_id, &blue.option_id, &small.option_id];
    let answer = batch(&shop, &asked.map(String::as_str)).await.unwrap();
    assert_eq!(answer.missing_option_ids, [unknown]);
    let told: Vec<_> = answer
        .options
        .iter()
        .map(|found| {
            let option = found.option.as_ref().unwrap();
            let price = option.price.as_ref().unwrap().minor_units;
            (
                found.item_name.as_str(),
                option.name.as_str(),
                option.state(),
                price,
                option.available,
                found.item_deleted,
            )
        })
        .collect();
    use api::OptionState::{Active, Retired};
    assert_eq!(
        told,
        [
            ("Bowl", "small", Active, 7_500, 2, false),
            ("Mug", "red", Retired, 5_000, 10, false),
            ("Plate", "flat", Retired, 8_000, 3, true),
            ("Mug", "blue", Active, 6_000, 10, false),
        ]
    );
    for found in answer.options {
        assert_eq!((found.store_id.as_str(), found.store_name.as_str()), (shop.store_id.as_str(), "The kiln"));
    }
}

#[tokio::test]
async fn a_batch_has_bounds_and_is_for_order_alone() {
    let shop = Shop::open().await;
    let option = shop.new_option(1).await.option_id;
    let too_many = vec![option.as_str(); 101];
    for wrong in [&[][..], &["x"], &too_many] {
        let refused = batch(&shop, wrong).await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::InvalidArgument, "INVALID_ARGUMENT"));
    }
    assert_eq!(batch(&shop, &too_many[..100]).await.unwrap().options.len(), 1);
    let mut stranger = OptionServiceClient::new(shop.rig.workload("coupon"));
    let request = api::BatchGetOptionsRequest { option_ids: vec![option] };
    assert_eq!(stranger.batch_get_options(request).await.unwrap_err().code(), Code::PermissionDenied);
}
