//! Exit codes, the same for every verb.
//!
//! A verb that ran to its end returns one; a verb that could not returns a [`crate::failure::Failure`], which
//! carries one.

use std::process::ExitCode;

/// What the caller's shell learns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: done, or healthy, or the same.
    Done,
    /// 1: findings, or it differs, or part of what was wanted is missing.
    Findings,
    /// 2: the command line, the configuration or a name in them is wrong.
    Usage,
    /// 3: could not tell: something was unreachable or unknown.
    Unknown,
    /// 4: refused as unsafe.
    Refused,
    /// 5: the operation failed.
    Failed,
    /// What a program that was run for the caller ended with.
    Passed(u8),
}

impl Exit {
    /// The number.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Findings => 1,
            Self::Usage => 2,
            Self::Unknown => 3,
            Self::Refused => 4,
            Self::Failed => 5,
            Self::Passed(code) => code,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
