//! The labels of metrics, each from a closed set.

use std::fmt;

use crate::dialect::{Codec, Dialect, WebEncoding};
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};

/// What stands for every method that is in no descriptor set.
const OTHER: &str = "other";

/// A method.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(crate) struct MethodLabels {
    service: String,
    method: String,
}

impl MethodLabels {
    /// Of the path of a call, such as `/bojagi.order.v1.OrderService/PlaceOrder`; what is no whole path is one of the others.
    pub(crate) fn of_path(path: &str) -> Self {
        let parts = path.strip_prefix('/').and_then(|path| path.split_once('/'));
        let named = parts.filter(|(service, method)| !service.is_empty() && !method.is_empty());
        let (service, method) = named.unwrap_or((OTHER, OTHER));
        Self { service: service.to_owned(), method: method.to_owned() }
    }

    /// The path again.
    pub(crate) fn path(&self) -> String {
        format!("/{}/{}", self.service, self.method)
    }

    pub(crate) fn others() -> Self {
        Self { service: OTHER.to_owned(), method: OTHER.to_owned() }
    }
}

/// A method and how it was called.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(crate) struct StartedLabels {
    #[prometheus(flatten)]
    pub(crate) method: MethodLabels,
    pub(crate) dialect: DialectLabel,
}

/// A method, how it was called, and how that ended.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(crate) struct HandledLabels {
    #[prometheus(flatten)]
    pub(crate) method: MethodLabels,
    pub(crate) dialect: DialectLabel,
    pub(crate) code: &'static str,
}

/// A method, and the reason for which the gateway itself ended calls of it.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(crate) struct ErrorLabels {
    #[prometheus(flatten)]
    pub(crate) method: MethodLabels,
    pub(crate) reason: &'static str,
}

/// Why a connection was closed at once.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(crate) struct RefusalLabels {
    pub(crate) reason: &'static str,
}

/// How a call was put into HTTP: a name, and its place among all.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq)]
pub(crate) struct DialectLabel(&'static str, usize);

impl DialectLabel {
    /// How many there are.
    pub(crate) const COUNT: usize = 5;

    /// A number below [`COUNT`](Self::COUNT).
    pub(crate) const fn index(self) -> usize {
        self.1
    }

    pub(crate) const fn name(self) -> &'static str {
        self.0
    }
}

impl From<Dialect> for DialectLabel {
    fn from(dialect: Dialect) -> Self {
        match dialect {
            Dialect::Native => Self("grpc", 0),
            Dialect::Web(WebEncoding::Binary) => Self("grpc-web", 1),
            Dialect::Web(WebEncoding::Text) => Self("grpc-web-text", 2),
            Dialect::Connect { codec: Codec::Proto, .. } => Self("connect", 3),
            Dialect::Connect { codec: Codec::Json, .. } => Self("connect-json", 4),
        }
    }
}

impl EncodeLabelValue for DialectLabel {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), fmt::Error> {
        self.0.encode(encoder)
    }
}
