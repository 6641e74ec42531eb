//! `-v`: what the program does, on stderr.
//!
//! Other crates log bodies of answers and headers where something fails, and a body can hold a Secret: of them only
//! what is known to carry neither is let through, and at `-vvv` only. Requests are logged by `daytwo_engine::api`.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

/// The targets let through at each number of `-v`.
fn directives(verbose: u8) -> &'static str {
    match verbose {
        0 => "off",
        1 => "off,daytwo=info,daytwo_engine=info,daytwo_archive=info,daytwo_core=info",
        2 => "off,daytwo=debug,daytwo_engine=debug,daytwo_archive=debug,daytwo_core=debug",
        _ => "off,daytwo=trace,daytwo_engine=trace,daytwo_archive=trace,daytwo_core=trace,rustls=warn",
    }
}

/// Starts logging to stderr.
pub fn start(verbose: u8, colour: bool) {
    if verbose == 0 {
        return;
    }
    let subscriber = fmt::Subscriber::builder()
        .with_env_filter(EnvFilter::new(directives(verbose)))
        .with_writer(std::io::stderr)
        .with_ansi(colour)
        .with_target(verbose > 1)
        .finish();
    if tracing::subscriber::set_global_default(subscriber).is_err() {
        tracing::warn!("logging had been started before");
    }
}
