//! Reading requests: what more than one method has.

use std::net::IpAddr;

use bojagi_chassis::Fields;
use bojagi_kernel::text;
use prost_types::FieldMask;
use tonic::metadata::MetadataMap;

use crate::domain::email::EmailAddress;
use crate::domain::password::{self, Password};
use crate::domain::phone::MobileNumber;
use crate::limits::Origin;
use crate::secret::SecretHash;

/// Characters of a token at most; ours have 43.
const LONGEST_TOKEN: usize = 200;

/// Where a call came from. The gateway sets the header anew, so that no client can; a call without it comes from the same
/// machine.
pub(super) fn origin(metadata: &MetadataMap) -> Origin {
    let header = metadata.get("x-forwarded-for").and_then(|value| value.to_str().ok());
    let nearest = header.and_then(|list| list.rsplit(',').next()).map(str::trim).filter(|text| !text.is_empty());
    let Some(nearest) = nearest else { return Origin("local".to_owned()) };
    Origin(match nearest.parse() {
        // A customer of a provider has a whole network of 64 bits: a new address in it is no new origin.
        Ok(IpAddr::V6(address)) => format!("{:x?}", &address.segments()[..4]),
        _ => nearest.chars().take(64).collect(),
    })
}

pub(super) fn email(fields: &mut Fields, text: &str) -> Option<EmailAddress> {
    fields.take("email", text.parse())
}

/// A password that is to be set.
pub(super) fn new_password(fields: &mut Fields, field: &str, text: &str) -> Option<Password> {
    fields.take(field, text.parse())
}

/// A password that proves somebody; whether it could be set does not matter.
pub(super) fn password(fields: &mut Fields, field: &str, text: &str) -> Option<String> {
    if text.is_empty() {
        fields.wrong(field, "must be given");
        return None;
    }
    fields.prose(field, text, password::LONGEST)
}

/// A token, of which only the hash goes further.
pub(super) fn token(fields: &mut Fields, field: &str, text: &str) -> Option<SecretHash> {
    if text.is_empty() || text.len() > LONGEST_TOKEN {
        fields.wrong(field, "must be the token that was given out");
        return None;
    }
    Some(SecretHash::of(text))
}

/// A Korean mobile number, or an empty text.
pub(super) fn phone(fields: &mut Fields, field: &str, text: &str) -> Option<String> {
    if text.is_empty() {
        Some(String::new())
    } else {
        fields.take(field, text.parse::<MobileNumber>()).map(String::from)
    }
}

/// A single line that may be empty.
pub(super) fn optional_line(fields: &mut Fields, field: &str, text: &str, limit: usize) -> Option<String> {
    if text.trim().is_empty() { Some(String::new()) } else { fields.take(field, text::line(text, limit)) }
}

/// Which fields of a request are to change.
pub(super) struct Mask<'a> {
    paths: &'a [String],
}

impl<'a> Mask<'a> {
    /// Reads the mask of a request, which may name `known` fields.
    pub(super) fn read(fields: &mut Fields, mask: Option<&'a FieldMask>, known: &[&str]) -> Self {
        let paths = mask.map_or(&[][..], |mask| &mask.paths);
        for path in paths.iter().filter(|path| !known.contains(&path.as_str())) {
            let shown: String = path.chars().take(50).collect();
            fields.wrong("update_mask", format_args!("{shown:?} is none of {}", known.join(", ")));
        }
        Self { paths }
    }

    /// What a field is to become, as `read` has it; `None` when it is not to change. Without a mask every field changes that is
    /// not empty.
    pub(super) fn change<T>(&self, field: &str, value: &str, read: impl FnOnce() -> Option<T>) -> Option<T> {
        let is_named =
            if self.paths.is_empty() { !value.is_empty() } else { self.paths.iter().any(|path| path == field) };
        if is_named { read() } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin_of(header: &str) -> Origin {
        let mut metadata = MetadataMap::new();
        metadata.insert("x-forwarded-for", header.parse().unwrap());
        origin(&metadata)
    }

    #[test]
    fn an_origin_is_an_address_or_a_network_of_them() {
        assert_eq!(origin(&MetadataMap::new()), Origin("local".into()));
        assert_eq!(origin_of("192.0.2.1"), Origin("192.0.2.1".into()));
        assert_eq!(origin_of("198.51.100.9, 192.0.2.1"), Origin("192.0.2.1".into()));
        assert_eq!(origin_of("2001:db8:0:1::7"), origin_of("2001:db8:0:1:ffff::1"));
        assert_ne!(origin_of("2001:db8:0:1::7"), origin_of("2001:db8:0:2::7"));
    }
}
