//! Two stores open, with items, a commission rate each, and coupons of the shop.

use bojagi_api::coupon::coupon::Benefit as WireBenefit;
use bojagi_api::coupon::{Coupon, CouponScope, CreateCouponRequest, PercentBenefit};
use bojagi_api::item::{CreateCategoryRequest, CreateItemRequest, CreateStoreRequest, OptionDraft};
use bojagi_api::settlement::{RegisterPayoutAccountRequest, SetCommissionRateRequest};

use super::sign_up::Cast;
use crate::people::Member;
use crate::tour::TourError;
use crate::tour::arithmetic::{Benefit, Discount};
use crate::tour::expect::{self, won};
use crate::tour::purchase::{Product, new_request_id};
use crate::tour::timeline::{Timeline, Told, krw};

/// What the platform keeps of each seller's sales, in basis points.
pub(in crate::tour) const COMMISSION_BPS: [i64; 2] = [850, 1_200];

/// Everything that can be bought, and what makes it cheaper.
pub(in crate::tour) struct Shop {
    /// One piece for 10,000; of the first seller.
    pub(in crate::tour) cake: Product,
    /// One pouch for 4,700; of the first seller.
    pub(in crate::tour) tea: Product,
    /// One for 7,331; of the second seller.
    pub(in crate::tour) notebook: Product,
    /// 1,000 off an item; a single piece of it is issued.
    pub(in crate::tour) first_come: Offer,
    /// 10 % off an item, half of it paid by the seller.
    pub(in crate::tour) makers: Offer,
    /// 15 % off an order, 2,999 at most, a quarter of it paid by the sellers.
    pub(in crate::tour) basket: Offer,
    /// 1,500 off an item, all of it paid by the seller.
    pub(in crate::tour) comeback: Offer,
}

/// A coupon of the shop.
#[derive(Clone)]
pub(in crate::tour) struct Offer {
    pub(in crate::tour) coupon_id: String,
    pub(in crate::tour) name: &'static str,
    pub(in crate::tour) discount: Discount,
}

pub(in crate::tour) async fn play(cast: &Cast, timeline: &mut Timeline) -> Result<Shop, TourError> {
    timeline.scene("Two stores open")?;
    timeline.step("the admin sets what the platform keeps of each seller's sales", set_rates(cast)).await?;
    let category_id = timeline.step("the admin adds a category", add_category(cast)).await?;
    let [bakery, bindery] = timeline.step("each seller opens a store", open_stores(cast)).await?;
    let products = put_in_items(cast, &category_id, [&bakery, &bindery]);
    let [cake, tea, notebook] = timeline.step("the sellers put three items on offer", products).await?;
    timeline.step("the sellers say where they are paid", register_payout_accounts(cast)).await?;
    let offers = timeline.step("the admin makes four coupons", make_coupons(&cast.admin)).await?;
    let [first_come, makers, basket, comeback] = offers;
    Ok(Shop { cake, tea, notebook, first_come, makers, basket, comeback })
}

async fn set_rates(cast: &Cast) -> Result<Told<()>, TourError> {
    for (seller, rate) in cast.sellers.iter().zip(COMMISSION_BPS) {
        let request = SetCommissionRateRequest {
            request_id: new_request_id(),
            seller_id: seller.account.account_id.clone(),
            rate_bps: i32::try_from(rate).unwrap_or_default(),
            effective_from: None,
        };
        let answer = cast.admin.gateway.settlements().set_commission_rate(request).await?.into_inner();
        let set = expect::there("the rate", answer.commission_rate)?;
        expect::equal("the rate that was set", rate, i64::from(set.rate_bps))?;
    }
    Ok(Told::new((), "8.5 % and 12 %, from now on"))
}

async fn add_category(cast: &Cast) -> Result<Told<String>, TourError> {
    let request = CreateCategoryRequest { request_id: new_request_id(), name: format!("Tour {}", cast.tag) };
    let answer = cast.admin.gateway.catalog().create_category(request).await?.into_inner();
    let category = expect::there("the category", answer.category)?;
    Ok(Told::new(category.category_id, category.name))
}

async fn open_stores(cast: &Cast) -> Result<Told<[String; 2]>, TourError> {
    let open = async |seller: &Member, name: &str| {
        let request = CreateStoreRequest {
            request_id: new_request_id(),
            name: format!("{name} {}", cast.tag),
            description: "Open for a day.".to_owned(),
        };
        let answer = seller.gateway.stores().create_store(request).await?.into_inner();
        let store = expect::there("the store", answer.store)?;
        expect::equal("the owner of the store", &seller.account.account_id, &store.seller_id)?;
        Ok::<_, TourError>(store)
    };
    let [baker, binder] = &cast.sellers;
    let (bakery, bindery) = tokio::try_join!(open(baker, "Moonlight Bakery"), open(binder, "Hanji Bindery"))?;
    let story = format!("{} and {}", bakery.name, bindery.name);
    Ok(Told::new([bakery.store_id, bindery.store_id], story))
}

async fn put_in_items(
    cast: &Cast,
    category_id: &str,
    [bakery, bindery]: [&str; 2],
) -> Result<Told<[Product; 3]>, TourError> {
    let [baker, binder] = &cast.sellers;
    let put = async |seller: &Member, number, store_id: &str, name: &str, option: &str, price, stock| {
        let draft = OptionDraft { name: option.to_owned(), price: Some(won(price)), stock, ..OptionDraft::default() };
        let request = CreateItemRequest {
            request_id: new_request_id(),
            store_id: store_id.to_owned(),
            category_id: category_id.to_owned(),
            name: format!("{name} {}", cast.tag),
            description: "Made for one day.".to_owned(),
            thumbnail_url: String::new(),
            options: vec![draft],
        };
        let answer = seller.gateway.catalog().create_item(request).await?.into_inner();
        let item = expect::there("the item", answer.item)?;
        expect::amount("the lowest price of the item", price, item.lowest_price.as_ref())?;
        let option = expect::only("the option of the item", item.options)?;
        expect::equal("the stock of a new option", stock, option.available)?;
        Ok::<_, TourError>(Product {
            item_id: item.item_id,
            name: item.name,
            option_id: option.option_id,
            store_id: store_id.to_owned(),
            seller: number,
            price,
            stock,
        })
    };
    let (cake, tea, notebook) = tokio::try_join!(
        put(baker, 0, bakery, "Injeolmi cake", "Whole", 10_000, 20),
        put(baker, 0, bakery, "Jeju green tea", "50 g pouch", 4_700, 30),
        put(binder, 1, bindery, "Hanji notebook", "A5, dotted", 7_331, 12),
    )?;
    let products = [cake, tea, notebook];
    let shown = products
        .each_ref()
        .map(|product| format!("{}: {} for {} KRW", product.name, product.stock, krw(product.price)));
    Ok(Told::new(products, "on the shelf").and_all(shown))
}

async fn register_payout_accounts(cast: &Cast) -> Result<Told<()>, TourError> {
    for seller in &cast.sellers {
        let request = RegisterPayoutAccountRequest {
            request_id: new_request_id(),
            bank_token: "bank_ok".to_owned(),
            bank_name: "Hanbit Bank".to_owned(),
            last_four: "0417".to_owned(),
        };
        let answer = seller.gateway.settlements().register_payout_account(request).await?.into_inner();
        let account = expect::there("the payout account", answer.account)?;
        expect::equal("the account that is shown", "0417", account.last_four.as_str())?;
    }
    Ok(Told::new((), "a bank token each; only the last four digits are shown again"))
}

async fn make_coupons(admin: &Member) -> Result<Told<[Offer; 4]>, TourError> {
    let percent = |rate_bps, cap| Benefit::Percent { rate_bps, cap };
    let offer = async |name, scope, benefit, seller_share_bps, issue_limit| {
        let discount = Discount { benefit, seller_share_bps };
        create_coupon(admin, name, scope, discount, issue_limit).await
    };
    let (first_come, makers, basket, comeback) = tokio::try_join!(
        offer("First come: 1,000 off", CouponScope::Item, Benefit::Fixed(1_000), 0, 1),
        offer("Makers' tenth", CouponScope::Item, percent(1_000, None), 5_000, 0),
        offer("Full basket: 15 %, up to 2,999", CouponScope::Order, percent(1_500, Some(2_999)), 2_500, 0),
        offer("Come back: 1,500 off", CouponScope::Item, Benefit::Fixed(1_500), 10_000, 0),
    )?;
    let offers = [first_come, makers, basket, comeback];
    let names = offers.each_ref().map(|offer| offer.name);
    Ok(Told::new(offers, names.join("; ")))
}

async fn create_coupon(
    admin: &Member,
    name: &'static str,
    scope: CouponScope,
    discount: Discount,
    issue_limit: i64,
) -> Result<Offer, TourError> {
    let benefit = match discount.benefit {
        Benefit::Fixed(amount) => WireBenefit::FixedAmount(won(amount)),
        Benefit::Percent { rate_bps, cap } => WireBenefit::Percent(PercentBenefit {
            rate_bps: i32::try_from(rate_bps).unwrap_or_default(),
            cap: cap.map(won),
        }),
    };
    let coupon = Coupon {
        name: name.to_owned(),
        benefit: Some(benefit),
        scope: scope.into(),
        issue_limit,
        seller_share_bps: i32::try_from(discount.seller_share_bps).unwrap_or_default(),
        ..Coupon::default()
    };
    let request = CreateCouponRequest { request_id: new_request_id(), coupon: Some(coupon) };
    let answer = admin.gateway.coupons().create_coupon(request).await?.into_inner();
    let coupon = expect::there("the coupon", answer.coupon)?;
    expect::equal("the pieces of a new coupon", 0, coupon.issued_count)?;
    Ok(Offer { coupon_id: coupon.coupon_id, name, discount })
}
