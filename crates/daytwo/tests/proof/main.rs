//! Proof on real parts: the binary against a real API server, a real S3 server and a real Velero, with writers, kills
//! and faults in between. `docs/proof.md` says what each module proves and what it cannot see.
//!
//! Every proof has a short form, and a long one under `DAYTWO_LONG=1` (`cargo xtask test --long`). Chance comes from
//! seeds; a failure names its seed.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot start its parts, or read what it asked for, fails"
)]

mod alike;
mod binary;
mod chance;
mod site;
mod stored;
mod tarball;

mod conversion;
mod cut;
mod damage;
mod faults_api;
mod faults_journal;
mod faults_restore;
mod faults_store;
mod group_versions;
mod holders;
mod hostile;
mod kill;
mod kill_restore;
mod large;
mod late;
mod minor;
mod odd;
mod readme;
mod restart;
mod round;
mod runners;
mod secrets;
mod stores;
mod velero;

/// How often something is done: `short`, or `long` in the long form.
fn times(short: usize, long: usize) -> usize {
    if std::env::var_os("DAYTWO_LONG").is_some_and(|value| value == "1") { long } else { short }
}

/// Says a figure past the capture of a test's output, so that a passing proof shows what it measured.
fn say(figure: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "proof: {figure}");
}
