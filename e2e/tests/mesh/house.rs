//! The rules of the house, held by reading the tree.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use toml::Table;

const SERVICES: [&str; 6] = ["user", "item", "coupon", "order", "payment", "settlement"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("target") {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

fn dependencies(manifest: &Path) -> Vec<String> {
    let manifest: Table = fs::read_to_string(manifest).unwrap().parse().unwrap();
    let names = |section: &str| {
        let table = manifest.get(section).and_then(|section| section.as_table().cloned()).unwrap_or_default();
        table.keys().cloned().collect::<Vec<_>>()
    };
    [names("dependencies"), names("dev-dependencies")].concat()
}

/// Lines of code: comments and documentation do not count.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

#[test]
fn domains_are_pure() {
    for service in SERVICES {
        let src = root().join("services").join(service).join("src");
        let files = rust_files(&src.join("domain")).into_iter().chain([src.join("domain.rs")]);
        for file in files {
            let text = code(&file);
            let own: Vec<_> = text
                .lines()
                .filter_map(|line| {
                    line.trim().trim_start_matches("pub(crate) ").strip_prefix("mod ")?.strip_suffix(';')
                })
                .map(|name| format!("{name}::"))
                .collect();
            for line in text.lines() {
                let line = line.trim();
                let Some(import) = line.strip_prefix("use ").or_else(|| line.strip_prefix("pub use ")) else {
                    continue;
                };
                let allowed = ["std::", "super", "self::", "crate::domain", "bojagi_kernel"];
                // Pure calculation: digests and properties in tests.
                let calculation = ["sha2::", "proptest::"];
                assert!(
                    allowed.iter().chain(&calculation).any(|prefix| import.starts_with(prefix))
                        || own.iter().any(|name| import.starts_with(name.as_str())),
                    "{}: a domain imports {import}",
                    file.display()
                );
            }
            for forbidden in
                ["async ", "dyn Future", "impl Future", "SystemTime", "Instant::now", "tonic::", "bojagi_store"]
            {
                assert!(!code(&file).contains(forbidden), "{}: a domain has {forbidden}", file.display());
            }
        }
    }
}

#[test]
fn no_service_depends_on_another() {
    for service in SERVICES {
        for dependency in dependencies(&root().join("services").join(service).join("Cargo.toml")) {
            let other = SERVICES.iter().find(|other| dependency == format!("bojagi-{other}"));
            assert_eq!(other, None, "{service} depends on {dependency}");
            assert_ne!(dependency, "bojagi-gateway");
        }
    }
}

#[test]
fn the_gateway_knows_no_business() {
    for dependency in dependencies(&root().join("gateway/Cargo.toml")) {
        let forbidden = SERVICES.iter().any(|service| dependency == format!("bojagi-{service}"));
        assert!(!forbidden && dependency != "bojagi-store" && dependency != "bojagi-api", "{dependency}");
    }
}

/// The members of the workspace that depend on something that begins like this.
fn members_with(driver: &[&str]) -> Vec<String> {
    let workspace: Table = fs::read_to_string(root().join("Cargo.toml")).unwrap().parse().unwrap();
    let members = workspace["workspace"]["members"].as_array().unwrap().iter().map(|member| member.as_str().unwrap());
    let has = |member: &&str| {
        let names = dependencies(&root().join(member).join("Cargo.toml"));
        names.iter().any(|name| driver.iter().any(|driver| name.starts_with(driver)))
    };
    members.filter(has).map(str::to_owned).collect()
}

#[test]
fn only_store_knows_the_driver_and_those_who_read_stores_on_their_own() {
    // The checker and the tests of the mesh read stores as somebody would who does not trust it; benchmarks compare with the bare driver.
    assert_eq!(
        members_with(&["rusqlite", "sqlx", "tokio-postgres"]),
        ["crates/store", "crates/verify", "e2e", "bench"]
    );
}

#[test]
fn only_events_knows_kafka_and_those_who_read_records_on_their_own() {
    assert_eq!(members_with(&["rdkafka"]), ["crates/events", "e2e"]);
}

#[test]
fn services_make_no_statuses() {
    for service in SERVICES {
        for file in rust_files(&root().join("services").join(service).join("src")) {
            // What follows the marker of tests is not part of the service.
            let code = code(&file);
            let code = code.split("#[cfg(test)]").next().unwrap_or_default();
            for made in ["Status::new(", "Status::internal(", "Status::not_found(", "Status::invalid_argument("] {
                assert!(!code.contains(made), "{} makes a status itself", file.display());
            }
        }
    }
}

#[test]
fn there_is_one_binary() {
    let mut binaries = Vec::new();
    for folder in ["mesh", "gateway", "e2e", "bench"] {
        let src = root().join(folder).join("src");
        binaries.extend(src.join("main.rs").exists().then_some(folder));
        assert!(!src.join("bin").exists(), "{folder} has a binary more");
    }
    assert_eq!(binaries, ["mesh"]);
}

#[test]
fn scripts_do_not_take_another_process_of_the_same_id_for_theirs() {
    let folder = tempfile::tempdir().unwrap();
    let script = r#"
        set -euo pipefail
        . "$0"
        remember "$1" $$
        echo "of this start: $(remembered "$1")"
        echo "$$ an-earlier-start" >"$1"
        echo "of another start: $(remembered "$1")"
        echo $$ >"$1"
        echo "of an unknown start: $(remembered "$1")"
        echo "of none: $(remembered "$1.missing")"
        echo "id $$"
    "#;
    let library = root().join("scripts/processes.sh");
    let run = Command::new("bash").args(["-c", script]).arg(library).arg(folder.path().join("pid")).output().unwrap();
    let said = String::from_utf8(run.stdout).unwrap();
    let id = said.lines().find_map(|line| line.strip_prefix("id ")).unwrap_or_default();
    let expected = format!("of this start: {id}\nof another start: \nof an unknown start: {id}\nof none: \nid {id}\n");
    assert_eq!(said, expected, "{:?}", run.stderr);
}

#[test]
fn files_hold_one_subject() {
    for folder in ["crates", "services", "gateway", "mesh", "e2e", "bench"] {
        for file in rust_files(&root().join(folder)) {
            let lines = fs::read_to_string(&file).unwrap().lines().count();
            assert!(lines <= 500, "{} has {lines} lines", file.display());
            assert!(!file.ends_with("mod.rs"), "{}", file.display());
        }
    }
}
