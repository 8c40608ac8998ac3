//! The columns that the computation reads. Other columns have no influence on the outputs.

use event::{ColumnId, column};

const READ: &[ColumnId] = &[
    column::AGENT_ID.id(),
    column::AGENT_VERSION.id(),
    column::approval::OUTCOME.id(),
    column::approval::TIME_TO_DECISION_MS.id(),
    column::ENVIRONMENT.id(),
    column::eval::PASSED.id(),
    column::eval::SCORE.id(),
    column::eval::SUITE.id(),
    column::EVENT_ID.id(),
    column::EVENT_TIME.id(),
    column::KIND.id(),
    column::monitor::ACTS.id(),
    column::monitor::ADMITTED_FROM.id(),
    column::monitor::ADMITTED_NEXT.id(),
    column::monitor::ADMITTED_OF.id(),
    column::monitor::DETECTORS.id(),
    column::monitor::EPOCH.id(),
    column::monitor::GOVERNANCE.id(),
    column::monitor::HISTORY.id(),
    column::monitor::ID.id(),
    column::monitor::IDLE.id(),
    column::monitor::METRICS.id(),
    column::monitor::NEXT_OFFSET.id(),
    column::monitor::OWNER.id(),
    column::monitor::READ_UNTIL.id(),
    column::monitor::SEQUENCE.id(),
    column::monitor::SETTINGS.id(),
    column::monitor::SIGNATURE.id(),
    column::monitor::SIGNED_BY.id(),
    column::run::COST_USD.id(),
    column::run::DURATION_MS.id(),
    column::RUN_ID.id(),
    column::run::INPUT_TOKENS.id(),
    column::run::OUTPUT_CHARS.id(),
    column::run::OUTPUT_TOKENS.id(),
    column::run::REFUSED.id(),
    column::run::STATUS.id(),
    column::run::STEPS.id(),
    column::TENANT_ID.id(),
    column::tool::DURATION_MS.id(),
    column::tool::NAME.id(),
    column::tool::STATUS.id(),
    column::VERSION_DIGEST.id(),
];

/// Whether the computation itself reads a column; suites may read others.
pub(crate) fn reads(column: ColumnId) -> bool {
    READ.contains(&column)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_listed_is_not_read() {
        assert!(reads(column::run::STATUS.id()) && reads(column::TENANT_ID.id()));
        assert!(!reads(column::ATTRIBUTES.id()));
    }
}
