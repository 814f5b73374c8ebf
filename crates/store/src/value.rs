//! Values that go into statements.

use bojagi_kernel::Moment;
use bojagi_kernel::id;
use uuid::Uuid;

/// One parameter of a statement.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// SQL null.
    Null,
    /// `BIGINT`.
    Integer(i64),
    /// `BOOLEAN`.
    Flag(bool),
    /// `TEXT`.
    Text(&'a str),
    /// `BYTEA`.
    Bytes(&'a [u8]),
    /// `UUID`.
    Uuid(Uuid),
    /// `TIMESTAMPTZ`.
    Moment(Moment),
}

/// A type that can be a parameter.
pub trait Bind {
    /// The parameter.
    fn bind(&self) -> Value<'_>;
}

/// The parameters of a statement, in order: `params![order_id, now]`.
#[macro_export]
macro_rules! params {
    ($($value:expr),* $(,)?) => {
        &[$($crate::Bind::bind(&$value)),*]
    };
}

macro_rules! bind {
    ($($type:ty => |$value:ident| $bound:expr),+ $(,)?) => {$(
        impl Bind for $type {
            fn bind(&self) -> Value<'_> {
                let $value = self;
                $bound
            }
        }
    )+};
}

bind! {
    i64 => |value| Value::Integer(*value),
    i32 => |value| Value::Integer(i64::from(*value)),
    bool => |value| Value::Flag(*value),
    str => |value| Value::Text(value),
    String => |value| Value::Text(value),
    [u8] => |value| Value::Bytes(value),
    [u8; 32] => |value| Value::Bytes(value),
    Vec<u8> => |value| Value::Bytes(value),
    Uuid => |value| Value::Uuid(*value),
    Moment => |value| Value::Moment(*value),
}

impl<T: Bind> Bind for Option<T> {
    fn bind(&self) -> Value<'_> {
        self.as_ref().map_or(Value::Null, Bind::bind)
    }
}

impl<T: Bind + ?Sized> Bind for &T {
    fn bind(&self) -> Value<'_> {
        (**self).bind()
    }
}

impl Bind for Value<'_> {
    fn bind(&self) -> Value<'_> {
        *self
    }
}

/// Lets typed ids be parameters and columns: `stored_ids!(StatementId, PayoutId);`.
#[macro_export]
macro_rules! stored_ids {
    ($($type:ty),+ $(,)?) => {$(
        impl $crate::Bind for $type {
            fn bind(&self) -> $crate::Value<'_> {
                $crate::Value::Uuid(*self.as_uuid())
            }
        }

        impl $crate::Column for $type {
            fn read(row: &$crate::Row<'_>, index: usize) -> Result<Self, $crate::Error> {
                row.uuid(index).map(Self::from)
            }
        }
    )+};
}

/// Lets an enum without fields be a `TEXT` parameter and column:
/// `stored_enum!(OrderState { Pending => "PENDING", Confirmed => "CONFIRMED" });`.
#[macro_export]
macro_rules! stored_enum {
    ($type:ident { $($variant:ident => $text:literal),+ $(,)? }) => {
        impl $crate::Bind for $type {
            fn bind(&self) -> $crate::Value<'_> {
                $crate::Value::Text(match self {
                    $(Self::$variant => $text),+
                })
            }
        }

        impl $crate::Column for $type {
            fn read(row: &$crate::Row<'_>, index: usize) -> Result<Self, $crate::Error> {
                match row.text(index)? {
                    $($text => Ok(Self::$variant),)+
                    other => Err($crate::Error::Column {
                        index,
                        problem: format!("{other:?} is no {}", stringify!($type)),
                    }),
                }
            }
        }
    };
}

stored_ids!(
    id::AccountId,
    id::StoreId,
    id::ItemId,
    id::OptionId,
    id::OrderId,
    id::OrderLineId,
    id::CouponId,
    id::IssuedCouponId,
    id::PaymentId,
    id::PaymentMethodId,
    id::RequestId,
    id::EventId,
);
