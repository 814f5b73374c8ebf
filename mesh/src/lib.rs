#![doc = include_str!("../README.md")]

mod authenticator;
pub mod client;
mod data_folder;
pub mod demo;
mod mesh;
pub mod people;
mod pruning;
mod settings;
pub mod tour;

pub use data_folder::DataFolder;
pub use mesh::{Mesh, Options, StartError};
pub use settings::MeshSettings;
