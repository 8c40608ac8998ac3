//! The client against a registry that is written to the public protocol
//! (<https://docs.confluent.io/platform/current/schema-registry/develop/api.html>), on loopback.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use event::SchemaKey;
use registry::{
    Credentials, Format, REFERENCES_MAX, Registry, SCHEMA_BYTES_MAX, Schema, Source as _,
    SourceError,
};
use serde_json::{Value, json};

/// A request: its path, and its headers in lower case.
#[derive(Debug, Clone)]
struct Asked {
    path: String,
    headers: Vec<String>,
}

struct Server {
    url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

/// Answers each request by its path: a status and a body.
fn serve(answer: impl Fn(&str) -> (u16, String) + Send + 'static) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&asked);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let Some(Ok(request)) = lines.next() else { continue };
            let path = request.split(' ').nth(1).unwrap().to_owned();
            let headers: Vec<String> = lines
                .map_while(Result::ok)
                .take_while(|line| !line.is_empty())
                .map(|line| line.to_ascii_lowercase())
                .collect();
            seen.lock().unwrap().push(Asked { path: path.clone(), headers });
            let (status, body) = answer(&path);
            let head = format!(
                "HTTP/1.1 {status} x\r\ncontent-type: application/vnd.schemaregistry.v1+json\r\n\
                 content-length: {}\r\nconnection: close\r\n\r\n",
                body.len()
            );
            // The client may have seen enough.
            let _sent =
                stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
        }
    });
    Server { url, asked }
}

fn of(schema: &Value) -> (u16, String) {
    (200, schema.to_string())
}

const NOT_FOUND: &str = r#"{"error_code":40403,"message":"Schema not found"}"#;

#[test]
fn schemas_are_found_by_id_and_guid_and_a_missing_one_is_an_answer() {
    let server = serve(|path| match path {
        "/schemas/ids/7" => of(&json!({"schema": "\"string\""})),
        "/schemas/ids/8" => of(&json!({"schema": "{}", "schemaType": "JSON"})),
        "/schemas/ids/9" => of(&json!({"schema": "syntax…", "schemaType": "PROTOBUF"})),
        "/schemas/guids/07070707-0707-0707-0707-070707070707" => {
            of(&json!({"schema": "\"long\"", "schemaType": "AVRO", "guid": "0707…"}))
        }
        _ => (404, NOT_FOUND.to_owned()),
    });
    let registry = Registry::new(&format!("{}/", server.url), None);
    let found = |key| registry.find(key).unwrap();
    let schema = |format, text: &str| Some(Schema { format, text: text.to_owned() });
    assert_eq!(found(SchemaKey::Id(7)), schema(Format::Avro, "\"string\""));
    assert_eq!(found(SchemaKey::Id(8)), schema(Format::Json, "{}"));
    assert_eq!(found(SchemaKey::Id(9)).unwrap().format, Format::Other("PROTOBUF".to_owned()));
    assert_eq!(found(SchemaKey::Guid([7; 16])), schema(Format::Avro, "\"long\""));
    assert_eq!(found(SchemaKey::Id(1)), None);
    let asked = server.asked.lock().unwrap();
    let accept = "accept: application/vnd.schemaregistry.v1+json";
    assert!(asked.iter().all(|it| it.headers.iter().any(|header| header.starts_with(accept))));
}

#[test]
fn what_a_schema_refers_to_stands_in_it() {
    let unit = r#"{"type":"enum","name":"Unit","namespace":"a","symbols":["EUR"]}"#;
    let money = r#"{"type":"record","name":"Money","namespace":"a","fields":[{"name":"of","type":"Unit"}]}"#;
    let event = r#"{"type":"record","name":"E","namespace":"b","fields":[{"name":"cost","type":"a.Money"}]}"#;
    let refer =
        |name: &str, subject: &str| json!([{"name": name, "subject": subject, "version": 3}]);
    let server = serve(move |path| match path {
        "/schemas/ids/1" => {
            of(&json!({"schema": event, "references": refer("a.Money", "money/v 1")}))
        }
        "/subjects/money%2Fv%201/versions/3" => of(
            &json!({"subject": "money/v 1", "version": 3, "id": 2, "schema": money, "references": refer("a.Unit", "unit")}),
        ),
        "/subjects/unit/versions/3" => of(&json!({"schema": unit})),
        "/schemas/ids/2" => of(&json!({"schema": event, "references": refer("a.Money", "gone")})),
        _ => (404, NOT_FOUND.to_owned()),
    });
    let registry = Registry::new(&server.url, None);
    let text = registry.find(SchemaKey::Id(1)).unwrap().unwrap().text;
    let schema: Value = serde_json::from_str(&text).unwrap();
    let cost = &schema["fields"][0]["type"];
    assert_eq!(
        (&cost["name"], &cost["fields"][0]["type"]["symbols"][0]),
        (&json!("Money"), &json!("EUR"))
    );
    let gone = registry.find(SchemaKey::Id(2)).unwrap_err();
    assert!(gone.to_string().contains("refers to a schema that is not there"), "{gone}");
}

#[test]
fn whatever_a_registry_answers_is_an_answer_or_an_error_and_bounded() {
    let endless = |path: &str| {
        let number: usize = path
            .rsplit('/')
            .nth(2)
            .and_then(|s| s.trim_start_matches('s').parse().ok())
            .unwrap_or(0);
        let next = format!("s{}", number + 1);
        of(&json!({
            "schema": format!(r#"{{"type":"record","name":"N{number}","fields":[]}}"#),
            "references": [{"name": format!("N{}", number + 1), "subject": next, "version": 1}],
        }))
    };
    let server = serve(move |path| match path {
        "/schemas/ids/1" => (200, "no JSON".to_owned()),
        "/schemas/ids/2" => of(&json!({"schema": 7})),
        "/schemas/ids/3" => of(&json!({"schema": "x".repeat(SCHEMA_BYTES_MAX + 1)})),
        "/schemas/ids/4" => (200, "x".repeat(4 << 20)),
        "/schemas/ids/5" => (401, String::new()),
        "/schemas/ids/6" => (403, String::new()),
        "/schemas/ids/7" => (500, String::new()),
        "/schemas/ids/8" => (429, String::new()),
        "/schemas/ids/9" => (302, String::new()),
        path => endless(path),
    });
    let registry = Registry::new(&server.url, None);
    let error = |id| registry.find(SchemaKey::Id(id)).unwrap_err();
    for id in 1..=4 {
        assert!(matches!(error(id), SourceError::Invalid { .. }), "{id}: {:?}", error(id));
    }
    for id in 5..=6 {
        assert!(matches!(error(id), SourceError::Refused(_)), "{id}");
    }
    for id in 7..=9 {
        assert!(matches!(error(id), SourceError::Unavailable(_)), "{id}: {:?}", error(id));
    }
    let before = server.asked.lock().unwrap().len();
    assert!(error(10).to_string().contains("refers to more than"), "{}", error(10));
    let asked = server.asked.lock().unwrap().len() - before;
    assert!(asked <= 2 * (REFERENCES_MAX + 1), "{asked} requests");
}

#[test]
fn a_password_is_sent_and_never_shown() {
    let server = serve(|_| (401, String::new()));
    let credentials = Credentials { user: "key".into(), password: "s3cret".into() };
    let registry = Registry::new(&server.url, Some(&credentials));
    let error = registry.find(SchemaKey::Id(1)).unwrap_err();
    let shown = format!("{error} {error:?} {registry:?} {credentials:?}");
    // The user and the password in base64.
    assert!(!shown.contains("s3cret") && !shown.contains("a2V5OnMzY3JldA"), "{shown}");
    let asked = server.asked.lock().unwrap().clone();
    assert!(
        asked[0].headers.contains(&"authorization: basic a2v5onmzy3jlda==".to_owned()),
        "{asked:?}"
    );
    assert_eq!(asked[0].path, "/schemas/ids/1");
}

#[test]
fn a_registry_that_is_not_there_is_unavailable() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = Registry::new(&url, None).find(SchemaKey::Id(1)).unwrap_err();
    assert!(matches!(error, SourceError::Unavailable(_)), "{error:?}");
}
