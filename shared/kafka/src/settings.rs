//! Settings and identities of topics.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ports::LogError;
use ports::settings::TopicSettings;
use rdkafka::admin::{AdminClient, AdminOptions, ResourceSpecifier};

use crate::blocking::wait_for;
use crate::context::QuietContext;
use crate::options::Options;
use crate::outcome::outcome;

/// Reads the settings of a topic that exists; `None` if the brokers do not show them to us.
pub(crate) fn read(
    options: &Options,
    admin: &AdminClient<QuietContext>,
    topic: &str,
) -> Result<Option<TopicSettings>, LogError> {
    let admin_options = AdminOptions::new().request_timeout(Some(options.request_wait));
    let asked = [ResourceSpecifier::Topic(topic)];
    let answers = wait_for(admin.describe_configs(&asked, &admin_options))
        .map_err(|error| outcome(&error, topic))?;
    let mut values = BTreeMap::new();
    for entry in answers.into_iter().flatten().flat_map(|answer| answer.entries) {
        if let Some(value) = entry.value {
            values.insert(entry.name, value);
        }
    }
    // The client library does not pass on why a topic has no entry; it does exist.
    Ok((!values.is_empty()).then(|| TopicSettings {
        values,
        sent_bytes_max: options.batch_bytes_max(),
        record_bytes_max: options.record_bytes_max,
    }))
}

/// A topic id as Kafka's tools print it: base 64 for URLs, without padding.
pub(crate) fn id_text(id: u128) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(id.to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_printed_as_by_kafka() {
        assert_eq!(id_text(0), "AAAAAAAAAAAAAAAAAAAAAA");
        assert_eq!(id_text(u128::MAX), "_____________________w");
        // The bytes 0 to 15.
        assert_eq!(id_text(0x0001_0203_0405_0607_0809_0a0b_0c0d_0e0f), "AAECAwQFBgcICQoLDA0ODw");
    }
}
