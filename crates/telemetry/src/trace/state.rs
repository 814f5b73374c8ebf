//! What vendors of tracing keep beside a trace: the list of a `tracestate`, which is passed on and never looked into
//! (<https://www.w3.org/TR/trace-context/#tracestate-header>).

use std::sync::Arc;

/// The most members of a list.
const MEMBERS: usize = 32;
/// The bytes of a list that everybody passes on; whoever gets more may leave members out.
const BYTES: usize = 512;
/// Members that are longer are the first to be left out.
const LONG_MEMBER: usize = 128;
/// The longest key, and the longest value.
const LONGEST: usize = 256;

/// Reads a list, of one text or of several that belong together; `None` when it is empty or malformed. What is kept of one that is
/// too long are whole members: long ones go first, and then the last ones.
pub(super) fn read<'a>(texts: impl Iterator<Item = &'a str>) -> Option<Arc<str>> {
    let mut members = Vec::new();
    for member in texts.flat_map(|text| text.split(',')) {
        let member = member.trim_matches([' ', '\t']);
        if member.is_empty() {
            continue;
        }
        let key = key_of(member)?;
        if members.len() == MEMBERS || members.iter().any(|(earlier, _)| *earlier == key) {
            return None;
        }
        members.push((key, member));
    }

    let bytes = |members: &[(&str, &str)]| members.iter().map(|(_, member)| member.len() + 1).sum::<usize>();
    // There is one comma less than there are members.
    if bytes(&members) > BYTES + 1 {
        members.retain(|(_, member)| member.len() <= LONG_MEMBER);
    }
    while bytes(&members) > BYTES + 1 {
        members.pop();
    }
    let members: Vec<_> = members.into_iter().map(|(_, member)| member).collect();
    (!members.is_empty()).then(|| members.join(",").into())
}

/// The key of a well-formed member.
fn key_of(member: &str) -> Option<&str> {
    let (key, value) = member.split_once('=')?;
    let begins_well = key.starts_with(|first: char| first.is_ascii_lowercase() || first.is_ascii_digit());
    let of_key = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'*' | b'/' | b'@');
    let of_value = |byte: u8| matches!(byte, b' '..=b'~') && byte != b'=';
    let well_formed = begins_well && key.bytes().all(of_key) && !value.is_empty() && value.bytes().all(of_value);
    (well_formed && key.len() <= LONGEST && value.len() <= LONGEST).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(texts: &[&str]) -> Option<String> {
        read(texts.iter().copied()).map(|state| state.to_string())
    }

    #[test]
    fn a_list_is_passed_on_as_it_is_and_several_as_one() {
        for (texts, expected) in [
            (&["vendor=abc"][..], "vendor=abc"),
            (&["rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"], "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"),
            (&["a=1 \t,\t b=2"], "a=1,b=2"),
            (&["a=1", "", "b=2,c=3"], "a=1,b=2,c=3"),
            (&[",a=1,,"], "a=1"),
            (&["0tenant@sy-s_t*e/m=with: a \"blank\";"], "0tenant@sy-s_t*e/m=with: a \"blank\";"),
        ] {
            assert_eq!(kept(texts).as_deref(), Some(expected), "{texts:?}");
        }
    }

    #[test]
    fn what_is_empty_or_malformed_is_dropped_as_a_whole() {
        let long_key = format!("{}=1", "k".repeat(257));
        let long_value = format!("k={}", "v".repeat(257));
        let many = (0..33).map(|number| format!("k{number}=1")).collect::<Vec<_>>().join(",");
        for malformed in
            ["", " , ", "a", "a=", "=1", "A=1", "_a=1", "a b=1", "a=1=2", "a=é", "a=\u{7f}", "a=1,b", "a=1,b=2,a=3"]
                .into_iter()
                .chain([&*long_key, &*long_value, &*many])
        {
            assert_eq!(kept(&[malformed]), None, "{malformed}");
        }
        assert_eq!(kept(&["a=1", "a=2"]), None, "a key comes once in all lines");
    }

    #[test]
    fn of_a_list_that_is_too_long_whole_members_are_left_out() {
        let member = |key: &str, bytes: usize| format!("{key}={}", "v".repeat(bytes - key.len() - 1));
        let list = |members: &[(&str, usize)]| {
            members.iter().map(|(key, bytes)| member(key, *bytes)).collect::<Vec<_>>().join(",")
        };
        for (given, left) in [
            (&[("a", 256), ("b", 255)][..], &[("a", 256), ("b", 255)][..]),
            (&[("a", 256), ("b", 256)], &[]),
            (&[("a", 129), ("b", 128), ("c", 128), ("d", 128)], &[("b", 128), ("c", 128), ("d", 128)]),
            (&[("a", 128), ("b", 128), ("c", 128), ("d", 128)], &[("a", 128), ("b", 128), ("c", 128)]),
        ] {
            assert_eq!(kept(&[&list(given)]).unwrap_or_default(), list(left), "{given:?}");
        }
    }
}
