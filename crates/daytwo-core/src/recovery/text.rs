//! A recovery as a page that is printed, followed and ticked off: Markdown with a box before every step.

use std::fmt;

use super::{Recovery, Step};

/// Columns of a printed page.
const WIDTH: usize = 110;

impl fmt::Display for Recovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "# {}\n", self.title)?;
        writeln!(f, "What this rests on; stop if any of it is not so:\n")?;
        for fact in &self.facts {
            wrap(f, "* ", "  ", &format!("{}: {}", fact.what, fact.was))?;
        }
        if !self.cautions.is_empty() {
            writeln!(f, "\nBefore you begin:\n")?;
            for caution in &self.cautions {
                wrap(f, "* ", "  ", caution)?;
            }
        }
        writeln!(f)?;
        let all = "Every command is typed as root on the host of its heading. No part begins before every box above it is \
                   ticked. Nothing is deleted: what is in the way is moved aside.";
        wrap(f, "", "", all)?;
        for (at, phase) in self.phases.iter().enumerate() {
            writeln!(f, "\n## {}. {}: on {}", at + 1, phase.title, phase.host)?;
            for (nth, step) in phase.steps.iter().enumerate() {
                self.step(f, &format!("{}.{}", at + 1, nth + 1), step)?;
            }
        }
        Ok(())
    }
}

impl Recovery {
    fn step(&self, f: &mut fmt::Formatter<'_>, place: &str, step: &Step) -> fmt::Result {
        writeln!(f)?;
        wrap(f, &format!("- [ ] {place} "), "      ", &step.what)?;
        if !step.commands.is_empty() {
            writeln!(f)?;
        }
        for line in step.commands.iter().flat_map(|command| command.lines()) {
            writeln!(f, "          {line}")?;
        }
        if !step.expect.is_empty() {
            writeln!(f)?;
            wrap(f, "      See: ", "      ", &step.expect)?;
        }
        if !step.otherwise.is_empty() {
            wrap(f, "      If not: ", "      ", &step.otherwise)?;
        }
        Ok(())
    }
}

/// `text` in lines, none broken inside `backquotes`.
fn wrap(f: &mut fmt::Formatter<'_>, first: &str, next: &str, text: &str) -> fmt::Result {
    let mut line = first.to_owned();
    let mut empty = true;
    for word in words(text) {
        if !empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
            writeln!(f, "{}", line.trim_end())?;
            line = next.to_owned();
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line.push_str(word);
        empty = false;
    }
    writeln!(f, "{}", line.trim_end())
}

/// Splits at spaces outside of backquotes.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let (mut start, mut quoted) = (0, false);
    for (at, found) in text.char_indices() {
        match found {
            '`' => quoted = !quoted,
            ' ' if !quoted => {
                words.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    words.push(&text[start..]);
    words.retain(|word| !word.is_empty());
    words
}
