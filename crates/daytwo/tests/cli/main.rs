//! The program as a person runs it, without a cluster: arguments, locations, keys, output, exit codes.

#![expect(clippy::unwrap_used, reason = "a test that cannot read what it wrote fails")]

mod archive;
mod backups;
mod conform;
mod docs;
mod etcd_restore;
mod export;
mod interrupt;
mod keys;
mod locations;
mod run;
mod schema;
mod secrets;
mod speech;
mod twin;
mod usage;
