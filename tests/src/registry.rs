//! A schema registry to the public protocol
//! (<https://docs.confluent.io/platform/current/schema-registry/develop/api.html>), on loopback: what
//! serializers register is found again by its id and its GUID.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed step fails the test")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

/// First id that is given.
const FIRST_ID: usize = 41;

/// A registry; it serves until the process ends.
#[derive(Debug, Clone)]
pub struct Registry {
    url: String,
    /// What was registered, in the order of the ids.
    schemas: Arc<Mutex<Vec<Value>>>,
    /// Paths that were asked for.
    asked: Arc<Mutex<Vec<String>>>,
}

impl Registry {
    /// Starts one.
    ///
    /// # Panics
    ///
    /// If there is no port.
    #[must_use]
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let registry = Self { url, schemas: Arc::default(), asked: Arc::default() };
        let serving = registry.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let serving = serving.clone();
                std::thread::spawn(move || serving.serve(stream));
            }
        });
        registry
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Paths of schemas that were asked for, in their order.
    ///
    /// # Panics
    ///
    /// If serving panicked.
    #[must_use]
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    /// Answers one request; the connection is not used again.
    fn serve(&self, stream: TcpStream) {
        let mut reader = BufReader::new(stream);
        let mut request = String::new();
        if reader.read_line(&mut request).is_err() {
            return;
        }
        let mut length = 0;
        loop {
            let mut header = String::new();
            if reader.read_line(&mut header).unwrap_or(0) == 0 || header.trim().is_empty() {
                break;
            }
            if let Some(value) = header.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let mut words = request.split_whitespace();
        let (method, path) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
        let (status, answer) = match self.answer(method, path, &body) {
            Some(answer) => ("200 OK", answer),
            None => ("404 Not Found", json!({"error_code": 40403, "message": "not found"})),
        };
        let answer = answer.to_string();
        let _gone = write!(
            reader.into_inner(),
            "HTTP/1.1 {status}\r\ncontent-type: application/vnd.schemaregistry.v1+json\r\n\
             content-length: {}\r\nconnection: close\r\n\r\n{answer}",
            answer.len()
        );
    }

    fn answer(&self, method: &str, path: &str, body: &[u8]) -> Option<Value> {
        let path = path.split('?').next().unwrap_or(path);
        let mut schemas = self.schemas.lock().unwrap();
        if method == "POST" {
            let schema: Value = serde_json::from_slice(body).unwrap();
            let known = schemas.iter().position(|known| *known == schema);
            let at = known.unwrap_or_else(|| {
                schemas.push(schema.clone());
                schemas.len() - 1
            });
            return Some(full(at, &schema));
        }
        self.asked.lock().unwrap().push(path.to_owned());
        let found = schemas.iter().enumerate().find(|(at, _)| {
            path == format!("/schemas/ids/{}", FIRST_ID + at)
                || path == format!("/schemas/guids/{}", guid(*at))
        });
        found.map(|(at, schema)| full(at, schema))
    }
}

fn guid(at: usize) -> String {
    format!("89791762-2336-186f-9674-99b90d77{:04x}", FIRST_ID + at)
}

fn full(at: usize, schema: &Value) -> Value {
    let mut full = schema.clone();
    full["id"] = json!(FIRST_ID + at);
    full["guid"] = json!(guid(at));
    full
}
