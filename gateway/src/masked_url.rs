//! URLs as operators and logs may see them.

pub(crate) const MASK: &str = "***";

/// The text without what may be secret in it, if it is a URL: a user and password before its host, and anything in its query.
pub(crate) fn masked(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let (rest, query) = rest.split_once('?').map_or((rest, ""), |(rest, _)| (rest, "?***"));
    let authority = rest.split('/').next().unwrap_or_default();
    let rest = match authority.rsplit_once('@') {
        Some((user, _)) => format!("{MASK}{}", &rest[user.len()..]),
        None => rest.to_owned(),
    };
    format!("{scheme}://{rest}{query}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_and_queries_are_masked() {
        for (text, expected) in [
            ("https://ann:secret@shop.example:9000/x", "https://***@shop.example:9000/x"),
            ("https://keys.example/jwks.json?key=abc", "https://keys.example/jwks.json?***"),
            ("http://127.0.0.1:9000", "http://127.0.0.1:9000"),
            ("/etc/gateway/keys.json", "/etc/gateway/keys.json"),
        ] {
            assert_eq!(masked(text), expected);
        }
    }
}
