//! Which pages were met: what keeps a walk from going round in circles, and tells free pages from lost ones.

/// A set of pages, one bit each.
#[derive(Debug, Clone)]
pub struct Pages {
    bits: Vec<u64>,
    count: u64,
}

impl Pages {
    /// An empty set that can hold the pages below `high_water`.
    pub fn below(high_water: u64) -> Pages {
        let words =
            usize::try_from(high_water.div_ceil(64)).expect("invariant: the pages lie in a mapped file");
        Pages { bits: vec![0; words], count: 0 }
    }

    /// Adds `count` pages from `first` on.
    ///
    /// # Errors
    /// The first of them that was in it already, or is out of reach; those before it were added.
    pub fn add(&mut self, first: u64, count: u64) -> Result<(), u64> {
        for page in first..first.saturating_add(count) {
            let (word, bit) = split(page);
            match self.bits.get_mut(word) {
                Some(word) if *word & bit == 0 => *word |= bit,
                _ => return Err(page),
            }
            self.count += 1;
        }
        Ok(())
    }

    /// Whether `page` is in it.
    pub fn contains(&self, page: u64) -> bool {
        let (word, bit) = split(page);
        self.bits.get(word).is_some_and(|word| word & bit != 0)
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.count
    }
}

fn split(page: u64) -> (usize, u64) {
    (usize::try_from(page / 64).unwrap_or(usize::MAX), 1 << (page % 64))
}
