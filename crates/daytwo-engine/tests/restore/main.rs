//! Restores into a real control plane: what goes wrong where a restore is careless, and that nothing of it does.
//!
//! One control plane with its controller manager serves all tests of this binary; each keeps to names of its own.

#[cfg(test)]
mod access;
#[cfg(test)]
mod accounts;
#[cfg(test)]
mod ask;
#[cfg(test)]
mod barriers;
#[cfg(test)]
mod changes;
#[cfg(test)]
mod conversion;
#[cfg(test)]
mod converted;
#[cfg(test)]
mod derived;
#[cfg(test)]
mod existing;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod giving_up;
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
mod preflight;
#[cfg(test)]
mod services;
#[cfg(test)]
mod view;
#[cfg(test)]
mod volumes;
#[cfg(test)]
mod waiting;
#[cfg(test)]
mod webhooks;
#[cfg(test)]
mod whole;
#[cfg(test)]
mod workloads;
