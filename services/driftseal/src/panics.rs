//! What a panic writes to standard error.

/// From now on, a panic behind a barrier writes nothing: the error that it becomes says it all. Any other
/// is reported as before.
pub fn install() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !event::barrier::is_caught(panic) {
            report(panic);
        }
    }));
}
