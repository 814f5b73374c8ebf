//! Limits on what people type.

/// Why a text is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Nothing but white space.
    #[error("must not be blank")]
    Blank,
    /// More characters than allowed.
    #[error("must have at most {0} characters")]
    TooLong(usize),
    /// A control character, such as a line break in a name, or U+0000 anywhere.
    #[error("must not contain control characters")]
    ControlCharacter,
}

/// A single line that is not blank: trimmed, without control characters, of at most `limit` characters.
///
/// # Errors
/// A `TextError` that says what is wrong.
pub fn line(text: &str, limit: usize) -> Result<String, TextError> {
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return Err(TextError::Blank);
    }
    if trimmed.chars().any(char::is_control) {
        return Err(TextError::ControlCharacter);
    }
    prose(trimmed, limit)
}

/// A text of any number of lines, possibly empty, of at most `limit` characters, none of which is U+0000: PostgreSQL keeps no
/// text with it, and SQLite compares only what is before it.
///
/// # Errors
/// `TooLong`, `ControlCharacter`.
pub fn prose(text: &str, limit: usize) -> Result<String, TextError> {
    if text.contains('\0') {
        return Err(TextError::ControlCharacter);
    }
    if text.chars().count() > limit {
        return Err(TextError::TooLong(limit));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_trimmed_and_bounded() {
        assert_eq!(line("  차 한 잔 ", 6), Ok("차 한 잔".to_owned()));
        assert_eq!(line(" \t", 6), Err(TextError::Blank));
        assert_eq!(line("a\nb", 6), Err(TextError::ControlCharacter));
        assert_eq!(line("abcdefg", 6), Err(TextError::TooLong(6)));
        assert_eq!(prose("", 6), Ok(String::new()));
        assert_eq!(prose("a\nb", 6), Ok("a\nb".to_owned()));
        assert_eq!(prose("a\0b", 6), Err(TextError::ControlCharacter));
    }
}
