//! What a process answers to calls from outside: its own services, how they are, and what they are.

use bojagi_chassis::Switchboard;
use bojagi_chassis::channel::{Entrance, Handler};
use bojagi_gateway::Readiness;
use tonic_reflection::server::Builder;

use crate::mesh::StartError;

const HEALTH: &str = "grpc.health.v1.Health";
const REFLECTION: &str = "grpc.reflection.v1.ServerReflection";
/// Older clients ask for this one.
const REFLECTION_ALPHA: &str = "grpc.reflection.v1alpha.ServerReflection";

/// The way in to these services, with `grpc.health.v1` and reflection beside them. It leads nowhere else: what the process may
/// call in its own name, nobody can reach through it.
pub(super) fn entrance(own: Vec<(&'static str, Handler)>, readiness: &Readiness) -> Result<Entrance, StartError> {
    let names: Vec<String> = own.iter().map(|(name, _)| (*name).to_owned()).collect();
    let builder = || {
        let builder = Builder::configure()
            .register_encoded_file_descriptor_set(bojagi_api::FILE_DESCRIPTOR_SET)
            // So that a client can show the details of an error.
            .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET);
        names.iter().fold(builder, |builder, name| builder.with_service_name(name))
    };
    let about = [
        (HEALTH, Handler::new(readiness.health_service(names.clone()))),
        (REFLECTION, Handler::new(builder().build_v1()?)),
        (REFLECTION_ALPHA, Handler::new(builder().build_v1alpha()?)),
    ];
    let switchboard = Switchboard::default();
    let first = switchboard.connect(own.into_iter().chain(about));
    debug_assert!(first, "a switchboard is connected once");
    Ok(switchboard.entrance())
}
