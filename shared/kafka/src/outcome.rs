//! Maps librdkafka's errors to those of the port, in one place.

use ports::LogError;
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

/// The port's error for one of librdkafka that concerns `subject` (a topic, partition or step).
pub(crate) fn outcome(error: &KafkaError, subject: &str) -> LogError {
    if let KafkaError::MessageConsumptionFatal(code) = error {
        return LogError::Fatal(format!("Kafka: {code}"));
    }
    match error.rdkafka_error_code() {
        Some(code) => code_outcome(code, subject),
        None => LogError::Unavailable(format!("Kafka: {error}")),
    }
}

pub(crate) fn code_outcome(code: Code, subject: &str) -> LogError {
    if is_unknown(code) {
        LogError::UnknownPartition(subject.to_owned())
    } else if is_fatal(code) {
        LogError::Fatal(format!("Kafka: {code} ({subject})"))
    } else {
        LogError::Unavailable(format!("Kafka: {code} ({subject})"))
    }
}

/// The same for an operation on a topic, as ACLs call it.
pub(crate) fn topic_outcome(code: Code, operation: &str, topic: &str) -> LogError {
    if matches!(code, Code::TopicAuthorizationFailed | Code::ClusterAuthorizationFailed) {
        return denied(operation, "topic", &[topic]);
    }
    code_outcome(code, topic)
}

/// The same for an error of librdkafka.
pub(crate) fn topic_error(error: &KafkaError, operation: &str, topic: &str) -> LogError {
    match error.rdkafka_error_code() {
        Some(code) => topic_outcome(code, operation, topic),
        None => outcome(error, topic),
    }
}

/// The brokers deny an operation on resources of a kind, `topic` or `group`.
pub(crate) fn denied(operation: &str, kind: &str, names: &[&str]) -> LogError {
    let named: Vec<String> = names.iter().map(|name| format!("{kind} `{name}`")).collect();
    LogError::Fatal(format!(
        "Kafka denies `{operation}` on {} to this client: an ACL is missing, which \
         `deploy/kafka/acls.sh` grants",
        named.join(", ")
    ))
}

/// The topic or partition does not exist.
pub(crate) const fn is_unknown(code: Code) -> bool {
    matches!(
        code,
        Code::UnknownTopic
            | Code::UnknownPartition
            | Code::UnknownTopicOrPartition
            | Code::InvalidTopic
    )
}

/// The offset is outside what the broker holds.
pub(crate) const fn is_out_of_range(code: Code) -> bool {
    matches!(code, Code::OffsetOutOfRange | Code::AutoOffsetReset)
}

/// Retrying does not help: the configuration, the permissions or the client itself are at fault.
const fn is_fatal(code: Code) -> bool {
    matches!(
        code,
        Code::Authentication
            | Code::ClusterAuthorizationFailed
            | Code::Fatal
            | Code::Fenced
            | Code::FencedInstanceId
            | Code::GroupAuthorizationFailed
            | Code::InvalidArgument
            | Code::InvalidConfig
            | Code::InvalidPartitions
            | Code::InvalidReplicationFactor
            | Code::PolicyViolation
            | Code::SaslAuthenticationFailed
            | Code::SSL
            | Code::TopicAuthorizationFailed
            | Code::UnsupportedSASLMechanism
            | Code::UnsupportedVersion
    )
}
