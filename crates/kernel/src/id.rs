//! Typed ids.

use crate::Moment;

/// An id that could not be read from text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a UUID")]
pub struct MalformedId;

/// Declares newtypes over UUIDv7, one for each kind of thing.
///
/// ```
/// bojagi_kernel::typed_id! {
///     /// One order.
///     OrderId
/// }
/// let order = OrderId::generate();
/// assert_eq!(order, order.to_string().parse().unwrap());
/// ```
#[macro_export]
macro_rules! typed_id {
    ($($(#[$meta:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name($crate::reexport::Uuid);

        impl $name {
            /// A new id that sorts after those made before it.
            #[must_use]
            pub fn generate() -> Self {
                Self($crate::reexport::Uuid::now_v7())
            }

            /// The id that always comes out of the same `parent` and `label`; for keys that a retry must not mint anew.
            #[must_use]
            pub fn derive(parent: &$crate::reexport::Uuid, label: &str) -> Self {
                Self($crate::reexport::Uuid::new_v5(parent, label.as_bytes()))
            }

            /// The id as a UUID.
            #[must_use]
            pub const fn as_uuid(&self) -> &$crate::reexport::Uuid {
                &self.0
            }
        }

        impl From<$crate::reexport::Uuid> for $name {
            fn from(uuid: $crate::reexport::Uuid) -> Self {
                Self(uuid)
            }
        }

        impl From<$name> for $crate::reexport::Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = $crate::id::MalformedId;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                $crate::reexport::Uuid::try_parse(text).map(Self).map_err(|_| $crate::id::MalformedId)
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl ::std::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                self.0.fmt(f)
            }
        }
    )+};
}

typed_id! {
    /// An account of the user context: customer, seller or admin.
    AccountId,
    /// A store of the item context.
    StoreId,
    /// An item of the catalogue.
    ItemId,
    /// An option of an item: the thing that is bought, a SKU.
    OptionId,
    /// An order.
    OrderId,
    /// A line of an order.
    OrderLineId,
    /// A coupon as the shop offers it.
    CouponId,
    /// A coupon as one customer holds it.
    IssuedCouponId,
    /// A payment.
    PaymentId,
    /// A payment method of an account.
    PaymentMethodId,
    /// A key that makes a request idempotent.
    RequestId,
    /// A fact told.
    EventId,
}

impl EventId {
    /// The smallest id that a fact told at `moment` can have: ids carry the time at which they were made.
    #[must_use]
    pub fn earliest_at(moment: Moment) -> Self {
        let milliseconds = u64::try_from(moment.micros() / 1_000).unwrap_or(0);
        Self(uuid::Builder::from_unix_timestamp_millis(milliseconds, &[0; 10]).into_uuid())
    }
}
