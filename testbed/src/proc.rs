//! What the kernel says of a running process.

use std::fs;

use anyhow::{Context as _, Result};

/// The kernel shows CPU time in hundredths of a second on every platform, whatever its own clock.
const TICKS_PER_SECOND: f64 = 100.0;

/// User and system time spent so far, in seconds, with that of its children that have ended.
pub(crate) fn cpu_seconds(pid: u32) -> Result<f64> {
    let path = format!("/proc/{pid}/stat");
    let stat = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    ticks(&stat).map(|ticks| ticks / TICKS_PER_SECOND).with_context(|| format!("cannot understand {path}"))
}

/// utime, stime, cutime and cstime are fields 14 to 17; the second, the command, may hold spaces and brackets.
fn ticks(stat: &str) -> Option<f64> {
    let (_, rest) = stat.rsplit_once(") ")?;
    let fields: Vec<f64> = rest.split(' ').skip(11).take(4).map_while(|field| field.parse().ok()).collect();
    (fields.len() == 4).then(|| fields.iter().sum())
}

/// The most memory it ever had resident (VmHWM), in bytes.
pub(crate) fn peak_rss(pid: u32) -> Result<u64> {
    let path = format!("/proc/{pid}/status");
    let status = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    let kib = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|rest| rest.trim().strip_suffix(" kB"))
        .and_then(|number| number.parse::<u64>().ok())
        .with_context(|| format!("{path} shows no VmHWM"))?;
    Ok(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_may_hold_brackets() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4 1 0 0 0 250 50 7 3 20 0 5 0 9 1 2";
        assert_eq!(ticks(stat), Some(310.0));
    }

    #[test]
    fn this_process_has_used_both() {
        assert!(cpu_seconds(std::process::id()).is_ok());
        assert!(peak_rss(std::process::id()).unwrap() > 100_000);
    }
}
