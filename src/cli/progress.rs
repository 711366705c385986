//! What is being done, for work that takes longer than a second.

use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget};

use super::Loudness;

/// Nothing is shown before this.
const PATIENCE: Duration = Duration::from_secs(1);

/// Shows what is being done: in a terminal a line that changes, from the first second on; with
/// `--verbose` a line for every phase.
pub(super) struct Progress {
    began: Instant,
    bar: Option<ProgressBar>,
    /// True when the work is over, for the thread that waits to show the line.
    over: Arc<Mutex<bool>>,
    lines: bool,
}

impl Progress {
    pub(super) fn new(loudness: &Loudness) -> Progress {
        let over = Arc::new(Mutex::new(false));
        let shown = !loudness.quiet && !loudness.verbose && io::stderr().is_terminal();
        let bar = shown.then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
            let (later, over) = (bar.clone(), over.clone());
            thread::spawn(move || {
                thread::sleep(PATIENCE);
                let over = over.lock().map_or(true, |over| *over);
                if !over {
                    later.set_draw_target(ProgressDrawTarget::stderr());
                    later.enable_steady_tick(Duration::from_millis(120));
                }
            });
            bar
        });
        Progress { began: Instant::now(), bar, over, lines: loudness.verbose }
    }

    /// Says what begins now.
    pub(super) fn tell(&self, what: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(what.to_string());
        }
        if self.lines {
            let seconds = self.began.elapsed().as_secs_f64();
            // That nobody reads it is no reason to stop the work.
            let _ = writeln!(io::stderr(), "[{seconds:8.2} s] {what}");
        }
    }

    /// Takes the line away.
    pub(super) fn end(&self) {
        if let Ok(mut over) = self.over.lock() {
            *over = true;
        }
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
