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
