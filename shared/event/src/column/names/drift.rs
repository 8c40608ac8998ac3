//! A baseline, a request about baselines, a step in the life of an alert, a canary, an unannounced version, or a suppression that mutes matching alerts for a time.
// Generated from schemas/events by `make bless`; do not edit.

use crate::typed::{Float, Int, Text, Texts, Time, TypedColumn, column};

/// Identifier of the episode.
pub const ALERT_ID: TypedColumn<Text> = column("drift.alert_id");
/// Observations of the baseline.
pub const BASELINE_COUNT: TypedColumn<Int> = column("drift.baseline_count");
/// Kind of baseline: previous (the version before), pinned (a snapshot that stays), or rolling (the same hour of the week before).
pub const BASELINE_KIND: TypedColumn<Text> = column("drift.baseline_kind");
/// Mean of the baseline; of sizes its median; of a canary that of the control meanwhile.
pub const BASELINE_VALUE: TypedColumn<Float> = column("drift.baseline_value");
/// Version compared with.
pub const BASELINE_VERSION: TypedColumn<Text> = column("drift.baseline_version");
/// Mean that the null hypothesis allows: baseline plus tolerance; of sizes, mean rank among the baseline's.
pub const BOUND: TypedColumn<Float> = column("drift.bound");
/// Of a mix, the category whose share changed most, such as a tool.
pub const CATEGORY: TypedColumn<Text> = column("drift.category");
/// Its share since the estimated change.
pub const CATEGORY_AFTER: TypedColumn<Float> = column("drift.category_after");
/// Its share in the baseline; nothing where the baseline counts it among others.
pub const CATEGORY_BEFORE: TypedColumn<Float> = column("drift.category_before");
/// Detector.
pub const DETECTOR: TypedColumn<Text> = column("drift.detector");
/// rising or falling; both of a baseline that is watched for both, and of a mix.
pub const DIRECTION: TypedColumn<Text> = column("drift.direction");
/// Value of the e-detector, or of the canary's test.
pub const E_VALUE: TypedColumn<Float> = column("drift.e_value");
/// observed minus baseline_value, in effect_unit; of a mix its distance from the baseline's; of a canary the mean of the pairs.
pub const EFFECT: TypedColumn<Float> = column("drift.effect");
/// Upper 95 % bound of the effect; of a canary that of its confidence sequence.
pub const EFFECT_HIGH: TypedColumn<Float> = column("drift.effect_high");
/// Lower 95 % bound of the effect; of a canary that of its confidence sequence, which holds at all times at once with probability 1 - 1/threshold.
pub const EFFECT_LOW: TypedColumn<Float> = column("drift.effect_low");
/// difference; relative: as a share of baseline_value; jensen_shannon: the distance, to the base 2; cliffs_delta: how much likelier a value is larger than one of the baseline than smaller, -1 to 1.
pub const EFFECT_UNIT: TypedColumn<Text> = column("drift.effect_unit");
/// Runs that show it.
pub const EXAMPLE_RUNS: TypedColumn<Texts> = column("drift.example_runs");
/// When a suppression begins, by the broker's clock; at its own record if it does not say.
pub const FROM: TypedColumn<Time> = column("drift.from");
/// Jensen-Shannon distance between them, to the base 2.
pub const JENSEN_SHANNON: TypedColumn<Float> = column("drift.jensen_shannon");
/// Kolmogorov-Smirnov distance between them.
pub const KOLMOGOROV_SMIRNOV: TypedColumn<Float> = column("drift.kolmogorov_smirnov");
/// Last change of the agent, described in one line.
pub const LAST_CHANGE: TypedColumn<Text> = column("drift.last_change");
/// event_id of the last change of the agent.
pub const LAST_CHANGE_ID: TypedColumn<Text> = column("drift.last_change_id");
/// Metric; of a suppression, the only one it is about.
pub const METRIC: TypedColumn<Text> = column("drift.metric");
/// Observations of the current version.
pub const OBSERVATIONS: TypedColumn<Int> = column("drift.observations");
/// Mean since the estimated change; of sizes the median.
pub const OBSERVED: TypedColumn<Float> = column("drift.observed");
/// How a canary ended: promoted, rolled_back, superseded or forgotten.
pub const OUTCOME: TypedColumn<Text> = column("drift.outcome");
/// Pairs of canary and control that were compared.
pub const PAIRS: TypedColumn<Int> = column("drift.pairs");
/// Population stability index between the baseline and what was observed since the estimated change.
pub const PSI: TypedColumn<Float> = column("drift.psi");
/// Why it was acknowledged, dismissed, pinned, unpinned, suppressed, resolved or refused.
pub const REASON: TypedColumn<Text> = column("drift.reason");
/// What to do.
pub const RUNBOOK_URL: TypedColumn<Text> = column("drift.runbook_url");
/// page or ticket; of a suppression, the only one it is about.
pub const SEVERITY: TypedColumn<Text> = column("drift.severity");
/// Observations since the estimated change.
pub const SINCE_OBSERVATIONS: TypedColumn<Int> = column("drift.since_observations");
/// Offset of that observation.
pub const SINCE_OFFSET: TypedColumn<Int> = column("drift.since_offset");
/// Event time of the first observation after the estimated change; of a canary its start.
pub const SINCE_TIME: TypedColumn<Time> = column("drift.since_time");
/// Suite, for evaluation metrics; of a suppression, the only one it is about.
pub const SUITE: TypedColumn<Text> = column("drift.suite");
/// Suppression under which the alert began and because of which nobody is told of it.
pub const SUPPRESSED_BY: TypedColumn<Text> = column("drift.suppressed_by");
/// Suppression: the event_id of its drift.suppression.started.
pub const SUPPRESSION_ID: TypedColumn<Text> = column("drift.suppression_id");
/// Average run length to a false alarm that is guaranteed; of a canary one over the probability of a false alarm. The alert fires when e_value reaches it.
pub const THRESHOLD: TypedColumn<Float> = column("drift.threshold");
/// Share of traffic that the canary was announced with.
pub const TRAFFIC_SHARE: TypedColumn<Float> = column("drift.traffic_share");
/// When a suppression ends at the latest, by the broker's clock; at most 30 days ahead.
pub const UNTIL: TypedColumn<Time> = column("drift.until");
/// Wasserstein distance between them, in the unit of the metric.
pub const WASSERSTEIN: TypedColumn<Float> = column("drift.wasserstein");
