//! What of the cluster's service addresses and node ports is free
//! (`pkg/registry/core/service/{ipallocator,portallocator}`, Kubernetes 1.36).
//!
//! It refuses to remember: what is taken is read from the Services that are there, at every question. A dry run is told
//! what the real server tells it, which does not look for what is free.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde_json::Value;

use crate::ask::{Around, Ask, Object};
use crate::field::FieldError;
use crate::rules::edit::{inner, text};
use crate::rules::look::{Faults, field};
use crate::rules::words::{Range, loose, loose_range};

/// Why a Service is not given what it needs.
pub(super) enum Refusal {
    /// What it asks for cannot be had.
    Fields(Faults),
    /// There is nothing left.
    Full(String),
}

/// Ports of nodes (`--service-node-port-range`).
const PORTS: std::ops::RangeInclusive<i64> = 30000..=32767;

/// The first ports are left to those who ask for a certain one.
const CHOSEN_PORTS: i64 = 86;

/// The addresses of services where no ServiceCIDR says so (kubeadm's default).
const DEFAULT: &str = "10.96.0.0/16";

/// What is taken, and what there is.
pub(super) struct Pool {
    ranges: Vec<Range>,
    addresses: HashSet<IpAddr>,
    ports: HashSet<i64>,
    /// Nothing will be kept; and the last port that this run was given.
    dry: Option<i64>,
}

/// The addresses and ports that Services have.
fn taken(around: &dyn Around) -> (HashSet<IpAddr>, HashSet<i64>) {
    let (mut addresses, mut ports) = (HashSet::new(), HashSet::new());
    for service in around.list("", "services", None) {
        let spec = inner(&service, "spec");
        let all = field(spec, "clusterIPs").as_array().into_iter().flatten().filter_map(Value::as_str);
        addresses.extend(all.chain([text(spec, "clusterIP")]).filter_map(loose));
        let listed = field(spec, "ports").as_array().into_iter().flatten();
        let numbers = listed.map(|port| &port["nodePort"]).chain([field(spec, "healthCheckNodePort")]);
        ports.extend(numbers.filter_map(Value::as_i64).filter(|port| *port != 0));
    }
    (addresses, ports)
}

/// The ranges of the cluster's own ServiceCIDR, then of others.
fn ranges(around: &dyn Around) -> Vec<Range> {
    let mut all = around.list("networking.k8s.io", "servicecidrs", None);
    all.sort_by_key(|one| text(inner(one, "metadata"), "name") != "kubernetes");
    let of = |one: &Object| -> Vec<Range> {
        let texts =
            field(inner(one, "spec"), "cidrs").as_array().into_iter().flatten().filter_map(Value::as_str);
        texts.filter_map(loose_range).collect()
    };
    let ranges: Vec<Range> = all.iter().flat_map(|one| of(one)).collect();
    if ranges.is_empty() { loose_range(DEFAULT).into_iter().collect() } else { ranges }
}

fn family(address: IpAddr) -> &'static str {
    if address.is_ipv4() { "IPv4" } else { "IPv6" }
}

/// How many addresses of a range can be given, and the one at an offset. The first is the network's; IPv4's last is
/// that of all hosts. A range of IPv6 is given from its first 2^16 addresses.
fn size(range: Range) -> u64 {
    match range.address {
        IpAddr::V4(_) => (1_u64 << (32 - u32::from(range.prefix.min(32)))).saturating_sub(2),
        IpAddr::V6(_) => (1_u64 << (128 - u32::from(range.prefix.min(128))).min(16)).saturating_sub(1),
    }
}

/// Whether a range gives an address: not its first, nor IPv4's last.
fn given(range: Range, address: IpAddr) -> bool {
    let last = address.is_ipv4() && nth(range, size(range)) == address;
    range.holds(address) && address != range.first() && !last
}

fn nth(range: Range, offset: u64) -> IpAddr {
    match range.first() {
        IpAddr::V4(first) => {
            let offset = u32::try_from(offset + 1).unwrap_or(u32::MAX);
            IpAddr::V4(Ipv4Addr::from_bits(first.to_bits().saturating_add(offset)))
        }
        IpAddr::V6(first) => {
            IpAddr::V6(Ipv6Addr::from_bits(first.to_bits().saturating_add(u128::from(offset) + 1)))
        }
    }
}

/// Numbers below `size` from the upper part at random on, then the lower part, which those who choose are left.
fn walk(size: u64, lower: u64, ask: &mut Ask<'_>) -> impl Iterator<Item = u64> + use<> {
    let lower = lower.min(size);
    let turn = |length: u64, start: u64| (0..length).map(move |step| (start + step) % length.max(1));
    let upper = size - lower;
    let (high, low) = (ask.chance.below(upper), ask.chance.below(lower));
    turn(upper, high).map(move |offset| lower + offset).chain(turn(lower, low))
}

impl Pool {
    /// What is free in view of what is around.
    pub fn of(ask: &Ask<'_>) -> Self {
        let (addresses, ports) = taken(ask.around);
        Self { ranges: ranges(ask.around), addresses, ports, dry: ask.dry_run.then_some(32768) }
    }

    /// Whether there are addresses of a family.
    pub fn has(&self, wanted: &str) -> bool {
        self.ranges.iter().any(|range| family(range.address) == wanted)
    }

    /// Whether there are addresses of both.
    pub fn dual(&self) -> bool {
        self.has("IPv4") && self.has("IPv6")
    }

    /// The family that services get if they say nothing.
    pub fn first(&self) -> &'static str {
        self.ranges.first().map_or("IPv4", |range| family(range.address))
    }

    /// Takes the address a service wants, or any; `asked` is what its field holds.
    pub fn address(
        &mut self,
        of: &str,
        wanted: &str,
        asked: &Value,
        name: &str,
        ask: &mut Ask<'_>,
    ) -> Result<String, Refusal> {
        if wanted.is_empty() {
            return self.any_address(of, name, ask);
        }
        let refuse = |words: &str| {
            let words = format!("failed to allocate IP {wanted}: {words}");
            Refusal::Fields(vec![FieldError::invalid("spec.clusterIPs", asked.clone(), words)])
        };
        let address = loose(wanted);
        let found = address.and_then(|address| self.ranges.iter().find(|range| given(**range, address)));
        let (Some(address), true) = (address, found.is_some()) else {
            return Err(refuse(
                &match (self.dry, self.ranges.iter().find(|range| family(range.address) == of)) {
                    (Some(_), Some(range)) => format!(
                        "the provided IP ({wanted}) is not in the valid range. The range of valid IPs is {}/{}",
                        range.first(),
                        range.prefix
                    ),
                    _ => "the provided network does not match the current range".to_owned(),
                },
            ));
        };
        if self.dry.is_some() {
            return Ok(wanted.to_owned());
        }
        match self.addresses.insert(address) {
            true => Ok(wanted.to_owned()),
            false => Err(refuse("provided IP is already allocated")),
        }
    }

    fn any_address(&mut self, of: &str, name: &str, ask: &mut Ask<'_>) -> Result<String, Refusal> {
        for range in self.ranges.iter().filter(|range| family(range.address) == of) {
            if self.dry.is_some() {
                return Ok(range.first().to_string());
            }
            let size = size(*range);
            let lower = (size / 16).clamp(16, 256);
            let free = walk(size, lower, ask)
                .map(|offset| nth(*range, offset))
                .find(|one| !self.addresses.contains(one));
            if let Some(address) = free {
                self.addresses.insert(address);
                return Ok(address.to_string());
            }
        }
        let name = crate::field::quoted(name);
        Err(Refusal::Full(format!("failed to allocate a serviceIP for Service {name}: range is full")))
    }

    fn claim(&mut self, wanted: i64) -> Result<i64, String> {
        if self.dry.is_none() && !PORTS.contains(&wanted) {
            let (low, high) = (PORTS.start(), PORTS.end());
            return Err(format!(
                "provided port is not in the valid range. The range of valid ports is {low}-{high}"
            ));
        }
        if !self.ports.insert(wanted) {
            return Err("provided port is already allocated".to_owned());
        }
        self.dry = self.dry.map(|last| if last == 32768 { wanted } else { last.max(wanted) });
        Ok(wanted)
    }

    /// Takes the node port that the port at `index` wants.
    pub fn port(&mut self, index: usize, wanted: i64) -> Result<i64, Refusal> {
        self.claim(wanted).map_err(|words| {
            Refusal::Fields(vec![FieldError::invalid(format!("spec.ports[{index}].nodePort"), wanted, words)])
        })
    }

    fn any_port(&mut self, ask: &mut Ask<'_>) -> Option<i64> {
        if let Some(last) = self.dry {
            self.dry = Some(last + 1);
            return self.dry;
        }
        let size = u64::try_from(PORTS.end() - PORTS.start() + 1).unwrap_or(0);
        let lower = u64::try_from(CHOSEN_PORTS).unwrap_or(0);
        let port = walk(size, lower, ask)
            .filter_map(|offset| Some(PORTS.start() + i64::try_from(offset).ok()?))
            .find(|port| !self.ports.contains(port))?;
        self.ports.insert(port);
        Some(port)
    }

    /// Takes any node port.
    pub fn next_port(&mut self, ask: &mut Ask<'_>) -> Result<i64, Refusal> {
        self.any_port(ask)
            .ok_or_else(|| Refusal::Full("failed to allocate a nodePort: range is full".to_owned()))
    }

    /// Takes the port at which a Service is asked for its health.
    pub fn health_port(&mut self, wanted: i64) -> Result<i64, Refusal> {
        self.claim(wanted).map_err(|words| {
            Refusal::Full(format!("failed to allocate requested HealthCheck NodePort {wanted}: {words}"))
        })
    }

    /// Takes any such port.
    pub fn next_health_port(&mut self, ask: &mut Ask<'_>) -> Result<i64, Refusal> {
        let words = "failed to allocate a HealthCheck NodePort 0: range is full";
        self.any_port(ask).ok_or_else(|| Refusal::Full(words.to_owned()))
    }
}
