//! Free TCP ports on loopback, for programs that cannot be asked to choose one themselves.
//!
//! A port is free when found and may be taken when used: whoever starts a program tries again with
//! others. They are taken from below the range that outgoing connections use, so that a server which
//! is restarted gets its port back.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Result, bail};

const FIRST: u16 = 15_000;
const COUNT: u16 = 16_000;

/// `N` different ports that nothing listens on.
pub(crate) fn free<const N: usize>() -> Result<[u16; N]> {
    let mut held: Vec<(u16, TcpListener)> = Vec::with_capacity(N);
    for attempt in 0..2_000_u32 {
        if held.len() == N {
            break;
        }
        // A fresh RandomState has fresh keys: chance enough to keep two testbeds apart.
        let offset = u16::try_from(RandomState::new().hash_one(attempt) % u64::from(COUNT))?;
        let port = FIRST + offset;
        if let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            held.push((port, listener));
        }
    }
    let ports: Vec<u16> = held.iter().map(|(port, _)| *port).collect();
    match ports.try_into() {
        Ok(ports) => Ok(ports),
        Err(_) => bail!("no {N} free ports from {FIRST} to {}", FIRST + COUNT),
    }
}

/// Whether a start failed only because another program took the port meanwhile.
pub(crate) fn taken(error: &anyhow::Error) -> bool {
    format!("{error:#}").contains("address already in use")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_of_one_call_differ() {
        let mut ports = free::<8>().unwrap();
        ports.sort_unstable();
        assert!(ports.windows(2).all(|pair| pair[0] != pair[1]), "{ports:?}");
    }
}
