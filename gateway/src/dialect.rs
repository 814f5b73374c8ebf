//! Which dialect a request speaks, read from its `content-type`, or from its query where it is a GET of the Connect protocol.

use http::HeaderValue;

const APPLICATION: &str = "application/";
const GRPC: &str = "application/grpc";

/// How messages and status are put into HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// gRPC itself: status in HTTP trailers.
    Native,
    /// gRPC-Web: status in the body.
    Web(WebEncoding),
    /// The unary form of the Connect protocol: status in HTTP's own, one message without a frame.
    Connect {
        codec: Codec,
        /// The message is in the query of a GET.
        by_get: bool,
    },
}

/// How a message of the Connect protocol is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Codec {
    Proto,
    Json,
}

impl Codec {
    /// The codec of this name, as it is written in a query and after `application/`.
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        [Self::Proto, Self::Json].into_iter().find(|codec| name.eq_ignore_ascii_case(codec.name()))
    }

    fn name(self) -> &'static str {
        match self {
            Self::Proto => "proto",
            Self::Json => "json",
        }
    }

    /// The content type of a message.
    pub(crate) fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Proto => "application/proto",
            Self::Json => "application/json",
        })
    }
}

/// How a gRPC-Web body is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WebEncoding {
    Binary,
    /// Base64, for browsers that can only read text as it arrives.
    Text,
}

/// A `content-type` of one of the dialects; the suffix names the encoding of messages, `proto` if there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GrpcContentType<'v> {
    pub(crate) dialect: Dialect,
    pub(crate) suffix: Option<&'v str>,
}

impl<'v> GrpcContentType<'v> {
    /// Reads a `content-type` in any letter case, with or without parameters; `None` when it is none of gRPC.
    pub(crate) fn parse(value: &'v HeaderValue) -> Option<Self> {
        Self::of_text(value.to_str().ok()?)
    }

    fn of_text(value: &'v str) -> Option<Self> {
        let essence = value.split_once(';').map_or(value, |(essence, _)| essence).trim();
        if let Some(codec) = strip_prefix_of_any_case(essence, APPLICATION).and_then(Codec::of_name) {
            return Some(Self { dialect: Dialect::Connect { codec, by_get: false }, suffix: Some(codec.name()) });
        }
        let rest = strip_prefix_of_any_case(essence, GRPC)?;
        let (kind, suffix) = match rest.split_once('+') {
            Some((_, "")) => return None,
            Some((kind, suffix)) => (kind, Some(suffix)),
            None => (rest, None),
        };
        let dialect = match kind {
            "" => Dialect::Native,
            kind if kind.eq_ignore_ascii_case("-web") => Dialect::Web(WebEncoding::Binary),
            kind if kind.eq_ignore_ascii_case("-web-text") => Dialect::Web(WebEncoding::Text),
            _ => return None,
        };
        Some(Self { dialect, suffix })
    }

    /// The same content in native gRPC.
    pub(crate) fn to_native(self) -> HeaderValue {
        written(GRPC, self.suffix, &["application/grpc", "application/grpc+proto"])
    }

    /// The same content in gRPC-Web. The suffix is always written, because some clients insist on it.
    pub(crate) fn to_web(self, encoding: WebEncoding) -> HeaderValue {
        let suffix = Some(self.suffix.unwrap_or("proto"));
        match encoding {
            WebEncoding::Binary => written("application/grpc-web", suffix, &["", "application/grpc-web+proto"]),
            WebEncoding::Text => written("application/grpc-web-text", suffix, &["", "application/grpc-web-text+proto"]),
        }
    }
}

/// The encoding of a gRPC-Web answer: the first one that `accept` names, else that of the request.
pub(crate) fn accepted_encoding(accept: Option<&HeaderValue>, of_request: WebEncoding) -> WebEncoding {
    let accept = accept.and_then(|value| value.to_str().ok()).unwrap_or_default();
    accept
        .split(',')
        .filter_map(GrpcContentType::of_text)
        .find_map(|accepted| match accepted.dialect {
            Dialect::Web(encoding) => Some(encoding),
            Dialect::Native | Dialect::Connect { .. } => None,
        })
        .unwrap_or(of_request)
}

/// A content type without an allocation for those that nearly everybody uses: without suffix, and with `proto`.
fn written(kind: &str, suffix: Option<&str>, ready_made: &[&'static str; 2]) -> HeaderValue {
    match suffix {
        None => HeaderValue::from_static(ready_made[0]),
        Some(suffix) if suffix.eq_ignore_ascii_case("proto") => HeaderValue::from_static(ready_made[1]),
        // The suffix was cut out of a header value, so it makes one again.
        Some(suffix) => HeaderValue::try_from(format!("{kind}+{suffix}"))
            .unwrap_or_else(|_| HeaderValue::from_static(ready_made[1])),
    }
}

fn strip_prefix_of_any_case<'t>(text: &'t str, prefix: &str) -> Option<&'t str> {
    let (head, rest) = text.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BINARY: Dialect = Dialect::Web(WebEncoding::Binary);
    const TEXT: Dialect = Dialect::Web(WebEncoding::Text);

    const fn connect(codec: Codec) -> Dialect {
        Dialect::Connect { codec, by_get: false }
    }

    #[test]
    fn content_types_that_are_grpc() {
        for (value, dialect, suffix) in [
            ("application/grpc", Dialect::Native, None),
            ("Application/GRPC+proto", Dialect::Native, Some("proto")),
            ("application/grpc; charset=utf-8", Dialect::Native, None),
            ("application/grpc-web", BINARY, None),
            ("application/grpc-web+json", BINARY, Some("json")),
            ("APPLICATION/GRPC-WEB+PROTO ;a=b", BINARY, Some("PROTO")),
            ("application/grpc-web-text", TEXT, None),
            ("Application/gRPC-Web-Text+thrift", TEXT, Some("thrift")),
            ("application/JSON; charset=utf-8", connect(Codec::Json), Some("json")),
            ("application/proto", connect(Codec::Proto), Some("proto")),
        ] {
            let content_type = HeaderValue::from_static(value);
            assert_eq!(GrpcContentType::parse(&content_type), Some(GrpcContentType { dialect, suffix }), "{value}");
        }
    }

    #[test]
    fn content_types_that_are_not() {
        for value in [
            "",
            "text/html",
            "application/json5",
            "application/connect+json",
            "application/grp",
            "application/grpc+",
            "application/grpcweb",
            "application/grpc-web-texts",
            "application/grpc-websocket",
            "application/grpc-\u{e9}",
        ] {
            let content_type = HeaderValue::from_str(value).unwrap();
            assert_eq!(GrpcContentType::parse(&content_type), None, "{value}");
        }
    }

    #[test]
    fn content_types_are_translated() {
        let of = |suffix| GrpcContentType { dialect: Dialect::Native, suffix };
        assert_eq!(of(None).to_native(), "application/grpc");
        assert_eq!(of(Some("PROTO")).to_native(), "application/grpc+proto");
        assert_eq!(of(Some("json")).to_native(), "application/grpc+json");
        assert_eq!(of(None).to_web(WebEncoding::Binary), "application/grpc-web+proto");
        assert_eq!(of(Some("json")).to_web(WebEncoding::Text), "application/grpc-web-text+json");
    }

    #[test]
    fn accept_decides_when_it_names_an_encoding() {
        for (accept, expected) in [
            (None, WebEncoding::Binary),
            (Some("*/*"), WebEncoding::Binary),
            (Some("application/grpc"), WebEncoding::Binary),
            (Some("application/grpc-web-text"), WebEncoding::Text),
            (Some("text/html, Application/Grpc-Web-Text+proto;q=0.5, */*"), WebEncoding::Text),
            (Some("application/grpc-web+proto, application/grpc-web-text"), WebEncoding::Binary),
        ] {
            let accept = accept.map(HeaderValue::from_static);
            assert_eq!(accepted_encoding(accept.as_ref(), WebEncoding::Binary), expected, "{accept:?}");
        }
    }
}
