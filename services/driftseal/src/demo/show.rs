//! Progress on standard error: a bar on a terminal, else lines.

use std::cell::Cell;
use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressDrawTarget};
use service::clock::Stopwatch;

use crate::print;

/// Events between two lines.
const LINE_EVERY: u64 = 5_000;

/// Shows progress, unless quiet.
#[derive(Debug)]
pub(super) struct Show {
    quiet: bool,
    terminal: bool,
    bar: ProgressBar,
    stopwatch: Stopwatch,
    next_line: Cell<u64>,
    /// Whether a paragraph was the last thing shown; the blank line behind it is the next one's too.
    after_block: Cell<bool>,
}

impl Show {
    pub(super) fn new(quiet: bool) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        let stopwatch = Stopwatch::start();
        Self {
            quiet,
            terminal,
            bar,
            stopwatch,
            next_line: Cell::new(LINE_EVERY),
            after_block: Cell::new(false),
        }
    }

    /// Shows a line with the elapsed time.
    pub(super) fn line(&self, text: &str) {
        if !self.quiet {
            self.after_block.set(false);
            let seconds = self.stopwatch.elapsed_secs();
            self.bar.suspend(|| print::note(format!("[{seconds:5.1} s] {text}")));
        }
    }

    /// Shows a paragraph.
    pub(super) fn block(&self, text: &str) {
        if !self.quiet {
            let before = if self.after_block.replace(true) { "" } else { "\n" };
            self.bar.suspend(|| print::note(format!("{before}{}\n", text.trim_end())));
        }
    }

    /// Starts counting events, of `total` if known.
    pub(super) fn start(&self, total: Option<u64>) {
        let template = match total {
            Some(_) => "          {bar:40} {human_pos}/{human_len} events  {per_sec}",
            None => "          {spinner} {human_pos} events  {per_sec}",
        };
        self.bar.set_style(print::style(template));
        if let Some(total) = total {
            self.bar.set_length(total);
        }
        if self.terminal && !self.quiet {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
    }

    /// Shows the number of events sent.
    pub(super) fn moved(&self, events: u64) {
        self.bar.set_position(events);
        if !self.terminal && events >= self.next_line.get() {
            self.line(&format!("sent {} events", print::grouped(events)));
            self.next_line.set(events + LINE_EVERY);
        }
    }

    /// Ends counting, with a line.
    pub(super) fn finish(&self, text: &str) {
        self.bar.finish_and_clear();
        self.line(text);
    }
}
