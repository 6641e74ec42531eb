//! Shows the events of a run on stderr: bars on a terminal, nothing but notes in a pipe, everything in the log.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use daytwo_engine::{Event, Observer};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output::speak::Speak;
use crate::settings::Session;

/// How often a bar is drawn at most, per second.
const DRAWS_PER_SECOND: u8 = 10;

/// A bar of something that is counted towards an end.
const COUNTED: &str = "{prefix} [{bar:30}] {human_pos}/{human_len} {msg}";

/// A bar of something that is counted without a known end.
const COUNTING: &str = "{spinner} {prefix} {human_pos} {msg}";

/// An observer that draws.
pub struct Progress {
    speak: Speak,
    bars: Option<MultiProgress>,
    running: Mutex<BTreeMap<String, ProgressBar>>,
}

impl Progress {
    /// Bars where the session has a terminal to draw them on.
    pub fn new(session: &Session) -> Self {
        let bars = session
            .bars
            .then(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(DRAWS_PER_SECOND)));
        Self { speak: session.speak, bars, running: Mutex::new(BTreeMap::new()) }
    }

    fn bar(&self, what: &str, running: &mut BTreeMap<String, ProgressBar>) -> Option<ProgressBar> {
        let bars = self.bars.as_ref()?;
        let bar = running.entry(what.to_owned()).or_insert_with(|| {
            let bar = bars.add(ProgressBar::no_length());
            bar.set_style(style("{spinner} {prefix} {msg}"));
            bar.set_prefix(what.to_owned());
            bar
        });
        Some(bar.clone())
    }

    fn running(&self) -> MutexGuard<'_, BTreeMap<String, ProgressBar>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says a line above the bars.
    fn note(&self, text: &str) {
        match &self.bars {
            Some(bars) => bars.suspend(|| self.speak.note(text)),
            None => self.speak.note(text),
        }
    }
}

impl Observer for Progress {
    fn event(&self, event: Event) {
        let mut running = self.running();
        match event {
            Event::Started { what } => {
                tracing::info!("{what}");
                if let Some(bar) = self.bar(&what, &mut running) {
                    bar.tick();
                }
            }
            Event::Progress { what, done, total } => {
                tracing::trace!(what, done, total, "progress");
                if let Some(bar) = self.bar(&what, &mut running) {
                    match total {
                        Some(total) if bar.length() != Some(total) => {
                            bar.set_length(total);
                            bar.set_style(style(COUNTED).progress_chars("=> "));
                        }
                        None if bar.position() == 0 => bar.set_style(style(COUNTING)),
                        Some(_) | None => {}
                    }
                    bar.set_message("");
                    bar.set_position(done);
                }
            }
            Event::Waiting { what, because } => {
                tracing::info!(because, "waiting for {what}");
                if let Some(bar) = self.bar(&what, &mut running) {
                    bar.set_message(format!("waiting: {because}"));
                    bar.tick();
                }
            }
            Event::Finished { what } => {
                tracing::debug!("finished: {what}");
                if let Some(bar) = running.remove(&what) {
                    bar.finish_and_clear();
                }
            }
            Event::Note(text) => {
                drop(running);
                self.note(&text);
            }
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        for bar in self.running().values() {
            bar.finish_and_clear();
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("invariant: the templates above are valid")
}
