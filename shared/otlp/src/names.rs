//! The attributes that documents name, numbered, so that a span is looked through once.

use hashbrown::HashMap;

/// Number of a name.
pub(crate) type Number = u16;

/// Names by number.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names {
    numbers: HashMap<String, Number>,
}

impl Names {
    /// The number of a name, which it gets if it has none. `None` if there are too many.
    pub(crate) fn number(&mut self, name: &str) -> Option<Number> {
        if let Some(number) = self.numbers.get(name) {
            return Some(*number);
        }
        let number = Number::try_from(self.numbers.len()).ok()?;
        self.numbers.insert(name.to_owned(), number);
        Some(number)
    }

    /// The number of a name that a document names.
    pub(crate) fn get(&self, name: &str) -> Option<Number> {
        self.numbers.get(name).copied()
    }

    pub(crate) fn len(&self) -> usize {
        self.numbers.len()
    }
}
