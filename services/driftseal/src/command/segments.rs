//! `driftseal segments`: what is committed, as a list, as paths, and as views for DuckDB.

use evidence::SegmentManifest;
use serde_json::json;

use super::context::Context;
use super::evidence::{Source, bar, refused, show};
use crate::outcome::{Ended, Failure};
use crate::print::Output;
use crate::{print, roles, views};

/// Arguments of `driftseal segments`.
#[derive(Debug, clap::Args)]
pub struct SegmentsArgs {
    #[command(flatten)]
    source: Source,
    /// Print the location of each segment only, one a line, as readers of Parquet take it
    #[arg(long, conflicts_with = "views")]
    paths: bool,
    /// Print SQL for DuckDB: a view of all committed rows, and the shipped views over it
    #[arg(long)]
    views: bool,
}

impl SegmentsArgs {
    pub(super) fn run(self, context: &Context) -> Result<Ended, Failure> {
        let policy = self.source.policy(context)?;
        let runtime = roles::runtime()?;
        let archive = self.source.open(context, &runtime)?;
        let bar = bar();
        let segments = evidence::segments(&archive, &policy, &mut show(&bar));
        bar.finish_and_clear();
        let segments = segments.map_err(|error| refused(&error))?;
        let location = |segment: &SegmentManifest| archive.object_location(&segment.parquet_path);
        if context.output == Output::Json {
            let listed: Vec<_> = segments
                .iter()
                .map(|segment| {
                    let facts = &segment.facts;
                    json!({
                        "location": location(segment),
                        "path": segment.parquet_path,
                        "topic": &*facts.partition.topic,
                        "partition": facts.partition.partition,
                        "first_offset": facts.first_offset,
                        "next_offset": facts.next_offset,
                        "rows": facts.count,
                        "bytes": facts.parquet.size_bytes,
                        "first_timestamp": time(facts.min_timestamp_ms),
                        "last_timestamp": time(facts.max_timestamp_ms),
                    })
                })
                .collect();
            print::json(&json!({ "segments": listed }));
        } else if self.paths {
            segments.iter().for_each(|segment| print::line(location(segment)));
        } else if self.views {
            if segments.is_empty() {
                return Err(Failure::new("no segment is committed yet, and views need one"));
            }
            let locations: Vec<_> = segments.iter().map(location).collect();
            print::exact(&views::over(&locations));
        } else {
            for segment in &segments {
                let facts = &segment.facts;
                print::line(format!(
                    "{}  {} rows  {} bytes  {} to {}",
                    segment.parquet_path,
                    print::grouped(facts.count),
                    print::grouped(facts.parquet.size_bytes),
                    time(facts.min_timestamp_ms),
                    time(facts.max_timestamp_ms)
                ));
            }
            let rows: u64 = segments.iter().map(|segment| segment.facts.count).sum();
            let (segments, rows) = (print::grouped(segments.len() as u64), print::grouped(rows));
            print::note(format!("{segments} committed segments with {rows} rows"));
        }
        Ok(Ended::Done)
    }
}

fn time(timestamp_ms: i64) -> String {
    event::Timestamp::from_millis(timestamp_ms).to_string()
}
