//! Bodies of `POST /v1/events`: the first byte chooses content type and compression.

use collector::Config;

pub(crate) fn run(data: &[u8]) -> bool {
    let Some((choice, body)) = data.split_first() else { return false };
    let content_type = if choice & 1 == 0 { "application/json" } else { "application/x-ndjson" };
    let config = Config::default();
    let Some((accepted, rejected)) =
        collector::dry_run(&config, content_type, choice & 2 != 0, body)
    else {
        return false;
    };
    assert!(accepted + rejected > 0);
    accepted > 0
}
