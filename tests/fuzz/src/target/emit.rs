//! Files that `driftseal emit` reads: the first byte chooses what the file is, by its name, and
//! the mapping. A table, JSON, lines of JSON, any of them compressed.

use std::io::Cursor;
use std::path::Path;
use std::sync::LazyLock;

use driftseal::emit::{reader, source};
use mapping::Mapping;

const NAMES: [&str; 3] = ["file.csv", "file.json", "file.jsonl"];

static MAPPINGS: LazyLock<Vec<Mapping>> = LazyLock::new(|| {
    let documents = [
        include_str!("../../../../schemas/mappings/bfcl.toml"),
        include_str!("../../../../schemas/mappings/tau-bench.toml"),
        include_str!("../../../../schemas/mappings/terminal-bench.toml"),
    ];
    documents.into_iter().filter_map(|document| Mapping::parse(document).ok()).collect()
});

pub(crate) fn run(data: &[u8]) -> bool {
    let Some((choice, bytes)) = data.split_first() else { return false };
    let choice = usize::from(*choice);
    let name = NAMES.get(choice % NAMES.len()).copied().unwrap_or("file");
    let mapping = MAPPINGS.get(choice / NAMES.len() % (MAPPINGS.len() + 1));
    let Ok(file) = source::decompress(Cursor::new(bytes.to_vec())) else { return false };
    let mut accepted = false;
    let mut line = 0;
    let read = reader::read_from(Path::new(name), file, mapping, &mut |outcome| {
        assert!(outcome.line >= line, "line {} after {line}", outcome.line);
        line = outcome.line;
        if let Ok(event) = outcome.event {
            let _event = event::decode::decode_json(&event, event::Limits::default());
            accepted = true;
        }
        Ok(())
    });
    read.is_ok() && accepted
}
