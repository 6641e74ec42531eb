//! A folder and the processes that live in it, both gone when their owner is: by drop, panic, exit or
//! `kill -9`.
//!
//! Every process is started with a mark in its environment, which its own children inherit. A watchdog,
//! a small shell script in a process group of its own, waits for the end of a pipe from us, kills what
//! carries the mark and removes the folder. Dropping closes the pipe and waits for the watchdog, so there
//! is one way to end, and it is always tested.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::say;
use crate::wait::until;

const WATCHDOG: &str = include_str!("watchdog.sh");
const MARK: &str = "DAYTWO_TESTBED_NEST";
/// How much of a log an error shows.
const TAIL_BYTES: u64 = 3_000;

/// Owns a folder of mode 0700 and processes. The folder is kept if `DAYTWO_TESTBED_KEEP` is set.
#[derive(Debug)]
pub struct Nest {
    folder: PathBuf,
    watchdog: Child,
    /// Open as long as the processes shall live.
    lifeline: Option<ChildStdin>,
    children: Vec<(String, Child)>,
}

impl Nest {
    /// A nest in a new folder below the system's one for temporary files.
    ///
    /// # Errors
    /// If the folder cannot be made or `sh` not be started.
    pub fn new(name: &str) -> Result<Nest> {
        let folder = tempfile::Builder::new()
            .prefix(&format!("daytwo-{name}-"))
            .tempdir()
            .context("cannot create a temporary folder")?
            .keep();
        Nest::settle(&folder)
    }

    /// A nest in a folder of this path, which must not exist yet.
    ///
    /// # Errors
    /// If the folder exists or cannot be made, or `sh` not be started.
    pub fn at(folder: &Path) -> Result<Nest> {
        if let Some(parent) = folder.parent() {
            fs::create_dir_all(parent).with_context(|| format!("cannot create {}", parent.display()))?;
        }
        DirBuilder::new()
            .mode(0o700)
            .create(folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
        Nest::settle(folder)
    }

    fn settle(folder: &Path) -> Result<Nest> {
        let folder = folder.canonicalize().context("cannot resolve the folder just made")?;
        let mut watchdog = watchdog(&folder).stdin(Stdio::piped()).spawn().context("cannot start sh")?;
        let lifeline = watchdog.stdin.take();
        let nest = Nest { folder, watchdog, lifeline, children: Vec::new() };
        fs::create_dir(nest.folder.join("tmp")).context("cannot create a folder")?;
        Ok(nest)
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The variable that puts a process, started by others, and its children under the watchdog.
    pub fn mark(&self) -> (&'static str, &Path) {
        (MARK, &self.folder)
    }

    /// Where a process's stdout and stderr go.
    pub fn log(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.log"))
    }

    /// Starts a process called `name`, its output appended to [`Nest::log`], and returns its id.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn spawn(&mut self, name: &str, command: &mut Command) -> Result<u32> {
        let path = self.log(name);
        let log = File::options()
            .create(true)
            .append(true)
            .open(&path)
            .with_context(|| format!("cannot write {}", path.display()))?;
        let child = command
            .current_dir(&self.folder)
            .env(MARK, &self.folder)
            .env("HOME", &self.folder)
            .env("TMPDIR", self.folder.join("tmp"))
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(log.try_clone().context("cannot share a log")?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        let pid = child.id();
        self.children.push((name.to_owned(), child));
        Ok(pid)
    }

    /// The id of the process called `name`.
    ///
    /// # Errors
    /// If none was started, or it was stopped.
    pub fn pid(&self, name: &str) -> Result<u32> {
        match self.children.iter().find(|(known, _)| known == name) {
            Some((_, child)) => Ok(child.id()),
            None => bail!("{name} does not run"),
        }
    }

    /// Fails once the process called `name` has ended by itself.
    ///
    /// # Errors
    /// If it ended or was never started.
    pub fn check(&mut self, name: &str) -> Result<()> {
        let Some((_, child)) = self.children.iter_mut().find(|(known, _)| known == name) else {
            bail!("{name} does not run");
        };
        match child.try_wait().with_context(|| format!("cannot ask for {name}"))? {
            None => Ok(()),
            Some(status) => bail!("{name} ended by itself with {status}"),
        }
    }

    /// Fails once any of its processes has ended by itself.
    ///
    /// # Errors
    /// If one ended.
    pub fn check_all(&mut self) -> Result<()> {
        let names: Vec<String> = self.children.iter().map(|(name, _)| name.clone()).collect();
        names.iter().try_for_each(|name| self.check(name))
    }

    /// Kills the process called `name`, as a crash would, and waits for its end.
    ///
    /// # Errors
    /// If it does not run or cannot be killed.
    pub fn kill(&mut self, name: &str) -> Result<()> {
        let Some(at) = self.children.iter().position(|(known, _)| known == name) else {
            bail!("{name} does not run");
        };
        let (_, mut child) = self.children.remove(at);
        child.kill().with_context(|| format!("cannot kill {name}"))?;
        child.wait().with_context(|| format!("cannot wait for {name}"))?;
        Ok(())
    }

    /// Ends the process called `name` by SIGTERM and waits for its end.
    ///
    /// # Errors
    /// If it does not run, or still does after `deadline`.
    pub fn terminate(&mut self, name: &str, deadline: Duration) -> Result<()> {
        let Some(at) = self.children.iter().position(|(known, _)| known == name) else {
            bail!("{name} does not run");
        };
        let (_, child) = &mut self.children[at];
        let signal = format!("kill -TERM {}", child.id());
        let status = Command::new("sh").arg("-c").arg(signal).status().context("cannot start sh")?;
        if !status.success() {
            bail!("cannot signal {name}: {status}");
        }
        until(deadline, &format!("the end of {name}"), || {
            child.try_wait().with_context(|| format!("cannot ask for {name}"))
        })?;
        self.children.remove(at);
        Ok(())
    }

    /// `error` with the ends of the logs of all its processes.
    pub fn explain(&self, error: &anyhow::Error) -> anyhow::Error {
        let mut text = format!("{error:#}");
        for (name, _) in &self.children {
            let path = self.log(name);
            let end = tail(&path).unwrap_or_else(|error| format!("(no log: {error})"));
            text.push_str(&format!("\n--- the end of {}\n{end}", path.display()));
        }
        anyhow::anyhow!(text)
    }

    /// Writes a file of mode 0600 into the folder.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.folder.join(name);
        write_private(&path, text)?;
        Ok(path)
    }

    /// Lets folder and processes outlive us; [`end`] ends them.
    ///
    /// # Errors
    /// If the watchdog has died.
    pub fn leave(mut self) -> Result<PathBuf> {
        if let Some(mut lifeline) = self.lifeline.take() {
            lifeline.write_all(b"leave\n").context("cannot call the watchdog off")?;
        }
        self.watchdog.wait().context("cannot wait for the watchdog")?;
        self.children.clear();
        Ok(self.folder.clone())
    }
}

impl Drop for Nest {
    fn drop(&mut self) {
        if self.lifeline.take().is_none() {
            return; // left
        }
        if let Err(error) = self.watchdog.wait() {
            say(&format!("cannot wait for the end of {}: {error}", self.folder.display()));
        }
        for (_, child) in &mut self.children {
            // Killed by the watchdog; this only takes note.
            let _ = child.wait();
        }
    }
}

/// Ends what [`Nest::leave`] left in `folder`, and removes it.
///
/// # Errors
/// If `sh` cannot be run, or the folder is still there.
pub fn end(folder: &Path) -> Result<()> {
    let folder = folder.canonicalize().with_context(|| format!("no folder {}", folder.display()))?;
    let status = watchdog(&folder).stdin(Stdio::null()).status().context("cannot run sh")?;
    if folder.exists() && !keep() {
        bail!("cannot remove {} ({status})", folder.display());
    }
    Ok(())
}

fn watchdog(folder: &Path) -> Command {
    let mut command = Command::new("sh");
    command
        .arg("-c")
        .arg(WATCHDOG)
        .arg("watchdog")
        .arg(format!("{MARK}={}", folder.display()))
        .arg(folder)
        .arg(if keep() { "keep" } else { "" })
        .env_remove(MARK)
        .current_dir("/")
        .process_group(0)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

fn keep() -> bool {
    std::env::var_os("DAYTWO_TESTBED_KEEP").is_some()
}

/// Writes `path` with mode 0600, replacing what is there.
pub(crate) fn write_private(path: &Path, text: &str) -> Result<()> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .with_context(|| format!("cannot write {}", path.display()))
}

fn tail(path: &Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(pid: u32) -> bool {
        Path::new(&format!("/proc/{pid}")).exists()
    }

    #[test]
    fn dropping_ends_children_and_their_children() {
        let mut nest = Nest::new("nest").unwrap();
        let folder = nest.folder().to_owned();
        let pid = nest
            .spawn("one", Command::new("sh").args(["-c", "cd /; setsid sleep 600 & echo $! >&2; wait"]))
            .unwrap();
        let grandchild: u32 = until(Duration::from_secs(10), "the grandchild's id", || {
            Ok(fs::read_to_string(folder.join("one.log"))?.trim().parse().ok())
        })
        .unwrap();
        assert!(runs(pid) && runs(grandchild));
        drop(nest);
        assert!(!runs(pid), "the child");
        assert!(!folder.exists());
        until(Duration::from_secs(5), "the grandchild's end", || Ok((!runs(grandchild)).then_some(())))
            .unwrap();
    }

    #[test]
    fn what_is_left_lives_until_it_is_ended() {
        let mut nest = Nest::new("nest").unwrap();
        let pid = nest.spawn("one", Command::new("sleep").arg("600")).unwrap();
        let folder = nest.leave().unwrap();
        assert!(runs(pid) && folder.exists());
        end(&folder).unwrap();
        assert!(!folder.exists());
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        assert!(stat.is_empty() || stat.contains(") Z "), "it runs still: {stat}");
    }

    #[test]
    fn a_process_that_ends_shows_its_log() {
        let mut nest = Nest::new("nest").unwrap();
        nest.spawn("one", Command::new("sh").args(["-c", "echo no luck; exit 3"])).unwrap();
        let error = until(Duration::from_secs(10), "its end", || Ok(nest.check_all().err())).unwrap();
        let error = nest.explain(&error).to_string();
        assert!(error.contains("status: 3") && error.contains("no luck"), "{error}");
    }
}
