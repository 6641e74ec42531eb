//! Names the first few of many. It refuses to keep the others.

use std::fmt;

/// How many are named.
const NAMED: usize = 5;

/// A count, and the first few of what was counted.
#[derive(Debug, Clone, Default)]
pub(super) struct Few {
    pub(super) count: u64,
    first: Vec<String>,
}

impl Few {
    /// Counts one more; `name` is asked only if it is named.
    pub(super) fn add(&mut self, name: impl FnOnce() -> String) {
        self.count += 1;
        if self.first.len() < NAMED {
            self.first.push(name());
        }
    }

    /// The first of all.
    pub(super) fn first(&self) -> &str {
        self.first.first().map_or("", String::as_str)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }
}

impl fmt::Display for Few {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.first.join("; "))?;
        match self.count - self.first.len() as u64 {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_are_named_and_the_others_counted() {
        let mut few = Few::default();
        assert!(few.is_empty() && few.first().is_empty());
        (0..7).for_each(|n| few.add(|| format!("o{n}")));
        assert_eq!(few.to_string(), "o0; o1; o2; o3; o4; and 2 more");
        assert_eq!((few.count, few.first()), (7, "o0"));
    }
}
