//! The digest of an agent version: what it is computed from, and how. `schemas/version/README.md` is the
//! specification; `tests/oracles/version_digest.py` computes it a second time.

mod file;
mod tree;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use merkle::hash::{from_hex, sha256, to_hex};
use serde_json::{Map, Value, json};

use crate::outcome::Failure;

/// What stands before the bytes of a version document.
const VERSION: &str = "driftseal/version/v1\n";
/// What stands before the bytes of a set of sources.
const SET: &str = "driftseal/set/v1\n";
/// Longest text of a part, bytes, as the gateway takes it.
const TEXT_BYTES_MAX: usize = 4_096;
/// Forms of a digest that is given instead of computed.
const FORMS: [&str; 3] = ["sha256:", "tree-v1:", "set-v1:"];

/// A file or directory, with the name that it has in a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    name: Option<String>,
    path: PathBuf,
}

impl Source {
    /// `PATH` or `NAME=PATH`; what stands before `=` is a name unless it holds a slash.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        match text.split_once('=') {
            Some((name, path)) if !name.is_empty() && !path.is_empty() && !name.contains('/') => {
                Self { name: Some(name.to_owned()), path: path.into() }
            }
            Some(_) | None => Self { name: None, path: text.into() },
        }
    }

    /// The name in a set: the given one, else that of the file.
    fn named(&self) -> Result<String, Failure> {
        let own = || self.path.file_name().and_then(OsStr::to_str).map(str::to_owned);
        self.name.clone().or_else(own).ok_or_else(|| {
            let path = self.path.display();
            Failure::usage(format!("`{path}` has no name of its own: give NAME=PATH"))
        })
    }
}

/// A retrieval corpus: a directory or file, or its digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Corpus {
    /// Computed before.
    Digest(String),
    /// Of these documents.
    Path(PathBuf),
}

impl Corpus {
    /// A digest, or a path.
    ///
    /// # Errors
    ///
    /// What begins as a digest and is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        let Some(hex) = FORMS.iter().find_map(|form| text.strip_prefix(form)) else {
            return Ok(Self::Path(text.into()));
        };
        match from_hex(hex) {
            Some(_) => Ok(Self::Digest(text.to_owned())),
            None => Err("expected 64 lowercase hexadecimal digits after the colon".to_owned()),
        }
    }
}

/// What a version consists of, as it is given.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// Prompts.
    pub prompts: Vec<Source>,
    /// Definitions of tools.
    pub tools: Vec<Source>,
    /// Retrieval corpora.
    pub corpora: Vec<Corpus>,
    /// Provider of the model.
    pub model_provider: Option<String>,
    /// Model.
    pub model_name: Option<String>,
    /// Parameters of the model.
    pub parameters: Vec<(String, String)>,
    /// Policy in force.
    pub policy: Option<String>,
    /// Commit of the code.
    pub commit: Option<String>,
}

/// A version: its digest, and the fields of an act that it is computed from.
#[derive(Debug, Clone, PartialEq)]
pub struct Version {
    /// `sha256:` and 64 hexadecimal digits.
    pub digest: String,
    /// The version document: fields of `agent`.
    pub document: Map<String, Value>,
    /// The digest of each definition of tools, if there are several.
    pub tool_digests: Map<String, Value>,
    /// What a person should look at.
    pub remarks: Vec<String>,
}

impl Version {
    /// Reads all sources and computes the digest.
    ///
    /// # Errors
    ///
    /// Usage errors: what is not given, given twice, or cannot be read as it is.
    pub fn of(sources: &Sources) -> Result<Self, Failure> {
        let mut remarks = Vec::new();
        let mut document = Map::new();
        let mut part = |name: &str, value: Value| document.insert(name.to_owned(), value);
        if let Some(prompts) = group("--prompt", &sources.prompts, &mut remarks)? {
            part("prompt_digest", json!(prompts.digest));
        }
        let mut tool_digests = Map::new();
        if let Some(tools) = group("--tools", &sources.tools, &mut remarks)? {
            part("tools_digest", json!(tools.digest));
            tool_digests = tools.members;
        }
        let corpora = corpora(&sources.corpora, &mut remarks)?;
        if !corpora.is_empty() {
            part("corpus_digests", json!(corpora));
        }
        for (field, option, value) in [
            ("model_provider", "--model-provider", &sources.model_provider),
            ("model_name", "--model", &sources.model_name),
            ("policy_version", "--policy", &sources.policy),
            ("code_commit", "--commit", &sources.commit),
        ] {
            if let Some(value) = value {
                part(field, json!(text(option, value)?));
            }
        }
        let parameters = parameters(&sources.parameters)?;
        if !parameters.is_empty() {
            part("parameters", json!(parameters));
        }
        if document.is_empty() {
            return Err(Failure::usage(
                "a version consists of something: give at least one of --prompt, --model, \
                 --model-provider, --parameter, --tools, --corpus, --policy and --commit",
            ));
        }
        let digest = format!("sha256:{}", digest_of(VERSION, &Value::Object(document.clone())));
        Ok(Self { digest, document, tool_digests, remarks })
    }
}

/// Hexadecimal SHA-256 of a domain and the canonical form (RFC 8785) of a value.
fn digest_of(domain: &str, value: &Value) -> String {
    let Ok(canonical) = serde_json_canonicalizer::to_vec(value) else {
        unreachable!("texts have a canonical form")
    };
    to_hex(&sha256(&[domain.as_bytes(), &canonical].concat()))
}

/// The digest of a file, or of a whole directory, and the number of files.
///
/// # Errors
///
/// Usage errors: what cannot be read as it is.
pub fn of(path: &Path, remarks: &mut Vec<String>) -> Result<(String, u64), Failure> {
    let meta = std::fs::metadata(path)
        .map_err(|error| Failure::usage(format!("failed to read `{}`: {error}", path.display())))?;
    if meta.is_dir() {
        let tree = tree::read(path).map_err(|problems| Failure::usage(problems.to_string()))?;
        remarks.extend(tree.remarks);
        return Ok((format!("tree-v1:{}", to_hex(&tree.root)), tree.files));
    }
    let read = file::read(path).map_err(|reason| {
        Failure::usage(format!("failed to read `{}`: {reason}", path.display()))
    })?;
    remarks.extend(read.remark(path));
    Ok((format!("sha256:{}", to_hex(&read.digest)), 1))
}

/// One source, or a set of named ones.
struct Group {
    digest: String,
    /// The digest of each member of a set.
    members: Map<String, Value>,
}

/// The group of all sources that an option gives, if it gives any.
fn group(
    option: &str,
    sources: &[Source],
    remarks: &mut Vec<String>,
) -> Result<Option<Group>, Failure> {
    if let [Source { name: None, path }] = sources {
        return Ok(Some(Group { digest: of(path, remarks)?.0, members: Map::new() }));
    }
    let mut members = Map::new();
    for source in sources {
        let name = text(option, &source.named()?)?.to_owned();
        let digest = of(&source.path, remarks)?.0;
        if members.insert(name.clone(), json!(digest)).is_some() {
            return Err(Failure::usage(format!(
                "{option}: two of them are called `{name}`: give NAME=PATH"
            )));
        }
    }
    if members.is_empty() {
        return Ok(None);
    }
    let digest = format!("set-v1:{}", digest_of(SET, &Value::Object(members.clone())));
    Ok(Some(Group { digest, members }))
}

fn corpora(given: &[Corpus], remarks: &mut Vec<String>) -> Result<BTreeSet<String>, Failure> {
    let mut digests = BTreeSet::new();
    for corpus in given {
        let digest = match corpus {
            Corpus::Digest(digest) => digest.clone(),
            Corpus::Path(path) => of(path, remarks)?.0,
        };
        if !digests.insert(digest.clone()) {
            return Err(Failure::usage(format!("--corpus: two of them are the same, {digest}")));
        }
    }
    Ok(digests)
}

fn parameters(given: &[(String, String)]) -> Result<BTreeMap<&str, &str>, Failure> {
    let mut all = BTreeMap::new();
    for (name, value) in given {
        let (name, value) = (text("--parameter", name)?, text("--parameter", value)?);
        if all.insert(name, value).is_some() {
            return Err(Failure::usage(format!("--parameter: `{name}` is given twice")));
        }
    }
    Ok(all)
}

/// A text that is as the gateway would record it: neither empty nor too long.
fn text<'a>(option: &str, value: &'a str) -> Result<&'a str, Failure> {
    if value.trim().is_empty() {
        return Err(Failure::usage(format!("{option}: must not be empty")));
    }
    if value.len() > TEXT_BYTES_MAX {
        return Err(Failure::usage(format!("{option}: must have at most {TEXT_BYTES_MAX} bytes")));
    }
    Ok(value)
}

#[cfg(test)]
mod tests;
