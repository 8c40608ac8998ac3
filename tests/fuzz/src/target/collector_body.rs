//! Bodies of `POST /v1/events`: the first byte chooses content type and compression, and whether the
//! first bytes of the body are a header of a CloudEvent too.

use collector::Config;

pub(crate) fn run(data: &[u8]) -> bool {
    let Some((choice, body)) = data.split_first() else { return false };
    let content_type = match choice >> 2 & 3 {
        1 => "application/cloudevents+json",
        2 => "application/cloudevents-batch+json",
        _ if choice & 1 == 0 => "application/json",
        _ => "application/x-ndjson",
    };
    let context = body.get(..16).filter(|_| choice & 16 != 0);
    let config = Config::default();
    let Some((accepted, rejected)) =
        collector::dry_run(&config, content_type, context, choice & 2 != 0, body)
    else {
        return false;
    };
    assert!(accepted + rejected > 0);
    accepted > 0
}
