//! Truncating, redacting and encoding text.

/// The text, truncated to `chars_max` characters (at least 1); `…` marks the truncation.
pub(crate) fn clip(text: &str, chars_max: usize) -> String {
    if text.chars().nth(chars_max).is_none() {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(chars_max - 1).collect();
    cut.push('…');
    cut
}

/// The text with all secrets replaced by `…`.
pub(crate) fn hide(text: &str, secrets: &[&str]) -> String {
    let mut hidden = text.to_owned();
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        hidden = hidden.replace(secret, "…");
    }
    hidden
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_between_characters() {
        assert_eq!(clip("äöü", 3), "äöü");
        assert_eq!(clip("äöüß", 3), "äö…");
        assert_eq!(hex(&[0, 171]), "00ab");
    }

    #[test]
    fn secrets_are_hidden_wherever_they_stand() {
        assert_eq!(hide("no route to s3cret, s3cret", &["", "s3cret"]), "no route to …, …");
    }
}
