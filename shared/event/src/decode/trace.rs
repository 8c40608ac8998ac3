//! The trace that a record belongs to, as W3C Trace Context writes it into the header `traceparent`.

use std::borrow::Cow;

/// Name of the header.
pub const HEADER: &str = "traceparent";

/// The trace id of a `traceparent`: 32 lowercase hexadecimal digits, not all of them zero. `None` if the header is
/// none of W3C Trace Context, section 3.2.
#[must_use]
pub fn trace_id(header: &str) -> Option<Cow<'_, str>> {
    let is_hex = |text: &str| text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let is_real = |text: &str, length| {
        text.len() == length && is_hex(text) && text.bytes().any(|byte| byte != b'0')
    };
    let mut parts = header.split('-');
    let (version, trace, parent, flags) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let is_version = version.len() == 2 && is_hex(version) && version != "ff";
    // Version 00 has no further parts; later ones may.
    let ends = version != "00" || parts.next().is_none();
    let is_valid = is_version
        && ends
        && is_real(trace, 32)
        && is_real(parent, 16)
        && flags.len() == 2
        && is_hex(flags);
    is_valid.then_some(Cow::Borrowed(trace))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_valid_header_names_a_trace() {
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        let header = format!("00-{trace}-00f067aa0ba902b7-01");
        assert_eq!(trace_id(&header).as_deref(), Some(trace));
        assert!(trace_id(&format!("01-{trace}-00f067aa0ba902b7-01-more")).is_some());
        for wrong in [
            "",
            "00",
            &format!("ff-{trace}-00f067aa0ba902b7-01"),
            &format!("00-{trace}-00f067aa0ba902b7-01-more"),
            &format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32)),
            &format!("00-{trace}-{}-01", "0".repeat(16)),
            &format!("00-{}-00f067aa0ba902b7-01", trace.to_uppercase()),
        ] {
            assert_eq!(trace_id(wrong), None, "{wrong}");
        }
    }
}
