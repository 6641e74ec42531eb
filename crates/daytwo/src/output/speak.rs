//! stderr: what a person reads while and after a verb works. Never data, and never a secret.

use std::io::{self, Write};

use super::paint::Paint;

/// stderr.
#[derive(Debug, Clone, Copy)]
pub struct Speak {
    /// Colour on stderr.
    pub paint: Paint,
}

impl Speak {
    /// Says something for information.
    #[expect(clippy::unused_self, reason = "all of stderr goes through here")]
    pub fn note(&self, text: &str) {
        line(text);
    }

    /// Says something to look at, that does not change the exit code.
    pub fn warn(&self, text: &str) {
        line(&format!("{} {text}", self.paint.odd("warning:")));
    }

    /// Says something to try.
    pub fn suggest(&self, text: &str) {
        line(&format!("  {} {text}", self.paint.good("try:")));
    }
}

/// A stderr that is closed is nobody listening, which changes nothing.
fn line(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}
