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
        let stays = keep_served(file, methods)?;
        if file.has_field_by_name("source_code_info") {
            keep_comments(file.get_field_by_name_mut("source_code_info")?.as_message_mut()?, &stays)?;
        }
    }
    Some(prost::Message::encode_to_vec(&set))
}

/// Of every service that there was in a file: which of its methods stay. It stays itself if one of them does.
type Stays = Vec<Vec<bool>>;

fn keep_served(file: &mut DynamicMessage, methods: &Methods) -> Option<Stays> {
    let package = text(file, "package");
    let mut all = Stays::new();
    list_mut(file, "service")?.retain_mut(|service| {
        let stays = service.as_message_mut().and_then(|service| keep_served_methods(service, &package, methods));
        let stays = stays.unwrap_or_default();
        let stays_itself = stays.contains(&true);
        all.push(stays);
        stays_itself
    });
    Some(all)
}

fn keep_served_methods(service: &mut DynamicMessage, package: &str, methods: &Methods) -> Option<Vec<bool>> {
    let name = text(service, "name");
    let full_name = if package.is_empty() { name } else { format!("{package}.{name}") };
    let mut all = Vec::new();
    list_mut(service, "method")?.retain(|method| {
        let name = method.as_message().map(|method| text(method, "name"));
        let stays = name.is_some_and(|name| methods.serves(&format!("/{full_name}/{name}")));
        all.push(stays);
        stays
    });
    Some(all)
}

/// Comments say by numbers what they are about. Those about what is gone go with it, and the others follow what they are about.
fn keep_comments(source_code_info: &mut DynamicMessage, stays: &Stays) -> Option<()> {
    list_mut(source_code_info, "location")?.retain_mut(|location| {
        let path = location.as_message_mut().and_then(|location| list_mut(location, "path"));
        path.is_some_and(|path| follow(path, stays).is_some())
    });
    Some(())
}

/// The numbers of the fields `service` of a file and `method` of a service, in `google/protobuf/descriptor.proto`.
const SERVICES: Value = Value::I32(6);
const METHODS: Value = Value::I32(2);

/// Brings the path of a location up to date; `None` if what it leads to is gone.
fn follow(path: &mut [Value], stays: &Stays) -> Option<()> {
    let [services, Value::I32(service), inside @ ..] = path else { return Some(()) };
    if *services != SERVICES {
        return Some(());
    }
    let of_service = stays.get(usize::try_from(*service).ok()?)?;
    *service = place_among(stays.iter().map(|methods| methods.contains(&true)), *service)?;
    if let [methods, Value::I32(method), ..] = inside
        && *methods == METHODS
    {
        *method = place_among(of_service.iter().copied(), *method)?;
    }
    Some(())
}

/// The place of one that stays among all that stay.
fn place_among(mut stays: impl Iterator<Item = bool>, index: i32) -> Option<i32> {
    let before = stays.by_ref().take(usize::try_from(index).ok()?).filter(|stays| *stays).count();
    stays.next().filter(|stays| *stays)?;
    i32::try_from(before).ok()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_follow_what_they_are_about() {
        let stays = vec![vec![false, true, false, true], vec![false, false], vec![], vec![true]];
        for (path, expected) in [
            (&[12][..], Some(&[12][..])),
            (&[4, 1, 2, 0], Some(&[4, 1, 2, 0])),
            (&[6, 0], Some(&[6, 0])),
            (&[6, 0, 1], Some(&[6, 0, 1])),
            (&[6, 0, 3, 33], Some(&[6, 0, 3, 33])),
            (&[6, 0, 2, 0], None),
            (&[6, 0, 2, 1], Some(&[6, 0, 2, 0])),
            (&[6, 0, 2, 2, 4], None),
            (&[6, 0, 2, 3, 4], Some(&[6, 0, 2, 1, 4])),
            (&[6, 0, 2, 4], None),
            (&[6, 1], None),
            (&[6, 1, 2, 0], None),
            (&[6, 2], None),
            (&[6, 3, 2, 0, 1], Some(&[6, 1, 2, 0, 1])),
            (&[6, 4], None),
            (&[6, -1], None),
        ] {
            let mut followed: Vec<Value> = path.iter().copied().map(Value::I32).collect();
            let found = follow(&mut followed, &stays).map(|()| followed);
            let expected = expected.map(|path| path.iter().copied().map(Value::I32).collect());
            assert_eq!(found, expected, "{path:?}");
        }
    }
}
