//! Texts of lines, each of which ends in a newline.

use segment::fault::Fault;

/// The text of an entry.
pub(crate) fn text<'t>(place: &str, bytes: &'t [u8]) -> Result<&'t str, Fault> {
    std::str::from_utf8(bytes)
        .map_err(|error| Fault::new("text", place, "UTF-8", error.to_string()))
}

/// The lines of a text, each of which ends in a newline.
pub(crate) fn split<'t>(place: &str, bytes: &'t [u8]) -> Result<Vec<&'t str>, Fault> {
    let text = text(place, bytes)?;
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let cut = || Fault::new("lines", place, "a newline at the end", "none");
    Ok(text.strip_suffix('\n').ok_or_else(cut)?.split('\n').collect())
}

/// Lines, each with its newline; what [`split`] reads.
///
/// # Panics
///
/// A line that holds a newline: nobody could read back which lines these were.
pub(crate) fn join(lines: &[String]) -> String {
    let mut joined = String::with_capacity(lines.iter().map(|line| line.len() + 1).sum());
    for line in lines {
        assert!(!line.contains('\n'), "a line of a pack holds a newline");
        joined.push_str(line);
        joined.push('\n');
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_survive_their_text() {
        let lines = ["a".to_owned(), String::new(), "b".to_owned()];
        assert_eq!(split("p", join(&lines).as_bytes()).unwrap(), ["a", "", "b"]);
        assert_eq!(split("p", b"").unwrap(), Vec::<&str>::new());
        assert_eq!(split("p", b"a").unwrap_err().step, "lines");
        assert_eq!(split("p", b"\xff\n").unwrap_err().step, "text");
    }

    #[test]
    #[should_panic(expected = "newline")]
    fn a_line_with_a_newline_is_never_written() {
        join(&["a\nb".to_owned()]);
    }
}
