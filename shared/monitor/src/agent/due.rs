//! What an agent has to do when the watermark reaches an instant: emit windows, forget them, notice
//! its own silence.

use super::state::Agent;
use crate::output::Outputs;
use crate::settings::Settings;
use crate::stream::Shared;
use crate::window::{Action, Span};

/// What is to be done, in the order in which it is done at one instant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Task {
    Window {
        action: Action,
        /// Shorter ones first: what they leave is in time for the longer.
        span: Span,
        version: String,
        start: i64,
    },
    Silence,
}

impl Agent {
    /// The watermark at which there is something to do next.
    pub(crate) fn next_due(&self) -> Option<i64> {
        let windows = self.versions.values().filter_map(|version| version.windows.next_due());
        windows.chain(self.silence.next_due()).min()
    }

    /// Does everything that waits for this watermark.
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
                    if let Some(version) = self.versions.get_mut(&version) {
                        version.windows.expire(span, start);
                    }
                }
                Task::Silence => self.look_at_silence(watermark, shared, outputs),
            }
        }
    }

    fn look_at_silence(&mut self, watermark: i64, shared: Shared<'_>, outputs: &mut Outputs<'_>) {
        let limit = Settings::micros(shared.settings.silence_secs);
        let Self { silence, identity, current, .. } = self;
        let limit = shared.mutes.silence_max(identity, silence.last(), limit);
        let version = current.as_deref().unwrap_or_default();
        silence.look(watermark, limit, identity, version, outputs);
    }

    /// Tasks that wait for this watermark, by the instant from which on they do.
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
