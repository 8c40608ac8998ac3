//! Texts of somebody else, as they may be shown.
//!
//! Everything that a sender, a file or another system wrote passes through here before it reaches a
//! terminal, a log line, a page, a table or a label: what a reader would obey is escaped, and the
//! length is bounded. Whoever shows such a text by another way has a bug.

use std::fmt::{self, Write as _};

/// Most characters of a text that are shown.
pub const CHARS_MAX: usize = 400;

/// Shows a text with escapes for whatever a terminal does not show as itself, and no more than
/// [`CHARS_MAX`] characters of it: it can neither draw lines of its own nor hide any.
///
/// ```
/// use event::plain::Plain;
///
/// assert_eq!(Plain("a\u{1b}[2K\nVERIFIED").to_string(), r"a\u{1b}[2K\nVERIFIED");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plain<'t>(pub &'t str);

impl fmt::Display for Plain<'_> {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        escaped(self.0, CHARS_MAX, to)
    }
}

/// As [`Plain`], for a name in a message: at most 64 characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Name<'t>(pub &'t str);

impl fmt::Display for Name<'_> {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        escaped(self.0, 64, to)
    }
}

/// As [`Plain`], for a whole line of a result: at most [`LINE_CHARS_MAX`] characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'t>(pub &'t str);

/// Most characters of a line.
pub const LINE_CHARS_MAX: usize = 4_000;

impl fmt::Display for Line<'_> {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        escaped(self.0, LINE_CHARS_MAX, to)
    }
}

/// Lines of a result, each shown as [`Line`]: the last door before a terminal, for texts whose
/// foreign parts were shown as [`Plain`] or [`Name`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lines<'t>(pub &'t str);

impl fmt::Display for Lines<'_> {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.split_inclusive('\n').try_for_each(|line| match line.strip_suffix('\n') {
            Some(line) => writeln!(to, "{}", Line(line)),
            None => write!(to, "{}", Line(line)),
        })
    }
}

/// A JSON text that a terminal shows: what the terminal would obey is written as `\uXXXX`, which
/// means the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Json<'t>(pub &'t str);

impl fmt::Display for Json<'_> {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            let is_obeyed = c != '\n' && !c.is_ascii_graphic() && c != ' ' && is_escaped(c);
            if is_obeyed {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    write!(to, "\\u{unit:04x}")?;
                }
            } else {
                to.write_char(c)?;
            }
        }
        Ok(())
    }
}

/// Whether a character is shown by an escape.
fn is_escaped(c: char) -> bool {
    is_unseen(c) || c.escape_debug().len() > 1
}

/// As [`Plain`], for the text of a page: markup is text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Html<'t>(pub &'t str);

impl fmt::Display for Html<'_> {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut page = Markup(to);
        escaped(self.0, CHARS_MAX, &mut page)
    }
}

/// Writes text as the text of a page.
struct Markup<'t, 'f>(&'t mut fmt::Formatter<'f>);

impl fmt::Write for Markup<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.chars().try_for_each(|c| match c {
            '&' => self.0.write_str("&amp;"),
            '<' => self.0.write_str("&lt;"),
            '>' => self.0.write_str("&gt;"),
            '"' => self.0.write_str("&quot;"),
            '\'' => self.0.write_str("&#39;"),
            c => self.0.write_char(c),
        })
    }
}

/// A cell of a table that a spreadsheet opens: one that the spreadsheet would calculate, because
/// it begins with `=`, `+`, `-`, `@`, a tab or a line break, gets an apostrophe in front, which makes
/// it text. Nothing is cut off or escaped: the cell holds data. A number is to be written as it is,
/// without this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SheetCell<'t>(pub &'t str);

impl fmt::Display for SheetCell<'_> {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Spreadsheets also take the wide forms of these signs.
        const BEGINS: [char; 10] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－'];
        if self.0.starts_with(BEGINS) || self.0.starts_with('＠') {
            to.write_char('\'')?;
        }
        to.write_str(self.0)
    }
}

/// The text as [`Plain`] shows it, but of at most so many characters, the `…` included.
///
/// # Panics
///
/// If there is no room for a character.
#[must_use]
pub fn bounded(text: &str, chars_max: usize) -> String {
    assert!(chars_max > 0, "no room for a character");
    let up_to = |chars_max| {
        let mut shown = String::new();
        assert!(escaped(text, chars_max, &mut shown).is_ok(), "memory takes any text");
        shown
    };
    let shown = up_to(chars_max);
    // The mark of what was cut off takes a place.
    if shown.chars().count() > chars_max { up_to(chars_max - 1) } else { shown }
}

/// Writes a text with escapes, at most so many characters; `…` stands for the rest.
fn escaped(text: &str, chars_max: usize, to: &mut impl fmt::Write) -> fmt::Result {
    let mut left = chars_max;
    for c in text.chars() {
        // `escape_debug` escapes controls, directions, marks that cover other lines and whatever
        // cannot be printed, and also quotes and backslashes, which are plain text here.
        let as_it_is = matches!(c, '"' | '\'' | '\\') || !is_escaped(c);
        let length = match c {
            _ if as_it_is => 1,
            c if is_unseen(c) => c.escape_unicode().len(),
            c => c.escape_debug().len(),
        };
        let Some(rest) = left.checked_sub(length) else { return to.write_char('…') };
        left = rest;
        match c {
            _ if as_it_is => to.write_char(c)?,
            c if is_unseen(c) => write!(to, "{}", c.escape_unicode())?,
            c => write!(to, "{}", c.escape_debug())?,
        }
    }
    Ok(())
}

/// Characters that take no room although they print: variation selectors, the fillers of Hangul,
/// and blank patterns, by which two different names look the same.
const fn is_unseen(c: char) -> bool {
    matches!(c,
        '\u{115f}' | '\u{1160}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a terminal, a page, a log or a person may take for something else.
    const HOSTILE: &str = "\u{1b}[1A\u{1b}[2K\r\nVERIFIED\u{9b}31m\u{7}\u{8}\0\u{202e}\u{2066}\u{200b}\u{feff}\u{2028}\u{85}e\u{301}\u{3164}\u{e0041}";

    #[test]
    fn what_a_terminal_obeys_is_escaped() {
        assert_eq!(Plain("a\u{1b}[8m\nb\u{202e}").to_string(), r"a\u{1b}[8m\nb\u{202e}");
        assert_eq!(Plain("C:\\x \"é\" '漢'").to_string(), "C:\\x \"é\" '漢'");
        for shown in [Plain(HOSTILE).to_string(), Name(HOSTILE).to_string()] {
            let is_ordinary = |c: char| c == '…' || (' '..='~').contains(&c);
            assert!(shown.chars().all(is_ordinary), "{shown}");
        }
    }

    #[test]
    fn a_long_text_is_bounded_and_says_so() {
        let giant = "é".repeat(1_000_000);
        let size = |shown: String| (shown.chars().count(), shown.ends_with('…'));
        assert_eq!(size(Plain(&giant).to_string()), (CHARS_MAX + 1, true));
        assert_eq!(size(Name(&giant).to_string()), (65, true));
        assert_eq!(size(Html(&giant).to_string()), (CHARS_MAX + 1, true));
        assert_eq!(size(Plain(&"é".repeat(CHARS_MAX)).to_string()), (CHARS_MAX, false));
        assert_eq!(bounded(&giant, 10), "ééééééééé…");
        assert_eq!(bounded("éé\n", 4), "éé\\n");
        // The escapes count.
        let escaped = Plain(&"\u{10ffff}".repeat(1_000)).to_string();
        assert!(escaped.chars().count() <= CHARS_MAX + 1 && escaped.ends_with('…'), "{escaped}");
    }

    #[test]
    fn lines_keep_their_breaks_and_a_line_has_none() {
        assert_eq!(Line("a\nb").to_string(), "a\\nb");
        assert_eq!(Lines("a\u{1b}\n\nb\r\n").to_string(), "a\\u{1b}\n\nb\\r\n");
        assert_eq!(Lines("a\nb").to_string(), "a\nb");
    }

    #[test]
    fn json_stays_the_same_document() {
        let value = HOSTILE.chars().chain(['\u{e0041}', 'é', '漢']).collect::<String>();
        let written = serde_json::to_string(&value).unwrap();
        let shown = Json(&written).to_string();
        assert_eq!(serde_json::from_str::<String>(&shown).unwrap(), value);
        let rest: String = shown.chars().filter(|c| !(' '..='~').contains(c)).collect();
        assert_eq!(rest, "é漢");
    }

    #[test]
    fn markup_is_text_on_a_page() {
        let shown = Html("<b onclick='x'>\"&\u{202e}\n").to_string();
        assert_eq!(shown, "&lt;b onclick=&#39;x&#39;&gt;&quot;&amp;\\u{202e}\\n");
    }

    #[test]
    fn no_cell_is_calculated() {
        for cell in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1", "＠1"] {
            assert_eq!(SheetCell(cell).to_string(), format!("'{cell}"));
        }
        for cell in ["", "a=1", "2026-01-01", "a\n=1", "'=1"] {
            assert_eq!(SheetCell(cell).to_string(), cell);
        }
    }
}
