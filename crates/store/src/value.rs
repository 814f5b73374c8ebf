//! Values that go into statements.

use bojagi_kernel::Moment;
use bojagi_kernel::id;
use uuid::Uuid;

/// One parameter of a statement.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// SQL null, of a type.
    Null(Kind),
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

/// The type of a column or parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `BIGINT`.
    Integer,
    /// `BOOLEAN`.
    Flag,
    /// `TEXT`.
    Text,
    /// `BYTEA`.
    Bytes,
    /// `UUID`.
    Uuid,
    /// `TIMESTAMPTZ`.
    Moment,
}

impl Value<'_> {
    /// The type.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Null(kind) => *kind,
            Self::Integer(_) => Kind::Integer,
            Self::Flag(_) => Kind::Flag,
            Self::Text(_) => Kind::Text,
            Self::Bytes(_) => Kind::Bytes,
            Self::Uuid(_) => Kind::Uuid,
            Self::Moment(_) => Kind::Moment,
        }
    }
}

/// A parameter that outlives what it was made of.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum OwnedValue {
    Text(String),
    Bytes(Vec<u8>),
    Other(Value<'static>),
}

impl From<&Value<'_>> for OwnedValue {
    fn from(value: &Value<'_>) -> Self {
        match *value {
            Value::Text(text) => Self::Text(text.to_owned()),
            Value::Bytes(bytes) => Self::Bytes(bytes.to_owned()),
            Value::Null(kind) => Self::Other(Value::Null(kind)),
            Value::Integer(integer) => Self::Other(Value::Integer(integer)),
            Value::Flag(flag) => Self::Other(Value::Flag(flag)),
            Value::Uuid(uuid) => Self::Other(Value::Uuid(uuid)),
            Value::Moment(moment) => Self::Other(Value::Moment(moment)),
        }
    }
}

impl OwnedValue {
    pub(crate) fn borrowed(&self) -> Value<'_> {
        match self {
            Self::Text(text) => Value::Text(text),
            Self::Bytes(bytes) => Value::Bytes(bytes),
            Self::Other(value) => *value,
        }
    }
}

/// A type that can be a parameter.
pub trait Bind {
    /// What its values are, even when there is none: a null has a type too.
    const KIND: Kind;

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
    ($($type:ty => $kind:ident |$value:ident| $bound:expr),+ $(,)?) => {$(
        impl Bind for $type {
            const KIND: Kind = Kind::$kind;

            fn bind(&self) -> Value<'_> {
                let $value = self;
                $bound
            }
        }
    )+};
}

bind! {
    i64 => Integer |value| Value::Integer(*value),
    i32 => Integer |value| Value::Integer(i64::from(*value)),
    bool => Flag |value| Value::Flag(*value),
    str => Text |value| Value::Text(value),
    String => Text |value| Value::Text(value),
    [u8] => Bytes |value| Value::Bytes(value),
    [u8; 32] => Bytes |value| Value::Bytes(value),
    Vec<u8> => Bytes |value| Value::Bytes(value),
    Uuid => Uuid |value| Value::Uuid(*value),
    Moment => Moment |value| Value::Moment(*value),
}

impl<T: Bind> Bind for Option<T> {
    const KIND: Kind = T::KIND;

    fn bind(&self) -> Value<'_> {
        self.as_ref().map_or(Value::Null(T::KIND), Bind::bind)
    }
}

impl<T: Bind + ?Sized> Bind for &T {
    const KIND: Kind = T::KIND;

    fn bind(&self) -> Value<'_> {
        (**self).bind()
    }
}

/// Lets typed ids be parameters and columns: `stored_ids!(StatementId, PayoutId);`.
#[macro_export]
macro_rules! stored_ids {
    ($($type:ty),+ $(,)?) => {$(
        impl $crate::Bind for $type {
            const KIND: $crate::Kind = $crate::Kind::Uuid;

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
            const KIND: $crate::Kind = $crate::Kind::Text;

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
