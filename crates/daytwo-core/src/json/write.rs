//! Writes one object or array anew, taking over what stands between its brackets and commas.

use std::ops::Range;

use super::{Change, quote, skip_whitespace};

/// Takes the items in their order, each with what becomes of it.
pub(super) struct Writer<'a> {
    bytes: &'a [u8],
    out: Vec<u8>,
    /// Where the text of the next item starts: after the bracket or comma before it.
    from: usize,
    /// Where the last item seen ended, the comma after it not counted.
    end: usize,
    items: usize,
    /// Whether the last item seen was written.
    kept: bool,
    changed: bool,
}

impl<'a> Writer<'a> {
    /// `bytes` is one object or array, without whitespace around it.
    pub(super) fn new(bytes: &'a [u8]) -> Writer<'a> {
        Writer { bytes, out: Vec::new(), from: 1, end: 1, items: 0, kept: false, changed: false }
    }

    /// Takes over the next item: whitespace, key and colon as they stand, and the value as `change` says.
    pub(super) fn item(&mut self, value: Range<usize>, change: Change) {
        // Another item came before: its comma stands between, after whitespace at most.
        if self.end > 1 {
            let comma = skip_whitespace(self.bytes, self.end);
            if self.kept {
                self.out.extend_from_slice(&self.bytes[self.end..comma]);
            }
            self.from = comma + 1;
        }
        self.end = value.end;
        self.kept = change != Change::Remove;
        match change {
            Change::Keep => {
                self.comma();
                self.out.extend_from_slice(&self.bytes[self.from..value.end]);
            }
            Change::With(new) => {
                self.comma();
                self.out.extend_from_slice(&self.bytes[self.from..value.start]);
                self.out.extend_from_slice(&new);
                self.changed = true;
            }
            Change::Remove => self.changed = true,
        }
    }

    pub(super) fn append(&mut self, name: &str, value: &[u8]) {
        self.comma();
        self.out.extend_from_slice(quote(name).as_bytes());
        self.out.push(b':');
        self.out.extend_from_slice(value);
        self.changed = true;
    }

    fn comma(&mut self) {
        self.out.push(if self.items == 0 { self.bytes[0] } else { b',' });
        self.items += 1;
    }

    pub(super) fn finish(mut self) -> Change {
        if !self.changed {
            return Change::Keep;
        }
        if self.items == 0 {
            self.out.push(self.bytes[0]);
        } else {
            // The whitespace before the closing bracket.
            self.out.extend_from_slice(&self.bytes[self.end..self.bytes.len() - 1]);
        }
        self.out.push(self.bytes[self.bytes.len() - 1]);
        Change::With(self.out)
    }
}
