//! `daytwo`: the command line.
//!
//! Parses, resolves settings once, runs one verb, prints, and turns what happened into an exit code. Decisions are
//! made in `daytwo-core`, backups read and written in `daytwo-archive`, clusters touched in `daytwo-engine`.

mod ask;
mod cli;
mod commands;
mod config;
mod exit;
mod failure;
mod filters;
mod interrupt;
mod kinds;
mod logging;
mod output;
mod place;
mod progress;
mod question;
mod settings;
mod site;
mod suggest;

use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{CommandFactory, FromArgMatches};
use jiff::Timestamp;
use tokio::runtime::Builder;

use crate::cli::{Cli, Verb};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::paint::Paint;
use crate::output::speak::Speak;

/// The system's clock.
struct SystemClock;

impl daytwo_engine::Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "time is made here and passed down")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

fn main() -> ExitCode {
    let cli = match parse(std::env::args_os().collect()) {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    let paint = stderr_paint(cli.global.no_color);
    logging::start(cli.global.verbose, paint.0);
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        tracing::debug!("a TLS provider had been installed before");
    }
    let outcome = match runtime(&cli.verb).enable_all().build() {
        Ok(runtime) => {
            let outcome = runtime.block_on(async {
                let run = uuid::Uuid::new_v4().to_string();
                let interrupt = interrupt::Interrupt::listen(Speak { paint });
                let session = settings::Session::new(&cli.global, Arc::new(SystemClock), interrupt, run);
                commands::run(&session, cli.verb).await
            });
            // A file that is still being read after Ctrl-C is not waited for.
            runtime.shutdown_background();
            outcome
        }
        Err(error) => Err(Failure::from(error).while_doing("cannot start")),
    };
    match outcome {
        Ok(exit) => exit.into(),
        Err(failure) if failure.is_closed_pipe() => Exit::Done.into(),
        Err(failure) => {
            let _ = failure.print(&mut std::io::stderr(), paint);
            failure.exit.into()
        }
    }
}

/// The runtime for `verb`. A restore sends many small requests: threads that hand them on to each other take, where the
/// API server is on this machine, more of its time than they save.
fn runtime(verb: &Verb) -> Builder {
    match verb {
        Verb::Restore(_) | Verb::Resume(_) | Verb::Runs(_) => Builder::new_current_thread(),
        _ => Builder::new_multi_thread(),
    }
}

/// Reads the command line; help and usage errors are printed here, and their exit code is the error.
fn parse(args: Vec<std::ffi::OsString>) -> Result<Cli, ExitCode> {
    let mut command = Cli::command();
    if args.iter().any(|arg| arg == "--no-color") {
        command = command.color(clap::ColorChoice::Never);
    }
    let parsed = command.try_get_matches_from_mut(args).and_then(|matches| Cli::from_arg_matches(&matches));
    parsed.map_err(|error| {
        let _ = error.print();
        if error.use_stderr() {
            if let Some(remedy) = cli::habits::remedy(&error) {
                Speak { paint: Paint(false) }.suggest(remedy);
            }
            Exit::Usage.into()
        } else {
            Exit::Done.into()
        }
    })
}

fn stderr_paint(no_color: bool) -> Paint {
    let wanted = settings::colour_wanted(|name| std::env::var(name).ok());
    Paint(!no_color && wanted && std::io::stderr().is_terminal())
}
