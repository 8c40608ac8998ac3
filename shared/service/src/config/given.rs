//! Values from a file or the environment, and their problems.

use std::collections::HashMap;
use std::fmt::{self, Display, Formatter};

use config::{Value, ValueKind};

/// A problem with a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Key with its sections; empty for the whole configuration.
    pub key: String,
    /// The file or environment variable it comes from; empty if none.
    pub origin: String,
    /// What is wrong.
    pub reason: String,
}

impl Display for Problem {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.key.is_empty() {
            write!(f, "  {}", self.reason)?;
        } else {
            write!(f, "  `{}`: {}", self.key, self.reason)?;
        }
        if self.origin.is_empty() { Ok(()) } else { write!(f, " (in {})", self.origin) }
    }
}

/// A value from a file or the environment.
#[derive(Debug, Clone)]
pub(super) struct Given {
    pub(super) path: Vec<String>,
    pub(super) value: Value,
    pub(super) origin: String,
}

impl Given {
    pub(super) fn key(&self) -> String {
        dotted(&self.path)
    }

    pub(super) fn as_table(&self) -> HashMap<String, Value> {
        let mut value = self.value.clone();
        let mut path = self.path.iter().rev();
        let Some(last) = path.next().cloned() else { unreachable!("a value has a key") };
        let mut table = HashMap::from([(last, value)]);
        for section in path {
            value = Value::new(None, ValueKind::Table(table.into_iter().collect()));
            table = HashMap::from([(section.clone(), value)]);
        }
        table
    }
}

/// `kafka.client."sasl.password"`.
pub(super) fn dotted(path: &[String]) -> String {
    let quoted =
        |part: &String| if part.contains('.') { format!("\"{part}\"") } else { part.clone() };
    path.iter().map(quoted).collect::<Vec<_>>().join(".")
}
