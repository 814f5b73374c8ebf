//! Messages and enums as JSON schemas, in the canonical JSON form of protobuf. <https://protobuf.dev/programming-guides/json/>

use std::collections::{BTreeMap, BTreeSet};

use prost_reflect::{Cardinality, EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Value, json};

use super::comments::Comments;

/// The field of `google.protobuf.EnumDescriptorProto` that holds the values.
const VALUES_OF_ENUM: i32 = 2;

/// The schemas that are needed, each once, by the full names of their types.
#[derive(Debug, Default)]
pub(super) struct Schemas {
    done: BTreeMap<String, Value>,
    begun: BTreeSet<String>,
}

impl Schemas {
    /// All schemas that anything has referred to.
    pub(super) fn into_map(self) -> BTreeMap<String, Value> {
        self.done
    }

    /// The schema of a message: of a type that JSON has its own form for as it is, else as a reference.
    pub(super) fn of_message(&mut self, message: &MessageDescriptor, comments: &mut Comments) -> Value {
        if let Some(schema) = well_known(message.full_name()) {
            return schema;
        }
        if self.begun.insert(message.full_name().to_owned()) {
            let schema = self.write_message(message, comments);
            self.done.insert(message.full_name().to_owned(), schema);
        }
        reference(message.full_name())
    }

    fn write_message(&mut self, message: &MessageDescriptor, comments: &mut Comments) -> Value {
        let mut properties = serde_json::Map::new();
        for field in message.fields() {
            let mut schema = self.of_field(&field, comments);
            if let Some(comment) = comments.of(&field) {
                schema["description"] = comment.into();
            }
            if is_deprecated(&field.options()) {
                schema["deprecated"] = true.into();
            }
            properties.insert(field.json_name().to_owned(), schema);
        }
        let mut schema = json!({"type": "object", "properties": properties, "additionalProperties": false});
        if let Some(comment) = comments.of(message) {
            schema["description"] = comment.into();
        }
        let exclusive = exclusive_pairs(message);
        if !exclusive.is_empty() {
            schema["allOf"] = exclusive.into();
        }
        schema
    }

    fn of_field(&mut self, field: &FieldDescriptor, comments: &mut Comments) -> Value {
        if field.is_map() {
            let kind = field.kind();
            let value = kind.as_message().map(MessageDescriptor::map_entry_value_field);
            let values = value.map_or(Value::Bool(true), |value| self.of_kind(&value.kind(), comments));
            return json!({"type": "object", "additionalProperties": values});
        }
        let one = self.of_kind(&field.kind(), comments);
        if field.cardinality() == Cardinality::Repeated { json!({"type": "array", "items": one}) } else { one }
    }

    fn of_kind(&mut self, kind: &Kind, comments: &mut Comments) -> Value {
        match kind {
            Kind::Message(message) => self.of_message(message, comments),
            Kind::Enum(of_enum) => self.of_enum(of_enum, comments),
            Kind::Bool => json!({"type": "boolean"}),
            Kind::String => json!({"type": "string"}),
            Kind::Bytes => json!({"type": "string", "contentEncoding": "base64"}),
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => json!({"type": "integer", "format": "int32"}),
            Kind::Uint32 | Kind::Fixed32 => json!({"type": "integer", "minimum": 0, "maximum": u32::MAX}),
            // A number of JSON is a double to many readers, which cannot count so far.
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => {
                json!({"type": "string", "format": "int64", "pattern": "^-?[0-9]+$"})
            }
            Kind::Uint64 | Kind::Fixed64 => json!({"type": "string", "format": "uint64", "pattern": "^[0-9]+$"}),
            Kind::Float | Kind::Double => {
                json!({"anyOf": [{"type": "number"}, {"type": "string", "enum": ["NaN", "Infinity", "-Infinity"]}]})
            }
        }
    }

    fn of_enum(&mut self, of_enum: &EnumDescriptor, comments: &mut Comments) -> Value {
        if of_enum.full_name() == "google.protobuf.NullValue" {
            return json!({"type": "null"});
        }
        if self.begun.insert(of_enum.full_name().to_owned()) {
            let schema = write_enum(of_enum, comments);
            self.done.insert(of_enum.full_name().to_owned(), schema);
        }
        reference(of_enum.full_name())
    }
}

fn write_enum(of_enum: &EnumDescriptor, comments: &mut Comments) -> Value {
    let names: Vec<_> = of_enum.values().map(|value| value.name().to_owned()).collect();
    let mut description = comments.of(of_enum).unwrap_or_default();
    for (index, name) in (0..).zip(&names) {
        let place = [of_enum.path(), &[VALUES_OF_ENUM, index]].concat();
        if let Some(comment) = comments.at(&of_enum.parent_file(), &place) {
            description.push_str(&format!("\n* `{name}`: {comment}"));
        }
    }
    json!({"type": "string", "enum": names, "description": description.trim()})
}

/// That of the fields of a `oneof` only one may be there.
fn exclusive_pairs(message: &MessageDescriptor) -> Vec<Value> {
    let choices = message.oneofs().filter(|choice| !choice.is_synthetic());
    let pairs = choices.flat_map(|choice| {
        let names: Vec<_> = choice.fields().map(|field| field.json_name().to_owned()).collect();
        let pairs = names.iter().enumerate().flat_map(|(index, one)| {
            names[index + 1..].iter().map(move |other| json!({"not": {"required": [one, other]}}))
        });
        pairs.collect::<Vec<_>>()
    });
    pairs.collect()
}

pub(super) fn is_deprecated(options: &prost_reflect::DynamicMessage) -> bool {
    options.get_field_by_name("deprecated").and_then(|deprecated| deprecated.as_bool()).unwrap_or(false)
}

pub(super) fn reference(full_name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{full_name}")})
}

/// The types whose JSON form is not that of a message.
fn well_known(full_name: &str) -> Option<Value> {
    Some(match full_name.strip_prefix("google.protobuf.")? {
        "Timestamp" => json!({"type": "string", "format": "date-time"}),
        "Duration" => json!({"type": "string", "pattern": "^-?[0-9]+(\\.[0-9]{1,9})?s$"}),
        "FieldMask" => json!({"type": "string"}),
        "Struct" => json!({"type": "object"}),
        "Value" => json!({}),
        "ListValue" => json!({"type": "array"}),
        "Empty" => json!({"type": "object", "additionalProperties": false}),
        "Any" => json!({"type": "object", "properties": {"@type": {"type": "string"}}, "required": ["@type"]}),
        "DoubleValue" | "FloatValue" => json!({"type": ["number", "string", "null"]}),
        "Int64Value" | "UInt64Value" => json!({"type": ["string", "null"], "pattern": "^-?[0-9]+$"}),
        "Int32Value" | "UInt32Value" => json!({"type": ["integer", "null"]}),
        "BoolValue" => json!({"type": ["boolean", "null"]}),
        "StringValue" => json!({"type": ["string", "null"]}),
        "BytesValue" => json!({"type": ["string", "null"], "contentEncoding": "base64"}),
        _ => return None,
    })
}
