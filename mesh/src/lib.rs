#![doc = include_str!("../README.md")]

mod authenticator;
pub mod client;
mod data_folder;
mod database;
pub mod demo;
mod front;
mod mesh;
pub mod people;
mod pruning;
mod settings;
pub mod tour;

pub use data_folder::DataFolder;
pub use database::{CONTEXTS, DatabaseSettings, migrate};
pub use front::openapi;
pub use mesh::{Mesh, Options, StartError};
pub use settings::MeshSettings;

/// Made for many threads, and gives back what hashing passwords took: the C library's allocator keeps it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
