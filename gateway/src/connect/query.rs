//! A unary call as a GET: the message is in the query.
//! <https://connectrpc.com/docs/protocol#unary-get-request>

use std::borrow::Cow;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use http::Uri;
use percent_encoding::percent_decode_str;

use super::fault::ConnectFault;

const URL_SAFE: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The name of the codec in the query of a call, if the query is one.
pub(crate) fn codec_name(uri: &Uri) -> Option<Cow<'_, str>> {
    parameter(uri, "message")?;
    percent_decode_str(parameter(uri, "encoding")?).decode_utf8().ok()
}

/// What the query of a call holds besides its codec.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Query {
    pub(super) message: Bytes,
    pub(super) compression: Option<String>,
}

impl Query {
    pub(super) fn read(uri: &Uri) -> Result<Self, ConnectFault> {
        let decoded = |name: &str| parameter(uri, name).map(decode);
        let message = decoded("message").unwrap_or_default();
        let in_base64 = decoded("base64").is_some_and(|value| value == b"1"[..]);
        let message = if in_base64 {
            URL_SAFE
                .decode(&message)
                .map_err(|_| ConnectFault::Query("the message is no base64 of the URL-safe kind"))?
        } else {
            message
        };
        if decoded("connect").is_some_and(|version| version != b"v1"[..]) {
            return Err(ConnectFault::Query("connect must be v1"));
        }
        let compression = decoded("compression").map(|name| String::from_utf8_lossy(&name).into_owned());
        Ok(Self { message: message.into(), compression })
    }
}

/// The first value of this name, still encoded.
fn parameter<'u>(uri: &'u Uri, name: &str) -> Option<&'u str> {
    let pairs = uri.query().unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
    pairs.into_iter().find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// A value as bytes, because a message need not be text.
fn decode(value: &str) -> Vec<u8> {
    let with_spaces = value.replace('+', " ");
    percent_decode_str(&with_spaces).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(query: &str) -> Uri {
        format!("/shop.v1.Orders/Get?{query}").parse().unwrap()
    }

    #[test]
    fn messages_as_text_and_as_base64_in_any_order() {
        for query in [
            "encoding=json&message=%7B%22text%22%3A%22a+b%26%C3%A9%22%7D",
            "connect=v1&message=%7B%22text%22%3A%22a%20b%26%C3%A9%22%7D&encoding=json&other=1",
            "connect=v1&base64=1&encoding=json&message=eyJ0ZXh0IjoiYSBiJsOpIn0%3D",
            "base64=1&encoding=json&message=eyJ0ZXh0IjoiYSBiJsOpIn0",
        ] {
            assert_eq!(codec_name(&uri(query)).unwrap(), "json", "{query}");
            let read = Query::read(&uri(query)).unwrap();
            assert_eq!(read.message, "{\"text\":\"a b&é\"}", "{query}");
            assert_eq!(read.compression, None);
        }
        let compressed = Query::read(&uri("encoding=proto&message=&compression=gzip")).unwrap();
        assert_eq!(compressed, Query { message: Bytes::new(), compression: Some("gzip".into()) });
    }

    #[test]
    fn what_is_no_call_and_what_is_a_bad_one() {
        for query in ["", "encoding=json", "message=%7B%7D", "a&b"] {
            assert_eq!(codec_name(&uri(query)), None, "{query}");
        }
        assert!(Query::read(&uri("encoding=json&base64=1&message=a%2Bb%2F")).is_err());
        assert!(Query::read(&uri("encoding=json&connect=v2&message=%7B%7D")).is_err());
    }
}
