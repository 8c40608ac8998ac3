//! What exporters of OpenTelemetry send, over HTTP and gRPC.

use collector::Config;
use event::{Event, column, kind};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::{Metric, ResourceMetrics, ScopeMetrics};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use prost::Message as _;
use sim::{Fault, Operation};
use tonic::Code;
use tonic::codec::CompressionEncoding;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::{Channel, Endpoint};
use tonic_prost::ProstCodec;
use tonic_types::StatusExt as _;

use crate::world::{RUN, World, agent, gzip, wait_until};

fn attribute(key: &str, value: &str) -> KeyValue {
    let value = AnyValue { value: Some(Value::StringValue(value.to_owned())) };
    KeyValue { key: key.to_owned(), value: Some(value), ..KeyValue::default() }
}

fn resource() -> Option<Resource> {
    let attributes = vec![attribute("service.name", "desk"), attribute("service.version", "7")];
    Some(Resource { attributes, ..Resource::default() })
}

/// The call of a tool, and the run around it, which failed.
fn request() -> ExportTraceServiceRequest {
    let span = |id: u8, parent: &[u8], attributes| Span {
        trace_id: vec![7; 16],
        span_id: vec![id; 8],
        parent_span_id: parent.to_vec(),
        name: "step".into(),
        start_time_unix_nano: 1_790_000_000_000_000_000,
        end_time_unix_nano: 1_790_000_000_250_000_000,
        attributes,
        ..Span::default()
    };
    let operation = |name| attribute("gen_ai.operation.name", name);
    let tool = vec![operation("execute_tool"), attribute("gen_ai.tool.name", "search")];
    let mut run = span(1, &[], vec![operation("invoke_agent"), attribute("mood", "fine")]);
    run.status = Some(Status { code: 2, message: "no".into() });
    of(vec![span(2, &[1; 8], tool), run])
}

fn of(spans: Vec<Span>) -> ExportTraceServiceRequest {
    let scope_spans = vec![ScopeSpans { spans, ..ScopeSpans::default() }];
    let of_resource =
        ResourceSpans { resource: resource(), scope_spans, ..ResourceSpans::default() };
    ExportTraceServiceRequest { resource_spans: vec![of_resource] }
}

/// Status, content type, `Retry-After` and body of an answer.
fn post(
    world: &World,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> (u16, String, Option<String>, Vec<u8>) {
    let mut request = agent().post(format!("http://{}{path}", world.address));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut response = request.send(body).unwrap();
    let header =
        |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    let (media, retry_after) = (header("content-type").unwrap_or_default(), header("retry-after"));
    let body = response.body_mut().read_to_vec().unwrap();
    (response.status().as_u16(), media, retry_after, body)
}

const PROTOBUF: (&str, &str) = ("content-type", "application/x-protobuf");
const JSON: (&str, &str) = ("content-type", "application/json");

fn check(event: &Event<'_>, expected_kind: &str, name: &str) {
    assert_eq!(event.text(column::KIND), Some(expected_kind));
    assert_eq!(event.text(column::AGENT_ID), Some("desk"));
    assert_eq!(event.text(column::AGENT_VERSION), Some("7"));
    assert_eq!(event.text(column::VERSION_RULE), Some("service.version"));
    assert_eq!(event.text(column::RUN_ID), Some(&*"07".repeat(16)));
    assert_eq!(event.text(column::TENANT_ID), Some("acme"));
    assert_eq!(event.time(column::EVENT_TIME).unwrap().micros(), 1_790_000_000_250_000);
    let attributes = event.map(column::ATTRIBUTES);
    let named = attributes.iter().any(|(key, text)| key == "otel.span.name" && text == name);
    assert!(named, "{attributes:?}");
}

#[test]
fn spans_arrive_alike_over_http_in_every_encoding_and_over_grpc() {
    let world = World::new(Config { tenant_id: "acme".into(), ..Config::default() });
    let (bytes, json) = (request().encode_to_vec(), serde_json::to_vec(&request()).unwrap());
    let packed = ("content-encoding", "gzip");
    for (path, headers, body) in [
        ("/v1/traces", vec![PROTOBUF], bytes.clone()),
        ("/v1/traces", vec![JSON], json.clone()),
        ("/v1/traces", vec![PROTOBUF, packed], gzip(&bytes)),
        ("/v1/traces", vec![JSON, packed], gzip(&json)),
        ("/api/public/otel/v1/traces", vec![PROTOBUF, packed], gzip(&bytes)),
    ] {
        let (status, media, _, answer) = post(&world, path, &headers, &body);
        assert_eq!((status, &*media), (200, headers[0].1), "{path} {headers:?}");
        if headers[0] == PROTOBUF {
            let answer = ExportTraceServiceResponse::decode(&*answer).unwrap();
            assert_eq!(answer.partial_success, None);
        }
    }
    runtime().block_on(async {
        for compression in [None, Some(CompressionEncoding::Gzip)] {
            let mut client = traces(&world).await;
            if let Some(compression) = compression {
                client = Traces(client.0.send_compressed(compression));
            }
            let answer = client.export(request()).await.unwrap().into_inner();
            assert_eq!(answer.partial_success, None);
        }
    });
    let published = world.published();
    assert_eq!(published.len(), 14);
    for pair in published.chunks(2) {
        let [(key, tool), (_, run)] = pair else { panic!("two events") };
        assert_eq!(key.as_deref(), Some(&b"desk"[..]));
        check(tool, kind::TOOL_COMPLETED, "step");
        assert_eq!(tool.text(column::tool::NAME), Some("search"));
        assert_eq!(tool.text(column::tool::STATUS), Some("ok"));
        assert_eq!(tool.number(column::tool::DURATION_MS), Some(250.0));
        assert_eq!(tool.text(column::PARENT_SPAN_ID), Some(&*"01".repeat(8)));
        check(run, kind::RUN_COMPLETED, "step");
        assert_eq!(run.text(column::run::STATUS), Some("error"));
        let mood = |(key, text): &(_, _)| key == "mood" && text == "fine";
        assert!(run.map(column::ATTRIBUTES).iter().any(mood));
        // Sent again it is the same event.
        assert_eq!(run.text(column::EVENT_ID), published[1].1.text(column::EVENT_ID));
    }
    let (status, page) = world.get("/v1/mappings");
    let page: serde_json::Value = serde_json::from_str(&page).unwrap();
    assert_eq!(status, 200);
    let unmapped = page["unmapped"].as_array().unwrap();
    let mood = unmapped.iter().find(|row| row["attribute"] == "mood").unwrap();
    assert_eq!((&mood["mapping"], &mood["count"]), (&"otel-genai".into(), &7.into()));
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// A client of the service of a signal.
struct Client {
    grpc: tonic::client::Grpc<Channel>,
    path: &'static str,
}

impl Client {
    fn send_compressed(self, encoding: CompressionEncoding) -> Self {
        Self { grpc: self.grpc.send_compressed(encoding), ..self }
    }

    async fn export<Q, A>(&mut self, request: Q) -> Result<tonic::Response<A>, tonic::Status>
    where
        Q: prost::Message + 'static,
        A: prost::Message + Default + 'static,
    {
        self.grpc.ready().await.unwrap();
        let path = PathAndQuery::from_static(self.path);
        self.grpc.unary(tonic::Request::new(request), path, ProstCodec::default()).await
    }
}

async fn client(world: &World, path: &'static str) -> Client {
    let endpoint = Endpoint::from_shared(format!("http://{}", world.grpc)).unwrap();
    Client { grpc: tonic::client::Grpc::new(endpoint.connect().await.unwrap()), path }
}

/// A client of spans, whose answers have one type.
struct Traces(Client);

impl Traces {
    async fn export(
        &mut self,
        request: ExportTraceServiceRequest,
    ) -> Result<tonic::Response<ExportTraceServiceResponse>, tonic::Status> {
        self.0.export(request).await
    }
}

const TRACES: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
const METRICS: &str = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";

async fn traces(world: &World) -> Traces {
    Traces(client(world, TRACES).await)
}

#[test]
fn evaluations_arrive_as_log_records_and_metrics_are_counted() {
    let world = World::new(Config { tenant_id: "acme".into(), ..Config::default() });
    let evaluation = LogRecord {
        time_unix_nano: 1_790_000_000_250_000_000,
        trace_id: vec![7; 16],
        span_id: vec![1; 8],
        event_name: "gen_ai.evaluation.result".into(),
        attributes: vec![
            attribute("gen_ai.evaluation.name", "polite"),
            attribute("gen_ai.evaluation.score.label", "Pass"),
        ],
        ..LogRecord::default()
    };
    let line = LogRecord {
        body: attribute("", "hello").value,
        severity_number: 13,
        ..LogRecord::default()
    };
    let scope_logs =
        vec![ScopeLogs { log_records: vec![evaluation, line], ..ScopeLogs::default() }];
    let resource_logs =
        vec![ResourceLogs { resource: resource(), scope_logs, ..ResourceLogs::default() }];
    let logs = ExportLogsServiceRequest { resource_logs };
    assert_eq!(post(&world, "/v1/logs", &[PROTOBUF], &logs.encode_to_vec()).0, 200);
    let scope_metrics =
        vec![ScopeMetrics { metrics: vec![Metric::default(); 3], ..ScopeMetrics::default() }];
    let resource_metrics = vec![ResourceMetrics { scope_metrics, ..ResourceMetrics::default() }];
    let metrics = ExportMetricsServiceRequest { resource_metrics };
    assert_eq!(post(&world, "/v1/metrics", &[PROTOBUF], &metrics.encode_to_vec()).0, 200);
    runtime().block_on(async {
        let other = client;
        let mut client = other(&world, METRICS).await;
        let answer: ExportMetricsServiceResponse =
            client.export(metrics).await.unwrap().into_inner();
        assert_eq!(answer.partial_success, None);
        let mut nobody = other(&world, "/nobody/Knows").await;
        let refused = nobody.export::<_, ExportMetricsServiceResponse>(request()).await;
        assert_eq!(refused.unwrap_err().code(), Code::Unimplemented);
    });
    let published = world.published();
    let [(_, evaluation), (_, line)] = &published[..] else { panic!("{}", published.len()) };
    assert_eq!(evaluation.text(column::KIND), Some(kind::EVAL_RESULT));
    assert_eq!(evaluation.text(column::eval::NAME), Some("polite"));
    assert_eq!(evaluation.bool(column::eval::PASSED), Some(true));
    assert_eq!(evaluation.text(column::SPAN_ID), Some(&*"01".repeat(8)));
    assert_eq!(line.text(column::KIND), Some(kind::TELEMETRY_LOG_WRITTEN));
    assert_eq!(line.text(column::telemetry::BODY), Some("hello"));
    assert_eq!(line.text(column::telemetry::SEVERITY), Some("WARN"));
}

#[test]
fn what_cannot_be_taken_is_said_in_a_partial_success() {
    let world = World::new(Config { event_bytes_max: 2_000, ..Config::default() });
    let mut request = request();
    let spans = &mut request.resource_spans[0].scope_spans[0].spans;
    spans[0].attributes.push(attribute("gen_ai.tool.call.result", &"x".repeat(3_000)));
    let (status, _, _, answer) = post(&world, "/v1/traces", &[PROTOBUF], &request.encode_to_vec());
    let partial = ExportTraceServiceResponse::decode(&*answer).unwrap().partial_success.unwrap();
    assert_eq!((status, partial.rejected_spans), (200, 1));
    assert!(partial.error_message.starts_with("0: too_large: "), "{}", partial.error_message);
    runtime().block_on(async {
        let answer = traces(&world).await.export(request).await.unwrap().into_inner();
        assert_eq!(answer.partial_success.unwrap(), partial);
    });
    assert_eq!(world.published().len(), 2);
}

#[test]
fn bodies_that_are_no_request_are_refused_for_good() {
    let world =
        World::new(Config { body_bytes_max: 10_000, body_events_max: 2, ..Config::default() });
    let bytes = request().encode_to_vec();
    let many = of(vec![Span::default(); 3]).encode_to_vec();
    let large = vec![b' '; 10_001];
    for (headers, body, status, said) in [
        (vec![PROTOBUF], &b"\xff\xff"[..], 400, "protobuf"),
        (vec![JSON], b"{\"resourceSpans\": 3}", 400, "JSON"),
        (vec![JSON], b"{", 400, "JSON"),
        (vec![("content-type", "text/plain")], b"", 415, "application/json"),
        (vec![PROTOBUF, ("content-encoding", "zstd")], &bytes, 415, "gzip"),
        (vec![PROTOBUF, ("content-encoding", "gzip")], &bytes, 400, "gzip"),
        (vec![PROTOBUF], &large, 413, "10000 bytes"),
        (vec![PROTOBUF], &many, 413, "2 events"),
    ] {
        let (found, _, retry_after, answer) = post(&world, "/v1/traces", &headers, body);
        let text = String::from_utf8_lossy(&answer);
        assert_eq!((found, retry_after), (status, None), "{headers:?} {text}");
        assert!(text.contains(said), "{headers:?} {text}");
    }
    // An empty request is a request.
    assert_eq!(post(&world, "/v1/traces", &[PROTOBUF], b"").0, 200);
    assert_eq!(post(&world, "/v1/traces", &[JSON], b"{}").0, 200);
    runtime().block_on(async {
        let refused = traces(&world).await.export(of(vec![Span::default(); 3])).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
    });
    assert_eq!(world.published().len(), 0);
}

#[test]
fn a_log_that_is_cut_off_is_said_with_the_time_to_try_again() {
    let world = World::new(Config { retry_after_secs: 3, ..Config::default() });
    let bytes = request().encode_to_vec();
    world.log.set_unavailable(true);
    let (status, media, retry_after, _) = post(&world, "/v1/traces", &[PROTOBUF], &bytes);
    assert_eq!((status, &*media, retry_after.as_deref()), (503, PROTOBUF.1, Some("3")));
    runtime().block_on(async {
        let refused = traces(&world).await.export(request()).await.unwrap_err();
        try_again_in(&refused, 3);
    });
    world.log.set_unavailable(false);
    assert_eq!(post(&world, "/v1/traces", &[PROTOBUF], &bytes).0, 200);
    assert_eq!(world.published().len(), 2);
}

fn try_again_in(refused: &tonic::Status, secs: u64) {
    assert_eq!(refused.code(), Code::Unavailable);
    let retry = refused.get_details_retry_info().unwrap().retry_delay.unwrap();
    assert_eq!(retry.as_secs(), secs);
}

#[test]
fn what_is_full_is_said_before_anything_is_queued() {
    let limits = Config { in_flight_events_max: 2, body_events_max: 2, ..Config::default() };
    let world = World::new(limits);
    let bytes = request().encode_to_vec();
    world.log.inject(Operation::Publish, 0, Fault::Held);
    std::thread::scope(|scope| {
        let held = scope.spawn(|| post(&world, "/v1/traces", &[PROTOBUF], &bytes).0);
        wait_until("the first is in flight", || world.log.calls(Operation::Publish) == 1);
        let (status, _, retry_after, _) = post(&world, "/v1/traces", &[PROTOBUF], &bytes);
        assert_eq!((status, retry_after.as_deref()), (503, Some("1")));
        runtime().block_on(async {
            let mut client = traces(&world).await;
            try_again_in(&client.export(request()).await.unwrap_err(), 1);
            // The connection is still good.
            try_again_in(&client.export(request()).await.unwrap_err(), 1);
        });
        assert_eq!(world.log.calls(Operation::Publish), 1);
        world.log.release();
        assert_eq!(held.join().unwrap(), 200);
    });
    runtime().block_on(async {
        traces(&world).await.export(request()).await.unwrap();
    });
}

#[test]
fn the_trace_of_a_request_is_the_run_of_events_that_name_none() {
    let world = World::new(Config::default());
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let header = format!("00-{trace}-00f067aa0ba902b7-01");
    let named = r#"{"kind":"run.completed","agent_id":"a","run_id":"mine"}"#;
    let body = format!("[{RUN},{named}]");
    for parent in [&*header, "00-nonsense-00f067aa0ba902b7-01"] {
        assert_eq!(world.post(&[("traceparent", parent)], body.as_bytes()).status, 200);
    }
    let published = world.published();
    let runs: Vec<_> = published.iter().map(|(_, event)| event.text(column::RUN_ID)).collect();
    assert_eq!(runs, [Some(trace), Some("mine"), None, Some("mine")]);
}

#[test]
fn a_body_that_does_not_come_is_asked_for_again() {
    use std::io::{Read as _, Write as _};
    let world = World::new(Config { body_wait_ms_max: 50, ..Config::default() });
    let mut stream = std::net::TcpStream::connect(world.address).unwrap();
    let head = "POST /v1/traces HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-protobuf\r\n\
                content-length: 9\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 503");
}

/// A large resource stands once in a request, but in each of its events.
#[test]
fn a_small_body_does_not_become_large_events_without_end() {
    let limits =
        Config { body_bytes_max: 60_000, in_flight_bytes_max: 1_000_000, ..Config::default() };
    let world = World::new(limits);
    let mut request =
        of((1..=100).map(|id| Span { span_id: vec![id; 8], ..Span::default() }).collect());
    let resource = request.resource_spans[0].resource.as_mut().unwrap();
    resource.attributes.push(attribute("large", &"x".repeat(50_000)));
    let (status, _, _, answer) = post(&world, "/v1/traces", &[PROTOBUF], &request.encode_to_vec());
    let text = String::from_utf8_lossy(&answer);
    assert_eq!(status, 413, "{text}");
    assert!(text.contains("more than 240000 bytes"), "{text}");
    // Rejected events count too: whoever may send nothing costs no more.
    let none = Config {
        body_bytes_max: 60_000,
        in_flight_bytes_max: 1_000_000,
        kinds_rejected: vec!["telemetry.".to_owned()],
        ..Config::default()
    };
    let strict = World::new(none);
    assert_eq!(post(&strict, "/v1/traces", &[PROTOBUF], &request.encode_to_vec()).0, 413);
    request.resource_spans[0].scope_spans[0].spans.truncate(4);
    assert_eq!(post(&world, "/v1/traces", &[PROTOBUF], &request.encode_to_vec()).0, 200);
    assert_eq!(world.published().len(), 4);
}

/// The body is larger than what all bodies together may take.
#[test]
fn a_body_over_grpc_takes_from_the_budget_as_it_arrives() {
    let limits =
        Config { body_bytes_max: 100_000, in_flight_bytes_max: 200_000, ..Config::default() };
    let world = World::new(limits);
    let large = of(vec![Span { name: "x".repeat(300_000), ..Span::default() }]);
    runtime().block_on(async {
        let refused = traces(&world).await.export(large).await.unwrap_err();
        assert!([Code::Unavailable, Code::OutOfRange].contains(&refused.code()), "{refused:?}");
        traces(&world).await.export(request()).await.unwrap();
    });
    let (_, metrics) = world.get("/metrics");
    let line = metrics.lines().find(|line| line.starts_with("driftseal_collector_in_flight_bytes"));
    assert_eq!(line, Some("driftseal_collector_in_flight_bytes 0"));
}

#[test]
fn web_pages_and_other_hosts_are_not_heard_by_grpc_either() {
    let world = World::new(Config::default());
    runtime().block_on(async {
        let channel = Endpoint::from_shared(format!("http://{}", world.grpc))
            .unwrap()
            .origin("http://collector.example".parse().unwrap())
            .connect()
            .await
            .unwrap();
        let mut client = Traces(Client { grpc: tonic::client::Grpc::new(channel), path: TRACES });
        let refused = client.export(request()).await.unwrap_err();
        assert!(refused.message().contains("421"), "{refused:?}");
    });
    assert_eq!(world.published().len(), 0);
}
