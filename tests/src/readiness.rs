//! What a role of a process says of itself over HTTP.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use service::clock::Stopwatch;

use crate::process::Role;

/// What a process says when it begins to listen where its health is asked for; its address follows.
const LISTENING: [&str; 3] =
    ["health and metrics listening", "collector listening", "evidence listening"];
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

/// Where a process listens.
///
/// # Errors
///
/// That it does not yet.
pub fn address(process: &Role) -> Result<String, String> {
    let said = process.said();
    let is_said = |line: &&str| LISTENING.iter().any(|listening| line.contains(listening));
    let line = said.lines().rev().find(is_said).ok_or("it does not listen yet")?;
    let (_, address) = line.split_once("address=").ok_or("it listens nowhere")?;
    Ok(address.trim().to_owned())
}

fn get(process: &Role, path: &str) -> Result<String, String> {
    answer_of(&address(process)?, path).map_err(|error| error.to_string())
}

fn answer_of(address: &str, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(ANSWER))?;
    write!(stream, "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
