//! The shared files of Amazon's tools, with profiles and their credentials.

use archive::profile::{SharedFile, parse};

pub(crate) fn run(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let mut is_found = false;
    for file in [SharedFile::Credentials, SharedFile::Config] {
        for profile in ["default", "work"] {
            let Ok(Some(values)) = parse(text, file, profile) else { continue };
            is_found = true;
            for (key, value) in values {
                // What was read is read again from a file that says just that.
                assert!(!value.contains('\n') && value.trim() == value, "{value:?}");
                let said = format!("[{profile}]\n{key}={value}\n");
                let again = parse(&said, SharedFile::Credentials, profile);
                if !key.is_empty() && !key.starts_with(['#', ';', '[']) {
                    assert_eq!(again.ok().flatten().and_then(|mut map| map.remove(&key)), Some(value));
                }
            }
        }
    }
    is_found
}
