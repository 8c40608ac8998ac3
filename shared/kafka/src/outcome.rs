//! From librdkafka's errors to outcomes that a caller acts on, in one place.

use ports::LogError;
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

/// The outcome for an error that concerns `subject` (a topic or partition).
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

/// The position is outside what the broker holds.
pub(crate) const fn is_out_of_range(code: Code) -> bool {
    matches!(code, Code::OffsetOutOfRange | Code::AutoOffsetReset)
}

/// Waiting will not help: the configuration, the rights or the client itself are wrong.
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
