//! Which process holds a journal, so that one on the same machine that was killed need not be waited for: the kernel says
//! that it is gone. It refuses to judge a process of another machine, another boot or another container.

use serde::{Deserialize, Serialize};

/// A process of a Linux machine, as no other ever was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Process {
    /// The machine's boot (`/proc/sys/kernel/random/boot_id`).
    boot: String,
    /// The namespace of process numbers (`/proc/self/ns/pid`).
    namespace: String,
    /// Its number there.
    number: u32,
    /// When it was started, in ticks since the boot (`/proc/PID/stat`, field 22; proc(5)).
    started: u64,
}

impl Process {
    /// This process; `None` where the system does not say.
    pub fn own() -> Option<Self> {
        let number = std::process::id();
        Some(Self {
            boot: std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?.trim().to_owned(),
            namespace: std::fs::read_link("/proc/self/ns/pid").ok()?.to_string_lossy().into_owned(),
            number,
            started: started(number)?,
        })
    }

    /// Whether it is known to be gone, as far as `own` can see. A `/proc` that hides the processes of others says nothing.
    pub fn is_gone(&self, own: &Process) -> bool {
        if self.boot != own.boot || self.namespace != own.namespace {
            return false;
        }
        match std::fs::read_to_string(stat_of(self.number)) {
            Ok(stat) => started_of(&stat) != Some(self.started),
            Err(error) => error.kind() == std::io::ErrorKind::NotFound && sees_all(),
        }
    }
}

/// Whether processes of other users are seen: the first one of a namespace is there as long as the namespace is.
fn sees_all() -> bool {
    std::fs::metadata(stat_of(1)).is_ok()
}

fn stat_of(number: u32) -> String {
    format!("/proc/{number}/stat")
}

fn started(number: u32) -> Option<u64> {
    started_of(&std::fs::read_to_string(stat_of(number)).ok()?)
}

/// Field 22; field 2, the command, is in parentheses and may hold anything. A process that only waits to be collected
/// (state `Z`) acts no more.
fn started_of(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut fields = rest.split(' ');
    let state = fields.next()?;
    if matches!(state, "Z" | "X") {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_with_parentheses_and_spaces_does_not_hide_the_start() {
        let stat =
            "71 (a) b (c)) S 1 71 71 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 1 0 4711 1 1 18446744073709551615";
        assert_eq!(started_of(stat), Some(4711));
        assert_eq!(started_of(&stat.replace(") S ", ") Z ")), None, "it waits to be collected");
        assert_eq!(started_of("71"), None);
    }

    #[test]
    fn a_child_that_was_killed_is_gone_and_one_that_runs_is_not() {
        let Some(own) = Process::own() else { return };
        assert!(!own.is_gone(&own));
        let mut child =
            std::process::Command::new("cat").stdin(std::process::Stdio::piped()).spawn().unwrap();
        let number = child.id();
        let process = Process { number, started: started(number).unwrap(), ..own.clone() };
        assert!(!process.is_gone(&own));
        let later = Process { started: process.started + 1, ..process.clone() };
        assert!(later.is_gone(&own), "another process has its number now");
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(process.is_gone(&own));
        let elsewhere = Process { boot: "another".to_owned(), ..own.clone() };
        assert!(!process.is_gone(&elsewhere), "nothing is known of another machine's processes");
    }
}
