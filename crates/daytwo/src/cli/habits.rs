//! Words that people bring from velero and kubectl and that mean something else here, or nothing: what to write
//! instead. Only speaks; the command line is refused all the same.

use clap::error::{ContextKind, ContextValue, ErrorKind};

/// What to try instead of what was refused.
pub fn remedy(error: &clap::Error) -> Option<&'static str> {
    let word =
        match (error.kind(), error.get(ContextKind::InvalidArg), error.get(ContextKind::InvalidSubcommand)) {
            (ErrorKind::UnknownArgument, Some(ContextValue::String(word)), _) => word.as_str(),
            (ErrorKind::InvalidSubcommand, _, Some(ContextValue::String(word))) => word.as_str(),
            _ => return None,
        };
    Some(match word {
        "-n" | "--namespace" => "--include-namespaces NAMESPACE",
        "-A" | "--all-namespaces" => {
            "leave it out: all namespaces are taken unless --include-namespaces says otherwise"
        }
        "--snapshot-volumes" | "--default-volumes-to-fs-backup" | "--snapshot-move-data" => {
            "leave it out: daytwo backs up objects, not the data of volumes"
        }
        "backups" => "daytwo backup list",
        "restores" => "daytwo restore create --from NAME",
        "backup-location" | "bl" => "daytwo location list",
        "logs" | "download" => "daytwo backup describe NAME, or daytwo backup export NAME --to DIR",
        "help" => "daytwo --help",
        _ => return None,
    })
}
