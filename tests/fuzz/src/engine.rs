//! libFuzzer around a target: `DRIFTSEAL_FUZZ_TARGET` says which. Started by `run.sh`.
#![no_main]
#![expect(clippy::print_stderr, reason = "a tool of developers")]

use std::process::exit;
use std::sync::OnceLock;

use fuzz::{TARGETS, Target, seeds};
use libfuzzer_sys::fuzz_target;

static TARGET: OnceLock<&Target> = OnceLock::new();

/// The target by its name. Writes the inputs that the product makes for it into the directory
/// `DRIFTSEAL_FUZZ_MADE`, where libFuzzer, which looks for inputs next, finds them.
fn prepare() {
    let name =
        std::env::var("DRIFTSEAL_FUZZ_TARGET").unwrap_or_else(|_| fail("no target is named"));
    let Some(target) = TARGETS.iter().find(|target| target.name == name) else {
        fail(&format!("no target `{name}`"))
    };
    TARGET.get_or_init(|| target);
    let Some(directory) = std::env::var_os("DRIFTSEAL_FUZZ_MADE") else { return };
    for (_, name, bytes) in seeds::all().into_iter().filter(|(of, ..)| *of == target.name) {
        let written = std::fs::write(std::path::Path::new(&directory).join(name), bytes);
        written.unwrap_or_else(|error| fail(&format!("cannot write a seed: {error}")));
    }
}

fn fail(what: &str) -> ! {
    eprintln!("fuzz-engine: {what}");
    exit(2)
}

fuzz_target!(init: prepare(), |data: &[u8]| {
    if let Some(target) = TARGET.get() {
        (target.run)(data);
    }
});
