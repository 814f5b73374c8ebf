#![doc = include_str!("../README.md")]

mod authenticator;
mod certs;
pub mod client;
mod contexts;
mod data_folder;
mod database;
pub mod demo;
mod front;
mod identity;
mod mesh;
pub mod people;
mod pruning;
mod remote;
mod serve;
mod settings;
mod shop_gateway;
pub mod tour;

pub use certs::{AUTHORITY, CertsError, make_certificates};
pub use data_folder::DataFolder;
pub use database::{CONTEXTS, DatabaseSettings, migrate};
pub use front::openapi;
pub use mesh::{Mesh, Options, StartError};
pub use serve::{ServeOptions, Served};
pub use settings::{ConnectionLimits, MeshSettings, ServeSettings, ServiceSettings, Shared};
pub use shop_gateway::{ShopGateway, ShopGatewayOptions};

/// Made for many threads, and gives back what hashing passwords took: the C library's allocator keeps it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
