//! The order of copies. Velero's layout holds every object twice; here the first copies of some objects stand before
//! their second copies, in the same order.
//!
//! Side by side, the copies would fill deflate's window of 32 KiB with the same bytes twice. In groups it reaches over
//! twice as many objects, which makes archives of similar objects smaller by a tenth, and each second copy is still
//! within reach of its first, all of a group at one distance: [`crate::deflate`] makes use of that. Readers need no such
//! order; [`crate::verify`] knows it, to say what damage hurt.

use super::{BLOCK, padding};

/// Most bytes of first copies before their second copies follow, unless one object alone has more.
const MOST: usize = 28 * 1024;

/// Says where groups begin. It depends on nothing but lengths, so that writer and reader agree.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    bytes: usize,
}

impl Groups {
    /// Whether a content of `size` bytes begins a group, other than the first.
    pub(crate) fn begins(&mut self, size: usize) -> bool {
        let length = BLOCK + size + padding(size);
        let begins = self.bytes > 0 && self.bytes + length > MOST;
        self.bytes = if begins { length } else { self.bytes + length };
        begins
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_ends_before_a_copy_would_be_out_of_reach_of_the_other() {
        let mut groups = Groups::default();
        let begins: Vec<bool> =
            [1000, 1000, 26_000, 40_000, 10, 0].map(|size| groups.begins(size)).into_iter().collect();
        assert_eq!(begins, [false, false, true, true, true, false]);
    }
}
