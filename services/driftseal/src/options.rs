//! Options of commands, by the field of a request that they fill.

use event::column;

/// Fields of requests that are no columns, and those of the envelope.
const FIELDS: [(&str, &str); 20] = [
    ("agent_id", "--agent"),
    ("agent_version", "--agent-version"),
    ("alert_id", "ALERT_ID"),
    ("all_agents", "--all-agents"),
    ("by", "--by"),
    ("digest", "DIGEST"),
    ("document", "FILE"),
    ("ended_at", "--at"),
    ("environment", "--environment"),
    ("event_id", "--idempotency-key"),
    ("for_secs", "--for"),
    ("from", "--from"),
    ("maintenance_id", "MAINTENANCE_ID"),
    ("metric", "--metric"),
    ("reason", "--reason"),
    ("severity", "--severity"),
    ("suite", "--suite"),
    ("suppression_id", "SUPPRESSION_ID"),
    ("tenant_id", "--tenant"),
    ("until", "--until"),
];

/// The option that fills a field.
pub(crate) fn option_of(field: &str) -> Option<&'static str> {
    let columns = [
        (column::agent::TO_VERSION.id(), "--to"),
        (column::agent::TRAFFIC_SHARE.id(), "--share"),
        (column::agent::RISK_TIER.id(), "--risk-tier"),
        (column::change::ID.id(), "CHANGE_ID"),
        (column::change::TYPE.id(), "--type"),
        (column::change::TO_DIGEST.id(), "--to-digest"),
        (column::corpus::ID.id(), "CORPUS_ID"),
        (column::corpus::DIGEST.id(), "--path"),
        (column::incident::ID.id(), "INCIDENT_ID"),
        (column::incident::SEVERITY.id(), "--severity"),
        (column::incident::SOURCE.id(), "--source"),
        (column::policy::ID.id(), "ID@VERSION"),
        (column::policy::VERSION.id(), "ID@VERSION"),
        (column::policy::DIGEST.id(), "--file"),
        (column::policy::PERSON.id(), "--person"),
        (column::risk::ID.id(), "RISK_ID"),
        (column::risk::LIKELIHOOD.id(), "--likelihood"),
        (column::risk::IMPACT.id(), "--impact"),
        (column::risk::TREATMENT.id(), "--treatment"),
    ];
    let of_columns = columns.into_iter().map(|(id, option)| (id.path(), option));
    FIELDS
        .into_iter()
        .chain(of_columns)
        .find(|(known, _)| *known == field)
        .map(|(_, option)| option)
}
