//! Why something was not done.
//!
//! A context declares what it refuses in one table with [`refusals!`](crate::refusals); the table is the enum its rules
//! return, and the documentation of its reasons. At the border of a use case every refusal becomes a [`Failure`], which
//! also carries what broke.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::time::Duration;

/// The closed set of kinds of refusal. `bojagi-chassis` alone maps them to status codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The request itself is wrong; sending it again will not help.
    Invalid,
    /// The thing does not exist, or the caller may not know that it does.
    NotFound,
    /// The thing exists already.
    AlreadyExists,
    /// The thing is in a state that does not allow this.
    WrongState,
    /// A race was lost; reading again and retrying may help.
    LostRace,
    /// A limit was reached.
    Exhausted,
    /// The caller did not say who they are, or not in a way that holds.
    Unauthenticated,
    /// The caller is known and may not do this.
    Forbidden,
    /// Something that is needed is not there at the moment.
    Unavailable,
    /// Time ran out.
    TooLate,
}

/// One field of a request that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The path of the field, as in the request: `lines[2].quantity`.
    pub field: String,
    /// What is wrong with it, in a sentence.
    pub description: String,
}

impl Violation {
    /// `field` is wrong because of `description`.
    pub fn new(field: impl Into<String>, description: impl fmt::Display) -> Self {
        Self { field: field.into(), description: description.to_string() }
    }
}

/// A refusal as it is told to the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The context that refuses, such as `order`.
    pub domain: Cow<'static, str>,
    /// The kind.
    pub kind: Kind,
    /// The reason, in capital letters: what programs look at.
    pub reason: Cow<'static, str>,
    /// A sentence for people.
    pub message: String,
    /// What a program needs to react, such as what is left.
    pub metadata: Vec<(Cow<'static, str>, String)>,
    /// The fields that are wrong.
    pub violations: Vec<Violation>,
    /// When it makes sense to try again.
    pub retry_after: Option<Duration>,
}

impl Refusal {
    /// A refusal without metadata.
    pub fn new(domain: &'static str, kind: Kind, reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            domain: Cow::Borrowed(domain),
            kind,
            reason: Cow::Borrowed(reason),
            message: message.into(),
            metadata: Vec::new(),
            violations: Vec::new(),
            retry_after: None,
        }
    }

    /// The refusal of a request whose fields are wrong, reason `INVALID_ARGUMENT`.
    #[must_use]
    pub fn invalid(domain: &'static str, violations: Vec<Violation>) -> Self {
        let message = violations
            .iter()
            .map(|violation| format!("{}: {}", violation.field, violation.description))
            .collect::<Vec<_>>()
            .join("; ");
        Self { violations, ..Self::new(domain, Kind::Invalid, "INVALID_ARGUMENT", message) }
    }

    /// The same refusal with a time after which to try again.
    #[must_use]
    pub fn retry_after(mut self, delay: Duration) -> Self {
        self.retry_after = Some(delay);
        self
    }

    /// The value that goes with `key`.
    #[must_use]
    pub fn metadata(&self, key: &str) -> Option<&str> {
        self.metadata.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason, self.message)
    }
}

impl Error for Refusal {}

/// What a context's own refusals have in common. Implemented by [`refusals!`](crate::refusals).
pub trait Refuses: Error {
    /// The refusal as it is told to the caller.
    fn refusal(&self) -> Refusal;
}

/// Why a use case has no result: it was refused, or something broke.
#[derive(Debug)]
pub enum Failure {
    /// A rule says no; the caller is told why.
    Refused(Box<Refusal>),
    /// Something is not there at the moment (a full queue, a peer that does not answer); trying again makes sense.
    Unavailable(Box<dyn Error + Send + Sync>),
    /// A defect or a broken machine; the caller is told nothing but that.
    Broken(Box<dyn Error + Send + Sync>),
}

impl Failure {
    /// Something broke, in a sentence.
    pub fn broken(message: impl Into<String>) -> Self {
        Self::Broken(message.into().into())
    }

    /// The refusal, if it is one.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            Self::Unavailable(_) | Self::Broken(_) => None,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refusal) => refusal.fmt(f),
            Self::Unavailable(cause) => write!(f, "unavailable: {cause}"),
            Self::Broken(cause) => write!(f, "broken: {cause}"),
        }
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Refused(_) => None,
            Self::Unavailable(cause) | Self::Broken(cause) => Some(cause.as_ref()),
        }
    }
}

impl<R: Refuses> From<R> for Failure {
    fn from(refuses: R) -> Self {
        Self::Refused(Box::new(refuses.refusal()))
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(refusal))
    }
}

/// One row of a context's table of reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReasonRow {
    /// The context.
    pub domain: &'static str,
    /// The kind.
    pub kind: Kind,
    /// The reason.
    pub reason: &'static str,
    /// The names of its metadata.
    pub metadata: &'static [&'static str],
    /// When it is given, in a sentence.
    pub meaning: &'static str,
}

/// Declares what a context refuses: an enum whose variants carry their metadata as fields, and the table of reasons.
///
/// ```
/// bojagi_kernel::refusals! {
///     /// What item refuses.
///     pub enum ItemRefusal in "item" {
///         /// Less is left than was asked for.
///         OutOfStock { available: i64 } => WrongState "OUT_OF_STOCK" ("only {available} left"),
///         /// No such item.
///         ItemNotFound => NotFound "ITEM_NOT_FOUND" ("there is no such item"),
///     }
/// }
/// use bojagi_kernel::refusal::Refuses;
/// let refusal = ItemRefusal::OutOfStock { available: 3 }.refusal();
/// assert_eq!(refusal.reason, "OUT_OF_STOCK");
/// assert_eq!(refusal.metadata("available"), Some("3"));
/// assert_eq!(refusal.message, "only 3 left");
/// assert_eq!(ItemRefusal::REASONS[0].meaning, "Less is left than was asked for.");
/// ```
#[macro_export]
macro_rules! refusals {
    (
        $(#[doc = $enum_doc:literal])+
        $visibility:vis enum $name:ident in $domain:literal {
            $(
                $(#[doc = $doc:literal])+
                $variant:ident $({ $($field:ident : $type:ty),+ $(,)? })? => $kind:ident $reason:literal ($message:literal)
            ),+ $(,)?
        }
    ) => {
        $(#[doc = $enum_doc])+
        #[derive(Debug, Clone, PartialEq, Eq)]
        $visibility enum $name {
            $(
                $(#[doc = $doc])+
                $variant $({ $(#[doc = stringify!($field)] $field: $type),+ })?
            ),+
        }

        impl $name {
            /// Every reason, for the documentation.
            $visibility const REASONS: &'static [$crate::refusal::ReasonRow] = &[$(
                $crate::refusal::ReasonRow {
                    domain: $domain,
                    kind: $crate::Kind::$kind,
                    reason: $reason,
                    metadata: &[$($(stringify!($field)),+)?],
                    meaning: concat!($($doc),+).trim_ascii(),
                }
            ),+];
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                match self {
                    $( Self::$variant $({ $($field),+ })? => {
                        $( $( let _ = $field; )+ )?
                        write!(f, $message)
                    } )+
                }
            }
        }

        impl ::std::error::Error for $name {}

        impl $crate::refusal::Refuses for $name {
            fn refusal(&self) -> $crate::Refusal {
                match self {
                    $( Self::$variant $({ $($field),+ })? => {
                        #[allow(unused_mut)]
                        let mut refusal =
                            $crate::Refusal::new($domain, $crate::Kind::$kind, $reason, self.to_string());
                        $( $( refusal.metadata.push((stringify!($field).into(), $field.to_string())); )+ )?
                        refusal
                    } )+
                }
            }
        }
    };
}
