//! Rules about the code itself.

use std::fs;
use std::path::{Path, PathBuf};

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn read_sources() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    assert!(found.len() > 20);
    found.into_iter().map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

#[test]
fn the_ledger_is_only_ever_added_to() {
    for (path, source) in read_sources() {
        let source = source.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ");
        for table in ["ledger_account", "ledger_transaction", "ledger_posting"] {
            for change in ["update", "delete from", "replace into", "drop table", "alter table"] {
                assert!(!source.contains(&format!("{change} {table}")), "{}: {change} {table}", path.display());
            }
        }
    }
    let schema = include_str!("../../src/store/ledger.rs");
    assert!(!schema.contains("DO UPDATE"));
}

#[test]
fn the_rules_know_nothing_but_themselves() {
    for (path, source) in read_sources() {
        let names = path.components().map(|part| part.as_os_str().to_string_lossy().into_owned());
        if !names.into_iter().any(|name| name == "domain" || name == "domain.rs") {
            continue;
        }
        for import in source.lines().map(str::trim).filter(|line| line.starts_with("use ")) {
            let allowed = ["use super::", "use bojagi_kernel::", "use std::collections::", "use proptest::"];
            assert!(allowed.iter().any(|allowed| import.starts_with(allowed)), "{}: {import}", path.display());
        }
    }
}
