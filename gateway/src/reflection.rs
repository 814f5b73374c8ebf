//! Reflection for all services behind the gateway, so that a client needs no contract files and no way past the gateway.

use prost_reflect::{DescriptorPool, DynamicMessage, Value};
use tonic_reflection::server::Builder;

use crate::config_errors::ConfigMistake;
use crate::methods::Methods;
use crate::own_services::OwnService;
use crate::upstream::upstream;

const HEALTH: &[u8] = tonic_health::pb::FILE_DESCRIPTOR_SET;
const ERROR_DETAILS: &[u8] = tonic_types::pb::FILE_DESCRIPTOR_SET;
const REFLECTION_V1: &[u8] = tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET;
const REFLECTION_V1ALPHA: &[u8] = tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET;

/// The reflection service in both versions; older clients, grpcurl among them, ask for v1alpha.
pub(crate) fn services(descriptor_set: &[u8], methods: &Methods) -> Result<Vec<OwnService>, ConfigMistake> {
    let served = only_served(descriptor_set, methods)
        .ok_or_else(|| ConfigMistake::new("policies", "the descriptor set cannot be prepared for reflection"))?;
    let builder = || {
        Builder::configure()
            .include_reflection_service(false)
            .register_encoded_file_descriptor_set(&served)
            .register_encoded_file_descriptor_set(HEALTH)
            // So that a client can show the details of an error.
            .register_encoded_file_descriptor_set(ERROR_DETAILS)
            .register_encoded_file_descriptor_set(REFLECTION_V1)
            .register_encoded_file_descriptor_set(REFLECTION_V1ALPHA)
    };
    let refused = |error: tonic_reflection::server::Error| ConfigMistake::new("policies", error.to_string());
    Ok(vec![
        OwnService { descriptor_set: REFLECTION_V1, upstream: upstream(builder().build_v1().map_err(refused)?) },
        OwnService {
            descriptor_set: REFLECTION_V1ALPHA,
            upstream: upstream(builder().build_v1alpha().map_err(refused)?),
        },
    ])
}

/// The descriptor set without methods that are not served, and without services of which no method is left. It is edited as a dynamic
/// message because that keeps options the gateway does not know.
fn only_served(descriptor_set: &[u8], methods: &Methods) -> Option<Vec<u8>> {
    let descriptor = DescriptorPool::global().get_message_by_name("google.protobuf.FileDescriptorSet")?;
    let mut set = DynamicMessage::decode(descriptor, descriptor_set).ok()?;
    for file in messages_mut(&mut set, "file")? {
        let package = text(file, "package");
        let services = list_mut(file, "service")?;
        services.retain_mut(|service| {
            let Value::Message(service) = service else { return false };
            let name = text(service, "name");
            let full_name = if package.is_empty() { name } else { format!("{package}.{name}") };
            let Some(of_service) = list_mut(service, "method") else { return false };
            of_service.retain(|method| {
                method
                    .as_message()
                    .is_some_and(|method| methods.serves(&format!("/{full_name}/{}", text(method, "name"))))
            });
            !of_service.is_empty()
        });
    }
    Some(prost::Message::encode_to_vec(&set))
}

fn text(message: &DynamicMessage, field: &str) -> String {
    message.get_field_by_name(field).and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn list_mut<'m>(message: &'m mut DynamicMessage, field: &str) -> Option<&'m mut Vec<Value>> {
    message.get_field_by_name_mut(field)?.as_list_mut()
}

fn messages_mut<'m>(
    message: &'m mut DynamicMessage,
    field: &str,
) -> Option<impl Iterator<Item = &'m mut DynamicMessage>> {
    Some(list_mut(message, field)?.iter_mut().filter_map(Value::as_message_mut))
}
