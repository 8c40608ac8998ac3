//! The reference page of kinds and fields.

use std::fmt::Write as _;

use event::schema::Column;
use event::{CellType, schema};

pub(crate) fn page() -> String {
    let mut page = String::from(
        "# Kinds and fields\n\n\
         Generated from the documents beside this page; `make bless` rewrites it.\n\n\
         *About* says what an event of the kind concerns; about an agent, a version or a run it must\n\
         name its agent. *Notable* kinds come first in evidence packs; an *act* asks something of the\n\
         monitor. A value in brackets is accepted as the one before it.\n\n\
         ## Envelope\n\n",
    );
    fields(&mut page, |column| column.group.is_none());
    let mut families: Vec<&str> = schema().kinds().map(|kind| kind.family.as_str()).collect();
    families.sort_unstable();
    families.dedup();
    let mut groups: Vec<&str> =
        schema().columns().iter().filter_map(|column| column.group.as_deref()).collect();
    groups.dedup();
    for group in groups.iter().filter(|group| !families.contains(group)) {
        writeln!(page, "\n## Envelope: {group}\n").unwrap();
        fields(&mut page, |column| column.group.as_deref() == Some(group));
    }
    for family in families {
        writeln!(page, "\n## {family}\n").unwrap();
        page.push_str("| kind | about | written by | subject | | what happened |\n|---|---|---|---|---|---|\n");
        for kind in schema().kinds().filter(|kind| kind.family == family) {
            let writers: Vec<String> = kind.written_by.iter().map(ToString::to_string).collect();
            let subject = kind.subject.map(|id| format!("`{}`", id.path())).unwrap_or_default();
            let marks =
                [(kind.notable, "notable"), (kind.act, "act"), (kind.heartbeat, "heartbeat")];
            let marks: Vec<_> = marks.iter().filter(|(is, _)| *is).map(|(_, mark)| *mark).collect();
            let row = [
                format!("`{}`", kind.name),
                kind.about.to_string(),
                writers.join(", "),
                subject,
                marks.join(", "),
                kind.doc.clone(),
            ];
            writeln!(page, "| {} |", row.join(" | ")).unwrap();
        }
        page.push('\n');
        fields(&mut page, |column| column.group.as_deref() == Some(family));
    }
    page
}

fn fields(page: &mut String, choose: impl Fn(&Column) -> bool) {
    page.push_str("| field | type | | meaning |\n|---|---|---|---|\n");
    for column in schema().columns().iter().filter(|column| choose(column)) {
        let mut meaning = column.doc.clone();
        if column.values.iter().any(|value| !value.aliases.is_empty()) {
            let values = column.values.iter().map(|value| match value.aliases.join(", ") {
                aliases if aliases.is_empty() => format!("`{}`", value.name),
                aliases => format!("`{}` ({aliases})", value.name),
            });
            write!(meaning, " Values: {}.", values.collect::<Vec<_>>().join(", ")).unwrap();
        }
        writeln!(
            page,
            "| `{}` | {} | {} | {meaning} |",
            column.path,
            type_name(column.cell_type),
            marks(column)
        )
        .unwrap();
    }
}

fn marks(column: &Column) -> String {
    let mut marks = Vec::new();
    if column.required {
        marks.push("in every event".to_owned());
    }
    if column.erasable {
        marks.push("erasable".to_owned());
    }
    if let Some(unit) = column.unit.as_deref().filter(|unit| *unit != "1") {
        marks.push(unit.to_owned());
    }
    if let Some(range) = column.range {
        marks.push(match (range.min, range.max) {
            (Some(min), Some(max)) => format!("{min} to {max}"),
            (Some(min), None) => format!("≥ {min}"),
            (None, Some(max)) => format!("≤ {max}"),
            (None, None) => String::new(),
        });
    }
    marks.join(", ")
}

const fn type_name(cell_type: CellType) -> &'static str {
    match cell_type {
        CellType::Bool => "boolean",
        CellType::Int => "integer",
        CellType::Float => "number",
        CellType::Text => "text",
        CellType::Bytes => "bytes",
        CellType::Time => "instant",
        CellType::Texts => "list of texts",
        CellType::Map => "map of texts",
    }
}
