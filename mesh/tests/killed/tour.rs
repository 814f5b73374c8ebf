//! Killed in the middle of a tour: the tour says so, and after the next start another one passes and all invariants hold.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::running::{BOJAGI, Running};

/// Lines of the timeline after which the mesh is killed: before the first order, among the orders, during the settlement.
const MOMENTS: [usize; 3] = [12, 32, 60];

/// Takes the tour on a running mesh and kills that once the timeline has so many lines. Answers the lines of the whole
/// timeline, what was said on standard error, and whether the tour passed.
fn tour(folder: &TempDir, gateway: &str, mut killed: Option<(usize, Running)>) -> (usize, String, bool) {
    let mut child = Command::new(BOJAGI)
        .args(["tour", "--gateway", gateway, "--data"])
        .arg(folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = 0;
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        line.unwrap();
        lines += 1;
        if let Some((_, running)) = killed.take_if(|(moment, _)| *moment == lines) {
            running.kill();
        }
    }
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    (lines, said, child.wait().unwrap().success())
}

#[test]
fn after_a_kill_in_the_middle_of_a_tour_another_one_and_the_checker_pass() {
    let folder = TempDir::new().unwrap();
    for moment in MOMENTS {
        let (running, gateway) = Running::start_sample_shop(&folder);
        let (lines, said, passed) = tour(&folder, &gateway, Some((moment, running)));
        assert!(!passed && lines >= moment, "the tour was killed after {moment} lines and ended after {lines}");
        assert!(said.contains("the tour ended early"), "{said}");
        assert!(!said.contains("panicked"), "{said}");
    }

    let (running, gateway) = Running::start_sample_shop(&folder);
    let (_, said, passed) = tour(&folder, &gateway, None);
    assert!(passed, "{said}");
    let verify = || {
        let verify = Command::new(BOJAGI).args(["verify", "--data"]).arg(folder.path()).output().unwrap();
        (verify.status.success(), String::from_utf8(verify.stdout).unwrap())
    };
    // What the tour set off may still be on its way for a moment.
    let patience = std::time::Instant::now() + std::time::Duration::from_secs(90);
    let mut verified = verify();
    while !verified.0 && std::time::Instant::now() < patience {
        verified = verify();
    }
    assert!(verified.0, "{}", verified.1);
    running.kill();
    let (holds, table) = verify();
    assert!(holds, "{table}");
}
