//! The generated clients by name.

use bojagi_api::coupon::coupon_service_client::CouponServiceClient;
use bojagi_api::item::catalog_service_client::CatalogServiceClient;
use bojagi_api::item::ranking_service_client::RankingServiceClient;
use bojagi_api::item::stock_service_client::StockServiceClient;
use bojagi_api::item::store_service_client::StoreServiceClient;
use bojagi_api::item::wishlist_service_client::WishlistServiceClient;
use bojagi_api::order::cart_service_client::CartServiceClient;
use bojagi_api::order::delivery_service_client::DeliveryServiceClient;
use bojagi_api::order::my_page_service_client::MyPageServiceClient;
use bojagi_api::order::order_service_client::OrderServiceClient;
use bojagi_api::order::refund_service_client::RefundServiceClient;
use bojagi_api::order::saga_service_client::SagaServiceClient;
use bojagi_api::payment::payment_method_service_client::PaymentMethodServiceClient;
use bojagi_api::payment::payment_service_client::PaymentServiceClient;
use bojagi_api::payment::wallet_service_client::WalletServiceClient;
use bojagi_api::settlement::ledger_service_client::LedgerServiceClient;
use bojagi_api::settlement::settlement_service_client::SettlementServiceClient;
use bojagi_api::user::account_service_client::AccountServiceClient;
use bojagi_api::user::address_service_client::AddressServiceClient;
use bojagi_api::user::session_service_client::SessionServiceClient;

use super::GatewayClient;

/// A method for each generated client.
macro_rules! services {
    ($($name:ident: $client:ident, $meaning:literal;)+) => {
        impl GatewayClient {
            $(
                #[doc = $meaning]
                #[must_use]
                pub fn $name(&self) -> $client<Self> {
                    $client::new(self.clone())
                }
            )+
        }
    };
}

services! {
    accounts: AccountServiceClient, "Accounts from sign-up to closing.";
    sessions: SessionServiceClient, "Sign-in and its end.";
    addresses: AddressServiceClient, "The caller's addresses.";
    stores: StoreServiceClient, "The stores of the shop.";
    catalog: CatalogServiceClient, "Categories and items.";
    stock: StockServiceClient, "The pieces of every option.";
    wishes: WishlistServiceClient, "What the caller would like to have.";
    rankings: RankingServiceClient, "What sells.";
    coupons: CouponServiceClient, "Coupons from creation to quote.";
    carts: CartServiceClient, "The caller's cart.";
    orders: OrderServiceClient, "Orders.";
    deliveries: DeliveryServiceClient, "What stores send for orders.";
    pages: MyPageServiceClient, "The first page of the caller.";
    refunds: RefundServiceClient, "What customers give back of what was sent.";
    sagas: SagaServiceClient, "The operator's view of orders.";
    payments: PaymentServiceClient, "Payments.";
    payment_methods: PaymentMethodServiceClient, "The caller's payment methods.";
    wallet: WalletServiceClient, "The caller's points.";
    settlements: SettlementServiceClient, "Statements and payouts.";
    ledger: LedgerServiceClient, "The double-entry ledger.";
}
