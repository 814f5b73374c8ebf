//! Generates messages, clients, servers and the table of policies from `proto/`.

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use prost_reflect::prost_types::method_options::IdempotencyLevel;
use prost_reflect::{DynamicMessage, MethodDescriptor, Value};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const POLICY: &str = "bojagi.options.v1.policy";

fn main() -> Result<()> {
    let root = Path::new("../../proto");
    println!("cargo::rerun-if-changed={}", root.display());
    let mut files = Vec::new();
    collect(root, &mut files)?;
    files.sort();

    let mut compiler = protox::Compiler::new([root])?;
    compiler.include_source_info(true).include_imports(true).open_files(files)?;

    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("descriptors.binpb"), compiler.encode_file_descriptor_set())?;
    fs::write(out.join("methods.rs"), methods(&compiler)?)?;

    let mut config = tonic_prost_build::Config::new();
    config.enable_type_names().include_file("contexts.rs");
    let secretive = secretive_messages(&compiler);
    config.skip_debug(secretive.iter().map(|name| format!(".{name}")));
    fs::write(out.join("redacted.rs"), redacted(&secretive)?)?;
    tonic_prost_build::configure().compile_fds_with_config(compiler.file_descriptor_set(), config)?;
    Ok(())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "proto") {
            files.push(path);
        }
    }
    Ok(())
}

/// The messages that hold a field marked `debug_redact`: they must not print themselves.
fn secretive_messages(compiler: &protox::Compiler) -> Vec<String> {
    let redacts = |field: &prost_reflect::FieldDescriptor| {
        field.options().get_field_by_name("debug_redact").is_some_and(|value| value.as_bool() == Some(true))
    };
    let messages = compiler.descriptor_pool();
    let secretive = messages.all_messages().filter(|message| message.fields().any(|field| redacts(&field)));
    secretive.map(|message| message.full_name().to_owned()).collect()
}

/// A `Debug` for each of them that names the message and nothing in it.
fn redacted(messages: &[String]) -> Result<String> {
    let mut source = String::new();
    for name in messages {
        let path = name.replace('.', "::");
        writeln!(
            source,
            "impl ::core::fmt::Debug for {path} {{
                fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {{
                    f.write_str(\"{name} (redacted)\")
                }}
            }}"
        )?;
    }
    Ok(source)
}

/// The table of all methods, sorted by path, as Rust source.
fn methods(compiler: &protox::Compiler) -> Result<String> {
    let pool = compiler.descriptor_pool();
    let extension = pool.get_extension_by_name(POLICY).ok_or("the policy option is not declared")?;
    let mut rows = Vec::new();
    for service in pool.services() {
        for method in service.methods() {
            let path = format!("/{}/{}", service.full_name(), method.name());
            let options = method.options();
            if !options.has_extension(&extension) {
                return Err(format!("{path} has no policy: add `option (bojagi.options.v1.policy)`").into());
            }
            let row = match options.get_extension(&extension).as_ref() {
                Value::Message(policy) => row(&path, &method, policy)?,
                _ => return Err("the policy option is not a message".into()),
            };
            rows.push((path, row));
        }
    }
    rows.sort();
    let mut source = String::from("&[\n");
    for (_, row) in rows {
        source.push_str(&row);
    }
    source.push(']');
    Ok(source)
}

fn row(path: &str, method: &MethodDescriptor, policy: &DynamicMessage) -> Result<String> {
    let number = |name: &str| policy.get_field_by_name(name).and_then(|value| value.as_enum_number()).unwrap_or(0);
    let list = |name: &str| match policy.get_field_by_name(name).as_deref() {
        Some(Value::List(values)) => values.clone(),
        _ => Vec::new(),
    };
    let roles: Vec<_> = list("roles").iter().filter_map(Value::as_enum_number).collect();
    let workloads: Vec<_> = list("workloads").iter().filter_map(|value| value.as_str().map(str::to_owned)).collect();
    let access = number("access");
    if (access == 3) == roles.is_empty() {
        return Err(format!("{path}: roles belong to ACCESS_ROLES, and only there").into());
    }
    if (access == 4) == workloads.is_empty() {
        return Err(format!("{path}: workloads belong to ACCESS_INTERNAL, and only there").into());
    }
    let access = match access {
        1 => "Access::Public".to_owned(),
        2 => "Access::SignedIn".to_owned(),
        3 => format!("Access::Roles(&[{}])", role_list(path, &roles)?),
        4 => format!("Access::Internal(&{workloads:?})"),
        _ => return Err(format!("{path}: access is not specified").into()),
    };
    let retry_safe = policy.get_field_by_name("retry_safe").and_then(|value| value.as_bool()).unwrap_or(false);
    if only_looks(method) && !retry_safe {
        return Err(format!("{path}: what has no side effects is retry_safe too").into());
    }
    let mut source = String::new();
    writeln!(
        source,
        "    Method {{ path: {path:?}, access: {access}, retry_safe: {retry_safe}, server_streaming: {} }},",
        method.is_server_streaming(),
    )?;
    Ok(source)
}

/// Whether the method says `idempotency_level = NO_SIDE_EFFECTS`, upon which the gateway lets it be called by GET.
fn only_looks(method: &MethodDescriptor) -> bool {
    let options = method.method_descriptor_proto().options.as_ref();
    options.is_some_and(|options| options.idempotency_level() == IdempotencyLevel::NoSideEffects)
}

fn role_list(path: &str, roles: &[i32]) -> Result<String> {
    let names = roles.iter().map(|role| match role {
        1 => Ok("Role::Customer"),
        2 => Ok("Role::Seller"),
        3 => Ok("Role::Admin"),
        _ => Err(format!("{path}: a role is not specified")),
    });
    Ok(names.collect::<std::result::Result<Vec<_>, _>>()?.join(", "))
}
