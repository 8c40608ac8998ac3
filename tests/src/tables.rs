//! Real agent data as tables: bfcl, terminal-bench and tau-bench, or, where they are absent, tables of the same
//! shape that are made here. The data is not part of the project.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a failed step fails the test; which data was used is for whoever reads it"
)]

use std::io::Read;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::rng::Rng;
use crate::workspace;

/// Which rows stand for which version, in order.
pub type Versions<'a> = [(&'a str, &'a str)];

/// Rows that a version has at least; tau-bench has no more.
pub const ROWS_MIN: usize = 199;

/// A table of the real data, or one of its shape.
#[derive(Debug)]
pub struct Table {
    /// Names of the columns.
    pub header: Vec<String>,
    /// Values, row by row.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// From CSV with a header.
    ///
    /// # Panics
    ///
    /// If it is none.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
        let mut rows = reader
            .records()
            .map(|row| row.unwrap().iter().map(str::to_owned).collect::<Vec<String>>());
        let header = rows.next().unwrap();
        Self { header, rows: rows.collect() }
    }

    /// Place of a column.
    ///
    /// # Panics
    ///
    /// If there is none of that name.
    #[must_use]
    pub fn column(&self, name: &str) -> usize {
        self.header.iter().position(|column| column == name).unwrap()
    }

    /// Writes it as CSV.
    ///
    /// # Panics
    ///
    /// If the file cannot be written.
    pub fn write(&self, path: &Path) {
        let mut writer = csv::Writer::from_path(path).unwrap();
        writer.write_record(&self.header).unwrap();
        self.rows.iter().for_each(|row| writer.write_record(row).unwrap());
        writer.flush().unwrap();
    }

    /// The rows of these versions, each version's in random order: neighbouring rows are of one
    /// task, and no detector is asked about the order of tasks.
    ///
    /// # Panics
    ///
    /// If a version has fewer than [`ROWS_MIN`] rows.
    #[must_use]
    pub fn in_order(&self, versions: &Versions<'_>, columns: (&str, &str), rng: &mut Rng) -> Self {
        let (version, date) = (self.column(columns.0), self.column(columns.1));
        let mut rows = Vec::new();
        for (name, day) in versions {
            let of = |row: &&Vec<String>| row[version] == *name && row[date].starts_with(day);
            let mut chosen: Vec<_> = self.rows.iter().filter(of).cloned().collect();
            assert!(chosen.len() >= ROWS_MIN, "{name}: {} rows", chosen.len());
            rng.shuffle(&mut chosen);
            rows.extend(chosen);
        }
        Self { header: self.header.clone(), rows }
    }

    /// One version as if it were two: the first half of its rows keeps the name.
    #[must_use]
    pub fn split_in_two(
        &self,
        version: &(&str, &str),
        columns: (&str, &str),
        rng: &mut Rng,
    ) -> Self {
        let mut table = self.in_order(&[*version], columns, rng);
        let (at, half) = (table.column(columns.0), table.rows.len() / 2);
        table.rows.iter_mut().skip(half).for_each(|row| row[at].push_str("-again"));
        table
    }
}

/// A source: its mapping, its table, a change for the worse, and a version to split.
#[derive(Debug)]
pub struct Source {
    /// Its name.
    pub name: &'static str,
    /// Its table.
    pub table: Table,
    /// Columns of the version and of the time.
    pub columns: (&'static str, &'static str),
    /// A version and a worse one.
    pub worse: [(&'static str, &'static str); 2],
}

/// The two sources: bfcl, in which one model is called in two ways, and terminal-bench, in which
/// one model is driven by two agents.
///
/// # Panics
///
/// If the real data cannot be read.
#[must_use]
pub fn sources() -> Vec<Source> {
    let real = workspace::real_data();
    println!(
        "data: {}",
        if real.is_some() {
            "real"
        } else {
            "made here, of the same shape; the real data is absent"
        }
    );
    let read = |path: &str| real.as_ref().map(|data| unzip(&data.join(path)));
    vec![
        Source {
            name: "bfcl",
            table: Table::parse(&read("bfcl/requests.csv.gz").unwrap_or_else(made_requests)),
            columns: ("model_version", "snapshot_date"),
            worse: [
                ("mistral-small-2402-FC-Any", "2024-07-25"),
                ("mistral-small-2402-FC-Auto", "2024-07-25"),
            ],
        },
        Source {
            name: "terminal-bench",
            table: Table::parse(&read("terminal-bench/trials.csv.gz").unwrap_or_else(made_trials)),
            columns: ("agent_version", "trial_started_at"),
            worse: [
                ("20250923_droid_claude-4-sonnet", ""),
                ("20250811_cursor-cli_claude-4-sonnet", ""),
            ],
        },
    ]
}

/// tau-bench: whole trajectories of one version of one agent, at the airline, as the benchmark writes
/// them.
///
/// # Panics
///
/// If the real data cannot be read.
#[must_use]
pub fn conversations() -> Vec<Value> {
    let real = workspace::real_data().map(|data| data.join("tau-bench/gpt-4o-airline.json.gz"));
    match real.filter(|path| path.is_file()) {
        Some(path) => serde_json::from_str(&unzip(&path)).unwrap(),
        None => made_conversations(),
    }
}

/// The same as a table: of each trajectory the reward as `valid`, the messages of the agent as
/// `steps`, and as `tool_calls` its tools in order, with `!` after those whose result says that it
/// is an error.
///
/// # Panics
///
/// As [`conversations`].
#[must_use]
pub fn trajectories() -> Table {
    let rows = conversations().into_iter().map(|conversation| {
        let trajectory: Trajectory = serde_json::from_value(conversation).unwrap();
        trajectory.row()
    });
    let header = ["agent_version", "trial", "valid", "steps", "tool_calls"];
    Table { header: header.map(str::to_owned).to_vec(), rows: rows.collect() }
}

/// Version of the trajectories.
pub const TRAJECTORIES_OF: &str = "gpt-4o-airline";

/// What a trajectory shows of an agent.
#[derive(Debug, Deserialize)]
pub struct Trajectory {
    trial: u32,
    reward: f64,
    traj: Vec<Message>,
}

#[derive(Debug, Deserialize)]
struct Message {
    role: String,
    name: Option<String>,
    content: Option<String>,
}

impl Trajectory {
    /// Its tools in order, and whether each failed.
    pub fn tools(&self) -> impl Iterator<Item = (&str, bool)> {
        let results = self.traj.iter().filter(|message| message.role == "tool");
        results.map(|message| {
            let content = message.content.as_deref().unwrap_or_default();
            (message.name.as_deref().unwrap_or_default(), content.starts_with("Error"))
        })
    }

    fn row(&self) -> Vec<String> {
        let steps = self.traj.iter().filter(|message| message.role == "assistant").count();
        let tools: Vec<String> = self
            .tools()
            .map(|(name, failed)| format!("{name}{}", if failed { "!" } else { "" }))
            .collect();
        let passed = u8::from(self.reward >= 1.0);
        vec![
            TRAJECTORIES_OF.to_owned(),
            self.trial.to_string(),
            passed.to_string(),
            steps.to_string(),
            tools.join(" "),
        ]
    }
}

fn made_conversations() -> Vec<Value> {
    let mut rng = Rng::new(5);
    let says = |content: &str| json!({"role": "assistant", "content": content});
    (0..199)
        .map(|number| {
            let mut messages: Vec<Value> =
                ["Hello", "Which one?", "One moment", "Done"].map(says).into();
            for call in 0..1 + number % 11 {
                let (tool, result) =
                    if rng.chance(0.05) { ("book", "Error: no seat") } else { ("search", "[]") };
                let id = format!("call-{call}");
                let function = json!({"name": tool, "arguments": "{}"});
                let calls = json!([{"id": id, "type": "function", "function": function}]);
                messages.push(json!({"role": "assistant", "content": null, "tool_calls": calls}));
                messages.push(
                    json!({"role": "tool", "tool_call_id": id, "name": tool, "content": result}),
                );
            }
            let reward = if rng.chance(0.42) { 1.0 } else { 0.0 };
            let (task, trial) = (number % 50, number / 50);
            json!({"task_id": task, "trial": trial, "reward": reward, "traj": messages})
        })
        .collect()
}

fn unzip(path: &Path) -> String {
    let mut text = String::new();
    let file = std::fs::File::open(path).unwrap();
    flate2::read::MultiGzDecoder::new(file).read_to_string(&mut text).unwrap();
    text
}

fn made_requests() -> String {
    let mut rng = Rng::new(3);
    let mut text =
        "snapshot_date,model_version,category,item,input_tokens,output_tokens,latency_s,\
                    output_chars,n_tool_calls,tools,valid\n"
            .to_owned();
    for (way, valid) in [("Any", 0.57), ("Auto", 0.23)] {
        for item in 0..1_800 {
            let category = ["simple", "multiple_function"][item % 2];
            let valid = u8::from(rng.chance(valid));
            let latency = rng.unit() * 4.0;
            text.push_str(&format!(
                "2024-07-25,mistral-small-2402-FC-{way},{category},{item},560,140,{latency:.3},90,1,\
                 calc,{valid}\n"
            ));
        }
    }
    text
}

fn made_trials() -> String {
    let mut rng = Rng::new(4);
    let mut text = "agent_version,run_id,trial_name,task_id,trial_started_at,trial_ended_at,\
                    agent_started_at,agent_ended_at,agent_seconds,is_resolved,failure_mode,\
                    tests_passed,tests_total,input_tokens,output_tokens\n"
        .to_owned();
    let versions =
        [("20250923_droid_claude-4-sonnet", 0.5), ("20250811_cursor-cli_claude-4-sonnet", 0.26)];
    for (version, resolved) in versions {
        for trial in 0..400 {
            let (task, resolved) = (trial % 80, u8::from(rng.chance(resolved)));
            let (start, end) = ("2025-09-01T10:00:00+00:00", "2025-09-01T10:20:00+00:00");
            text.push_str(&format!(
                "{version},run,task-{task}.{trial},task-{task},{start},{end},{start},{end},1200.5,\
                 {resolved},unset,{resolved},1,,\n"
            ));
        }
    }
    text
}
