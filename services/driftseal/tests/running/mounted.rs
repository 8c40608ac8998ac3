//! Archives on a small file system of their own.

use std::path::Path;
use std::process::Command;

/// Set in the process that has mounts of its own.
const ALONE: &str = "DRIFTSEAL_TEST_HAS_MOUNTS";

/// Whether this process may mount what it likes. If not, the test is run once more in a process that may,
/// in namespaces of its own, so that no mount outlives it, and must pass there; the caller has nothing to
/// do.
#[expect(
    clippy::print_stdout,
    reason = "whoever reads the output of the tests sees what was not run"
)]
pub(crate) fn is_alone(test: &str) -> bool {
    if std::env::var_os(ALONE).is_some() {
        return true;
    }
    let unshare = |program: &Path, arguments: &[&str]| {
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--mount"]).arg(program).args(arguments);
        command.env(ALONE, "1").output()
    };
    let place = tempfile::tempdir().unwrap();
    let place = place.path().to_str().unwrap();
    let tried = unshare(Path::new("mount"), &["-t", "tmpfs", "driftseal", place]);
    if !tried.is_ok_and(|tried| tried.status.success()) {
        let all = std::env::var_os("DRIFTSEAL_TEST_ALL");
        let is_wanted = all.is_some_and(|all| !all.is_empty() && all != "0");
        assert!(
            !is_wanted,
            "{test} cannot run: nothing can be mounted here (`unshare` of util-linux)"
        );
        println!("not run: {test}: nothing can be mounted here");
        return false;
    }
    let this = std::env::current_exe().unwrap();
    let ran = unshare(&this, &["--exact", test, "--nocapture"]).unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{said}{}", String::from_utf8_lossy(&ran.stderr));
    assert!(said.contains("1 passed"), "{test}: {said}");
    false
}

/// Mounts a file system of 4 MiB in memory.
pub(crate) fn mount(at: &Path) {
    std::fs::create_dir_all(at).unwrap();
    let options = ["-t", "tmpfs", "-o", "size=4m", "driftseal"];
    assert!(Command::new("mount").args(options).arg(at).status().unwrap().success());
}

/// Makes it read-only, or not; whether that was possible: not while a file is being written.
pub(crate) fn remount(at: &Path, how: &str) -> bool {
    let options = format!("remount,{how}");
    Command::new("mount").args(["-o", &options]).arg(at).output().unwrap().status.success()
}
