//! The tasks of an agent that are due when the watermark reaches an instant: emit windows, expire
//! them, check for silence.

use super::state::Agent;
use crate::output::Outputs;
use crate::settings::Settings;
use crate::stream::Shared;
use crate::window::{Action, Span};

/// A task. Tasks of the same instant are carried out in this order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Task {
    Window {
        action: Action,
        /// Shorter ones first: when they expire, their observations go to the longer ones.
        span: Span,
        version: String,
        start: i64,
    },
    Silence,
}

impl Agent {
    /// The watermark at which the next task is due.
    pub(crate) fn next_due(&self) -> Option<i64> {
        let windows = self.versions.values().filter_map(|version| version.windows.next_due());
        windows.chain(self.silence.next_due()).min()
    }

    /// Carries out all tasks that are due at this watermark.
    pub(crate) fn carry_out_due(
        &mut self,
        watermark: i64,
        shared: Shared<'_>,
        outputs: &mut Outputs<'_>,
    ) {
        for (_, task) in self.due(watermark) {
            match task {
                Task::Window { action: Action::Emit, span, version, start } => {
                    self.emit_window(&version, (span, start), shared, outputs);
                }
                Task::Window { action: Action::Expire, span, version, start } => {
                    let Some(version) = self.versions.get_mut(&version) else {
                        unreachable!("a task of version `{version}`, which is unknown")
                    };
                    version.windows.expire(span, start);
                }
                Task::Silence => self.check_silence(watermark, shared, outputs),
            }
        }
    }

    fn check_silence(&mut self, watermark: i64, shared: Shared<'_>, outputs: &mut Outputs<'_>) {
        let limit = Settings::micros(shared.settings.silence_secs);
        let Self { silence, identity, current, .. } = self;
        let limit = shared.mutes.silence_max(identity, silence.last(), limit);
        let version = current.as_deref().unwrap_or_default();
        silence.check(watermark, limit, identity, version, outputs);
    }

    /// The tasks that are due at this watermark, by the instant at which they became due.
    fn due(&self, watermark: i64) -> Vec<(i64, Task)> {
        let mut all = Vec::new();
        for (name, version) in &self.versions {
            let windows = version.windows.due(watermark);
            all.extend(windows.map(|(at, action, span, start)| {
                (at, Task::Window { action, span, version: name.clone(), start })
            }));
        }
        let silence = self.silence.next_due().filter(|at| *at <= watermark);
        all.extend(silence.map(|at| (at, Task::Silence)));
        all.sort();
        all
    }
}
