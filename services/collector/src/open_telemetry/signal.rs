//! The three signals of OTLP.

use std::ops::ControlFlow;

use event::Event;
use otlp::{
    Encoding, ExportLogsPartialSuccess, ExportLogsServiceRequest, ExportLogsServiceResponse,
    ExportMetricsServiceRequest, ExportMetricsServiceResponse, ExportTracePartialSuccess,
    ExportTraceServiceRequest, ExportTraceServiceResponse, MessageError,
};
use serde::Serialize;

use crate::receiver::{OfRequest, Receiver};

/// A request of one of the three signals.
pub(super) trait Signal: Sized + Send + 'static {
    /// The answer to it.
    type Answer: prost::Message + Serialize + Default;
    /// Its name in metrics.
    const NAME: &'static str;

    fn read(body: &[u8], encoding: Encoding) -> Result<Self, MessageError>;

    /// Number of its spans, records or data points.
    fn items(&self) -> usize;

    /// Calls `each` with its events, until it breaks off.
    fn events<'r>(
        &'r self,
        receiver: &Receiver,
        missed: &mut OfRequest<'r>,
        each: &mut dyn FnMut(Event<'_>) -> ControlFlow<()>,
    );

    /// The answer where something is to be said.
    fn answer(rejected: i64, message: String) -> Self::Answer;
}

impl Signal for ExportTraceServiceRequest {
    type Answer = ExportTraceServiceResponse;
    const NAME: &'static str = "traces";

    fn read(body: &[u8], encoding: Encoding) -> Result<Self, MessageError> {
        otlp::traces(body, encoding)
    }

    fn items(&self) -> usize {
        let scopes = self.resource_spans.iter().flat_map(|resource| &resource.scope_spans);
        scopes.map(|scope| scope.spans.len()).sum()
    }

    fn events<'r>(
        &'r self,
        receiver: &Receiver,
        missed: &mut OfRequest<'r>,
        each: &mut dyn FnMut(Event<'_>) -> ControlFlow<()>,
    ) {
        receiver.mapper.spans(self, each, &mut |one| missed.add(one));
    }

    fn answer(rejected_spans: i64, error_message: String) -> Self::Answer {
        let partial_success = Some(ExportTracePartialSuccess { rejected_spans, error_message });
        ExportTraceServiceResponse { partial_success }
    }
}

impl Signal for ExportLogsServiceRequest {
    type Answer = ExportLogsServiceResponse;
    const NAME: &'static str = "logs";

    fn read(body: &[u8], encoding: Encoding) -> Result<Self, MessageError> {
        otlp::logs(body, encoding)
    }

    fn items(&self) -> usize {
        let scopes = self.resource_logs.iter().flat_map(|resource| &resource.scope_logs);
        scopes.map(|scope| scope.log_records.len()).sum()
    }

    fn events<'r>(
        &'r self,
        receiver: &Receiver,
        missed: &mut OfRequest<'r>,
        each: &mut dyn FnMut(Event<'_>) -> ControlFlow<()>,
    ) {
        receiver.mapper.logs(self, each, &mut |one| missed.add(one));
    }

    fn answer(rejected_log_records: i64, error_message: String) -> Self::Answer {
        let partial_success =
            Some(ExportLogsPartialSuccess { rejected_log_records, error_message });
        ExportLogsServiceResponse { partial_success }
    }
}

impl Signal for ExportMetricsServiceRequest {
    type Answer = ExportMetricsServiceResponse;
    const NAME: &'static str = "metrics";

    fn read(body: &[u8], encoding: Encoding) -> Result<Self, MessageError> {
        otlp::metrics(body, encoding)
    }

    fn items(&self) -> usize {
        let scopes = self.resource_metrics.iter().flat_map(|resource| &resource.scope_metrics);
        scopes.map(|scope| scope.metrics.len()).sum()
    }

    /// None: Driftseal computes its own metrics from spans.
    fn events<'r>(
        &'r self,
        _: &Receiver,
        _: &mut OfRequest<'r>,
        _: &mut dyn FnMut(Event<'_>) -> ControlFlow<()>,
    ) {
    }

    fn answer(_: i64, _: String) -> Self::Answer {
        ExportMetricsServiceResponse::default()
    }
}

/// The answer to a request that was taken: empty if there is nothing to say.
pub(super) fn success<S: Signal>(rejected: i64, message: String) -> S::Answer {
    if rejected == 0 && message.is_empty() {
        S::Answer::default()
    } else {
        S::answer(rejected, message)
    }
}
