//! Names without a column that are nearly the name of one.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

use super::{ATTRIBUTES_MAX, Code, Remark};
use crate::cell::{Cell, CellType};
use crate::decimal::{self, Nearest};
use crate::event::Event;
use crate::plain::Name;
use crate::schema::{ColumnId, schema};

/// Largest name that is compared, bytes; no field's is longer.
const NAME_BYTES_MAX: usize = 64;

/// Paths of columns without separators and in lower case.
static BARE: LazyLock<HashMap<String, ColumnId>> =
    LazyLock::new(|| schema().ids().map(|id| (bare(id.path()), id)).collect());

pub(super) fn check(
    event: &Event<'_>,
    attributes: &[(Cow<'_, str>, Cow<'_, str>)],
    family: Option<&str>,
    remarks: &mut Vec<Remark>,
) {
    for (name, text) in attributes.iter().take(ATTRIBUTES_MAX) {
        if name.starts_with("ce_") || name.len() > NAME_BYTES_MAX {
            continue;
        }
        if let Some(remark) = rounded(event, name, text) {
            remarks.push(remark);
            continue;
        }
        let Some(id) = meant(name, family) else { continue };
        let path = id.path();
        remarks.push(Remark {
            code: Code::LikeField,
            field: Name(name).to_string(),
            text: format!("an attribute, which nothing reads, and nearly the field `{path}`"),
            advice: format!("write `{path}` if that is meant, outside `attributes`"),
        });
    }
    if attributes.iter().any(|(name, _)| name == "ce_id")
        && !attributes.iter().any(|(name, text)| name == "ce_source" && !text.is_empty())
    {
        remarks.push(Remark {
            code: Code::SourceMissing,
            field: "ce_source".to_owned(),
            text: "a CloudEvent without a source: events of two sources with one id are one"
                .to_owned(),
            advice: "send `source` with every CloudEvent".to_owned(),
        });
    }
}

/// A number as it was sent, beside a field that cannot hold it.
fn rounded(event: &Event<'_>, name: &str, sent: &str) -> Option<Remark> {
    let id = schema().id(name)?;
    if schema().column(id).cell_type != CellType::Float {
        return None;
    }
    let holds = match (decimal::nearest(sent)?, event.get(id)) {
        (Nearest::Other(nearest), Some(Cell::Float(value)))
            if nearest.to_bits() == value.to_bits() =>
        {
            format!("the field has {}, the nearest 64-bit float", decimal::shortest(*value))
        }
        (Nearest::Beyond, None) => {
            "no 64-bit float is near it, and the field has no value".to_owned()
        }
        (Nearest::Same(_) | Nearest::Other(_) | Nearest::Beyond, Some(_) | None) => return None,
    };
    Some(Remark {
        code: Code::Rounded,
        field: id.path().to_owned(),
        text: format!("`{}` was sent; {holds}, `attributes` what was sent", Name(sent)),
        advice: "send at most 15 digits if the rest means nothing; nothing is lost either way"
            .to_owned(),
    })
}

/// The field that a name is another spelling of: other separators or case, or without its group
/// where the kind says which.
fn meant(name: &str, family: Option<&str>) -> Option<ColumnId> {
    if let Some(id) = schema().id(name) {
        return Some(id);
    }
    if let Some(family) = family
        && !name.contains('.')
        && let Some(id) = schema().id(&format!("{family}.{name}"))
    {
        return Some(id);
    }
    BARE.get(&bare(name)).copied()
}

fn bare(name: &str) -> String {
    let kept = name.chars().filter(|c| c.is_ascii_alphanumeric());
    kept.map(|c| c.to_ascii_lowercase()).collect()
}
