//! Live progress on standard error: a bar on a terminal, plain lines elsewhere.

use std::cell::Cell;
use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use service::clock::Stopwatch;

use crate::print;

/// Events between two plain lines.
const LINE_EVERY: u64 = 5_000;

/// Shows progress; silent if asked to be.
#[derive(Debug)]
pub(super) struct Show {
    quiet: bool,
    terminal: bool,
    bar: ProgressBar,
    stopwatch: Stopwatch,
    next_line: Cell<u64>,
}

impl Show {
    pub(super) fn new(quiet: bool) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        let stopwatch = Stopwatch::start();
        Self { quiet, terminal, bar, stopwatch, next_line: Cell::new(LINE_EVERY) }
    }

    /// One line.
    pub(super) fn line(&self, text: &str) {
        if !self.quiet {
            let seconds = self.stopwatch.elapsed_secs();
            self.bar.suspend(|| print::note(format!("[{seconds:5.1} s] {text}")));
        }
    }

    /// Several lines that stand out.
    pub(super) fn block(&self, text: &str) {
        if !self.quiet {
            self.bar.suspend(|| print::note(format!("\n{}\n", text.trim_end())));
        }
    }

    /// Begins to count events, of so many if that is known.
    pub(super) fn start(&self, total: Option<u64>) {
        let template = match total {
            Some(_) => "          {bar:40} {human_pos}/{human_len} events  {per_sec}",
            None => "          {spinner} {human_pos} events  {per_sec}",
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            self.bar.set_style(style);
        }
        if let Some(total) = total {
            self.bar.set_length(total);
        }
        if self.terminal && !self.quiet {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
    }

    /// So many events were sent.
    pub(super) fn moved(&self, events: u64) {
        self.bar.set_position(events);
        if !self.terminal && events >= self.next_line.get() {
            self.line(&format!("sent {} events", print::grouped(events)));
            self.next_line.set(events + LINE_EVERY);
        }
    }

    /// Counting is over.
    pub(super) fn finish(&self, text: &str) {
        self.bar.finish_and_clear();
        self.line(text);
    }
}
