//! The one place that waits: for a condition, with a deadline, saying what for.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

const INTERVAL: Duration = Duration::from_millis(50);

/// Asks `look` every 50 ms until it answers, and returns its answer.
///
/// # Errors
/// If `deadline` passes first, naming `what`; or at once if `look` fails.
pub fn until<T>(deadline: Duration, what: &str, mut look: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let end = Instant::now() + deadline;
    loop {
        if let Some(answer) = look()? {
            return Ok(answer);
        }
        if Instant::now() >= end {
            bail!("gave up after {} s waiting for {what}", deadline.as_secs_f32());
        }
        pause();
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the interval between two looks at a condition with a deadline"
)]
fn pause() {
    std::thread::sleep(INTERVAL);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_what_it_waited_for() {
        let error = until(Duration::from_millis(1), "Godot", || Ok(None::<()>)).unwrap_err();
        assert!(error.to_string().ends_with("waiting for Godot"), "{error}");
    }
}
