//! Update masks: which fields of a request are to be changed.

use bojagi_chassis::Fields;
use prost_types::FieldMask;

/// Which fields to change. Without a mask, those that are not empty.
pub(super) struct Mask<'a>(Option<&'a [String]>);

impl<'a> Mask<'a> {
    /// Reads the `update_mask` of a request; paths other than `known` are noted as wrong.
    pub(super) fn read(fields: &mut Fields, mask: Option<&'a FieldMask>, known: &[&str]) -> Self {
        let paths = mask.map(|mask| mask.paths.as_slice()).filter(|paths| !paths.is_empty());
        for path in paths.unwrap_or_default() {
            if !known.contains(&path.as_str()) {
                fields
                    .wrong("update_mask", format_args!("{path:?} cannot be changed; what can is {}", known.join(", ")));
            }
        }
        Self(paths)
    }

    /// Whether `field` is to be changed.
    pub(super) fn has(&self, field: &str, is_empty: bool) -> bool {
        self.0.map_or(!is_empty, |paths| paths.iter().any(|path| path == field))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_mask_what_is_not_empty_is_changed() {
        let mut fields = Fields::new("item");
        for mask in [None, Some(FieldMask::default())] {
            let mask = Mask::read(&mut fields, mask.as_ref(), &["name"]);
            assert!(mask.has("name", false));
            assert!(!mask.has("name", true));
        }
        assert!(fields.finish().is_ok());
    }

    #[test]
    fn a_mask_names_what_is_changed_and_may_name_nothing_else() {
        let mut fields = Fields::new("item");
        let paths = FieldMask { paths: vec!["name".into(), "seller_id".into()] };
        let mask = Mask::read(&mut fields, Some(&paths), &["name", "description"]);
        assert!(mask.has("name", true));
        assert!(!mask.has("description", false));
        assert!(fields.finish().is_err());
    }
}
