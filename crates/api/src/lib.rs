#![doc = include_str!("../README.md")]

pub mod policy;

/// The generated modules, as their packages are nested.
#[allow(missing_docs, unreachable_pub, clippy::all, reason = "generated from proto/, where it is documented")]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/contexts.rs"));
    include!(concat!(env!("OUT_DIR"), "/redacted.rs"));
}

pub use generated::bojagi::common::v1 as common;
pub use generated::bojagi::coupon::v1 as coupon;
pub use generated::bojagi::item::v1 as item;
pub use generated::bojagi::options::v1 as options;
pub use generated::bojagi::order::v1 as order;
pub use generated::bojagi::payment::v1 as payment;
pub use generated::bojagi::settlement::v1 as settlement;
pub use generated::bojagi::user::v1 as user;

/// Every file of `proto/` and what it imports, with comments, as an encoded `google.protobuf.FileDescriptorSet`.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.binpb"));
