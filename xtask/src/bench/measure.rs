//! Samples of one thing measured again and again, and what is said of them.

use serde_json::{Value, json};

/// What one run took.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    /// Seconds from before its start until it was gone.
    pub wall: f64,
    /// CPU seconds of its own.
    pub cpu: f64,
    /// CPU seconds of the API server meanwhile.
    pub server_cpu: f64,
    /// The most memory it had resident, in bytes.
    pub peak_rss: f64,
}

/// The runs of one thing.
#[derive(Debug, Clone)]
pub struct Series {
    /// What ran.
    pub name: String,
    samples: Vec<Sample>,
}

/// The least, the middle and the most.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    pub min: f64,
    pub median: f64,
    pub max: f64,
}

impl Series {
    pub fn new(name: impl Into<String>) -> Series {
        Series { name: name.into(), samples: Vec::new() }
    }

    pub fn push(&mut self, sample: Sample) {
        self.samples.push(sample);
    }

    pub fn rounds(&self) -> usize {
        self.samples.len()
    }

    pub fn wall(&self) -> Option<Spread> {
        self.spread(|sample| sample.wall)
    }

    pub fn cpu(&self) -> Option<Spread> {
        self.spread(|sample| sample.cpu)
    }

    pub fn server_cpu(&self) -> Option<Spread> {
        self.spread(|sample| sample.server_cpu)
    }

    pub fn peak_rss(&self) -> Option<Spread> {
        self.spread(|sample| sample.peak_rss)
    }

    fn spread(&self, of: impl Fn(&Sample) -> f64) -> Option<Spread> {
        Spread::of(self.samples.iter().map(of).collect())
    }

    pub fn json(&self) -> Value {
        let spread = |spread: Option<Spread>| match spread {
            None => Value::Null,
            Some(spread) => json!({ "min": spread.min, "median": spread.median, "max": spread.max }),
        };
        json!({
            "what": self.name,
            "rounds": self.rounds(),
            "wallSeconds": spread(self.wall()),
            "cpuSeconds": spread(self.cpu()),
            "serverCpuSeconds": spread(self.server_cpu()),
            "peakRssBytes": spread(self.peak_rss()),
        })
    }
}

impl Spread {
    /// `None` where there are no values.
    fn of(mut values: Vec<f64>) -> Option<Spread> {
        values.sort_by(f64::total_cmp);
        let (min, max) = (*values.first()?, *values.last()?);
        let middle = values.len() / 2;
        let median = match values.len() % 2 {
            0 => f64::midpoint(values[middle - 1], values[middle]),
            _ => values[middle],
        };
        Some(Spread { min, median, max })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_stands_in_the_middle() {
        let spread = Spread::of(vec![3.0, 1.0, 2.0]).unwrap();
        assert_eq!(spread, Spread { min: 1.0, median: 2.0, max: 3.0 });
        assert!((Spread::of(vec![4.0, 1.0, 2.0, 3.0]).unwrap().median - 2.5).abs() < f64::EPSILON);
        assert_eq!(Spread::of(Vec::new()), None);
    }
}
