//! The words of a source, without comments, literals and what is compiled for tests only.

/// A word or sign of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) text: String,
    /// Line of the file, from 1.
    pub(super) line: usize,
}

impl Token {
    pub(super) fn is(&self, text: &str) -> bool {
        self.text == text
    }

    pub(super) fn is_word(&self) -> bool {
        self.text.starts_with(|first: char| first.is_alphabetic() || first == '_')
    }
}

/// Tokens of shipped code: words, numbers, `::`, and every other sign by itself.
pub(super) fn shipped(source: &str) -> Vec<Token> {
    without_tests(&tokens(source))
}

fn tokens(source: &str) -> Vec<Token> {
    let chars: Vec<char> = source.chars().collect();
    let at = |index: usize| chars.get(index).copied().unwrap_or('\0');
    let (mut found, mut index, mut line) = (Vec::new(), 0, 1);
    while index < chars.len() {
        let begin = index;
        let first = at(index);
        let next = match (first, at(index + 1)) {
            ('/', '/') => end_of(&chars, index, "\n"),
            ('/', '*') => end_of_block_comment(&chars, index),
            ('"', _) => end_of_string(&chars, index + 1),
            ('b', '"') => end_of_string(&chars, index + 2),
            ('r' | 'b', 'r' | '"' | '#') if let Some(end) = end_of_raw(&chars, index) => end,
            ('\'', '\\') => end_of(&chars, index + 3, "'"),
            ('\'', _) if at(index + 2) == '\'' => index + 3,
            (first, _) if first.is_alphanumeric() || first == '_' => {
                let is_rest = |index: &usize| at(*index).is_alphanumeric() || at(*index) == '_';
                let end = (index..chars.len()).find(|index| !is_rest(index));
                let end = end.unwrap_or(chars.len());
                found.push(Token { text: chars[index..end].iter().collect(), line });
                end
            }
            (':', ':') => {
                found.push(Token { text: "::".to_owned(), line });
                index + 2
            }
            (first, _) => {
                if !first.is_whitespace() {
                    found.push(Token { text: first.to_string(), line });
                }
                index + 1
            }
        };
        index = next.max(begin + 1).min(chars.len());
        line += chars[begin..index].iter().filter(|sign| **sign == '\n').count();
    }
    found
}

/// The index after the next `sign`.
fn end_of(chars: &[char], from: usize, sign: &str) -> usize {
    let rest = chars.iter().enumerate().skip(from);
    let found = rest.into_iter().find(|(_, other)| sign.contains(**other));
    found.map_or(chars.len(), |(index, _)| index + 1)
}

fn end_of_block_comment(chars: &[char], from: usize) -> usize {
    let (mut index, mut depth) = (from, 0_usize);
    while index < chars.len() {
        match (chars[index], chars.get(index + 1)) {
            ('/', Some('*')) => (depth, index) = (depth + 1, index + 2),
            ('*', Some('/')) => (depth, index) = (depth - 1, index + 2),
            _ => index += 1,
        }
        if depth == 0 {
            break;
        }
    }
    index
}

fn end_of_string(chars: &[char], from: usize) -> usize {
    let mut index = from;
    while index < chars.len() {
        match chars[index] {
            '\\' => index += 2,
            '"' => return index + 1,
            _ => index += 1,
        }
    }
    index
}

/// The end of a raw string that begins here: `r"…"`, `br#"…"#`.
fn end_of_raw(chars: &[char], from: usize) -> Option<usize> {
    let quote = (from..chars.len()).find(|index| !matches!(chars[*index], 'b' | 'r' | '#'))?;
    let head = chars.get(from..quote)?;
    if chars[quote] != '"' || !head.contains(&'r') {
        return None;
    }
    let hashes = head.iter().filter(|sign| **sign == '#').count();
    let closes = |index: &usize| {
        chars[*index] == '"' && (1..=hashes).all(|more| chars.get(index + more) == Some(&'#'))
    };
    let end = (quote + 1..chars.len()).find(closes).unwrap_or(chars.len());
    Some(end + 1 + hashes)
}

/// Leaves out every item below `#[cfg(test)]`.
fn without_tests(tokens: &[Token]) -> Vec<Token> {
    let (mut kept, mut index) = (Vec::new(), 0);
    while index < tokens.len() {
        match attribute(tokens, index) {
            Some((end, true)) => index = end_of_item(tokens, end),
            Some((end, false)) => index = end,
            None => {
                kept.push(tokens[index].clone());
                index += 1;
            }
        }
    }
    kept
}

/// The end of the attribute that begins here, and whether it asks for a test build.
fn attribute(tokens: &[Token], from: usize) -> Option<(usize, bool)> {
    let open = from + usize::from(tokens.get(from + 1)?.is("!")) + 1;
    if !tokens[from].is("#") || !tokens.get(open)?.is("[") {
        return None;
    }
    let end = closing(tokens, open);
    let words = &tokens[open..end];
    let has = |word: &str| words.iter().any(|token| token.is(word));
    let tests = has("cfg") && has("test") && !has("not") || words.get(1)?.is("test");
    Some((end, tests))
}

/// The end of an item: its `;`, or the bracket that closes its body.
fn end_of_item(tokens: &[Token], from: usize) -> usize {
    let mut index = from;
    while index < tokens.len() {
        if let Some((end, _)) = attribute(tokens, index) {
            index = end;
        } else if tokens[index].is("{") {
            let end = closing(tokens, index);
            // A `use` tree, or a constant's block, ends with a semicolon of its own.
            let more = tokens.get(end).is_some_and(|token| token.is(";"));
            return end + usize::from(more);
        } else if tokens[index].is("(") || tokens[index].is("[") {
            index = closing(tokens, index);
        } else if tokens[index].is(";") {
            return index + 1;
        } else {
            index += 1;
        }
    }
    index
}

/// The index after the bracket that closes the one here.
pub(super) fn closing(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0_usize;
    for (index, token) in tokens.iter().enumerate().skip(open) {
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return index + 1;
        }
    }
    tokens.len()
}
