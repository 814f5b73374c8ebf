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

/// The steps of a schema that were released before the rule, and keep nobody waiting: `user-3` builds an index over mails on their way,
/// which are few.
const SHORT_ALL_THE_SAME: [&str; 1] = ["user-3"];

/// A step is one transaction. On PostgreSQL it holds what it alters until its end, also against reading.
#[test]
fn no_step_of_a_schema_goes_over_a_table_while_it_keeps_readers_out() {
    for (context, steps) in bojagi::CONTEXTS {
        for step in steps.iter().filter(|step| !SHORT_ALL_THE_SAME.contains(&step.name)) {
            assert_eq!(long_under_a_lock(step.sql), None, "{context}: make two steps of {}", step.name);
        }
    }
}

#[test]
fn what_a_step_does_long_under_a_lock_is_noticed() {
    let in_use =
        "alter table t add column a text; -- And then; not before:\ncreate unique index t_by_a on t (a) where a > 0";
    assert_eq!(long_under_a_lock(in_use), Some("CREATE UNIQUE INDEX T_BY_A ON T A WHERE A 0".to_owned()));
    for after in ["CREATE INDEX u_by_b ON u(b)", "UPDATE t SET a = 1", "DELETE FROM t"] {
        assert!(long_under_a_lock(&format!("ALTER TABLE t ADD COLUMN a TEXT; {after};")).is_some(), "{after}");
        assert!(long_under_a_lock(&format!("DROP INDEX t_by_b; {after};")).is_some(), "{after}");
        assert_eq!(long_under_a_lock(&format!("{after}; ALTER TABLE t ADD COLUMN a TEXT;")), None);
    }
    let new = "CREATE TABLE t (b TEXT); ALTER TABLE t ADD COLUMN a TEXT; CREATE INDEX t_by_a ON t (a);";
    assert_eq!(long_under_a_lock(new), None);
    let beside_new = "ALTER TABLE t ADD COLUMN a TEXT; CREATE TABLE u (b TEXT); CREATE INDEX u_by_b ON u (b);";
    assert_eq!(long_under_a_lock(beside_new), None);
}

/// The statement of a step that goes over the rows of a table in use after another one has locked such a table, also against reading.
/// The words of it, in capitals.
fn long_under_a_lock(sql: &str) -> Option<String> {
    let lines: Vec<_> = sql.lines().filter_map(|line| line.split("--").next()).collect();
    let text = lines.join("\n").to_uppercase();
    let (mut new, mut locks) = (Vec::new(), false);
    for statement in text.split(';') {
        let words = statement.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
        let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
        match words.as_slice() {
            ["CREATE", "TABLE", table, ..] => new.push(*table),
            ["ALTER", "TABLE", table, ..] => locks |= !new.contains(table),
            ["DROP", "INDEX", ..] => locks = true,
            ["CREATE", "INDEX", _, "ON", table, ..]
            | ["CREATE", "UNIQUE", "INDEX", _, "ON", table, ..]
            | ["UPDATE", table, ..]
            | ["DELETE", "FROM", table, ..]
                if locks && !new.contains(table) =>
            {
                return Some(words.join(" "));
            }
            _ => {}
        }
    }
    None
}
