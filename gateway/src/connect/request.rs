//! The head of a request of the Connect protocol, as one of native gRPC.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};

use super::fault::ConnectFault;
use super::query::Query;
use crate::compression::GZIP;
use crate::dialect::Codec;
use crate::grpc_timeout::{self, GRPC_TIMEOUT};

const PROTOCOL_VERSION: HeaderName = HeaderName::from_static("connect-protocol-version");
const TIMEOUT_MS: HeaderName = HeaderName::from_static("connect-timeout-ms");
const GRPC_ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
const GRPC_ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");
const MOST_TIMEOUT_DIGITS: usize = 10;

/// What the headers say that is needed after they are translated.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) accepts_gzip: bool,
    /// Whether the message is compressed, unless it is empty.
    pub(super) is_compressed: bool,
    /// The message, where it came in the query.
    pub(super) queried: Option<Bytes>,
}

/// Makes the request one of native gRPC but for its body.
pub(super) fn to_native<B>(request: &mut Request<B>, codec: Codec) -> Result<Read, ConnectFault> {
    let queried = if request.method() == Method::GET {
        let query = Query::read(request.uri())?;
        *request.method_mut() = Method::POST;
        *request.uri_mut() = without_query(request.uri());
        Some(query)
    } else {
        None
    };
    let headers = request.headers_mut();
    let accepted = headers.remove(ACCEPT_ENCODING);
    let encoding = headers.remove(CONTENT_ENCODING);
    let version = headers.remove(PROTOCOL_VERSION);
    let timeout = headers.remove(TIMEOUT_MS);
    for of_another_dialect in [ACCEPT, CONTENT_LENGTH, GRPC_TIMEOUT, GRPC_ENCODING, GRPC_ACCEPT_ENCODING] {
        headers.remove(of_another_dialect);
    }
    let content_type = match codec {
        Codec::Proto => "application/grpc+proto",
        Codec::Json => "application/grpc+json",
    };
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    if version.is_some_and(|version| version != "1") {
        return Err(ConnectFault::Version);
    }
    if let Some(timeout) = timeout {
        headers.insert(GRPC_TIMEOUT, grpc_timeout::write(read_timeout(&timeout)?));
    }

    let named = match &queried {
        Some(query) => query.compression.clone(),
        None => encoding.map(|encoding| String::from_utf8_lossy(encoding.as_bytes()).into_owned()),
    };
    let is_compressed = is_gzip(named)?;
    let accepts_gzip = accepted.as_ref().map_or(is_compressed, names_gzip);
    write_encodings(headers, codec, is_compressed, accepts_gzip);
    Ok(Read { accepts_gzip, is_compressed, queried: queried.map(|query| query.message) })
}

fn write_encodings(headers: &mut HeaderMap, codec: Codec, is_compressed: bool, accepts_gzip: bool) {
    if is_compressed {
        headers.insert(GRPC_ENCODING, HeaderValue::from_static(GZIP));
    }
    // An answer that is translated here is compressed here, if at all.
    if accepts_gzip && codec == Codec::Proto {
        headers.insert(GRPC_ACCEPT_ENCODING, HeaderValue::from_static(GZIP));
    }
}

fn without_query(uri: &Uri) -> Uri {
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = PathAndQuery::try_from(uri.path()).ok();
    // The path was part of a URI before, so it is one by itself.
    Uri::from_parts(parts).unwrap_or_else(|_| uri.clone())
}

fn read_timeout(value: &HeaderValue) -> Result<Duration, ConnectFault> {
    let digits = value.to_str().map_err(|_| ConnectFault::Timeout)?;
    let well_formed =
        !digits.is_empty() && digits.len() <= MOST_TIMEOUT_DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !well_formed {
        return Err(ConnectFault::Timeout);
    }
    digits.parse().map(Duration::from_millis).map_err(|_| ConnectFault::Timeout)
}

fn is_gzip(encoding: Option<String>) -> Result<bool, ConnectFault> {
    match encoding.as_deref() {
        None | Some("" | "identity") => Ok(false),
        Some(GZIP) => Ok(true),
        Some(other) => Err(ConnectFault::Encoding(other.to_owned())),
    }
}

/// Whether `accept-encoding` names gzip, other than to exclude it.
fn names_gzip(accepted: &HeaderValue) -> bool {
    let accepted = accepted.to_str().unwrap_or_default();
    accepted.split(',').any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let excluded = matches!(weight.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000");
        name.trim().eq_ignore_ascii_case(GZIP) && !excluded
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_of_up_to_ten_digits() {
        let read = |value: &'static str| read_timeout(&HeaderValue::from_static(value));
        assert_eq!(read("0"), Ok(Duration::ZERO));
        assert_eq!(read("9999999999"), Ok(Duration::from_millis(9_999_999_999)));
        for malformed in ["", "10000000000", "-1", "+1", "1.5", "1s", "soon"] {
            assert_eq!(read(malformed), Err(ConnectFault::Timeout), "{malformed}");
        }
    }

    #[test]
    fn gzip_is_accepted_where_it_is_named() {
        for (accepted, expected) in [
            ("gzip", true),
            ("br, GZIP;q=0.5", true),
            ("gzip;q=0", false),
            ("gzip; q=0.0, br", false),
            ("br", false),
            ("*", false),
            ("", false),
        ] {
            assert_eq!(names_gzip(&HeaderValue::from_static(accepted)), expected, "{accepted}");
        }
    }
}
