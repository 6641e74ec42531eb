//! Living etcd clusters of real members behind TLS: seen, saved, put in order.
//!
//! What these cannot see: members on several machines, slow disks, and networks that lose packets.

mod harness;
mod health;
mod order;
mod save;
mod sqlite;
