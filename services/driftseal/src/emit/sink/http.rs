//! Events sent to a collector. TLS is that of the system: its certificates are trusted, and
//! `SSL_CERT_FILE` names others.

use std::time::Duration;

use serde::Deserialize;
use service::clock::Stopwatch;
use ureq::Agent;
#[cfg(feature = "tls")]
use ureq::tls::{RootCerts, TlsConfig, TlsProvider};

use super::{EmitError, Mark, Rejected, Report, Sink};

/// Events of one request.
const BATCH_EVENTS: usize = 500;
/// Bytes of one request; one larger event makes a request of its own.
const BATCH_BYTES: usize = 1 << 20;
/// Pause before a retry where the collector names none.
const PAUSE: Duration = Duration::from_millis(500);

/// Reasons of the collector after which the same event may be accepted later.
const PASSING: [&str; 4] = ["unavailable", "queue_full", "unknown_topic", "log_failed"];

/// Sends to `POST /v1/events`.
#[derive(Debug)]
pub struct HttpSink {
    agent: Agent,
    url: String,
    retries_for: Duration,
    waiting: Vec<(Mark, Vec<u8>)>,
    waiting_bytes: usize,
    report: Report,
}

/// What the collector says about the events of one request.
#[derive(Debug, Deserialize)]
struct Answer {
    accepted: u64,
    errors: Vec<ItemError>,
}

#[derive(Debug, Deserialize)]
struct ItemError {
    index: usize,
    pointer: String,
    reason: String,
    detail: String,
}

impl HttpSink {
    /// A sink for the collector at that base URL, for example `https://collector.example`. A request
    /// is repeated for that long while the collector is busy or away.
    #[must_use]
    pub fn new(base: &str, retries_for: Duration) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(retries_for.max(Duration::from_secs(1))));
        #[cfg(feature = "tls")]
        let config = config.tls_config(
            TlsConfig::builder()
                .provider(TlsProvider::NativeTls)
                .root_certs(RootCerts::PlatformVerifier)
                .build(),
        );
        let config = config.build();
        Self {
            agent: config.into(),
            url: format!("{}/v1/events", base.trim_end_matches('/')),
            retries_for,
            waiting: Vec::new(),
            waiting_bytes: 0,
            report: Report::default(),
        }
    }

    /// Sends what waits, again while the collector is busy. A request whose answer was lost is
    /// repeated too: events with identifiers of their own are then recognised as duplicates.
    fn deliver(&mut self) -> Result<(), EmitError> {
        let started = Stopwatch::start();
        while !self.waiting.is_empty() {
            let (pause, why) = match self.request() {
                Ok((answer, retry_after)) => {
                    let why = self.take(answer);
                    (retry_after.unwrap_or(PAUSE), why)
                }
                Err(Failed::Busy(pause, why)) => (pause, why),
                Err(Failed::Final(why)) => {
                    return Err(EmitError::Delivery(format!("{}: {why}", self.url)));
                }
            };
            if self.waiting.is_empty() {
                break;
            }
            if started.elapsed() + pause > self.retries_for {
                return Err(EmitError::Delivery(format!("{}: {why}", self.url)));
            }
            std::thread::sleep(pause);
        }
        self.waiting_bytes = 0;
        Ok(())
    }

    fn request(&self) -> Result<(Answer, Option<Duration>), Failed> {
        let mut body = Vec::with_capacity(self.waiting_bytes + self.waiting.len());
        for (_, event) in &self.waiting {
            // A line end inside JSON is white space; here it would end the event.
            body.extend(
                event.iter().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte }),
            );
            body.push(b'\n');
        }
        let lost = |error: ureq::Error| Failed::Busy(PAUSE, error.to_string());
        let mut response = self
            .agent
            .post(&self.url)
            .header("content-type", "application/x-ndjson")
            .send(body.as_slice())
            .map_err(lost)?;
        let status = response.status().as_u16();
        let header = response.headers().get("retry-after");
        let retry_after = header.and_then(|value| value.to_str().ok()?.parse().ok());
        let retry_after = retry_after.map(Duration::from_secs);
        let text = response.body_mut().read_to_string().map_err(lost)?;
        match serde_json::from_str(&text) {
            Ok(answer) => Ok((answer, retry_after)),
            Err(_) => {
                let shown: String = text.chars().take(300).collect();
                let why = format!("answered {status}: {shown}");
                if matches!(status, 408 | 429 | 503) {
                    Err(Failed::Busy(retry_after.unwrap_or(PAUSE), why))
                } else {
                    Err(Failed::Final(why))
                }
            }
        }
    }

    /// Counts what was decided; what may be accepted later keeps waiting, and why is returned.
    fn take(&mut self, answer: Answer) -> String {
        self.report.accepted += answer.accepted;
        let mut why = String::new();
        let mut again = Vec::new();
        let mut waiting: Vec<Option<(Mark, Vec<u8>)>> =
            std::mem::take(&mut self.waiting).into_iter().map(Some).collect();
        for item in answer.errors {
            let Some((mark, event)) = waiting.get_mut(item.index).and_then(Option::take) else {
                continue;
            };
            if PASSING.contains(&item.reason.as_str()) {
                why = format!("{}: {}", item.reason, item.detail);
                again.push((mark, event));
                continue;
            }
            let place = if item.pointer.is_empty() {
                String::new()
            } else {
                format!(" at `{}`", item.pointer)
            };
            let reason = format!("{}: {}{place}", item.reason, item.detail);
            self.report.reject(mark.file, Rejected { line: mark.line, reason });
        }
        self.waiting = again;
        why
    }
}

enum Failed {
    /// Worth sending again.
    Busy(Duration, String),
    /// An answer that a retry does not change.
    Final(String),
}

impl Sink for HttpSink {
    fn send(&mut self, mark: Mark, event: Vec<u8>) -> Result<(), EmitError> {
        if self.waiting_bytes + event.len() > BATCH_BYTES {
            self.deliver()?;
        }
        self.waiting_bytes += event.len();
        self.waiting.push((mark, event));
        if self.waiting.len() >= BATCH_EVENTS { self.deliver() } else { Ok(()) }
    }

    fn finish(&mut self) -> Result<(), EmitError> {
        self.deliver()
    }

    fn report(&mut self) -> &mut Report {
        &mut self.report
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::net::TcpListener;

    use super::*;

    #[cfg(feature = "tls")]
    #[test]
    fn an_https_address_is_spoken_to_in_tls() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut record = [0; 6];
            stream.read_exact(&mut record).unwrap();
            record
        });
        let mut sink = HttpSink::new(&format!("https://127.0.0.1:{port}"), Duration::ZERO);
        sink.send(Mark { file: 0, line: 1 }, b"{}".to_vec()).unwrap();
        assert!(sink.finish().is_err(), "it hangs up");
        // A handshake record with a ClientHello (RFC 8446, sections 4 and 5.1).
        let [content, major, _, _, _, message] = server.join().unwrap();
        assert_eq!((content, major, message), (22, 3, 1));
    }
}
