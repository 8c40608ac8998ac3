//! Child processes of the real binary: started, killed without warning, never left behind.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A role running as its own process. Killed when dropped.
#[derive(Debug)]
pub struct Role {
    name: String,
    binary: PathBuf,
    arguments: Vec<String>,
    environment: BTreeMap<String, String>,
    log: PathBuf,
    child: Option<Child>,
    starts: u32,
}

impl Role {
    /// Starts `binary arguments…`; what it says goes to `<name>.log` in `directory`.
    ///
    /// # Panics
    ///
    /// If it cannot be started.
    #[must_use]
    pub fn start(name: &str, binary: &Path, arguments: &[&str], directory: &Path) -> Self {
        Self::start_with(name, binary, arguments, directory, &BTreeMap::new())
    }

    /// The same with environment variables beside those of the test.
    ///
    /// # Panics
    ///
    /// If it cannot be started.
    #[must_use]
    pub fn start_with(
        name: &str,
        binary: &Path,
        arguments: &[&str],
        directory: &Path,
        environment: &BTreeMap<String, String>,
    ) -> Self {
        let mut role = Self {
            name: name.to_owned(),
            binary: binary.to_path_buf(),
            arguments: arguments.iter().map(|argument| (*argument).to_owned()).collect(),
            environment: environment.clone(),
            log: directory.join(format!("{name}.log")),
            child: None,
            starts: 0,
        };
        role.spawn();
        role
    }

    #[expect(clippy::unwrap_used, reason = "a failed step fails the test")]
    fn spawn(&mut self) {
        let log = File::options().create(true).append(true).open(&self.log).unwrap();
        let child = Command::new(&self.binary)
            .args(&self.arguments)
            .envs(&self.environment)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.child = Some(child);
        self.starts = self.starts.saturating_add(1);
    }

    /// SIGKILL, then the same again.
    pub fn kill_and_restart(&mut self) {
        self.kill();
        self.spawn();
    }

    /// Starts it again if it has ended by itself, as a supervisor does; says whether it had.
    pub fn restart_if_ended(&mut self) -> bool {
        let ended = self
            .child
            .as_mut()
            .is_none_or(|child| child.try_wait().is_ok_and(|status| status.is_some()));
        if ended {
            self.spawn();
        }
        ended
    }

    /// SIGKILL. Nothing of it runs any more afterwards.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // An error here means that it has ended already.
            drop(child.kill());
            drop(child.wait());
        }
    }

    /// Sends it a signal: `STOP`, `CONT`.
    ///
    /// # Panics
    ///
    /// If it does not run.
    #[expect(clippy::unwrap_used, reason = "a failed step fails the test")]
    pub fn signal(&self, signal: &str) {
        let id = self.child.as_ref().unwrap().id();
        let sent = Command::new("kill").args([&format!("-{signal}"), &id.to_string()]).status();
        assert!(sent.unwrap().success(), "no signal to {}", self.name);
    }

    /// SIGTERM, and waits for it to drain; its exit code, `None` if a signal ended it.
    ///
    /// # Panics
    ///
    /// If it does not end within a minute.
    pub fn stop(&mut self) -> Option<i32> {
        let mut child = self.child.take()?;
        drop(Command::new("kill").args(["-TERM", &child.id().to_string()]).status());
        let what = || format!("the end of {}: {}", self.name, self.last_words());
        let limit = std::time::Duration::from_secs(60);
        let status = crate::wait::until_said(what, limit, || child.try_wait().ok().flatten());
        status.code()
    }

    /// Waits until it ends by itself; its exit code, `None` if a signal ended it.
    ///
    /// # Panics
    ///
    /// If it does not within the limit.
    pub fn wait(&mut self, limit: std::time::Duration) -> Option<i32> {
        let mut child = self.child.take()?;
        let what = || format!("the end of {}: {}", self.name, self.last_words());
        let status = crate::wait::until_said(what, limit, || child.try_wait().ok().flatten());
        status.code()
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How often it was started.
    #[must_use]
    pub const fn starts(&self) -> u32 {
        self.starts
    }

    /// All that it said, in each of its lives.
    #[must_use]
    pub fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// The last lines it said, for the message of a failure.
    #[must_use]
    pub fn last_words(&self) -> String {
        let said = self.said();
        let lines: Vec<&str> = said.lines().rev().take(15).collect();
        format!("{}:\n{}", self.name, lines.into_iter().rev().collect::<Vec<_>>().join("\n"))
    }
}

impl Drop for Role {
    fn drop(&mut self) {
        self.kill();
    }
}
