//! An HTTP proxy that makes an S3 server fail in the ways in which S3 does.
//!
//! It hands requests on byte by byte, so that their signatures stay valid. A plan says for each
//! request, before it is handed on, what goes wrong with it.

use std::fmt;
use std::hash::{DefaultHasher, Hasher};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What goes wrong with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// An error status with a code of S3; the request is not handed on.
    Refused(u16, &'static str),
    /// An error status with a code of S3, though the request was handed on and applied.
    Denied(u16, &'static str),
    /// The connection breaks before the request is handed on.
    Broken,
    /// The request is handed on, and the connection breaks before the answer.
    LostAnswer,
    /// The answer breaks off in the middle of its body.
    Truncated,
    /// The answer comes late.
    Slow(Duration),
    /// The request is handed on late, even if its sender is dead by then.
    Delayed(Duration),
    /// `If-None-Match` is taken out of the request.
    Unconditional,
}

/// A request as the plan sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Its method.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Whether it carries `If-None-Match`.
    pub is_conditional: bool,
    /// Status of the answer that was given; `None` while there is none, and if it was lost.
    pub answer: Option<u16>,
    /// Tells bodies apart.
    pub body: u64,
    number: u64,
}

impl Request {
    /// Whether it lists objects.
    #[must_use]
    pub fn is_listing(&self) -> bool {
        self.method == "GET" && self.target.contains("list-type=2")
    }

    /// Whether it is about an object whose path contains this.
    #[must_use]
    pub fn is(&self, method: &str, part: &str) -> bool {
        self.method == method && self.target.contains(part)
    }
}

type Plan = Box<dyn FnMut(&Request) -> Option<Fault> + Send>;

struct State {
    upstream: String,
    plan: Mutex<Plan>,
    requests: Mutex<Vec<Request>>,
    /// Requests so far, forgotten ones included.
    count: AtomicU64,
    /// While it is set, listings do not show what is put.
    lags: AtomicBool,
    hidden: Mutex<Vec<String>>,
}

/// A running proxy. It listens until the process ends.
#[derive(Clone)]
pub struct Proxy {
    url: String,
    state: Arc<State>,
}

impl fmt::Debug for Proxy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Proxy").field("url", &self.url).finish_non_exhaustive()
    }
}

#[expect(clippy::unwrap_used, reason = "a failed step fails the test")]
impl Proxy {
    /// A proxy without faults before the server at a URL.
    ///
    /// # Panics
    ///
    /// If there is no free port.
    #[must_use]
    pub fn start(upstream: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(State {
            upstream: upstream.trim_start_matches("http://").to_owned(),
            plan: Mutex::new(Box::new(|_| None)),
            requests: Mutex::default(),
            count: AtomicU64::new(0),
            lags: AtomicBool::new(false),
            hidden: Mutex::default(),
        });
        let kept = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&kept);
                // A broken connection is what many faults are about.
                thread::spawn(move || serve(&state, &stream).is_some());
            }
        });
        Self { url, state }
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// From now on requests meet the faults of this plan; those so far are forgotten.
    ///
    /// # Panics
    ///
    /// If a plan has.
    pub fn plan(&self, plan: impl FnMut(&Request) -> Option<Fault> + Send + 'static) {
        *self.state.plan.lock().unwrap() = Box::new(plan);
        self.state.requests.lock().unwrap().clear();
    }

    /// The first `count` requests that a condition holds for meet the fault.
    pub fn fail(&self, count: usize, fault: Fault, is: impl Fn(&Request) -> bool + Send + 'static) {
        let mut left = count;
        self.plan(move |request| {
            if left == 0 || !is(request) {
                return None;
            }
            left -= 1;
            Some(fault)
        });
    }

    /// The requests since the last plan.
    ///
    /// # Panics
    ///
    /// If a plan has.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.state.requests.lock().unwrap().clone()
    }

    /// Whether listings leave out what is put from now on; when they no longer do, it is there.
    ///
    /// # Panics
    ///
    /// If a plan has.
    pub fn lag(&self, lags: bool) {
        self.state.lags.store(lags, Ordering::SeqCst);
        if !lags {
            self.state.hidden.lock().unwrap().clear();
        }
    }
}

/// One message: first line and headers with the empty line, and the body.
struct Message {
    head: String,
    body: Vec<u8>,
}

impl Message {
    fn read(stream: &TcpStream, is_answer_to_head: bool) -> Option<Self> {
        let mut reader = BufReader::new(stream);
        let mut head = String::new();
        let mut length = None;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().ok();
            }
            head.push_str(&line);
            if line.trim_end().is_empty() {
                break;
            }
        }
        let mut body = Vec::new();
        match length {
            _ if is_answer_to_head => {}
            Some(length) => {
                body.resize(length, 0);
                reader.read_exact(&mut body).ok()?;
            }
            None if head.starts_with("HTTP/") => {
                reader.read_to_end(&mut body).ok()?;
            }
            None => {}
        }
        Some(Self { head, body })
    }

    fn has(&self, header: &str) -> bool {
        self.head.lines().any(|line| names(line, header))
    }

    fn without(&mut self, header: &str) {
        let kept = self.head.split_inclusive('\n').filter(|line| !names(line, header));
        self.head = kept.collect();
    }

    fn with(&mut self, header: &str, value: impl fmt::Display) {
        self.without(header);
        let end = self.head.trim_end().len();
        self.head.truncate(end);
        self.head.push_str(&format!("\r\n{header}: {value}\r\n\r\n"));
    }

    /// Nothing follows it on its connection.
    fn last(&mut self) {
        self.with("Connection", "close");
    }

    fn with_length(&mut self) {
        self.with("Content-Length", self.body.len());
    }

    fn write(&self, mut stream: &TcpStream) -> std::io::Result<()> {
        stream.write_all(self.head.as_bytes())?;
        stream.write_all(&self.body)?;
        stream.flush()
    }
}

fn names(line: &str, header: &str) -> bool {
    line.split_once(':').is_some_and(|(name, _)| name.eq_ignore_ascii_case(header))
}

/// Serves one request; the connection ends with it. `None` if it broke, on purpose or not.
#[expect(clippy::unwrap_used, reason = "a failed step fails the test")]
fn serve(state: &State, client: &TcpStream) -> Option<()> {
    let message = Message::read(client, false)?;
    let mut words = message.head.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let request = Request {
        method,
        target,
        is_conditional: message.has("if-none-match"),
        answer: None,
        body: hash(&message.body),
        number: state.count.fetch_add(1, Ordering::SeqCst),
    };
    let fault = {
        state.requests.lock().unwrap().push(request.clone());
        (state.plan.lock().unwrap())(&request)
    };
    let answer = answer(state, &request, message, fault)?;
    let status = answer.head.split(' ').nth(1).and_then(|status| status.parse().ok());
    let mut requests = state.requests.lock().unwrap();
    if let Some(kept) = requests.iter_mut().rfind(|kept| kept.number == request.number) {
        kept.answer = status;
    }
    drop(requests);
    answer.write(client).ok()
}

/// What is answered, by the server or by the fault; `None` if the connection breaks.
#[expect(clippy::unwrap_used, reason = "a failed step fails the test")]
fn answer(
    state: &State,
    request: &Request,
    mut message: Message,
    fault: Option<Fault>,
) -> Option<Message> {
    match fault {
        Some(Fault::Broken) => return None,
        Some(Fault::Refused(status, code)) => return Some(error(request, status, code)),
        Some(Fault::Unconditional) => message.without("if-none-match"),
        Some(Fault::Delayed(wait)) => thread::sleep(wait),
        _ => {}
    }
    if request.method == "PUT" && state.lags.load(Ordering::SeqCst) {
        state.hidden.lock().unwrap().push(key(&request.target));
    }
    let server = TcpStream::connect(&state.upstream).ok()?;
    message.last();
    message.write(&server).ok()?;
    let mut answer = Message::read(&server, request.method == "HEAD")?;
    answer.last();
    if request.is_listing() {
        hide(&mut answer, &state.hidden.lock().unwrap());
    }
    match fault {
        Some(Fault::LostAnswer) => return None,
        Some(Fault::Denied(status, code)) => return Some(error(request, status, code)),
        Some(Fault::Slow(wait)) => thread::sleep(wait),
        Some(Fault::Truncated) => {
            answer.with_length();
            let half = answer.body.len() / 2;
            answer.body.truncate(half);
        }
        _ => {}
    }
    Some(answer)
}

fn error(request: &Request, status: u16, code: &str) -> Message {
    let body = if request.method == "HEAD" {
        String::new()
    } else {
        format!(
            "<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>injected</Message></Error>"
        )
    };
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status} {code}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    Message { head, body: body.into() }
}

fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    hasher.finish()
}

/// The key of an object, from `/bucket/key?query`.
fn key(target: &str) -> String {
    let path = target.split('?').next().unwrap_or_default();
    path.trim_start_matches('/').split_once('/').map_or("", |(_, key)| key).to_owned()
}

/// Takes keys out of a listing.
fn hide(answer: &mut Message, hidden: &[String]) {
    if hidden.is_empty() {
        return;
    }
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    let mut shown = String::new();
    for piece in text.split_inclusive("</Contents>") {
        let Some(at) = piece.find("<Contents>") else {
            shown.push_str(piece);
            continue;
        };
        let (before, object) = piece.split_at(at);
        shown.push_str(before);
        let is_hidden = hidden.iter().any(|key| {
            let plain = key.replace("%3D", "=");
            object.contains(&format!("<Key>{plain}</Key>"))
                || object.contains(&format!("<Key>{key}</Key>"))
        });
        if !is_hidden {
            shown.push_str(object);
        }
    }
    answer.body = shown.into();
    answer.with_length();
}
