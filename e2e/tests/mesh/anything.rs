//! Every method with arbitrary messages: typed errors, never a panic, never an unknown error.

use bojagi_api::FILE_DESCRIPTOR_SET;
use bojagi_api::policy::{METHODS, Role};
use bojagi_e2e::{Shop, call, code};
use prost_reflect::{DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, Value};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use tonic::Code;

/// Messages tried on each method.
const ROUNDS: u64 = 24;

const TEXTS: [&str; 14] = [
    "",
    " ",
    "x",
    "KRW",
    "USD",
    "krw",
    "not-an-id",
    "00000000-0000-0000-0000-000000000000",
    "0197c0de-0000-7000-8000-000000000001",
    "%_'\"; DROP TABLE orders; --",
    "tok_approve",
    "customer@example.test",
    "\u{0}\u{202e}가나다",
    "2026-13-45",
];

fn text(random: &mut StdRng) -> String {
    if random.random_ratio(1, 20) {
        "가".repeat(random.random_range(1..20_000))
    } else {
        (*TEXTS.choose(random).unwrap()).to_owned()
    }
}

fn integer(random: &mut StdRng) -> i64 {
    *[0, 1, -1, 2, 100, 9_999, 1 << 31, i64::MAX, i64::MIN, -(1 << 40), 1 << 62].choose(random).unwrap()
}

fn single(field: &FieldDescriptor, random: &mut StdRng, depth: usize) -> Value {
    match field.kind() {
        Kind::String => Value::String(text(random)),
        Kind::Bytes => Value::Bytes(text(random).into_bytes().into()),
        Kind::Bool => Value::Bool(random.random()),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32(integer(random) as i32),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(integer(random)),
        Kind::Uint32 | Kind::Fixed32 => Value::U32(integer(random) as u32),
        Kind::Uint64 | Kind::Fixed64 => Value::U64(integer(random) as u64),
        Kind::Float => Value::F32(f32::NAN),
        Kind::Double => Value::F64(f64::INFINITY),
        Kind::Enum(_) => Value::EnumNumber(random.random_range(-1..9)),
        Kind::Message(message) => Value::Message(arbitrary(&message, random, depth + 1)),
    }
}

fn arbitrary(descriptor: &MessageDescriptor, random: &mut StdRng, depth: usize) -> DynamicMessage {
    let mut message = DynamicMessage::new(descriptor.clone());
    for field in descriptor.fields() {
        // Deeper messages are sparser, so that they end.
        if depth > 5 || random.random_ratio(1, 5) || field.is_map() {
            continue;
        }
        let value = if field.is_list() {
            let length = *[0, 1, 2, 3, 150].choose(random).unwrap();
            Value::List((0..length).map(|_| single(&field, random, depth)).collect())
        } else {
            single(&field, random, depth)
        };
        message.set_field(&field, value);
    }
    message
}

#[tokio::test(flavor = "multi_thread")]
async fn no_message_breaks_a_handler() {
    // What broke is told to nobody but the log.
    drop(bojagi_telemetry::logging::start("error", bojagi_telemetry::logging::Format::Text));
    let shop = Shop::open().await;
    let pool = DescriptorPool::decode(FILE_DESCRIPTOR_SET).unwrap();
    let everything = shop.person(&Role::ALL);
    for method in METHODS {
        let (service, name) = method.path.trim_start_matches('/').split_once('/').unwrap();
        let descriptor =
            pool.get_service_by_name(service).unwrap().methods().find(|found| found.name() == name).unwrap();
        for round in 0..ROUNDS {
            let mut random = StdRng::seed_from_u64(round);
            let message = arbitrary(&descriptor.input(), &mut random, 0);
            let encoded = prost::Message::encode_to_vec(&message);
            let code = code(&call(shop.gateway(), method, Some(everything.token()), encoded).await);
            let typed = !matches!(code, Code::Internal | Code::Unknown | Code::DataLoss | Code::Cancelled);
            assert!(typed, "{} answered {code:?} in round {round}", method.path);
        }
    }
    shop.verify().await;
}
