//! What a role of a process says of itself over HTTP.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use service::clock::Stopwatch;

use crate::process::Role;

/// What a process says when it begins to listen for operators; its address follows.
const LISTENING: &str = "health and metrics listening";
/// Time between two questions.
const STEP: Duration = Duration::from_millis(100);
/// Longest wait for an answer.
const ANSWER: Duration = Duration::from_secs(10);

/// Whether a role of a process is ready.
///
/// # Errors
///
/// The reason it gives, or that it does not answer.
pub fn ask(process: &Role, role: &str) -> Result<(), String> {
    let answer = get(process, &format!("/readyz/{role}"))?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or("half an answer")?;
    if head.starts_with("HTTP/1.1 200 ") { Ok(()) } else { Err(body.trim().to_owned()) }
}

/// The values of a metric of a process, one for each set of labels.
///
/// # Errors
///
/// That the process does not answer.
pub fn values(process: &Role, metric: &str) -> Result<Vec<f64>, String> {
    let answer = get(process, "/metrics")?;
    let lines = answer.lines().filter(|line| line.split(['{', ' ']).next() == Some(metric));
    Ok(lines.filter_map(|line| line.rsplit_once(' ')?.1.parse().ok()).collect())
}

/// Waits until a role is ready.
///
/// # Panics
///
/// If it is not within the limit.
pub fn wait_for(process: &Role, role: &str, limit: Duration) {
    let watch = Stopwatch::start();
    while let Err(reason) = ask(process, role) {
        let last_words = process.last_words();
        assert!(!watch.has_passed(limit), "not ready after {limit:?}: {reason}\n{last_words}");
        std::thread::sleep(STEP);
    }
}

fn get(process: &Role, path: &str) -> Result<String, String> {
    let said = process.said();
    let line = said.lines().rev().find(|line| line.contains(LISTENING));
    let line = line.ok_or("it does not listen yet")?;
    let address = line.split_once("address=").map_or("", |(_, address)| address.trim());
    answer_of(address, path).map_err(|error| error.to_string())
}

fn answer_of(address: &str, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(ANSWER))?;
    write!(stream, "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
