//! What the command line, the environment and the config file say, resolved once into plain values.
//!
//! Verbs get a [`Session`] and read neither the environment nor the config file themselves.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::Arc;

use daytwo_engine::{Clock, ClusterOptions};

use crate::cli::shared::quoted;
use crate::cli::{Format, Global};
use crate::interrupt::Interrupt;
use crate::output::paint::Paint;
use crate::output::speak::Speak;
use crate::output::{Channel, Out};

/// What every verb works with.
#[derive(Clone)]
pub struct Session {
    /// stdout.
    pub out: Out,
    /// stderr.
    pub speak: Speak,
    /// Whether stderr is a terminal, so that progress bars may be drawn.
    pub bars: bool,
    /// Whether a person can be asked.
    pub can_ask: bool,
    /// The cluster that was named.
    pub cluster: ClusterOptions,
    /// Wall-clock time.
    pub clock: Arc<dyn Clock>,
    /// Ctrl-C.
    pub interrupt: Interrupt,
    /// What tells this run from every other: a random UUID.
    pub run: String,
    /// This program, as a shell calls it.
    pub program: String,
}

impl Session {
    /// Resolves the global flags and the environment.
    pub fn new(global: &Global, clock: Arc<dyn Clock>, interrupt: Interrupt, run: String) -> Self {
        let paint = |terminal: bool| {
            Paint(!global.no_color && terminal && colour_wanted(|name| std::env::var(name).ok()))
        };
        let (stdin, stdout, stderr) = (
            std::io::stdin().is_terminal(),
            std::io::stdout().is_terminal(),
            std::io::stderr().is_terminal(),
        );
        Self {
            out: Out { format: global.output, paint: paint(stdout), channel: Channel::Stdout },
            speak: Speak { paint: paint(stderr) },
            bars: stderr && global.verbose == 0,
            can_ask: stdin && stderr,
            cluster: ClusterOptions {
                kubeconfig: global.kubeconfig.clone(),
                context: global.context.clone(),
                compress: false,
            },
            clock,
            interrupt,
            run,
            program: program(std::env::args().next()),
        }
    }

    /// The same for a verb that is a part of another: what it would print for people goes to stderr.
    pub fn apart(&self) -> Self {
        let out = Out { format: Format::Table, paint: self.speak.paint, channel: Channel::Stderr };
        Self { out, ..self.clone() }
    }

    /// Where the config file is.
    ///
    /// # Errors
    /// Exit 2 where no home folder is known.
    #[expect(clippy::unused_self, reason = "the session stands for the environment")]
    pub fn config_path(&self) -> crate::failure::Result<PathBuf> {
        crate::config::path()
    }
}

/// The word that it was called by: a path as it was written, or its name where it was looked up.
fn program(called: Option<String>) -> String {
    called.filter(|word| word.contains('/')).map_or_else(|| "daytwo".to_owned(), |word| quoted(&word))
}

/// Whether the environment allows colour: NO_COLOR is unset or empty, and TERM is not dumb.
pub fn colour_wanted(variable: impl Fn(&str) -> Option<String>) -> bool {
    let no_color = variable("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = variable("TERM").is_some_and(|term| term == "dumb");
    !no_color && !dumb
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_called_again_as_it_was() {
        let called = |word: &str| program(Some(word.to_owned()));
        assert_eq!(called("target/release/daytwo"), "target/release/daytwo");
        assert_eq!(called("/a b/daytwo"), "'/a b/daytwo'");
        assert_eq!((called("daytwo"), program(None)), ("daytwo".to_owned(), "daytwo".to_owned()));
    }

    #[test]
    fn no_color_and_dumb_terminals_get_no_colour() {
        let with = |name: &'static str, value: &'static str| {
            colour_wanted(move |asked| (asked == name).then(|| value.to_owned()))
        };
        assert!(!with("NO_COLOR", "1"));
        assert!(!with("TERM", "dumb"));
        assert!(with("NO_COLOR", ""));
        assert!(with("TERM", "xterm"));
    }
}
