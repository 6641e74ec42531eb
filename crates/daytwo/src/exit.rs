//! Exit codes, the same for every verb.
//!
//! A verb that ran to its end returns one; a verb that could not returns a [`crate::failure::Failure`], which
//! carries one.

use std::process::ExitCode;

/// What the caller's shell learns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// 0: done, or healthy, or the same.
    Done = 0,
    /// 1: findings, or it differs, or part of what was wanted is missing.
    Findings = 1,
    /// 2: the command line, the configuration or a name in them is wrong.
    Usage = 2,
    /// 3: could not tell: something was unreachable or unknown.
    Unknown = 3,
    /// 4: refused as unsafe.
    Refused = 4,
    /// 5: the operation failed.
    Failed = 5,
}

impl Exit {
    /// The number.
    pub fn code(self) -> u8 {
        self as u8
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
