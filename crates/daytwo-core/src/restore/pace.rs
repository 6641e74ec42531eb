//! How many requests are in flight: as many as the server gains by, and fewer once it pushes back.
//!
//! Nobody knows the best number before: it depends on the server's cores, its store and who else asks. So it is found by
//! trying, in windows of time. It rises while each doubling brings a tenth more answers a second. From then on another
//! number is tried now and then, between two windows at the present one, since what is written changes too; a larger one
//! is kept if it is clearly faster, a smaller one if it is hardly slower: what a server does not gain by is left to
//! others. A server that pushes back (429, or 503 with a time) halves the number and is left alone for as long as it asks.
//!
//! It refuses to know a clock: the time is passed in.

use std::time::Duration;

/// Requests in flight at the beginning: from fewer it takes most of a second to come up to what any server gains by.
const FIRST: usize = 32;
/// The fewest that it comes down to.
const LEAST: usize = 2;
/// How long answers are counted, at least.
const WINDOW: Duration = Duration::from_millis(200);
/// Windows without a trial after one, and after the server pushed back.
const REST: u32 = 8;
const LONG_REST: u32 = 25;
/// A doubling is worth it if it brings so many times the answers, a trial of more, and a trial of fewer.
const WORTH_DOUBLING: f64 = 1.10;
const WORTH_MORE: f64 = 1.05;
const WORTH_FEWER: f64 = 0.98;

/// Finds the number.
#[derive(Debug, Clone, PartialEq)]
pub struct Pace {
    most: usize,
    limit: usize,
    phase: Phase,
    begun: Duration,
    answers: u32,
    still_until: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Phase {
    /// Doubling; the rate before.
    Rising { before: f64 },
    /// So many windows until the next trial, which is of more.
    Resting { windows: u32, more: bool },
    /// Counting what the present number does, before the trial of another.
    Measuring { more: bool },
    /// Trying; the number and the rate before.
    Trying { from: usize, before: f64 },
    /// Counting once more what the number before does.
    Comparing { tried: usize, before: f64, then: f64 },
}

impl Pace {
    /// Begins at time `now`; the number never exceeds `most`, which is at least one.
    pub fn new(most: usize, now: Duration) -> Self {
        let most = most.max(1);
        Self {
            most,
            limit: FIRST.min(most),
            phase: Phase::Rising { before: 0.0 },
            begun: now,
            answers: 0,
            still_until: now,
        }
    }

    /// How many requests may be in flight.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Until when none may start.
    pub fn still_until(&self) -> Duration {
        self.still_until
    }

    /// An answer came. `waiting` tells whether somebody waits for a place: without, the server is not what limits, and
    /// nothing is learnt.
    pub fn answered(&mut self, now: Duration, waiting: bool) {
        if !waiting {
            self.begun = now;
            self.answers = 0;
            return;
        }
        self.answers += 1;
        let took = now.saturating_sub(self.begun);
        if took < WINDOW || (self.answers as usize) < 2 * self.limit {
            return;
        }
        let rate = f64::from(self.answers) / took.as_secs_f64();
        self.begun = now;
        self.answers = 0;
        self.learn(rate);
    }

    /// The server has no time, and asks to be left alone for `pause`.
    pub fn pushed_back(&mut self, now: Duration, pause: Duration) {
        self.still_until = self.still_until.max(now + pause);
        // Answers to requests that were in flight at that time tell nothing new.
        if matches!(self.phase, Phase::Resting { windows: LONG_REST, .. }) && now < self.begun + WINDOW {
            return;
        }
        self.set(self.limit / 2);
        self.phase = Phase::Resting { windows: LONG_REST, more: true };
        self.begun = now;
        self.answers = 0;
    }

    fn learn(&mut self, rate: f64) {
        self.phase = match self.phase {
            Phase::Rising { before } if rate < before * WORTH_DOUBLING => {
                self.set(self.limit / 2);
                Phase::Resting { windows: REST, more: true }
            }
            Phase::Rising { .. } if self.limit == self.most => Phase::Resting { windows: REST, more: false },
            Phase::Rising { .. } => {
                self.set(self.limit * 2);
                Phase::Rising { before: rate }
            }
            Phase::Resting { windows: 0, more } => Phase::Measuring { more },
            Phase::Resting { windows, more } => Phase::Resting { windows: windows - 1, more },
            Phase::Measuring { more } => {
                let from = self.limit;
                self.set(if more { from + from.div_ceil(2) } else { from - from / 3 });
                match self.limit == from {
                    true => Phase::Resting { windows: REST, more: !more },
                    false => Phase::Trying { from, before: rate },
                }
            }
            Phase::Trying { from, before } => {
                let tried = self.limit;
                self.set(from);
                Phase::Comparing { tried, before, then: rate }
            }
            Phase::Comparing { tried, before, then } => {
                let present = f64::midpoint(before, rate);
                let more = tried > self.limit;
                let keep = then >= present * if more { WORTH_MORE } else { WORTH_FEWER };
                if keep {
                    self.set(tried);
                }
                // What was worth it once is tried in the same direction again.
                Phase::Resting { windows: REST, more: more == keep }
            }
        };
    }

    fn set(&mut self, limit: usize) {
        self.limit = limit.clamp(LEAST.min(self.most), self.most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a server answers in a second with `limit` requests in flight: up to `knee` each adds 100.
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    fn rate(limit: usize, knee: usize) -> f64 {
        100.0 * limit.min(knee) as f64
    }

    /// Runs `pace` from `from` for `seconds` against such a server; gives the time and the numbers it went through.
    fn run(pace: &mut Pace, from: Duration, seconds: u64, knee: usize) -> (Duration, Vec<usize>) {
        let (mut now, mut limits) = (from, vec![pace.limit()]);
        while now < from + Duration::from_secs(seconds) {
            now = now.max(pace.still_until()) + Duration::from_secs_f64(1.0 / rate(pace.limit(), knee));
            pace.answered(now, true);
            if limits.last() != Some(&pace.limit()) {
                limits.push(pace.limit());
            }
        }
        (now, limits)
    }

    #[test]
    fn it_rises_to_what_the_server_gains_by_and_no_further() {
        let mut pace = Pace::new(256, Duration::ZERO);
        let (_, limits) = run(&mut pace, Duration::ZERO, 30, 40);
        assert_eq!(limits[..2], [32, 64]);
        assert!((36..=48).contains(&pace.limit()), "{limits:?}");
    }

    #[test]
    fn what_a_server_does_not_gain_by_is_left_to_others() {
        let mut pace = Pace::new(64, Duration::ZERO);
        let (now, limits) = run(&mut pace, Duration::ZERO, 5, 64);
        assert_eq!(pace.limit(), 64, "{limits:?}");
        run(&mut pace, now, 60, 10);
        assert!((10..=15).contains(&pace.limit()), "{}", pace.limit());
    }

    #[test]
    fn it_never_exceeds_what_was_allowed() {
        for most in [1, 2, 3, 12] {
            let mut pace = Pace::new(most, Duration::ZERO);
            let (_, limits) = run(&mut pace, Duration::ZERO, 20, 1_000);
            assert!(limits.iter().all(|limit| *limit <= most), "{limits:?}");
        }
    }

    #[test]
    fn a_server_that_pushes_back_is_left_alone_for_as_long_as_it_asks() {
        let mut pace = Pace::new(64, Duration::ZERO);
        let (now, _) = run(&mut pace, Duration::ZERO, 5, 64);
        for _ in 0..10 {
            pace.pushed_back(now, Duration::from_secs(3));
        }
        assert_eq!(pace.limit(), 32, "all that were in flight are one");
        assert_eq!(pace.still_until(), now + Duration::from_secs(3));
        pace.pushed_back(now + Duration::from_secs(1), Duration::from_secs(1));
        assert_eq!(pace.limit(), 16);
        run(&mut pace, now, 120, 64);
        assert!(pace.limit() > 40, "it recovers: {}", pace.limit());
    }

    #[test]
    fn a_slow_reader_teaches_nothing() {
        let mut pace = Pace::new(64, Duration::ZERO);
        for millis in 0..5_000 {
            pace.answered(Duration::from_millis(millis), false);
        }
        assert_eq!(pace.limit(), FIRST);
    }
}
