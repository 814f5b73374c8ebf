//! Facts to tell.

/// A fact with a number in it.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Counted {
    #[prost(int64, tag = "1")]
    pub(crate) number: i64,
}

impl prost::Name for Counted {
    const NAME: &'static str = "Counted";
    const PACKAGE: &'static str = "test.v1";
}

/// A fact of the same context that nobody hears.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Ignored {
    #[prost(int64, tag = "1")]
    pub(crate) number: i64,
}

impl prost::Name for Ignored {
    const NAME: &'static str = "Ignored";
    const PACKAGE: &'static str = "test.v1";
}

/// A fact of another context.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Noted {
    #[prost(int64, tag = "1")]
    pub(crate) number: i64,
}

impl prost::Name for Noted {
    const NAME: &'static str = "Noted";
    const PACKAGE: &'static str = "other.v1";
}
