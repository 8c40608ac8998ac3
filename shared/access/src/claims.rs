//! What a sender says about its own identity, and what holds instead.

use std::borrow::Cow;

use event::typed::Text;
use event::{Cell, Event, TypedColumn, column};

/// What a claim is kept under, as an attribute.
const CLAIMED: &str = "claimed.";

/// Evidence level of what a sender says about who acted.
const SELF_REPORTED: &str = "self_reported";
/// How somebody was authenticated of whom only a sender speaks.
const NONE: &str = "none";

/// Replaces what the sender wrote into fields that say how an identity was proved by what holds; what it
/// wrote is kept as an attribute, such as `claimed.actor.evidence_level`.
pub(crate) fn settle(event: &mut Event<'_>, authn: &'static str, credential: Option<&str>) {
    hold(event, column::actor::AUTHN, Some(Cow::Borrowed(authn)));
    hold(event, column::actor::EVIDENCE_LEVEL, Some(Cow::Borrowed(SELF_REPORTED)));
    hold(event, column::actor::CREDENTIAL, credential.map(|name| Cow::Owned(name.to_owned())));
    // An approver is somebody else than the sender, of whom nothing was proved.
    if event.get(column::approval::APPROVER_AUTHN).is_some() {
        hold(event, column::approval::APPROVER_AUTHN, Some(Cow::Borrowed(NONE)));
    }
}

fn hold(event: &mut Event<'_>, column: TypedColumn<Text>, holds: Option<Cow<'static, str>>) {
    let claimed = event.take(column);
    let differs = claimed.as_ref().and_then(Cell::as_text) != holds.as_deref();
    if let Some(Cell::Text(claimed)) = claimed
        && differs
    {
        keep(event, column.id().path(), claimed);
    }
    if let Some(holds) = holds {
        event.set(column, Cell::Text(holds));
    }
}

/// Keeps a claim beside whatever else has its name: nothing that a sender wrote is dropped.
fn keep<'e>(event: &mut Event<'e>, path: &str, claim: Cow<'e, str>) {
    let mut pairs = match event.take(column::ATTRIBUTES) {
        Some(Cell::Map(pairs)) => pairs,
        _ => Vec::new(),
    };
    let mut key = format!("{CLAIMED}{path}");
    loop {
        match pairs.binary_search_by(|(known, _)| known.as_ref().cmp(&key)) {
            Ok(_) => key.insert_str(0, CLAIMED),
            Err(at) => {
                pairs.insert(at, (Cow::Owned(key), claim));
                break;
            }
        }
    }
    event.set(column::ATTRIBUTES, Cell::Map(pairs));
}
