//! The shape that all views share: a field is one line.

/// Type of a field, and how it is read and written.
macro_rules! value {
    (type Text, $lt:lifetime) => { &$lt str };
    (type Int, $lt:lifetime) => { i64 };
    (type Float, $lt:lifetime) => { f64 };
    (type Time, $lt:lifetime) => { $crate::time::Timestamp };
    (type Texts, $lt:lifetime) => { &$lt [std::borrow::Cow<$lt, str>] };
    (read Text, $event:ident, $column:expr) => { $event.text($column) };
    (read Int, $event:ident, $column:expr) => { $event.int($column) };
    (read Float, $event:ident, $column:expr) => { $event.number($column) };
    (read Time, $event:ident, $column:expr) => { $event.time($column) };
    (read Texts, $event:ident, $column:expr) => {
        Some($event.texts($column)).filter(|texts| !texts.is_empty())
    };
    (write Texts, $value:expr) => {
        $value.map(|texts| texts.iter().map(|text| text.clone().into_owned()).collect::<Vec<_>>())
    };
    (write $other:ident, $value:expr) => { $value };
}

/// A view of events of the kinds.
macro_rules! view {
    (
        $(#[$doc:meta])*
        pub struct $name:ident: [$($kind:path),* $(,)?] {
            $($(#[$field_doc:meta])* $field:ident: $type:ident = $column:path,)*
        }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Default)]
        pub struct $name<'e> {
            $($(#[$field_doc])* pub $field: Option<macros::value!(type $type, 'e)>,)*
        }

        impl<'e> $name<'e> {
            /// The kinds that it is a view of.
            pub const KINDS: &'static [&'static str] = &[$($kind),*];

            /// What an event says; `None` if it is of another kind.
            #[must_use]
            pub fn read(event: &'e Event<'e>) -> Option<Self> {
                let is_one = event.text(column::KIND).is_some_and(|kind| Self::KINDS.contains(&kind));
                is_one.then(|| Self { $($field: macros::value!(read $type, event, $column),)* })
            }

            /// Sets the columns of the fields that have a value.
            #[must_use]
            pub fn fill(&self, builder: EventBuilder) -> EventBuilder {
                builder$(.set_some($column, macros::value!(write $type, self.$field)))*
            }
        }
    };
}

pub(super) use {value, view};
