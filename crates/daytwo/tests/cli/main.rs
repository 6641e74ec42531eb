//! The program as a person runs it, without a cluster: arguments, locations, keys, output, exit codes.

mod keys;
mod locations;
mod run;
mod speech;
mod usage;
