//! Every method that is given an id × its owner, another customer, another seller: what is not one's own does not exist, and
//! the owner still finds it as it was. Which methods these are is read from the descriptor set, so that none is forgotten.

use std::collections::BTreeSet;

use bojagi_api::FILE_DESCRIPTOR_SET;
use bojagi_api::order::OrderState;
use bojagi_api::policy::{self, Access, METHODS, Method, Role};
use bojagi_e2e::{Person, Shop, Wish, call, code, won};
use bojagi_testkit::{eventually, reason};
use prost::Message;
use prost_reflect::{DescriptorPool, Kind, MessageDescriptor};
use tonic::{Code, Status};
use uuid::Uuid;

mod town;

use town::Town;

/// Methods whose ids name what is everybody's, `AddAddress`, which gives the id out, and `QuoteDiscounts`, `PlaceOrder` and
/// `CheckOutCart`, of which the last test says what they do with other people's things.
const FOR_EVERYBODY: &[&str] = &[
    "/bojagi.coupon.v1.CouponService/GetCoupon",
    "/bojagi.coupon.v1.CouponService/IssueCoupon",
    "/bojagi.coupon.v1.CouponService/QuoteDiscounts",
    "/bojagi.item.v1.CatalogService/GetItem",
    "/bojagi.item.v1.CatalogService/BatchGetItems",
    "/bojagi.item.v1.CatalogService/SearchItems",
    "/bojagi.item.v1.CatalogService/HeartItem",
    "/bojagi.item.v1.CatalogService/UnheartItem",
    "/bojagi.item.v1.StockService/GetStock",
    "/bojagi.item.v1.StoreService/GetStore",
    "/bojagi.item.v1.StoreService/SearchStores",
    "/bojagi.item.v1.StoreService/FollowStore",
    "/bojagi.item.v1.StoreService/UnfollowStore",
    "/bojagi.order.v1.CartService/AddCartLine",
    "/bojagi.order.v1.CartService/CheckOutCart",
    "/bojagi.item.v1.WishlistService/AddWishlistEntry",
    "/bojagi.order.v1.OrderService/CreateDraft",
    "/bojagi.order.v1.OrderService/PlaceOrder",
    "/bojagi.user.v1.AddressService/AddAddress",
];

/// Makes the request about a thing of this id.
type Asking = Box<dyn Fn(&str) -> Vec<u8> + Send + Sync>;

/// A call about something that belongs to somebody.
struct Owned {
    path: &'static str,
    id: String,
    message: Asking,
    owner: Person,
    strangers: Vec<Person>,
}

fn owned<M: Message>(
    path: &'static str,
    id: &str,
    owner: &Person,
    strangers: &[&Person],
    message: impl Fn(String) -> M + Send + Sync + 'static,
) -> Owned {
    Owned {
        path,
        id: id.to_owned(),
        message: Box::new(move |id| message(id.to_owned()).encode_to_vec()),
        owner: owner.clone(),
        strangers: strangers.iter().map(|stranger| (*stranger).clone()).collect(),
    }
}

fn new_id() -> String {
    Uuid::now_v7().to_string()
}

/// What a call was told, whatever it was about.
fn told(ended: &Result<Vec<u8>, Status>, id: &str) -> (Code, String, String) {
    let refusal = ended.as_ref().err();
    let message = refusal.map(|status| status.message().replace(id, "…")).unwrap_or_default();
    (code(ended), refusal.map(reason).unwrap_or_default(), message)
}

impl Owned {
    async fn ask(&self, shop: &Shop, person: &Person, id: &str) -> Result<Vec<u8>, Status> {
        let method = policy::of(self.path).unwrap();
        call(shop.gateway(), method, Some(person.token()), (self.message)(id)).await
    }

    /// Strangers are told what they would be told of something that nobody has; then the owner is answered.
    async fn is_for_its_owner_alone(&self, shop: &Shop) {
        for stranger in &self.strangers {
            let unknown = new_id();
            let of_nothing = told(&self.ask(shop, stranger, &unknown).await, &unknown);
            let answered = self.ask(shop, stranger, &self.id).await;
            assert_eq!(told(&answered, &self.id), of_nothing, "{}", self.path);
            match answered {
                Err(refused) => assert!(
                    matches!(refused.code(), Code::NotFound | Code::PermissionDenied),
                    "{}: {refused:?}",
                    self.path
                ),
                // A list with nothing on it.
                Ok(answer) => assert!(answer.is_empty(), "{} answered {answer:?}", self.path),
            }
        }
        let answered = self.ask(shop, &self.owner, &self.id).await;
        assert!(answered.is_ok(), "{} by its owner: {answered:?}", self.path);
    }
}

/// Whether a request names a thing by its id.
fn names_a_thing(message: &MessageDescriptor) -> bool {
    message.fields().any(|field| match field.kind() {
        Kind::String => {
            field.name() != "request_id" && (field.name().ends_with("_id") || field.name().ends_with("_ids"))
        }
        Kind::Message(inner) => inner.full_name().starts_with("bojagi.") && names_a_thing(&inner),
        _ => false,
    })
}

/// Methods that customers or sellers give an id to.
fn methods_with_ids() -> BTreeSet<&'static str> {
    let pool = DescriptorPool::decode(FILE_DESCRIPTOR_SET).unwrap();
    let is_for_members = |method: &&Method| match method.access {
        Access::Internal(_) => false,
        Access::Roles(roles) => roles.iter().any(|role| *role != Role::Admin),
        Access::Public | Access::SignedIn => true,
    };
    let takes_an_id = |method: &&Method| {
        let (service, name) = method.path.trim_start_matches('/').split_once('/').unwrap();
        let service = pool.get_service_by_name(service).unwrap();
        service.methods().any(|found| found.name() == name && names_a_thing(&found.input()))
    };
    METHODS.iter().filter(is_for_members).filter(takes_an_id).map(|method| method.path).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_ones_own_does_not_exist() {
    let shop = Shop::open().await;
    let town = Town::of(&shop).await;
    let mut seen: BTreeSet<_> = FOR_EVERYBODY.iter().copied().collect();
    // All of it is made before any of it is used up.
    for group in [
        town.carts().await,
        town.orders().await,
        town.drafts().await,
        town.deliveries().await,
        town.refunds().await,
        town.payments().await,
        town.settlements().await,
        town.catalogue().await,
        town.wishes().await,
        town.accounts().await,
    ] {
        for call in group {
            call.is_for_its_owner_alone(&shop).await;
            seen.insert(call.path);
        }
    }
    assert_eq!(seen, methods_with_ids(), "every method that is given an id is asked by strangers");
    shop.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_pays_with_what_is_somebody_elses() {
    use bojagi_api::coupon::coupon::Benefit;
    use bojagi_api::coupon::{Coupon, CouponScope, IssuedCouponState, QuoteDiscountsRequest, QuoteLine, QuoteReason};
    let shop = Shop::open().await;
    let town = Town::of(&shop).await;
    let coupon = Coupon {
        name: "Hers".into(),
        benefit: Some(Benefit::FixedAmount(won(1_000))),
        scope: CouponScope::Order.into(),
        ..Coupon::default()
    };
    let hers = town.customer.take_coupon(&shop.coupon(coupon).await).await.unwrap();
    let quote = QuoteDiscountsRequest {
        lines: vec![QuoteLine { line_key: "one".into(), option_id: town.offer.option_id.clone(), quantity: 1 }],
        order_issued_coupon_id: hers.clone(),
        ..Default::default()
    };
    let quoted =
        async |person: &Person| Ok::<_, Status>(person.coupons().quote_discounts(quote.clone()).await?.into_inner());
    eventually("coupon has heard of the offer", async || quoted(&town.customer).await.is_ok()).await;
    assert_eq!(quoted(&town.customer).await.unwrap().coupons[0].reason(), QuoteReason::Applied);
    let refused = quoted(&town.other_customer).await.unwrap();
    assert_eq!((refused.coupons[0].reason(), refused.total_discount), (QuoteReason::CouponNotFound, Some(won(0))));

    let wish = Wish { coupon: hers.clone(), discount: 1_000, ..Wish::of(&town.offer, 1, &town.other_card) };
    let with_her_coupon = town.other_customer.place(&wish).await.unwrap();
    assert_eq!(with_her_coupon.failure.unwrap().reason, "COUPON_NOT_FOUND");
    let with_her_card = town.other_customer.place(&Wish::of(&town.offer, 1, &town.card)).await.unwrap();
    assert_eq!(with_her_card.failure.unwrap().reason, "PAYMENT_METHOD_NOT_FOUND");

    let from_a_cart = town.check_out_with_her_card().await;
    assert_eq!(from_a_cart.failure.unwrap().reason, "PAYMENT_METHOD_NOT_FOUND");

    for order_id in [with_her_coupon.id, with_her_card.id, from_a_cart.id] {
        town.other_customer.wait_for(&order_id, OrderState::Cancelled).await;
    }
    shop.verify().await;
    assert_eq!(town.customer.coupon_state(&hers).await, IssuedCouponState::Available);
    assert_eq!(town.customer.points().await, (100_000, 0));
    assert_eq!(town.other_customer.points().await, (100_000, 0));
    assert_eq!(shop.stock(&town.offer).await.available, 100);
}
