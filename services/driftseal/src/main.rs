//! The product binary; see the library.

use std::process::ExitCode;

#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // A panic that a barrier turns into an error leaves no trace on standard error.
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !segment::read::is_guarded() {
            default(panic);
        }
    }));
    driftseal::command::main()
}
