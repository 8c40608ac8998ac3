//! Admissions: the acts that the owner of the partition puts in force, and what each does.

use event::{Event, Timestamp, column};
use governance::{Admission, Frontier, Refusal};

use super::acts::Decided;
use super::machine::Processor;
use super::refused::RefusedSuite;
use crate::kind::{Kind, Request};
use crate::output::Outputs;

impl Processor {
    /// How far the governance topic is admitted at [`Self::next_offset`].
    #[must_use]
    pub const fn frontier(&self) -> &Frontier {
        &self.state.frontier
    }

    /// Takes an admission of the owner: its acts take effect, in their order. Returns whether it was
    /// one that may be here.
    pub(super) fn admit(
        &mut self,
        event: &Event<'_>,
        (offset, broker): (i64, Option<i64>),
        outputs: &mut Outputs<'_>,
    ) -> bool {
        let Ok(admission) = Admission::read(event) else {
            self.state.forged.count(offset, Refusal::Admission, false);
            return false;
        };
        // A state that began late meets admissions that continue those before its beginning.
        let began_late = self.state.frontier.governance().is_none() && admission.from > 0;
        let acts = match self.state.frontier.admit(admission) {
            Ok(acts) => acts,
            Err(refusal) => {
                self.state.forged.count(offset, refusal, began_late);
                return false;
            }
        };
        for act in acts {
            self.put_act_in_force(act.effect.event(), (offset, broker), outputs);
        }
        true
    }

    fn put_act_in_force(
        &mut self,
        act: &Event<'_>,
        (offset, broker): (i64, Option<i64>),
        outputs: &mut Outputs<'_>,
    ) {
        let state = &self.state;
        let time = act.time(column::EVENT_TIME).map_or_else(|| outputs.time(), Timestamp::micros);
        let placed = state.watermark.place(time, broker, &state.common.settings);
        outputs.set_time(placed.micros);
        match Kind::of(act) {
            Kind::Suite => self.publish(act, offset),
            Kind::Mute(request) => self.mute(request, act, outputs),
            kind @ (Kind::Change
            | Kind::Deployed
            | Kind::RolledBack
            | Kind::Pinned
            | Kind::Unpinned) => {
                if let Some(id) = act.text(column::AGENT_ID) {
                    let key = self.key_of(act, id);
                    self.decide(Decided { offset, event: act, kind, key }, outputs);
                } else {
                    self.state.counters.unattributed += 1;
                }
            }
            Kind::Run
            | Kind::Tool
            | Kind::ToolBlocked
            | Kind::Approval
            | Kind::Eval
            | Kind::Tick
            | Kind::Configured
            | Kind::Started
            | Kind::Admitted
            | Kind::Schemas
            | Kind::Other => unreachable!("an act with an effect is of no such kind: {act:?}"),
        }
        let bytes_max = self.state.common.settings.state_bytes_max;
        self.state.agents.tidy(bytes_max);
    }

    fn publish(&mut self, act: &Event<'_>, offset: i64) {
        let document = act.text(column::eval::DOCUMENT).unwrap_or_default();
        if let Err(error) = self.state.suites.publish(document, offset) {
            self.state.counters.suites_refused += 1;
            let suite = act.text(column::eval::SUITE).unwrap_or_default().to_owned();
            self.refused_suites.add(RefusedSuite { suite, why: error.to_string() });
        }
    }

    /// The suites that were refused since the last call, for whoever operates the monitor: the first
    /// few. They are no part of the state.
    pub fn take_refused_suites(&mut self) -> Vec<RefusedSuite> {
        self.refused_suites.take()
    }

    /// Handles a request for a suppression or maintenance window, or for its end.
    fn mute(&mut self, request: Request, act: &Event<'_>, outputs: &mut Outputs<'_>) {
        let refused = self.state.common.mutes.handle(request, act, outputs);
        self.state.counters.mutes_refused += u64::from(refused);
    }
}
