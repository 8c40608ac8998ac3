-- One view per question, over the view `events` (`driftseal segments ARCHIVE --views`).
-- Plain SQL: DuckDB reads it as it stands.

-- How runs ended, what they took and cost.
CREATE OR REPLACE VIEW runs AS
SELECT agent_id, agent_version, environment, run_id, event_time, kind, run.status AS status,
       run.duration_ms AS duration_ms, run.input_tokens AS input_tokens,
       run.output_tokens AS output_tokens, run.cost_usd AS cost_usd
FROM events
WHERE kind LIKE 'run.%';

-- Which tools were called, and how that ended.
CREATE OR REPLACE VIEW tool_calls AS
SELECT agent_id, agent_version, run_id, event_time, kind, tool.name AS tool, tool.status AS status,
       tool.duration_ms AS duration_ms
FROM events
WHERE kind LIKE 'tool.%';

-- What evaluations found.
CREATE OR REPLACE VIEW evals AS
SELECT agent_id, agent_version, run_id, event_time, eval.suite AS suite, eval.passed AS passed,
       eval.score AS score
FROM events
WHERE kind = 'eval.result';

-- Windows of metrics, as the monitor computed them.
CREATE OR REPLACE VIEW metrics AS
SELECT agent_id, agent_version, metric.name AS name, metric.window_start AS window_start,
       metric.window_end AS window_end, metric.count AS count, metric.value AS value
FROM events
WHERE kind = 'metric.window';

-- Each step of each alert.
CREATE OR REPLACE VIEW alerts AS
SELECT agent_id, agent_version, event_time, kafka_timestamp, kind, drift.alert_id AS alert_id,
       drift.metric AS metric, drift.severity AS severity
FROM events
WHERE kind LIKE 'drift.alert.%';

-- Each alert that fired, with the times that people and receivers are told: `since` is when the change is
-- estimated to have begun; the others are the broker's. One that fired under a suppression and outlasted it
-- fired when the suppression ended. Whatever agents say of alerts is left out, by its topic; signatures are
-- not checked here, as lists and receivers do.
CREATE OR REPLACE VIEW alert_times AS
SELECT drift.alert_id AS alert_id, max(agent_id) AS agent_id, max(drift.metric) AS metric,
       max(drift.since_time) FILTER (WHERE kind IN ('drift.alert.firing', 'monitor.dead')) AS since,
       coalesce(
           min(kafka_timestamp) FILTER (WHERE kind IN ('drift.alert.firing', 'monitor.dead')
                                          AND drift.suppressed_by IS NULL),
           max(kafka_timestamp) FILTER (WHERE kind IN ('drift.alert.firing', 'monitor.dead'))
       ) AS fired_at,
       min(kafka_timestamp) FILTER (WHERE kind = 'drift.alert.acknowledged') AS acknowledged_at,
       min(kafka_timestamp) FILTER (WHERE kind IN ('drift.alert.resolved', 'drift.alert.dismissed',
                                                   'monitor.recovered')) AS ended_at,
       max(drift.last_change_id) AS last_change_id
FROM events
WHERE drift.alert_id IS NOT NULL AND (kind LIKE 'drift.alert.%' OR kind LIKE 'monitor.%')
      AND (kafka_topic LIKE '%driftseal.alerts' OR kafka_topic LIKE '%driftseal.governance')
GROUP BY drift.alert_id
HAVING fired_at IS NOT NULL;

-- Records that did not decode, and why.
CREATE OR REPLACE VIEW quarantined AS
SELECT kafka_topic, kafka_partition, kafka_offset, kafka_timestamp, quarantine.reason AS reason,
       quarantine.detail AS detail
FROM events
WHERE kind = 'quarantine.added';
