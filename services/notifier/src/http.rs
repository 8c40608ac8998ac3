//! HTTP requests: a thread pool for each sink, and the classification of responses.
//!
//! TLS (feature `tls`) is the system's OpenSSL, which the Kafka client links too, with the system's
//! certificates; `SSL_CERT_FILE` selects others. `HTTPS_PROXY` and `NO_PROXY` are honoured. Redirects
//! are not followed: the URL of a receiver that has moved must be changed in the configuration.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{
    Receiver, RecvTimeoutError, SyncSender, TryRecvError, channel, sync_channel,
};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Builder;
use std::time::Duration;

use chrono::DateTime;
use service::clock::{Stopwatch, now_ms};
use ureq::Agent;

use crate::machine::{Answer, Key, Task};
use crate::sink::Request;
use crate::text::{clip, hide};

/// Bytes of a response body that are read at most.
const ANSWER_BYTES_MAX: u64 = 16 * 1024;
/// Characters of a response body that are kept at most.
const DETAIL_MAX: usize = 300;

/// A request to send.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) key: Key,
    pub(crate) task: Task,
    pub(crate) request: Request,
    pub(crate) request_digest: String,
}

/// The result of a request.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) key: Key,
    pub(crate) task: Task,
    pub(crate) request_digest: String,
    pub(crate) answer: Answer,
    pub(crate) seconds: f64,
}

/// The threads that send requests. On drop, each ends after its current request.
#[derive(Debug)]
pub(crate) struct Pool {
    jobs: Vec<SyncSender<Job>>,
    answers: Receiver<Answered>,
}

impl Pool {
    /// Starts `requests_max` threads for each of `sinks` sinks.
    ///
    /// # Errors
    ///
    /// If a thread cannot be started.
    pub(crate) fn start(
        sinks: usize,
        requests_max: usize,
        request_wait: Duration,
    ) -> std::io::Result<Self> {
        let (answered, answers) = channel();
        let mut jobs = Vec::new();
        for sink in 0..sinks {
            let (sender, receiver) = sync_channel::<Job>(requests_max);
            let receiver = Arc::new(Mutex::new(receiver));
            let agent = agent(request_wait);
            for number in 0..requests_max {
                let (receiver, answered) = (Arc::clone(&receiver), answered.clone());
                let agent = agent.clone();
                Builder::new().name(format!("notify-{sink}-{number}")).spawn(move || {
                    loop {
                        // Locked while waiting: the thread that holds the lock takes the next job.
                        let job = receiver.lock().unwrap_or_else(PoisonError::into_inner).recv();
                        let Ok(Job { key, task, request, request_digest }) = job else { return };
                        let watch = Stopwatch::start();
                        let answer = answer_of(&agent, &request);
                        let seconds = watch.elapsed_secs();
                        let done = Answered { key, task, request_digest, answer, seconds };
                        if answered.send(done).is_err() {
                            return;
                        }
                    }
                })?;
            }
            jobs.push(sender);
        }
        Ok(Self { jobs, answers })
    }

    /// Hands a request to the threads of its sink.
    ///
    /// # Panics
    ///
    /// If more than `requests_max` requests of a sink are in flight, or its threads have died.
    pub(crate) fn send(&self, job: Job) {
        let sent = self.jobs.get(job.key.sink).is_some_and(|jobs| jobs.try_send(job).is_ok());
        assert!(
            sent,
            "a sink has a thread for each request that the machine lets it have in flight"
        );
    }

    /// The next answer, if one arrives within the wait.
    ///
    /// # Panics
    ///
    /// If all threads have died.
    pub(crate) fn answer(&self, wait: Duration) -> Option<Answered> {
        let received = if wait.is_zero() {
            self.answers.try_recv().map_err(|error| error == TryRecvError::Empty)
        } else {
            self.answers.recv_timeout(wait).map_err(|error| error == RecvTimeoutError::Timeout)
        };
        match received {
            Ok(answered) => Some(answered),
            Err(is_alive) => {
                assert!(is_alive, "the threads of the sinks have died");
                None
            }
        }
    }
}

fn agent(request_wait: Duration) -> Agent {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_global(Some(request_wait))
        .user_agent(concat!("driftseal-notifier/", env!("CARGO_PKG_VERSION")));
    #[cfg(feature = "tls")]
    let config = config.tls_config(
        ureq::tls::TlsConfig::builder()
            .provider(ureq::tls::TlsProvider::NativeTls)
            .root_certs(ureq::tls::RootCerts::PlatformVerifier)
            .build(),
    );
    config.build().into()
}

/// The answer to a request. A panic of the client counts as a failed attempt; otherwise the request
/// would remain in flight for ever.
fn answer_of(agent: &Agent, request: &Request) -> Answer {
    let sent = catch_unwind(AssertUnwindSafe(|| send(agent, request, now_ms())));
    sent.unwrap_or_else(|_| Answer::Busy {
        status: None,
        retry_after_ms: None,
        detail: "the HTTP client panicked".to_owned(),
    })
}

/// Sends a request and classifies the response. The answer holds no secret.
fn send(agent: &Agent, request: &Request, now_ms: i64) -> Answer {
    let secrets: Vec<&str> = request.secrets.iter().map(String::as_str).collect();
    let shown = |text: &str| clip(hide(text, &secrets).trim(), DETAIL_MAX);
    let mut post = agent.post(&request.url).header("content-type", "application/json");
    for (name, value) in &request.headers {
        post = post.header(*name, value);
    }
    let mut response = match post.send(request.body.as_slice()) {
        Ok(response) => response,
        Err(error) => {
            let detail = shown(&error.to_string());
            return Answer::Busy { status: None, retry_after_ms: None, detail };
        }
    };
    let status = response.status().as_u16();
    let retry_after = response.headers().get("retry-after").and_then(|value| value.to_str().ok());
    let retry_after_ms = retry_after.and_then(|value| parse_retry_after(value, now_ms));
    // Only the status matters; the body is a detail for people.
    let text = response.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_string();
    classify(status, retry_after_ms, shown(&text.unwrap_or_default()))
}

/// Classifies a status: accepted, refused permanently, or to be retried.
fn classify(status: u16, retry_after_ms: Option<i64>, detail: String) -> Answer {
    match status {
        200..=299 => Answer::Accepted { status },
        408 | 425 | 429 | 500..=599 => {
            Answer::Busy { status: Some(status), retry_after_ms, detail }
        }
        _ => Answer::Refused { status, detail },
    }
}

/// Parses `Retry-After`, seconds or a date (RFC 9110, section 10.2.3), into milliseconds from now.
#[must_use]
pub fn parse_retry_after(value: &str, now_ms: i64) -> Option<i64> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<u32>() {
        return Some(i64::from(seconds) * 1_000);
    }
    let date = DateTime::parse_from_rfc2822(value).ok()?;
    Some(date.timestamp_millis().saturating_sub(now_ms).max(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_taken_refused_or_tried_again() {
        let of = |status| match classify(status, None, String::new()) {
            Answer::Accepted { .. } => "accepted",
            Answer::Refused { .. } => "refused",
            Answer::Busy { .. } => "busy",
        };
        for status in [200, 202, 204] {
            assert_eq!(of(status), "accepted", "{status}");
        }
        for status in [301, 307, 400, 401, 403, 404, 410, 413, 422] {
            assert_eq!(of(status), "refused", "{status}");
        }
        for status in [408, 425, 429, 500, 502, 503, 504, 599] {
            assert_eq!(of(status), "busy", "{status}");
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now_ms = 1_445_412_470_000;
        assert_eq!(parse_retry_after("120", now_ms), Some(120_000));
        assert_eq!(parse_retry_after("Wed, 21 Oct 2015 07:28:00 GMT", now_ms), Some(10_000));
        assert_eq!(parse_retry_after("Wed, 21 Oct 2015 07:00:00 GMT", now_ms), Some(0));
        for nonsense in ["", "soon", "-1", "1.5"] {
            assert_eq!(parse_retry_after(nonsense, now_ms), None, "{nonsense}");
        }
    }
}
