//! `daytwo version`.

use serde::Serialize;

use crate::exit::Exit;
use crate::failure::Result;
use crate::output::Document;
use crate::output::paint::Paint;
use crate::settings::Session;

/// What this program is.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Version {
    /// The program's version.
    version: &'static str,
    /// The operating system it was built for.
    os: &'static str,
    /// The processor it was built for.
    arch: &'static str,
    /// The version of Velero's archive format it writes.
    archive_format: &'static str,
}

impl Document for Version {
    fn kind(&self) -> Option<&'static str> {
        Some("Version")
    }

    fn text(&self, _: Paint, wide: bool) -> String {
        if wide {
            format!(
                "daytwo {} {}/{} archive format {}\n",
                self.version, self.os, self.arch, self.archive_format
            )
        } else {
            format!("daytwo {}\n", self.version)
        }
    }

    fn names(&self) -> Vec<String> {
        vec![self.version.to_owned()]
    }
}

/// Prints the version.
///
/// # Errors
/// Those of writing to stdout.
pub fn run(session: &Session) -> Result {
    session.out.document(&Version {
        version: env!("CARGO_PKG_VERSION"),
        os: std::env::consts::OS,
        arch: std::env::consts::ARCH,
        archive_format: "1.1.0",
    })?;
    Ok(Exit::Done)
}
