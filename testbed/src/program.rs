//! Runs a command of the built parts to its end, such as `kubectl get`, and returns what it printed.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use anyhow::{Context as _, Result, bail};

/// Longer than any command a test gives; only there so that a hang ends.
const DEADLINE_SECONDS: &str = "600";

/// A command that `timeout` ends after ten minutes.
pub(crate) fn bounded(program: &Path) -> Command {
    let mut command = Command::new("timeout");
    command.arg("--kill-after=5").arg(DEADLINE_SECONDS).arg(program);
    command
}

/// What the command prints on stdout.
///
/// # Errors
/// If it cannot be run, or fails: with what it said on stderr.
pub(crate) fn output(command: &mut Command, input: Option<&[u8]>) -> Result<String> {
    let shown = format!("{command:?}");
    let stdin = if input.is_some() { Stdio::piped() } else { Stdio::null() };
    let mut child = command
        .stdin(stdin)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run {shown}"))?;
    let pipe = child.stdin.take();
    let output = thread::scope(|scope| {
        if let (Some(mut pipe), Some(input)) = (pipe, input) {
            // One that ends without reading all of its input says why on stderr.
            scope.spawn(move || pipe.write_all(input));
        }
        child.wait_with_output()
    })
    .with_context(|| format!("cannot wait for {shown}"))?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        bail!("{shown} ended with {}: {}", output.status, stderr.trim());
    }
    String::from_utf8(output.stdout).with_context(|| format!("{shown} did not print text"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn input_goes_in_and_output_comes_out() {
        let large = "a".repeat(1_000_000);
        let out = output(&mut bounded(Path::new("cat")), Some(large.as_bytes())).unwrap();
        assert_eq!(out.len(), large.len());
    }

    #[test]
    fn a_failure_says_what_was_said() {
        let error = output(Command::new("sh").args(["-c", "echo why >&2; exit 2"]), None).unwrap_err();
        assert!(error.to_string().ends_with("why"), "{error}");
    }
}
