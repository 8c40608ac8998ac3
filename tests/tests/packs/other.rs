//! The other verifier: one process for each thread of tests.

use std::cell::RefCell;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use bytes::Bytes;
use pack::{Report, Trust};
use segment::fault::Judgement;
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::workspace;

thread_local! {
    static OTHER: RefCell<Option<Other>> = RefCell::new(Other::start());
}

struct Other {
    child: Child,
    to: Option<ChildStdin>,
    from: BufReader<ChildStdout>,
    directory: TempDir,
}

impl Other {
    fn start() -> Option<Self> {
        let Some(python) = workspace::python() else {
            workspace::not_run("packs", "no Python in .venv; `tests/setup.sh all` makes it");
            return None;
        };
        let script = workspace::root().join("tests").join("oracles").join("verify_pack.py");
        let mut command = Command::new(python);
        command.arg(script).arg("--serve").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let from = BufReader::new(child.stdout.take().unwrap());
        let to = child.stdin.take();
        Some(Self { child, to, from, directory: tempfile::tempdir().unwrap() })
    }

    fn ask(&mut self, pack: &[u8], trust: Trust<'_>) -> Value {
        let path = self.directory.path().join("pack.zip");
        std::fs::write(&path, pack).unwrap();
        let policy = trust.policy.map(segment::policy::Policy::to_text);
        let kept = trust.earlier.map(|earlier| earlier.checkpoint);
        let document = trust.earlier.and_then(|earlier| earlier.consistency);
        // Bytes that are no UTF-8 are told to neither.
        let document = document.map(String::from_utf8_lossy);
        let asked =
            json!({ "pack": path, "policy": policy, "kept": kept, "consistency": document });
        writeln!(self.to.as_mut().unwrap(), "{asked}").unwrap();
        let mut answer = String::new();
        self.from.read_line(&mut answer).unwrap();
        serde_json::from_str(&answer).unwrap()
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        // It ends with its input.
        drop(self.to.take());
        let _ended = self.child.wait();
    }
}

/// The other verifier gives this verdict too.
#[track_caller]
pub(crate) fn agrees(pack: &Bytes, trust: Trust<'_>, report: &Report) {
    let answer = OTHER.with_borrow_mut(|other| Some(other.as_mut()?.ask(pack, trust)));
    let Some(answer) = answer else { return };
    // Another verifier does not know the wording of the report, and says that it did not render it.
    let is_wording = report.fault.as_ref().is_some_and(|fault| {
        fault.step == "printed numbers" && fault.place.ends_with(" of report.html")
    });
    let expected = if is_wording { Judgement::Verified } else { report.verdict };
    let signed_only = (expected == Judgement::Verified).then_some("report.html");
    assert_eq!(answer["signed_only"], json!(signed_only), "{answer}");
    assert_eq!(answer["verdict"], expected.name(), "{answer}\n{report}");
    if let Some(verified) = &report.verified {
        assert_eq!(answer["rows"], verified.facts.events_in_segments, "{answer}");
        assert_eq!(answer["segments"], verified.facts.segments_in_period, "{answer}");
    }
}
