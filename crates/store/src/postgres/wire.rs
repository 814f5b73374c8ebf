//! Values on the wire, in PostgreSQL's binary form.

use std::error::Error as StdError;

use bojagi_kernel::Moment;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use crate::Value;
use crate::value::Kind;

/// 2000-01-01T00:00:00Z, from which PostgreSQL counts, in microseconds since 1970.
const EPOCH: i64 = 946_684_800_000_000;

/// The type that a parameter of this kind is declared with.
pub(super) const fn declared(kind: Kind) -> Type {
    match kind {
        Kind::Integer => Type::INT8,
        Kind::Flag => Type::BOOL,
        Kind::Text => Type::TEXT,
        Kind::Bytes => Type::BYTEA,
        Kind::Uuid => Type::UUID,
        Kind::Moment => Type::TIMESTAMPTZ,
    }
}

impl ToSql for Value<'_> {
    fn to_sql(&self, declared: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        match self {
            Self::Null(_) => return Ok(IsNull::Yes),
            Self::Integer(integer) => integer.to_sql(declared, out)?,
            Self::Flag(flag) => flag.to_sql(declared, out)?,
            Self::Text(text) => text.to_sql(declared, out)?,
            Self::Bytes(bytes) => bytes.to_sql(declared, out)?,
            Self::Uuid(uuid) => {
                out.extend_from_slice(uuid.as_bytes());
                IsNull::No
            }
            Self::Moment(moment) => {
                let since = moment.micros().checked_sub(EPOCH).ok_or("a moment that PostgreSQL cannot keep")?;
                since.to_sql(&Type::INT8, out)?
            }
        };
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// A column as it came, whatever it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cell<'a> {
    Null,
    Integer(i64),
    Text(&'a str),
    /// `BYTEA`, and `UUID` as its 16 bytes, as SQLite has it.
    Bytes(&'a [u8]),
    /// Of a type that no context has.
    Other(Type),
}

impl<'a> FromSql<'a> for Cell<'a> {
    fn from_sql(found: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn StdError + Sync + Send>> {
        Ok(match *found {
            Type::BOOL => Self::Integer(i64::from(bool::from_sql(found, raw)?)),
            Type::INT2 => Self::Integer(i64::from(i16::from_sql(found, raw)?)),
            Type::INT4 => Self::Integer(i64::from(i32::from_sql(found, raw)?)),
            Type::INT8 => Self::Integer(i64::from_sql(found, raw)?),
            // What the sum of a BIGINT is.
            Type::NUMERIC => Self::Integer(whole_number(raw)?),
            Type::TIMESTAMPTZ => Self::Integer(moment(i64::from_sql(&Type::INT8, raw)?)?.micros()),
            Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::UNKNOWN => {
                Self::Text(std::str::from_utf8(raw)?)
            }
            Type::BYTEA | Type::UUID => Self::Bytes(raw),
            _ => Self::Other(found.clone()),
        })
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn StdError + Sync + Send>> {
        Ok(Self::Null)
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

fn moment(since: i64) -> Result<Moment, &'static str> {
    since.checked_add(EPOCH).map(Moment::from_micros).ok_or("a moment out of reach")
}

/// A `NUMERIC` without a fraction: how many digits to the base 10,000, the power of the first, sign, scale, digits.
fn whole_number(raw: &[u8]) -> Result<i64, &'static str> {
    const BROKEN: &str = "a broken NUMERIC";
    const NEGATIVE: u16 = 0x4000;
    let words: Vec<u16> = raw.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
    let [count, weight, sign, _scale, digits @ ..] = words.as_slice() else { return Err(BROKEN) };
    if digits.len() != usize::from(*count) || ![0, NEGATIVE].contains(sign) {
        return Err(BROKEN);
    }
    let weight = i32::from(weight.cast_signed());
    let mut number = 0_i128;
    for place in 0..=weight.max(-1) {
        let digit = usize::try_from(place).ok().and_then(|place| digits.get(place)).copied().unwrap_or(0);
        number = number.checked_mul(10_000).ok_or("a NUMERIC out of range")? + i128::from(digit);
    }
    let fraction = usize::try_from(weight + 1).map_or(digits, |whole| digits.get(whole..).unwrap_or_default());
    if fraction.iter().any(|digit| *digit != 0) {
        return Err("a NUMERIC with a fraction");
    }
    i64::try_from(if *sign == NEGATIVE { -number } else { number }).map_err(|_| "a NUMERIC out of range")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numeric(weight: i16, sign: u16, digits: &[u16]) -> Vec<u8> {
        let head = [u16::try_from(digits.len()).unwrap(), weight.cast_unsigned(), sign, 0];
        head.iter().chain(digits).flat_map(|word| word.to_be_bytes()).collect()
    }

    #[test]
    fn sums_are_read_as_whole_numbers() {
        let cases = [
            (numeric(0, 0, &[]), Ok(0)),
            (numeric(0, 0, &[7]), Ok(7)),
            (numeric(1, 0, &[1, 2345]), Ok(12_345)),
            (numeric(1, 0, &[3]), Ok(30_000)),
            (numeric(1, 0x4000, &[3]), Ok(-30_000)),
            (numeric(4, 0, &[922, 3372, 368, 5477, 5807]), Ok(i64::MAX)),
            (numeric(4, 0, &[922, 3372, 368, 5477, 5808]), Err("a NUMERIC out of range")),
            (numeric(0, 0, &[1, 5000]), Err("a NUMERIC with a fraction")),
            (numeric(-1, 0, &[5000]), Err("a NUMERIC with a fraction")),
            (vec![0, 1], Err("a broken NUMERIC")),
        ];
        for (raw, expected) in cases {
            assert_eq!(whole_number(&raw), expected, "{raw:?}");
        }
    }
}
