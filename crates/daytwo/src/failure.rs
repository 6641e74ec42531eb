//! Why a verb could not do its work, what a person can try, and the exit code that goes with it.
//!
//! The errors of the other crates name the caller's reaction; [`exit_of`] is the one place where reactions become
//! exit codes. A failure is printed once, by `main`, on stderr: message, causes, then a `try:` line.

use std::error::Error as StdError;
use std::io::{self, Write};

use daytwo_archive::layout::InvalidName;
use daytwo_core::etcd::Refused;
use daytwo_core::filter::FilterError;
use daytwo_core::resource::NameError;
use daytwo_engine::advance::RunError;
use daytwo_engine::api::ApiError;
use daytwo_engine::etcd::{EtcdError, EtcdRunError, SaveError};
use daytwo_engine::journal::JournalError;
use daytwo_engine::restore::RestoreError;
use daytwo_engine::{BackupError, ConnectError};

use crate::exit::Exit;
use crate::output::words::NoDuration;

/// The result of a verb.
pub type Result<T = Exit, E = Failure> = std::result::Result<T, E>;

/// Why a verb could not do its work.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    what: anyhow::Error,
    remedies: Vec<String>,
}

impl Failure {
    /// A failure of this program's own finding.
    pub fn new(exit: Exit, what: impl Into<String>) -> Self {
        Self { exit, what: anyhow::Error::msg(what.into()), remedies: Vec::new() }
    }

    /// The command line or the configuration is wrong.
    pub fn usage(what: impl Into<String>) -> Self {
        Self::new(Exit::Usage, what)
    }

    /// Doing it would not be safe.
    pub fn refused(what: impl Into<String>) -> Self {
        Self::new(Exit::Refused, what)
    }

    /// Adds something to try.
    #[must_use]
    pub fn or_try(mut self, remedy: impl Into<String>) -> Self {
        self.remedies.push(remedy.into());
        self
    }

    /// Puts what was being done in front of what went wrong.
    #[must_use]
    pub fn while_doing(mut self, doing: impl Into<String>) -> Self {
        self.what = self.what.context(doing.into());
        self
    }

    /// What went wrong, in one line.
    pub fn message(&self) -> String {
        self.what.to_string()
    }

    /// Whether the reader of stdout or stderr went away, which is no failure worth words.
    pub fn is_closed_pipe(&self) -> bool {
        self.what.chain().any(|cause| {
            cause.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe)
        })
    }

    /// Writes message, causes and remedies. A cause that its parent already quotes is left out.
    ///
    /// # Errors
    /// Those of `to`.
    pub fn print(&self, to: &mut dyn Write, paint: crate::output::paint::Paint) -> io::Result<()> {
        let mut said = self.what.to_string();
        writeln!(to, "{} {said}", paint.bad("error:"))?;
        for cause in self.what.chain().skip(1) {
            let text = cause.to_string();
            if !said.contains(&text) {
                writeln!(to, "  because: {text}")?;
                said.push_str(&text);
            }
        }
        for remedy in &self.remedies {
            writeln!(to, "  {} {remedy}", paint.good("try:"))?;
        }
        Ok(())
    }
}

impl<E: StdError + Send + Sync + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        let what = anyhow::Error::new(error);
        Self { exit: exit_of(&what), what, remedies: Vec::new() }
    }
}

/// The exit code of an error: the first cause that names a reaction decides.
fn exit_of(error: &anyhow::Error) -> Exit {
    error.chain().find_map(reaction).unwrap_or(Exit::Failed)
}

/// What an error asks its reader to do, as an exit code; `None` where its causes are to be asked.
fn reaction(error: &(dyn StdError + 'static)) -> Option<Exit> {
    if let Some(error) = error.downcast_ref::<daytwo_archive::location::Error>() {
        return Some(of_archive(error));
    }
    if let Some(error) = error.downcast_ref::<BackupError>() {
        return match error {
            BackupError::Archive(error) => Some(of_archive(error)),
            BackupError::Cluster(_) => None,
            BackupError::Cancelled | BackupError::LeftBehind { .. } => Some(Exit::Failed),
        };
    }
    if let Some(error) = error.downcast_ref::<RestoreError>() {
        return match error {
            RestoreError::Cluster(_) => None,
            RestoreError::Backup(error) => Some(of_archive(error)),
            RestoreError::Journal(error) => Some(of_journal(error)),
            RestoreError::NoRestore { .. } => Some(Exit::Usage),
            RestoreError::Stale { .. } | RestoreError::NameTaken { .. } => Some(Exit::Refused),
            RestoreError::Stopped { .. } | RestoreError::Cancelled => Some(Exit::Failed),
        };
    }
    if let Some(error) = error.downcast_ref::<JournalError>() {
        return Some(of_journal(error));
    }
    if let Some(error) = error.downcast_ref::<EtcdError>() {
        return Some(of_etcd(error));
    }
    if let Some(error) = error.downcast_ref::<SaveError>() {
        return match error {
            SaveError::Etcd(error) => Some(of_etcd(error)),
            SaveError::Store(error) => Some(of_archive(error)),
            SaveError::Exists { .. } => Some(Exit::Refused),
            SaveError::Sqlite { .. } | SaveError::Cancelled => Some(Exit::Failed),
        };
    }
    if let Some(error) = error.downcast_ref::<EtcdRunError>() {
        return match error {
            EtcdRunError::Etcd(error) => Some(of_etcd(error)),
            EtcdRunError::Refused(Refused::Unseen(_)) => Some(Exit::Unknown),
            EtcdRunError::Refused(Refused::UnknownMember { .. }) => Some(Exit::Usage),
            EtcdRunError::Refused(_) | EtcdRunError::Stale { .. } => Some(Exit::Refused),
            EtcdRunError::Journal(error) => Some(of_journal(error)),
            EtcdRunError::Stopped { source: RunError::Unsafe { .. }, .. } => Some(Exit::Refused),
            EtcdRunError::Stopped { .. } | EtcdRunError::Cancelled => Some(Exit::Failed),
        };
    }
    if let Some(error) = error.downcast_ref::<ConnectError>() {
        return match error {
            ConnectError::Invalid { .. } => Some(Exit::Usage),
            ConnectError::Unreachable { .. } => Some(Exit::Unknown),
        };
    }
    if let Some(error) = error.downcast_ref::<ApiError>() {
        let unknown = error.is_denied() || error.retry().is_some();
        return Some(if unknown { Exit::Unknown } else { Exit::Failed });
    }
    if let Some(error) = error.downcast_ref::<daytwo_etcd::Error>() {
        return Some(of_file(error));
    }
    if let Some(daytwo_twin::open::EtcdError::Store(error)) = error.downcast_ref() {
        return Some(of_file(error));
    }
    if let Some(error) = error.downcast_ref::<daytwo_twin::ServeError>() {
        return match error {
            daytwo_twin::ServeError::Listen { .. } => Some(Exit::Usage),
            daytwo_twin::ServeError::Certificate(_) => Some(Exit::Failed),
        };
    }
    let usage = error.is::<InvalidName>()
        || error.is::<FilterError>()
        || error.is::<NameError>()
        || error.is::<NoDuration>();
    usage.then_some(Exit::Usage)
}

fn of_etcd(error: &EtcdError) -> Exit {
    match error {
        EtcdError::Invalid(_) => Exit::Usage,
        EtcdError::Unavailable { .. } | EtcdError::Denied { .. } => Exit::Unknown,
        EtcdError::Refused { .. } | EtcdError::Corrupt { .. } => Exit::Failed,
    }
}

fn of_journal(error: &JournalError) -> Exit {
    match error {
        JournalError::Held { .. } | JournalError::Exists { .. } | JournalError::Aborting { .. } => {
            Exit::Refused
        }
        JournalError::NotFound { .. } | JournalError::Invalid(_) | JournalError::Ended { .. } => Exit::Usage,
        JournalError::Corrupt { .. } => Exit::Failed,
        JournalError::Begin { source, .. } | JournalError::Store { source, .. } => of_archive(source),
    }
}

fn of_file(error: &daytwo_etcd::Error) -> Exit {
    use daytwo_etcd::Error;
    match error {
        Error::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => Exit::Usage,
        Error::Foreign { .. } | Error::Compacted { .. } | Error::Future { .. } | Error::Invalid(_) => {
            Exit::Usage
        }
        Error::Live { .. } | Error::Exists { .. } | Error::Unsafe { .. } => Exit::Refused,
        Error::Io { .. } | Error::Stale { .. } => Exit::Unknown,
        _ => Exit::Failed,
    }
}

fn of_archive(error: &daytwo_archive::location::Error) -> Exit {
    use daytwo_archive::location::Error;
    match error {
        Error::Invalid(_) => Exit::Usage,
        Error::Denied(_) | Error::Unavailable(_) => Exit::Unknown,
        Error::Exists { .. } | Error::Conflict(_) | Error::Refused(_) => Exit::Refused,
        Error::NotFound { .. } | Error::Stale(_) | Error::Corrupt { .. } => Exit::Failed,
    }
}
