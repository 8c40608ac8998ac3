//! What a source declares, imports and names.

use std::collections::{BTreeMap, BTreeSet};

use super::tokens::{Token, closing, shipped};

/// A path as it is written, with its line.
#[derive(Debug, Clone)]
pub(super) struct Path {
    pub(super) segments: Vec<String>,
    pub(super) line: usize,
}

/// An import: the name that it binds (`*` for all), and what it names.
#[derive(Debug, Clone)]
pub(super) struct Import {
    pub(super) name: String,
    pub(super) path: Path,
    /// Whether others see it too.
    pub(super) public: bool,
}

/// The names of a source.
#[derive(Debug, Default)]
pub(super) struct File {
    /// Modules of other files: `mod name;`.
    pub(super) modules: BTreeSet<String>,
    pub(super) imports: Vec<Import>,
    /// Paths in code.
    pub(super) paths: Vec<Path>,
    /// Items that are defined here.
    pub(super) items: BTreeSet<String>,
    /// Words of the code outside imports, with the line of their first use.
    pub(super) words: BTreeMap<String, usize>,
}

impl File {
    pub(super) fn read(source: &str) -> Self {
        let tokens = shipped(source);
        let mut file = Self::default();
        let (mut index, mut depth) = (0, 0_usize);
        let mut public = false;
        while let Some(token) = tokens.get(index) {
            match token.text.as_str() {
                "{" => depth += 1,
                "}" => depth = depth.saturating_sub(1),
                _ => {}
            }
            if token.is("pub") {
                let restricted = tokens.get(index + 1).is_some_and(|token| token.is("("));
                index = if restricted { closing(&tokens, index + 1) } else { index + 1 };
                public = true;
                continue;
            }
            index = match token.text.as_str() {
                "use" => file.import(&tokens, index + 1, public),
                "mod" if tokens.get(index + 2).is_some_and(|token| token.is(";")) => {
                    file.modules.insert(tokens[index + 1].text.clone());
                    index + 3
                }
                "fn" | "struct" | "enum" | "trait" | "type" | "const" | "static" | "union"
                    if depth == 0 =>
                {
                    if let Some(name) = tokens.get(index + 1) {
                        file.items.insert(name.text.clone());
                    }
                    index + 1
                }
                _ if token.is_word() => file.path(&tokens, index),
                _ => index + 1,
            };
            public = false;
        }
        file
    }

    fn import(&mut self, tokens: &[Token], from: usize, public: bool) -> usize {
        let end = (from..tokens.len()).find(|index| tokens[*index].is(";"));
        let end = end.unwrap_or(tokens.len());
        self.tree(&tokens[from..end], &[], public);
        end + 1
    }

    /// One `a::b::{c, d as e, self, *}`.
    fn tree(&mut self, tokens: &[Token], prefix: &[String], public: bool) {
        let mut segments = prefix.to_vec();
        let mut name = None;
        let mut index = 0;
        while let Some(token) = tokens.get(index) {
            match token.text.as_str() {
                "{" => {
                    let inside = &tokens[index + 1..closing(tokens, index) - 1];
                    for part in parts(inside) {
                        self.tree(part, &segments, public);
                    }
                    return;
                }
                // `::crate_name` is another crate.
                "::" if index == 0 && prefix.is_empty() => return,
                "::" => {}
                "as" => {
                    name = tokens.get(index + 1).map(|token| token.text.clone());
                    index += 1;
                }
                "self" if !segments.is_empty() => {}
                text => segments.push(text.to_owned()),
            }
            index += 1;
        }
        let (Some(last), Some(token)) = (segments.last().cloned(), tokens.first()) else { return };
        let path = Path { segments, line: token.line };
        self.imports.push(Import { name: name.unwrap_or(last), path, public });
    }

    /// A word, or a path of several.
    fn path(&mut self, tokens: &[Token], from: usize) -> usize {
        let mut segments = vec![tokens[from].text.clone()];
        let mut index = from + 1;
        while let (Some(sign), Some(word)) = (tokens.get(index), tokens.get(index + 1))
            && sign.is("::")
            && word.is_word()
        {
            segments.push(word.text.clone());
            index += 2;
        }
        // What follows a dot is a field or a method, and what follows `::` belongs to another path.
        let before = from.checked_sub(1).and_then(|before| tokens.get(before));
        if !before.is_some_and(|token| token.is(".") || token.is("::")) {
            self.words.entry(segments[0].clone()).or_insert(tokens[from].line);
            if segments.len() > 1 {
                self.paths.push(Path { segments, line: tokens[from].line });
            }
        }
        index
    }
}

/// The parts between commas that stand outside brackets.
fn parts(tokens: &[Token]) -> Vec<&[Token]> {
    let (mut parts, mut begin, mut index) = (Vec::new(), 0, 0);
    while index < tokens.len() {
        if tokens[index].is("{") {
            index = closing(tokens, index);
        } else if tokens[index].is(",") {
            parts.push(&tokens[begin..index]);
            index += 1;
            begin = index;
        } else {
            index += 1;
        }
    }
    parts.push(&tokens[begin..]);
    parts.retain(|part| !part.is_empty());
    parts
}
