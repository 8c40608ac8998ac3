//! Every target over its corpus, and over a fixed number of mutations of it.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failed step fails the test")]

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use fuzz::mutate::mutate;
use fuzz::rng::Rng;
use fuzz::{TARGETS, Target, corpus};

/// Mutations of each target.
const MUTATIONS: usize = 300;

/// Mutations of those that seal or check an archive for each.
const MUTATIONS_OF_ARCHIVES: usize = 30;

/// Most bytes of all inputs of a target: a corpus that is cloned by everybody stays small.
const CORPUS_BYTES_MAX: usize = 256 * 1024;

/// The only libraries whose panics are no defect, because they read behind a barrier on purpose.
const MAY_PANIC: [&str; 2] = ["/arrow-", "/parquet-"];

thread_local! {
    /// A panic that a barrier caught, which nobody else hears of.
    static CAUGHT: RefCell<Option<String>> = const { RefCell::new(None) };
}

fn listen() {
    static LISTENS: Once = Once::new();
    LISTENS.call_once(|| {
        let report = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !event::barrier::is_caught(panic) {
                report(panic);
            } else if !MAY_PANIC.iter().any(|may| panic.to_string().contains(may)) {
                CAUGHT.set(Some(panic.to_string()));
            }
        }));
    });
}

fn run(target: &Target, name: &str, input: &[u8]) -> bool {
    listen();
    let ran = catch_unwind(AssertUnwindSafe(|| {
        let accepted = (target.run)(input);
        if let Some(caught) = CAUGHT.take() {
            panic!("behind a barrier: {caught}");
        }
        accepted
    }));
    ran.unwrap_or_else(|_| {
        let path = std::env::temp_dir().join(format!("fuzz-{}-{name}", target.name));
        std::fs::write(&path, input).unwrap();
        panic!("{}: {name} fails; the input is in {}", target.name, path.display())
    })
}

#[test]
fn every_target_has_a_small_corpus_with_an_input_that_it_accepts() {
    for target in TARGETS {
        let inputs = corpus::read(target.name).unwrap();
        let accepted = inputs.iter().filter(|(name, input)| run(target, name, input)).count();
        assert!(accepted > 0, "{}: no input is accepted", target.name);
        let bytes: usize = inputs.iter().map(|(_, input)| input.len()).sum();
        assert!(bytes <= CORPUS_BYTES_MAX, "{}: {bytes} bytes of inputs", target.name);
    }
}

#[test]
fn every_corpus_has_a_target() {
    for entry in std::fs::read_dir(corpus::directory("")).unwrap() {
        let name = entry.unwrap().file_name().to_string_lossy().into_owned();
        assert!(TARGETS.iter().any(|target| target.name == name), "no target `{name}`");
    }
}

#[test]
fn no_mutation_of_an_input_breaks_a_target() {
    for target in TARGETS {
        let inputs = corpus::read(target.name).unwrap();
        let mut random = Rng::new(1);
        let is_of_archives = ["archive", "sealed"].contains(&target.name);
        let mutations = if is_of_archives { MUTATIONS_OF_ARCHIVES } else { MUTATIONS };
        for number in 0..mutations {
            let mut any = || {
                let place = usize::try_from(random.below(inputs.len() as u64)).unwrap();
                &inputs[place].1
            };
            let (input, other) = (any(), any());
            let changed = mutate(input, other, &mut random);
            run(target, &format!("mutation-{number}"), &changed);
        }
    }
}
