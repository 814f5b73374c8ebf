//! `bojagi up` and the commands beside it as their user sees them: the real binary, its lines and its exit codes.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

fn bojagi(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bojagi"));
    command.args(arguments).stdin(Stdio::null());
    command
}

/// Starts a mesh on a folder, waits until it has said everything, asks it to stop, and answers how it ended and what it said.
fn first_start(data: &Path, settings: &[(&str, &str)]) -> Output {
    let mut mesh = bojagi(&["up", "--listen", "127.0.0.1:0", "--data"])
        .arg(data)
        .envs(settings.iter().copied())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    let mut lines = BufReader::new(mesh.stdout.take().unwrap()).lines().map(Result::unwrap);
    for line in lines.by_ref() {
        said.push_str(&line);
        said.push('\n');
        if line.starts_with("Ctrl-C") {
            let asked = Command::new("kill").arg(mesh.id().to_string()).status().unwrap();
            assert!(asked.success());
        }
    }
    let ended = mesh.wait_with_output().unwrap();
    Output { stdout: said.into_bytes(), ..ended }
}

fn said(output: &Output) -> (String, String) {
    (String::from_utf8(output.stdout.clone()).unwrap(), String::from_utf8(output.stderr.clone()).unwrap())
}

#[test]
fn behind_tls_and_with_a_mail_server_there_is_no_sample_shop_and_the_mesh_runs() {
    let folder = TempDir::new().unwrap();
    let certificates = folder.path().join("certs").display().to_string();
    assert!(bojagi(&["certs", "--out", &certificates]).output().unwrap().status.success());
    let (certificate, key) = (format!("{certificates}/gateway.pem"), format!("{certificates}/gateway.key"));
    let tls = [("BOJAGI_GATEWAY__TLS__CERTIFICATE", &*certificate), ("BOJAGI_GATEWAY__TLS__KEY", &*key)];
    let smtp = [("BOJAGI_USER__SMTP__HOST", "mail.example")];
    for (settings, scheme, reason) in [(&tls[..], "https", "[gateway.tls]"), (&smtp[..], "http", "mail.example")] {
        let ended = first_start(&folder.path().join(scheme), settings);
        let (out, err) = said(&ended);
        assert_eq!(ended.status.code(), Some(0), "{out}{err}");
        assert!(out.contains(&format!("  gateway   {scheme}://127.0.0.1:")), "{out}");
        let told = out.lines().find(|line| line.starts_with("no sample shop is made: ")).unwrap();
        assert!(told.contains(reason) && told.contains("--no-demo"), "{told}");
        assert!(out.ends_with("stopped\n"), "{out}");
    }
}

#[test]
fn the_accounts_of_a_complete_sample_shop_are_printed_with_a_mail_server_too() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("demo-accounts.txt"), "admin admin@bojagi.example some-password\n").unwrap();
    std::fs::write(folder.path().join("demo-complete"), "The sample shop is complete.\n").unwrap();
    let ended = first_start(folder.path(), &[("BOJAGI_USER__SMTP__HOST", "mail.example")]);
    let (out, err) = said(&ended);
    assert!(out.contains("demo accounts") && out.contains("some-password"), "{out}{err}");
    assert!(!out.contains("no sample shop is made"), "{out}");
}

#[test]
fn a_sample_shop_that_fails_is_a_warning() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("demo-accounts.txt"), "admin admin@bojagi.example some-password\n").unwrap();
    let ended = first_start(folder.path(), &[]);
    let (out, err) = said(&ended);
    assert_eq!(ended.status.code(), Some(0), "{out}{err}");
    assert!(err.contains("has no line for haneul@bojagi.example") && err.contains("--no-demo"), "{err}");
    assert!(out.ends_with("stopped\n"), "{out}");
}

#[test]
fn a_tour_of_its_own_keeps_away_from_what_the_environment_names() {
    let set = [
        ("BOJAGI_DATABASE__URL", "postgres://nobody@127.0.0.1:1/{context}"),
        ("BOJAGI_KAFKA__BOOTSTRAP", "127.0.0.1:1"),
    ];
    let ended = bojagi(&["tour"]).envs(set).output().unwrap();
    let (out, err) = said(&ended);
    assert_eq!((ended.status.code(), out.as_str()), (Some(64), ""), "{err}");
    for setting in ["database.url: ", "kafka.bootstrap: "] {
        assert!(err.contains(setting), "{err}");
    }
    assert!(err.contains("--here"), "{err}");
}

#[test]
fn a_tour_reads_the_settings_file_that_it_is_given() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("shop.toml");
    std::fs::write(&file, "[user]\nmailbox_folder = 7\n[kafka]\nprefix = 7\n").unwrap();
    let ended = bojagi(&["tour", "--gateway", "http://127.0.0.1:1", "--data"])
        .arg(folder.path())
        .arg("--config")
        .arg(&file)
        .output()
        .unwrap();
    let (_, err) = said(&ended);
    assert_eq!(ended.status.code(), Some(64), "{err}");
    assert!(err.contains("shop.toml") && err.contains("mailbox_folder"), "{err}");
}

#[test]
fn a_log_filter_that_cannot_be_read_is_told_by_its_key() {
    let folder = TempDir::new().unwrap();
    let ended = bojagi(&["up", "--data"]).arg(folder.path()).env("BOJAGI_MESH__LOG", "a=b=c").output().unwrap();
    let (_, err) = said(&ended);
    assert_eq!(ended.status.code(), Some(64), "{err}");
    assert!(err.contains("mesh.log: "), "{err}");
}
