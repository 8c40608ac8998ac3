//! Sends events to a collector. TLS uses the system's OpenSSL and certificates; `SSL_CERT_FILE` selects
//! others.

use std::time::Duration;

use serde::Deserialize;
use service::clock::Stopwatch;
use service::metrics::count;
use ureq::Agent;

use super::{EmitError, Mark, Rejected, Report, Sink, Teller};

/// Events per request.
const BATCH_EVENTS: usize = 500;
/// Bytes per request; a larger event is a request of its own.
const BATCH_BYTES: usize = 1 << 20;
/// Pause before a retry, unless the collector requests another.
const PAUSE: Duration = Duration::from_millis(500);

/// Reasons of the collector after which a retry may succeed.
const PASSING: [&str; 4] = ["unavailable", "queue_full", "unknown_topic", "log_failed"];

/// Sends to `POST /v1/events`.
#[derive(Debug)]
pub struct HttpSink {
    agent: Agent,
    url: String,
    retries_for: Duration,
    teller: Teller,
    waiting: Vec<(Mark, Vec<u8>)>,
    waiting_bytes: usize,
    report: Report,
}

/// The collector's response about the events of a request.
#[derive(Debug, Deserialize)]
struct Answer {
    accepted: u64,
    errors: Vec<ItemError>,
    /// An older collector has none.
    #[serde(default)]
    remarked: u64,
    #[serde(default)]
    remarks: Vec<ItemRemark>,
}

#[derive(Debug, Deserialize)]
struct ItemRemark {
    index: usize,
    code: String,
    field: String,
    detail: String,
    advice: String,
}

#[derive(Debug, Deserialize)]
struct ItemError {
    index: usize,
    pointer: String,
    reason: String,
    detail: String,
}

impl HttpSink {
    /// A sink for the collector at the base URL, for example `https://collector.example`. While the
    /// collector is busy or unreachable, a request is retried for `retries_for`, and `teller` says what
    /// is waited for.
    #[must_use]
    pub fn new(base: &str, retries_for: Duration, teller: Teller) -> Self {
        Self {
            agent: crate::http::agent(retries_for.max(Duration::from_secs(1))),
            teller,
            url: format!("{}/v1/events", base.trim_end_matches('/')),
            retries_for,
            waiting: Vec::new(),
            waiting_bytes: 0,
            report: Report::default(),
        }
    }

    /// Sends the waiting events; retries while the collector is busy. A request whose response was lost is
    /// repeated too: duplicates of events that have an `event_id` are recognised downstream.
    fn deliver(&mut self) -> Result<(), EmitError> {
        let started = Stopwatch::start();
        while !self.waiting.is_empty() {
            let (pause, why) = match self.request() {
                Ok((answer, retry_after)) => {
                    let why = self.take(answer)?;
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
            let elapsed = started.elapsed();
            if elapsed + pause > self.retries_for {
                let (url, secs) = (&self.url, elapsed.as_secs());
                return Err(EmitError::Delivery(format!("{url}: {why}; gave up after {secs} s")));
            }
            let left = self.retries_for.saturating_sub(elapsed).as_secs();
            self.teller.waits(&format!(
                "waiting for the collector at {}: {why}; trying again for {left} s",
                self.url
            ));
            std::thread::sleep(pause);
        }
        self.teller.goes_on();
        self.waiting_bytes = 0;
        Ok(())
    }

    fn request(&self) -> Result<(Answer, Option<Duration>), Failed> {
        let mut body = Vec::with_capacity(self.waiting_bytes + self.waiting.len());
        for (_, event) in &self.waiting {
            // A line break within JSON is white space; in NDJSON it would end the event.
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
                let why = format!("the collector answered {status}: {shown}");
                if matches!(status, 408 | 429 | 503) {
                    Err(Failed::Busy(retry_after.unwrap_or(PAUSE), why))
                } else {
                    Err(Failed::Final(why))
                }
            }
        }
    }

    /// Counts accepted and rejected events. Those for which a retry may succeed keep waiting; the reason
    /// is returned.
    fn take(&mut self, answer: Answer) -> Result<String, EmitError> {
        let reported = answer.accepted.checked_add(count(answer.errors.len()));
        if reported != Some(count(self.waiting.len())) {
            return Err(self.malformed("it does not report on every event"));
        }
        self.report.accepted += answer.accepted;
        for ItemRemark { index, code, field, detail, advice } in &answer.remarks {
            let Some((mark, _)) = self.waiting.get(*index) else {
                return Err(self.malformed("it remarks on an event that was not sent"));
            };
            let text = format!("{code}: `{field}`: {detail}; {advice}");
            self.report.remark(*mark, text);
        }
        let unsaid = answer.remarked.checked_sub(count(answer.remarks.len()));
        self.report.remarked +=
            unsaid.ok_or_else(|| self.malformed("it counts fewer remarks than it lists"))?;
        let mut why = String::new();
        let mut again = Vec::new();
        let mut waiting: Vec<Option<(Mark, Vec<u8>)>> =
            std::mem::take(&mut self.waiting).into_iter().map(Some).collect();
        for item in answer.errors {
            let Some((mark, event)) = waiting.get_mut(item.index).and_then(Option::take) else {
                return Err(
                    self.malformed("it reports on an event twice, or on one that was not sent")
                );
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
        Ok(why)
    }

    fn malformed(&self, what: &str) -> EmitError {
        EmitError::Delivery(format!("{}: malformed response: {what}", self.url))
    }
}

enum Failed {
    /// A retry may succeed.
    Busy(Duration, String),
    /// A retry does not help.
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
        let mut sink = HttpSink::new(
            &format!("https://127.0.0.1:{port}"),
            Duration::ZERO,
            Teller::new(|_| {}),
        );
        sink.send(Mark { file: 0, line: 1 }, b"{}".to_vec()).unwrap();
        assert!(sink.finish().is_err(), "it hangs up");
        // A handshake record with a ClientHello (RFC 8446, sections 4 and 5.1).
        let [content, major, _, _, _, message] = server.join().unwrap();
        assert_eq!((content, major, message), (22, 3, 1));
    }
    #[test]
    fn what_is_waited_for_is_said_at_once_and_not_again_and_again() {
        // Bound and not listened to by anybody once dropped.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let (say, said) = std::sync::mpsc::channel();
        let teller = Teller::new(move |text| say.send(text.to_owned()).unwrap());
        let mut sink = HttpSink::new(&format!("http://{address}"), 4 * PAUSE, teller);
        sink.send(Mark { file: 0, line: 1 }, b"{}".to_vec()).unwrap();
        let error = sink.finish().unwrap_err().to_string();
        assert!(error.contains("gave up after"), "{error}");
        let said: Vec<String> = said.try_iter().collect();
        let first = said.first().unwrap();
        let starts = format!("waiting for the collector at http://{address}/v1/events: ");
        assert!(first.starts_with(&starts) && first.contains("trying again for "), "{first}");
        assert_eq!(said.len(), 1, "{said:?}");
    }
}
