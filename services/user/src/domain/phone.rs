//! Korean mobile numbers.

use std::str::FromStr;

/// A Korean mobile number as its owner writes it: `01`, one of `0 1 6 7 8 9`, three or four digits, four digits, with or
/// without a dot or hyphen between the three groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MobileNumber(String);

/// A text that is no Korean mobile number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a Korean mobile number such as 010-1234-5678")]
pub(crate) struct NoMobileNumber;

impl From<MobileNumber> for String {
    fn from(number: MobileNumber) -> Self {
        number.0
    }
}

impl FromStr for MobileNumber {
    type Err = NoMobileNumber;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let subscriber = text.strip_prefix("01").and_then(|rest| rest.strip_prefix(['0', '1', '6', '7', '8', '9']));
        let groups = without_separator(subscriber.ok_or(NoMobileNumber)?);
        let is_number = [3, 4].into_iter().any(|length| {
            groups.split_at_checked(length).is_some_and(|(middle, rest)| {
                let last = without_separator(rest);
                last.len() == 4 && middle.bytes().chain(last.bytes()).all(|byte| byte.is_ascii_digit())
            })
        });
        if is_number { Ok(Self(text.to_owned())) } else { Err(NoMobileNumber) }
    }
}

fn without_separator(text: &str) -> &str {
    text.strip_prefix(['.', '-']).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_with_and_without_separators_are_taken() {
        for text in ["010-1234-5678", "01012345678", "010.123.4567", "0111234567", "016-123-4567", "019.1234-5678"] {
            assert_eq!(text.parse::<MobileNumber>().map(String::from).as_deref(), Ok(text));
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for text in [
            "",
            "010",
            "02-123-4567",
            "012-1234-5678",
            "010--1234-5678",
            "010-12-5678",
            "010-12345-6789",
            "010-1234-567",
            "010-1234-56789",
            "+82-10-1234-5678",
            " 010-1234-5678",
            "010-1234-5678\n",
            "010-12३4-5678",
            "010 1234 5678",
        ] {
            assert_eq!(text.parse::<MobileNumber>(), Err(NoMobileNumber), "{text:?}");
        }
    }
}
