//! Runs in progress: the tools they requested and the steps they took.
//!
//! Bounds: at most `runs_max` runs; the one without an event for longest is evicted first, for
//! example a run whose end was never reported. At most [`TOOLS_MAX`] tool names are recorded per
//! run; a run with more is marked, and checks of its tools are not applicable.
//!
//! Events of a run that arrive after its `run.completed` are ignored.

use std::collections::BTreeSet;

use event::{Event, column, kind};
use serde::{Deserialize, Serialize};

use crate::recent::{Recent, key_of};

/// Largest number of tool names recorded per run.
pub(crate) const TOOLS_MAX: usize = 32;
/// Largest tool name in bytes; a longer one is not recorded, and marks the run.
pub(crate) const TOOL_BYTES_MAX: usize = 128;

/// What was recorded of a run before it ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RunFacts {
    /// Tools that it requested, whether or not they ran.
    pub(crate) tools: BTreeSet<String>,
    /// Whether there were more than are recorded.
    pub(crate) tools_overflowed: bool,
    models_invoked: u64,
    tools_called: u64,
    tools_completed: u64,
}

impl RunFacts {
    /// Steps: model calls or, if there are none, tool calls.
    pub(crate) fn steps(&self) -> u64 {
        match self.models_invoked {
            0 => self.tools_called.max(self.tools_completed),
            models => models,
        }
    }

    fn saw_tool(&mut self, name: &str) {
        if self.tools.contains(name) {
            return;
        }
        if self.tools.len() >= TOOLS_MAX || name.len() > TOOL_BYTES_MAX {
            self.tools_overflowed = true;
        } else {
            self.tools.insert(name.to_owned());
        }
    }
}

/// What an event means for its run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Started,
    Model,
    ToolCalled,
    ToolCompleted,
    ToolBlocked,
    Completed,
}

impl Part {
    pub(crate) fn of(kind: &str) -> Option<Self> {
        match kind {
            kind::RUN_STARTED => Some(Self::Started),
            kind::MODEL_INVOKED => Some(Self::Model),
            kind::TOOL_CALLED => Some(Self::ToolCalled),
            kind::TOOL_COMPLETED => Some(Self::ToolCompleted),
            kind::TOOL_BLOCKED => Some(Self::ToolBlocked),
            kind::RUN_COMPLETED => Some(Self::Completed),
            _ => None,
        }
    }
}

/// The runs in progress.
#[derive(Debug, Clone, Default)]
pub(crate) struct Runs {
    pub(crate) open: Recent<RunFacts>,
    pub(crate) forgotten: u64,
}

impl Runs {
    pub(crate) fn len(&self) -> usize {
        self.open.len()
    }

    /// Number of runs that were evicted before they ended.
    pub(crate) const fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// Forgets them all.
    pub(crate) fn clear(&mut self) {
        self.open.clear();
        self.forgotten = 0;
    }

    /// Records an event. Returns the facts of its run if it ends the run.
    pub(crate) fn saw(
        &mut self,
        event: &Event<'_>,
        part: Part,
        now: u64,
        runs_max: usize,
    ) -> Option<RunFacts> {
        event.text(column::RUN_ID).filter(|run| !run.is_empty())?;
        let key = key_of(event, &[column::TENANT_ID, column::AGENT_ID, column::RUN_ID]);
        if part == Part::Completed {
            return self.open.remove(key);
        }
        let (facts, forgotten) = self.open.touch(key, now, runs_max, RunFacts::default)?;
        self.forgotten += forgotten;
        match part {
            Part::Started | Part::Completed => {}
            Part::Model => facts.models_invoked += 1,
            Part::ToolCalled => facts.tools_called += 1,
            Part::ToolCompleted => facts.tools_completed += 1,
            Part::ToolBlocked => {}
        }
        if matches!(part, Part::ToolCalled | Part::ToolCompleted | Part::ToolBlocked)
            && let Some(name) = event.text(column::tool::NAME)
        {
            facts.saw_tool(name);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use event::{EventBuilder, Timestamp, column};

    fn event(kind: &str, run: &str, tool: Option<&str>) -> Event<'static> {
        EventBuilder::new(kind)
            .set(column::EVENT_ID, "e")
            .set(column::EVENT_TIME, Timestamp::from_micros(0))
            .set(column::AGENT_ID, "a")
            .set(column::RUN_ID, run)
            .set_some(column::tool::NAME, tool)
            .build()
            .unwrap()
    }

    /// Runs, and how many events there were.
    #[derive(Default)]
    struct Played {
        runs: Runs,
        now: u64,
    }

    fn play(played: &mut Played, kind: &str, run: &str, tool: Option<&str>) -> Option<RunFacts> {
        played.now += 1;
        played.runs.saw(&event(kind, run, tool), Part::of(kind).unwrap(), played.now, 2)
    }

    #[test]
    fn tools_and_steps_of_a_run_are_there_when_it_ends() {
        let mut runs = Played::default();
        for (kind, tool) in [
            (kind::RUN_STARTED, None),
            (kind::MODEL_INVOKED, None),
            (kind::TOOL_CALLED, Some("search")),
            (kind::TOOL_COMPLETED, Some("search")),
            (kind::TOOL_BLOCKED, Some("pay")),
            (kind::MODEL_INVOKED, None),
        ] {
            assert_eq!(play(&mut runs, kind, "r", tool), None);
        }
        let facts = play(&mut runs, "run.completed", "r", None).unwrap();
        assert_eq!(facts.tools.iter().map(String::as_str).collect::<Vec<_>>(), ["pay", "search"]);
        assert_eq!(facts.steps(), 2);
        assert_eq!((play(&mut runs, kind::RUN_COMPLETED, "r", None), runs.runs.len()), (None, 0));
    }

    #[test]
    fn a_run_without_models_counts_its_tools() {
        let mut runs = Played::default();
        for kind in ["tool.called", kind::TOOL_CALLED, kind::TOOL_COMPLETED] {
            assert_eq!(play(&mut runs, kind, "r", Some("x")), None);
        }
        assert_eq!(play(&mut runs, kind::RUN_COMPLETED, "r", None).unwrap().steps(), 2);
    }

    #[test]
    fn the_run_that_was_silent_longest_is_forgotten() {
        let mut runs = Played::default();
        for run in ["1", "2", "1", "3"] {
            assert_eq!(play(&mut runs, kind::TOOL_CALLED, run, Some("x")), None);
        }
        assert_eq!((runs.runs.len(), runs.runs.forgotten()), (2, 1));
        assert_eq!(play(&mut runs, kind::RUN_COMPLETED, "2", None), None);
        assert!(play(&mut runs, kind::RUN_COMPLETED, "1", None).is_some());
    }

    #[test]
    fn more_tools_than_are_kept_are_marked() {
        let mut facts = RunFacts::default();
        for number in 0..TOOLS_MAX {
            facts.saw_tool(&number.to_string());
            facts.saw_tool(&number.to_string());
        }
        assert!(!facts.tools_overflowed);
        facts.saw_tool("one more");
        assert!(facts.tools_overflowed && facts.tools.len() == TOOLS_MAX);
        let mut long = RunFacts::default();
        long.saw_tool(&"x".repeat(TOOL_BYTES_MAX + 1));
        assert!(long.tools_overflowed);
    }
}
