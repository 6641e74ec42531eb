//! The binary as a user runs it: in a home of its own, with an environment of its own, its output taken down.

use std::ffi::OsStr;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;
use testbed::S3;
use testbed::nest::Nest;

/// Longer than any run; only there so that a hang ends, and fails.
const DEADLINE: Duration = Duration::from_secs(400);
/// Between two looks at a process.
const LOOK: Duration = Duration::from_millis(1);

/// Where and against what the binary runs.
#[derive(Debug)]
pub struct Daytwo {
    home: Nest,
    env: Vec<(String, String)>,
    /// The process whose mounts it sees.
    mounts: Option<u32>,
}

impl Daytwo {
    /// Knows no cluster and no location.
    pub fn new() -> Daytwo {
        Daytwo { home: Nest::new("proof").unwrap(), env: Vec::new(), mounts: None }
    }

    /// With a folder of its own as location.
    pub fn on_folder() -> Daytwo {
        let daytwo = Daytwo::new();
        let folder = daytwo.folder();
        std::fs::create_dir(&folder).unwrap();
        daytwo.env("DAYTWO_LOCATION", folder.to_str().unwrap())
    }

    /// With a bucket as location; `endpoint` where it is reached by another way than its own.
    pub fn on_s3(s3: &S3, bucket: &str, endpoint: Option<&str>) -> Daytwo {
        let mut daytwo = Daytwo::new().env("DAYTWO_LOCATION", &format!("s3://{bucket}"));
        for (name, value) in s3.env() {
            let value =
                if name == "AWS_ENDPOINT_URL" { endpoint.unwrap_or(&value).to_owned() } else { value };
            daytwo = daytwo.env(name, &value);
        }
        daytwo
    }

    /// With a disk of its own as location, of so many KiB, that nothing else sees and that goes with it; `None` where this
    /// user may not mount any.
    pub fn on_disk(kib: u32) -> Option<Daytwo> {
        let mut daytwo = Daytwo::on_folder();
        let (folder, ready) = (daytwo.folder(), daytwo.home().join("mounted"));
        let script = format!(
            "mount -t tmpfs -o size={kib}k tmpfs {} && touch {} && exec sleep infinity",
            folder.display(),
            ready.display()
        );
        let mut holder = Command::new("unshare");
        daytwo.mounts =
            Some(daytwo.home.spawn("mounts", holder.args(["--mount", "sh", "-c", &script])).unwrap());
        let mounted = testbed::until(Duration::from_secs(20), "a disk of its own", || {
            daytwo.home.check("mounts")?;
            Ok(ready.exists().then_some(()))
        });
        match mounted {
            Ok(()) => Some(daytwo),
            Err(error) => {
                crate::say(&format!("skipped: no disk can be mounted here: {error:#}"));
                None
            }
        }
    }

    /// The location as [`Daytwo::on_disk`] sees it.
    pub fn disk(&self) -> PathBuf {
        let root = format!("/proc/{}/root", self.mounts.unwrap());
        Path::new(&root).join(self.folder().strip_prefix("/").unwrap())
    }

    pub fn env(mut self, name: &str, value: &str) -> Daytwo {
        self.env.retain(|(known, _)| known != name);
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn cluster(self, kubeconfig: &Path) -> Daytwo {
        self.env("KUBECONFIG", kubeconfig.to_str().unwrap())
    }

    /// Its home, which goes with it.
    pub fn home(&self) -> &Path {
        self.home.folder()
    }

    /// The folder of [`Daytwo::on_folder`].
    pub fn folder(&self) -> PathBuf {
        self.home.folder().join("location")
    }

    /// The folder for its temporary files.
    pub fn temporary(&self) -> PathBuf {
        self.home.folder().join("tmp")
    }

    /// The environment it runs in.
    pub fn environment(&self) -> Vec<(String, String)> {
        let home = self.home.folder().to_str().unwrap();
        let mut env = vec![
            ("PATH".to_owned(), std::env::var("PATH").unwrap_or_default()),
            ("HOME".to_owned(), home.to_owned()),
            ("XDG_CONFIG_HOME".to_owned(), format!("{home}/config")),
            ("XDG_STATE_HOME".to_owned(), format!("{home}/state")),
            ("TMPDIR".to_owned(), format!("{home}/tmp")),
        ];
        let (mark, nest) = self.home.mark();
        env.push((mark.to_owned(), nest.to_str().unwrap().to_owned()));
        env.extend(self.env.iter().cloned());
        env
    }

    /// Begins a run.
    pub fn start<A: AsRef<OsStr>>(&self, args: &[A]) -> Running {
        let mut command = match self.mounts {
            None => Command::new(env!("CARGO_BIN_EXE_daytwo")),
            Some(holder) => {
                let mut command = Command::new("nsenter");
                command.args([
                    "--mount",
                    "--target",
                    &holder.to_string(),
                    "--",
                    env!("CARGO_BIN_EXE_daytwo"),
                ]);
                command
            }
        };
        command.args(args).env_clear().envs(self.environment()).current_dir(self.home.folder());
        let shown = format!(
            "daytwo {}",
            args.iter().map(|arg| arg.as_ref().to_string_lossy()).collect::<Vec<_>>().join(" ")
        );
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stdout = collect(child.stdout.take().unwrap());
        let stderr = collect(child.stderr.take().unwrap());
        Running { shown, child, stdout: Some(stdout), stderr: Some(stderr), since: Instant::now(), peak: 0 }
    }

    /// Runs it to its end.
    pub fn run<A: AsRef<OsStr>>(&self, args: &[A]) -> Run {
        self.start(args).end()
    }

    /// What `backup list` shows: names of backups that are complete, and of those that are not.
    pub fn listed(&self) -> (Vec<String>, Vec<String>) {
        let list = self.run(&["backup", "list", "-o", "json"]).expect(0).json();
        let (mut complete, mut unfinished) = (Vec::new(), Vec::new());
        for item in list["items"].as_array().unwrap() {
            let name = item["name"].as_str().unwrap().to_owned();
            if item["state"]["is"] == "complete" {
                complete.push(name);
            } else {
                unfinished.push(name);
            }
        }
        (complete, unfinished)
    }
}

fn collect(mut pipe: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut all = Vec::new();
        pipe.read_to_end(&mut all).unwrap();
        all
    })
}

/// A run under way. Dropping it kills it.
#[derive(Debug)]
pub struct Running {
    shown: String,
    child: Child,
    stdout: Option<JoinHandle<Vec<u8>>>,
    stderr: Option<JoinHandle<Vec<u8>>>,
    since: Instant,
    peak: u64,
}

impl Running {
    /// Whether it ended within `time`.
    pub fn ends_within(&mut self, time: Duration) -> bool {
        let end = Instant::now() + time;
        loop {
            // The kernel forgets a process's memory at its end, so it is asked for as long as it runs.
            self.peak = self.peak.max(peak(self.child.id()));
            if self.child.try_wait().unwrap().is_some() {
                return true;
            }
            let now = Instant::now();
            if now >= end {
                return false;
            }
            std::thread::park_timeout(LOOK.min(end - now));
        }
    }

    /// Sends it a signal, by its name.
    pub fn signal(&mut self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status();
        assert!(sent.unwrap().success(), "{} cannot be sent {name}", self.shown);
    }

    /// `kill -9`.
    pub fn kill(mut self) -> Run {
        self.child.kill().unwrap();
        self.end()
    }

    /// Waits for its end.
    pub fn end(mut self) -> Run {
        assert!(self.ends_within(DEADLINE), "{} runs for {} s already", self.shown, DEADLINE.as_secs());
        let code = self.child.wait().unwrap().code();
        let stdout = self.stdout.take().unwrap().join().unwrap();
        let stderr = self.stderr.take().unwrap().join().unwrap();
        Run {
            shown: self.shown.clone(),
            code,
            stdout: String::from_utf8(stdout).unwrap(),
            stderr: String::from_utf8(stderr).unwrap(),
            took: self.since.elapsed(),
            peak: self.peak,
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// VmHWM in bytes; 0 where the process has ended.
fn peak(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    // Until it has become the program it shares the memory of this one.
    let itself = status.starts_with("Name:\tdaytwo\n");
    let line = status.lines().filter(|_| itself).find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}

/// A run that ended.
#[derive(Debug, Clone)]
pub struct Run {
    shown: String,
    /// `None` where a signal ended it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
    pub took: Duration,
    /// The most memory it was seen to have resident, in bytes.
    pub peak: u64,
}

impl Run {
    /// Fails unless it ended with this exit code.
    #[track_caller]
    pub fn expect(self, code: i32) -> Run {
        assert_eq!(self.code, Some(code), "{self}");
        self.sound()
    }

    /// Fails if it panicked.
    #[track_caller]
    pub fn sound(self) -> Run {
        assert!(!self.stderr.contains("panicked at") && self.code != Some(101), "{self}");
        self
    }

    /// Fails unless stderr says all of `words`.
    #[track_caller]
    pub fn says(self, words: &[&str]) -> Run {
        for word in words {
            assert!(self.stderr.contains(word), "stderr does not say {word:?}: {self}");
        }
        self
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("no JSON ({error}): {self}"))
    }
}

impl std::fmt::Display for Run {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let short = |text: &str, most: usize| text.chars().take(most).collect::<String>();
        write!(
            out,
            "{} ended with {:?} after {:?}\n--- stderr\n{}\n--- stdout\n{}",
            self.shown,
            self.code,
            self.took,
            short(&self.stderr, 4000),
            short(&self.stdout, 1500)
        )
    }
}
