//! The shared files of Amazon's tools, `~/.aws/credentials` and `~/.aws/config`, as text.

use std::collections::BTreeMap;

use thiserror::Error;

/// A line that is neither a section nor a property. It is not shown, as it may hold a secret.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("line {line} is neither `[section]` nor `key = value`")]
pub struct Malformed {
    /// Its number, from 1.
    pub line: usize,
}

/// Which of the two files; their sections are named differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SharedFile {
    /// `[name]`.
    Credentials,
    /// `[default]` and `[profile name]`, beside sections of other kinds.
    Config,
}

/// What a file says of a profile: keys in small letters, and their values. `None` if it does not
/// name the profile. Properties of properties (indented lines) are passed over.
///
/// # Errors
///
/// [`Malformed`]; whatever the text is, there is an answer.
pub fn parse(
    text: &str,
    file: SharedFile,
    profile: &str,
) -> Result<Option<BTreeMap<String, String>>, Malformed> {
    let mut found = None;
    let mut is_ours = false;
    for (number, line) in (1..).zip(text.trim_start_matches('\u{feff}').lines()) {
        let content = line.trim();
        if content.is_empty() || content.starts_with(['#', ';']) {
            continue;
        }
        if line.starts_with(char::is_whitespace) {
            continue;
        }
        if let Some(section) = content.strip_prefix('[') {
            let (name, _) = section.split_once(']').ok_or(Malformed { line: number })?;
            is_ours = profile_of(name, file) == Some(profile);
            if is_ours {
                found.get_or_insert_default();
            }
            continue;
        }
        let (key, value) = content.split_once('=').ok_or(Malformed { line: number })?;
        if is_ours && let Some(values) = &mut found {
            let values: &mut BTreeMap<_, _> = values;
            values.insert(key.trim().to_ascii_lowercase(), without_comment(value).to_owned());
        }
    }
    Ok(found)
}

/// The profile that a section is about.
fn profile_of(section: &str, file: SharedFile) -> Option<&str> {
    let section = section.trim();
    match (file, section.split_once(char::is_whitespace)) {
        (SharedFile::Credentials, _) => Some(section),
        (SharedFile::Config, None) => (section == "default").then_some(section),
        (SharedFile::Config, Some((kind, name))) => {
            (kind == "profile").then(|| name.trim().trim_matches(['"', '\'']))
        }
    }
}

/// A comment begins with a space and `#` or `;`.
fn without_comment(value: &str) -> &str {
    let end = [" #", " ;", "\t#", "\t;"].iter().filter_map(|sign| value.find(sign)).min();
    end.and_then(|end| value.get(..end)).unwrap_or(value).trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str, file: SharedFile, profile: &str) -> Vec<(String, String)> {
        parse(text, file, profile).unwrap().into_iter().flatten().collect()
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect()
    }

    #[test]
    fn each_file_names_its_sections_in_its_way() {
        let credentials = "\u{feff}# mine\r\n[default]\r\naws_access_key_id = A\r\n\r\n\
                           [profile x]\naws_access_key_id=B\n[x]\nAWS_Access_Key_Id\t=\tC  ; why\n\
                           aws_secret_access_key = a+b/c=#;=\n[default]\nregion = r\n";
        assert_eq!(
            of(credentials, SharedFile::Credentials, "default"),
            pairs(&[("aws_access_key_id", "A"), ("region", "r")])
        );
        assert_eq!(
            of(credentials, SharedFile::Credentials, "x"),
            pairs(&[("aws_access_key_id", "C"), ("aws_secret_access_key", "a+b/c=#;=")])
        );
        let config = "[default]\nregion = r\n[profile \"a b\"]\ns3 =\n  region = no\n\
                      \tendpoint_url = no\nregion = s\n[sso-session x]\nregion = t\n[x]\nregion = u\n";
        assert_eq!(of(config, SharedFile::Config, "default"), pairs(&[("region", "r")]));
        assert_eq!(of(config, SharedFile::Config, "a b"), pairs(&[("region", "s"), ("s3", "")]));
        for absent in ["x", "sso-session x", "a", ""] {
            assert_eq!(parse(config, SharedFile::Config, absent), Ok(None), "{absent}");
        }
    }

    #[test]
    fn what_is_malformed_is_named_by_its_line_and_not_shown() {
        for text in ["[default]\nhunter2\n", "[default]\n[hunter2\n"] {
            let error = parse(text, SharedFile::Credentials, "default").unwrap_err();
            assert_eq!(error, Malformed { line: 2 });
        }
    }
}
