//! Settings of the monitor, as an event carries them.

use monitor::Settings;

pub(crate) fn run(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    Settings::from_json(text).is_ok()
}
