#![doc = include_str!("../README.md")]

pub mod client;
pub mod demo;
mod authenticator;
mod data_folder;
mod mesh;
mod settings;
pub mod tour;

pub use data_folder::DataFolder;
pub use mesh::{Mesh, Options, StartError};
pub use settings::MeshSettings;
