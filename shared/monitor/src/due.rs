//! What an agent has to do when the watermark reaches an instant: emit windows, forget them, notice
//! its own silence.

use crate::agent::Agent;
use crate::emission::emit_window;
use crate::output::Outputs;
use crate::settings::Settings;
use crate::stream::Fleet;
use crate::window::Span;

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Action {
    Emit,
    Expire,
    Silence,
}

/// Something that waits for the watermark; in the order in which it is done.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Due {
    at: i64,
    action: Action,
    /// Shorter ones first: what they leave is in time for the longer.
    span: Span,
    version: String,
    window: i64,
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
        fleet: Fleet<'_>,
        outputs: &mut Outputs<'_>,
    ) {
        for Due { action, span, version, window, .. } in self.due(watermark) {
            match action {
                Action::Emit => emit_window(self, &version, (span, window), fleet, outputs),
                Action::Expire => {
                    if let Some(version) = self.versions.get_mut(&version) {
                        version.windows.expire(span, window);
                    }
                }
                Action::Silence => {
                    let limit = Settings::micros(fleet.settings.silence_secs);
                    let Self { silence, identity, current, .. } = self;
                    let limit = fleet.quiet.silence_max(identity, silence.last(), limit);
                    let version = current.as_deref().unwrap_or_default();
                    silence.look(watermark, limit, identity, version, outputs);
                }
            }
        }
    }

    fn due(&self, watermark: i64) -> Vec<Due> {
        let mut all = Vec::new();
        for (name, version) in &self.versions {
            all.extend(version.windows.due(watermark).map(|(at, action, span, window)| Due {
                at,
                action,
                span,
                version: name.clone(),
                window,
            }));
        }
        let silence = self.silence.next_due().filter(|at| *at <= watermark);
        all.extend(silence.map(|at| Due {
            at,
            action: Action::Silence,
            span: Span::Minutes,
            version: String::new(),
            window: 0,
        }));
        all.sort();
        all
    }
}
