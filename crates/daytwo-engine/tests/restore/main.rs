//! Restores into a real control plane: what goes wrong where a restore is careless, and that nothing of it does.
//!
//! One control plane with its controller manager serves all tests of this binary; each keeps to names of its own.

#[cfg(test)]
mod accounts;
#[cfg(test)]
mod changes;
#[cfg(test)]
mod converted;
#[cfg(test)]
mod existing;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod going_on;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod kept;
#[cfg(test)]
mod kinds;
#[cfg(test)]
mod mapping;
#[cfg(test)]
mod owners;
#[cfg(test)]
mod services;
#[cfg(test)]
mod view;
mod volumes;
#[cfg(test)]
mod webhooks;
#[cfg(test)]
mod whole;
#[cfg(test)]
mod workloads;
