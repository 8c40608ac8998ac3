//! Requests of OTLP: the first byte chooses signal and encoding. What is read becomes events, with an
//! identifier, an agent and attributes in order.

use std::ops::ControlFlow;

use event::{Event, column};
use otlp::{Encoding, Mapper};

thread_local! {
    static MAPPER: Option<Mapper> = Mapper::new().ok();
}

pub(crate) fn run(data: &[u8]) -> bool {
    let Some((choice, body)) = data.split_first() else { return false };
    let encoding = if choice & 1 == 0 { Encoding::Json } else { Encoding::Protobuf };
    MAPPER.with(|mapper| {
        let Some(mapper) = mapper else { unreachable!("the documents that ship are valid") };
        match choice >> 1 & 3 {
        0 | 3 => otlp::traces(body, encoding)
            .map(|request| mapper.spans(&request, &mut |event| check(&event), &mut |_| {}))
            .is_ok(),
        1 => otlp::logs(body, encoding)
            .map(|request| mapper.logs(&request, &mut |event| check(&event), &mut |_| {}))
            .is_ok(),
        _ => otlp::metrics(body, encoding).is_ok(),
    }})
}

fn check(event: &Event<'_>) -> ControlFlow<()> {
    for column in [column::EVENT_ID, column::KIND, column::AGENT_ID, column::AGENT_VERSION] {
        assert!(event.text(column).is_some_and(|text| !text.is_empty()));
    }
    assert!(event.cells().is_sorted_by(|(one, _), (other, _)| one < other));
    let attributes = event.map(column::ATTRIBUTES);
    assert!(attributes.is_sorted_by(|(one, _), (other, _)| one < other));
    ControlFlow::Continue(())
}
