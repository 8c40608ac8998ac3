//! Admissions: acts that an owner puts in force in its partition.

use event::{Event, EventBuilder, column};
use merkle::hash::{from_hex, to_hex};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use thiserror::Error;

use crate::content::ContentDigest;
use crate::effect::{Effect, EffectError};
use crate::refusal::Refusal;

/// Why an event is no admission.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AdmissionError {
    /// A column that is missing.
    #[error("`{0}` is missing")]
    Missing(&'static str),
    /// The range is empty or negative.
    #[error("the range from {from} to {next} is none")]
    Range {
        /// Its beginning.
        from: i64,
        /// Its end.
        next: i64,
    },
    /// An act that is not one.
    #[error("act {number}: {error}")]
    Act {
        /// Its number, from 0.
        number: usize,
        /// What is wrong with it.
        error: EffectError,
    },
    /// Acts that do not ascend, or lie outside the range.
    #[error("the acts do not ascend within the range")]
    Order,
}

/// An act that is admitted.
#[derive(Debug, Clone, PartialEq)]
pub struct Admitted {
    /// Its offset in the governance topic.
    pub offset: i64,
    /// Digest of its content.
    pub digest: ContentDigest,
    /// What has an effect.
    pub effect: Effect,
}

/// The acts of a range of the governance topic that are in scope of a partition.
#[derive(Debug, Clone, PartialEq)]
pub struct Admission {
    /// Topic id of the governance topic.
    pub governance: String,
    /// First offset that is covered.
    pub from: i64,
    /// First offset that is not covered any more.
    pub next: i64,
    /// End of the prefix whose fold the acts are of; at least `next`.
    pub of: i64,
    /// The acts, in governance order.
    pub acts: Vec<Admitted>,
}

impl Admission {
    /// Sets the columns of a `monitor.admitted`.
    #[must_use]
    pub fn write(&self, builder: EventBuilder) -> EventBuilder {
        let acts: Vec<String> = self.acts.iter().map(Admitted::to_text).collect();
        builder
            .set(column::monitor::GOVERNANCE, self.governance.as_str())
            .set(column::monitor::ADMITTED_FROM, self.from)
            .set(column::monitor::ADMITTED_NEXT, self.next)
            .set(column::monitor::ADMITTED_OF, self.of)
            .set(column::monitor::ACTS, acts)
    }

    /// Reads the columns of a `monitor.admitted`; foreign.
    ///
    /// # Errors
    ///
    /// See [`AdmissionError`].
    pub fn read(event: &Event<'_>) -> Result<Self, AdmissionError> {
        let missing = |path| AdmissionError::Missing(path);
        let governance = column::monitor::GOVERNANCE;
        let governance = event.text(governance).ok_or_else(|| missing(governance.path()))?;
        let governance = governance.to_owned();
        let int = |column: event::TypedColumn<event::typed::Int>| {
            event.int(column).ok_or_else(|| missing(column.path()))
        };
        let (from, next) =
            (int(column::monitor::ADMITTED_FROM)?, int(column::monitor::ADMITTED_NEXT)?);
        let of = int(column::monitor::ADMITTED_OF)?;
        if from < 0 || next <= from || of < next {
            return Err(AdmissionError::Range { from, next });
        }
        let mut acts: Vec<Admitted> = Vec::new();
        for (number, text) in event.texts(column::monitor::ACTS).iter().enumerate() {
            let act =
                Admitted::parse(text).map_err(|error| AdmissionError::Act { number, error })?;
            let least = acts.last().map_or(from, |before| before.offset.saturating_add(1));
            if !(least..next).contains(&act.offset) {
                return Err(AdmissionError::Order);
            }
            acts.push(act);
        }
        Ok(Self { governance, from, next, of, acts })
    }
}

impl Admitted {
    fn to_text(&self) -> String {
        json!({
            "offset": self.offset,
            "digest": to_hex(&self.digest),
            "fields": self.effect.to_json(),
        })
        .to_string()
    }

    fn parse(text: &str) -> Result<Self, EffectError> {
        let object: Map<String, Value> =
            serde_json::from_str(text).map_err(|_| EffectError::Form)?;
        let member = |name: &str| object.get(name).ok_or(EffectError::Form);
        let offset = member("offset")?.as_i64().ok_or(EffectError::Form)?;
        let digest = member("digest")?.as_str().and_then(from_hex).ok_or(EffectError::Form)?;
        let fields = member("fields")?.as_object().ok_or(EffectError::Form)?;
        if object.len() != 3 {
            return Err(EffectError::Form);
        }
        Ok(Self { offset, digest, effect: Effect::from_json(fields)? })
    }
}

/// How far the governance topic is admitted into a partition.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Frontier {
    at: Option<(String, i64)>,
}

impl Frontier {
    /// First offset of the governance topic that is not admitted.
    #[must_use]
    pub fn next(&self) -> i64 {
        self.at.as_ref().map_or(0, |(_, next)| *next)
    }

    /// Topic id of the governance topic, once something is admitted.
    #[must_use]
    pub fn governance(&self) -> Option<&str> {
        self.at.as_ref().map(|(governance, _)| governance.as_str())
    }

    /// Takes an admission that the owner wrote. Returns the acts that take effect, in order. One that
    /// begins before the frontier was made from an older state, and does nothing: what it leaves
    /// out may be needed now.
    ///
    /// # Errors
    ///
    /// `Admission`: it is of another governance topic, or would skip acts; the state is unchanged.
    pub fn admit(&mut self, admission: Admission) -> Result<Vec<Admitted>, Refusal> {
        let Admission { governance, from, next, acts, of: _ } = admission;
        let before = self.next();
        let is_other = self.governance().is_some_and(|known| known != governance);
        if is_other || from > before {
            return Err(Refusal::Admission);
        }
        if from < before {
            return Ok(Vec::new());
        }
        self.at = Some((governance, next));
        Ok(acts)
    }
}
