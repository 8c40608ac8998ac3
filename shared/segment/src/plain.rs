//! Texts of somebody else, as a report may show them.

use std::fmt::{self, Write as _};

/// Most characters of a text that are shown.
const CHARS_MAX: usize = 400;

/// Shows a text with escapes for whatever a terminal does not show as itself, and no more than 400
/// characters of it: it can neither draw lines of its own nor hide any.
#[derive(Debug, Clone, Copy)]
pub struct Plain<'t>(pub &'t str);

impl fmt::Display for Plain<'_> {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut characters = self.0.chars();
        for c in characters.by_ref().take(CHARS_MAX) {
            // `escape_debug` escapes controls, directions and whatever cannot be printed, and
            // also quotes and backslashes, which are plain text here.
            match c {
                '"' | '\'' | '\\' => to.write_char(c)?,
                c => write!(to, "{}", c.escape_debug())?,
            }
        }
        if characters.next().is_some() { to.write_char('…') } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_is_escaped() {
        assert_eq!(Plain("a\u{1b}[8m\nb\u{202e}").to_string(), r"a\u{1b}[8m\nb\u{202e}");
        assert_eq!(Plain("C:\\x \"é\" '漢'").to_string(), "C:\\x \"é\" '漢'");
        assert_eq!(Plain(&"é".repeat(401)).to_string().chars().count(), 401);
    }
}
