//! Messages of deserialization in the words of the configuration: what a value must be, and what it is.

use super::nearest::edits;

/// Whole numbers by the name of their type.
const WHOLE: [(&str, i128, i128); 12] = [
    ("u8", 0, u8::MAX as i128),
    ("u16", 0, u16::MAX as i128),
    ("u32", 0, u32::MAX as i128),
    ("u64", 0, u64::MAX as i128),
    ("usize", 0, u64::MAX as i128),
    ("i8", i8::MIN as i128, i8::MAX as i128),
    ("i16", i16::MIN as i128, i16::MAX as i128),
    ("i32", i32::MIN as i128, i32::MAX as i128),
    ("i64", i64::MIN as i128, i64::MAX as i128),
    ("isize", i64::MIN as i128, i64::MAX as i128),
    ("a nonzero u32", 1, u32::MAX as i128),
    ("a nonzero u64", 1, u64::MAX as i128),
];

/// The message in our words. With `hide`, it does not say what was found.
pub(super) fn in_words(message: &str, hide: bool) -> String {
    let wrong = ["invalid type: ", "invalid value: "].iter();
    if let Some(rest) = wrong.filter_map(|start| message.strip_prefix(start)).next()
        && let Some((found, expected)) = rest.rsplit_once(", expected ")
    {
        let must = format!("must be {}", rule(expected));
        return if hide { must } else { format!("{must}, not {}", what(found)) };
    }
    if let Some(rest) = message.strip_prefix("unknown variant `")
        && let Some((found, expected)) = rest.split_once("`, expected ")
    {
        let names = names(expected).join("`, `");
        let must = format!("must be one of `{names}`");
        return if hide { must } else { format!("{must}, not `{}`", shown(found)) };
    }
    if let Some(rest) = message.strip_prefix("missing field `")
        && let Some(field) = rest.strip_suffix('`')
    {
        return format!("must have a key `{field}`");
    }
    shown(message)
}

/// The field of a message about an unknown one, and what to say of it.
pub(super) fn unknown_field(message: &str) -> Option<(String, String)> {
    let (field, expected) = message.strip_prefix("unknown field `")?.split_once("`, ")?;
    let known = names(expected);
    let nearest = known.iter().min_by_key(|name| edits(field, name));
    let near = nearest.filter(|name| edits(field, name) <= field.chars().count().div_ceil(2));
    let reason = match near {
        Some(name) => format!("unknown key; did you mean `{name}`?"),
        None if known.is_empty() => "unknown key".to_owned(),
        None => format!("unknown key; known are `{}`", known.join("`, `")),
    };
    Some((field.to_owned(), reason))
}

/// The names in back quotes.
fn names(list: &str) -> Vec<String> {
    list.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// What a type accepts.
fn rule(expected: &str) -> String {
    if let Some((_, min, max)) = WHOLE.iter().find(|(name, ..)| *name == expected) {
        return format!("a whole number from {min} to {max}");
    }
    match expected {
        "f64" | "f32" => "a number".to_owned(),
        "a boolean" => "true or false".to_owned(),
        "a string" | "a borrowed string" | "path string" | "string or map" | "str" => {
            "a text".to_owned()
        }
        "a sequence" => "a list".to_owned(),
        _ if expected == "a map"
            || expected.starts_with("struct ")
            || expected.contains("tagged enum") =>
        {
            "a table".to_owned()
        }
        other => shown(other),
    }
}

/// A value that was found.
fn what(found: &str) -> String {
    let quoted = |kind: &str| found.strip_prefix(kind).map(str::to_owned);
    if let Some(text) = quoted("string ") {
        // Debug form of the text.
        let text = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(&text);
        return format!("the text `{}`", shown(text));
    }
    let number = quoted("integer ").or_else(|| quoted("floating point "));
    if let Some(value) = number.or_else(|| quoted("boolean ")) {
        return shown(&value);
    }
    match found {
        "sequence" => "a list".to_owned(),
        "map" => "a table".to_owned(),
        "null" | "unit value" => "nothing".to_owned(),
        other => shown(other),
    }
}

/// Text of the configuration, bounded.
fn shown(text: &str) -> String {
    const CHARS_MAX: usize = 200;
    if text.chars().count() <= CHARS_MAX {
        return text.to_owned();
    }
    let cut: String = text.chars().take(CHARS_MAX).collect();
    format!("{cut}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_say_what_a_value_must_be_and_what_it_is() {
        for (message, says) in [
            (
                "invalid type: string \"soon\", expected u64",
                "must be a whole number from 0 to 18446744073709551615, not the text `soon`",
            ),
            (
                "invalid value: integer `-1`, expected u32",
                "must be a whole number from 0 to 4294967295, not `-1`",
            ),
            ("invalid type: integer `1`, expected a boolean", "must be true or false, not `1`"),
            ("invalid type: map, expected a sequence", "must be a list, not a table"),
            (
                "unknown variant `pigeon`, expected `slack` or `webhook`",
                "must be one of `slack`, `webhook`, not `pigeon`",
            ),
            ("missing field `type`", "must have a key `type`"),
        ] {
            assert_eq!(in_words(message, false), says);
        }
        let hidden = in_words("invalid type: string \"hunter2\", expected u64", true);
        assert!(!hidden.contains("hunter2"), "{hidden}");
    }

    #[test]
    fn an_unknown_key_names_the_nearest() {
        let near = "unknown field `tokn_file`, expected one of `token_file`, `token_name`";
        let near = unknown_field(near).unwrap();
        let says = "unknown key; did you mean `token_file`?".to_owned();
        assert_eq!(near, ("tokn_file".to_owned(), says));
        let far = unknown_field("unknown field `zz`, expected `token_file` or `url`").unwrap();
        assert_eq!(far.1, "unknown key; known are `token_file`, `url`");
    }
}
