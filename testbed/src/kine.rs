//! kine over an SQLite file: what K3s keeps its objects in, and etcd to whoever asks.
//!
//! It starts and ends as K3s' own does, by signal too, so that a file can be looked at while it is used, after a clean
//! end, and after a crash.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::build::{Parts, build};
use crate::family::Family;
use crate::nest::Nest;
use crate::wait::until;
use crate::{port, program, say};

const PROGRAM: &str = "kine";
const READY: Duration = Duration::from_secs(60);
const ATTEMPTS: u32 = 5;

/// What kine gives to SQLite by itself (`pkg/drivers/sqlite/sqlite.go` of v0.16.4), and so does K3s.
const PARAMS: &str = "_journal_mode=WAL&_busy_timeout=30000&_synchronous=NORMAL&_txlock=immediate&_stmt_cache_size=20&cache=shared";

/// A running kine; dropping it ends it and removes its folder.
#[derive(Debug)]
pub struct Kine {
    parts: Parts,
    folder: PathBuf,
    port: u16,
    args: Vec<String>,
    nest: Mutex<Nest>,
}

/// Chooses what [`KineBuilder::start`] starts.
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct KineBuilder {
    args: Vec<String>,
    folder: Option<PathBuf>,
    database: Option<PathBuf>,
}

impl KineBuilder {
    /// A further flag of kine, such as `--compact-min-retain=0`: by itself it never compacts the last 1,000 revisions.
    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Where it keeps its files; the folder must not exist. Default: a temporary one.
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// Begins with a copy of this file in place of an empty database.
    pub fn database(mut self, file: impl Into<PathBuf>) -> Self {
        self.database = Some(file.into());
        self
    }

    /// Starts it, and returns once it answers.
    ///
    /// # Errors
    /// If it cannot be built, or does not answer within a minute: with the end of its log.
    pub fn start(&self) -> Result<Kine> {
        let parts = build(&[Family::Etcd, Family::Kine])?;
        let mut attempt = 1;
        loop {
            match Kine::launch(self, &parts) {
                Err(error) if attempt < ATTEMPTS && port::taken(&error) => {
                    say("a port was taken meanwhile; starting again with another");
                    attempt += 1;
                }
                result => return result,
            }
        }
    }
}

impl Kine {
    /// With an empty database.
    ///
    /// # Errors
    /// If it cannot be built, or does not answer within a minute: with the end of its log.
    pub fn start() -> Result<Kine> {
        Kine::builder().start()
    }

    /// To choose how it runs.
    pub fn builder() -> KineBuilder {
        KineBuilder::default()
    }

    fn launch(builder: &KineBuilder, parts: &Parts) -> Result<Kine> {
        let nest = match &builder.folder {
            Some(folder) => Nest::at(folder)?,
            None => Nest::new("kine")?,
        };
        let folder = nest.folder().to_owned();
        // A folder of its own, as K3s has it, which holds nothing but the database.
        let db = folder.join("db");
        std::fs::create_dir(&db).with_context(|| format!("cannot create {}", db.display()))?;
        if let Some(from) = &builder.database {
            std::fs::copy(from, db.join("state.db"))
                .with_context(|| format!("cannot copy {}", from.display()))?;
        }
        let [port] = port::free()?;
        let kine =
            Kine { parts: parts.clone(), folder, port, args: builder.args.clone(), nest: Mutex::new(nest) };
        kine.run()?;
        Ok(kine)
    }

    /// Starts it again at the same address, after [`Kine::stop`] or [`Kine::kill`].
    ///
    /// # Errors
    /// If it does not answer within a minute: with the end of its log.
    pub fn run(&self) -> Result<()> {
        let mut command = Command::new(self.parts.program(Family::Kine, PROGRAM)?);
        command.args([
            format!("--endpoint=sqlite://{}?{PARAMS}", self.database().display()),
            format!("--listen-address=tcp://127.0.0.1:{}", self.port),
            "--metrics-bind-address=0".to_owned(),
        ]);
        self.nest().spawn(PROGRAM, command.args(&self.args))?;
        until(READY, "kine to listen", || {
            self.nest().check(PROGRAM)?;
            Ok(TcpStream::connect(("127.0.0.1", self.port)).ok())
        })
        .map_err(|error| self.nest().explain(&error))?;
        Ok(())
    }

    /// Ends it by SIGTERM, as an init system would, and waits for its end.
    ///
    /// # Errors
    /// If it does not run, or has not ended after a minute.
    pub fn stop(&self) -> Result<()> {
        self.nest().terminate(PROGRAM, READY)
    }

    /// Kills it, as a crash would.
    ///
    /// # Errors
    /// If it does not run.
    pub fn kill(&self) -> Result<()> {
        self.nest().kill(PROGRAM)
    }

    /// `http://127.0.0.1:PORT`, for clients of etcd.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The SQLite file; `-wal` and `-shm` are beside it, and nothing else.
    pub fn database(&self) -> PathBuf {
        self.folder.join("db").join("state.db")
    }

    /// Its folder, which goes when it is dropped.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Its process.
    ///
    /// # Errors
    /// If it does not run.
    pub fn pid(&self) -> Result<u32> {
        self.nest().pid(PROGRAM)
    }

    /// Runs etcdctl against it. kine knows no `del`: that is a transaction.
    ///
    /// # Errors
    /// If it fails: with its stderr.
    pub fn etcdctl(&self, args: &[&str]) -> Result<String> {
        let mut command = self.etcdctl_command()?;
        program::output(command.args(args), None)
    }

    /// Runs `etcdctl txn` with `input` on stdin: compares, an empty line, what to do on success, an empty line, what
    /// to do otherwise, an empty line.
    ///
    /// # Errors
    /// If it fails: with its stderr.
    pub fn txn(&self, input: &str) -> Result<String> {
        let mut command = self.etcdctl_command()?;
        program::output(command.arg("txn"), Some(input.as_bytes()))
    }

    fn etcdctl_command(&self) -> Result<Command> {
        let mut command = program::bounded(&self.parts.program(Family::Etcd, "etcdctl")?);
        command.env("ETCDCTL_ENDPOINTS", self.endpoint());
        Ok(command)
    }

    /// A panic while the lock was held leaves a list of processes, which is still true.
    fn nest(&self) -> MutexGuard<'_, Nest> {
        self.nest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
