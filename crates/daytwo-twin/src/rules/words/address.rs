//! IP addresses and ranges, and what the API server says of those it does not take
//! (`k8s.io/apimachinery/pkg/util/validation/ip.go`, v0.36; `StrictIPCIDRValidation` is on).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::field::quoted;
use crate::rules::look::{At, Faults};

/// A range of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::rules) struct Range {
    /// As written, bits beyond the prefix included.
    pub address: IpAddr,
    /// Length of the prefix.
    pub prefix: u8,
}

impl Range {
    fn bits(address: IpAddr) -> (u128, u8) {
        match address {
            IpAddr::V4(address) => (u128::from(u32::from(address)), 32),
            IpAddr::V6(address) => (u128::from(address), 128),
        }
    }

    fn mask(self, bits: u128, width: u8) -> u128 {
        let free = u32::from(width - self.prefix);
        bits.checked_shr(free).map_or(0, |bits| bits.checked_shl(free).unwrap_or(0))
    }

    /// The first address.
    pub fn first(self) -> IpAddr {
        let (bits, width) = Self::bits(self.address);
        let bits = self.mask(bits, width);
        match self.address {
            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::from(u32::try_from(bits).unwrap_or(0))),
            IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::from(bits)),
        }
    }

    /// Whether an address lies within.
    pub fn holds(self, address: IpAddr) -> bool {
        let ((mine, width), (its, its_width)) = (Self::bits(self.address), Self::bits(address));
        width == its_width && self.mask(mine, width) == self.mask(its, width)
    }
}

impl std::fmt::Display for Range {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}/{}", self.first(), self.prefix)
    }
}

/// An address as old versions took it: IPv4 with leading zeros, IPv4 in IPv6's clothes.
pub(in crate::rules) fn loose(text: &str) -> Option<IpAddr> {
    if text.contains(':') {
        let address: Ipv6Addr = text.parse().ok()?;
        return Some(address.to_ipv4_mapped().map_or(IpAddr::V6(address), IpAddr::V4));
    }
    let mut octets = [0_u8; 4];
    let parts: Vec<&str> = text.split('.').collect();
    if parts.len() != 4 {
        return None;
    }
    for (octet, part) in octets.iter_mut().zip(parts) {
        let digits = !part.is_empty() && part.len() <= 15 && part.bytes().all(|byte| byte.is_ascii_digit());
        *octet =
            digits.then(|| part.parse::<u64>().ok()).flatten().and_then(|value| u8::try_from(value).ok())?;
    }
    Some(IpAddr::V4(Ipv4Addr::from(octets)))
}

/// A range as old versions took it.
pub(in crate::rules) fn loose_range(text: &str) -> Option<Range> {
    let (address, prefix) = text.split_once('/')?;
    let six = address.contains(':');
    let address = match loose(address)? {
        IpAddr::V4(address) if six => IpAddr::V6(address.to_ipv6_mapped()),
        address => address,
    };
    let digits = !prefix.is_empty() && prefix.len() <= 9 && prefix.bytes().all(|byte| byte.is_ascii_digit());
    let prefix = digits.then(|| prefix.parse::<u8>().ok()).flatten()?;
    (prefix <= if six { 128 } else { 32 }).then_some(Range { address, prefix })
}

fn mapped(text: &str) -> bool {
    text.parse::<Ipv6Addr>().is_ok_and(|address| address.to_ipv4_mapped().is_some())
}

/// An address in a field that has long been there: what stood there before (`old`) may stay.
pub(in crate::rules) fn legacy_address(place: &At<'_>, old: &[&str], out: &mut Faults) {
    let text = place.text();
    if old.contains(&text) {
        return;
    }
    if loose(text).is_none() {
        out.push(place.invalid("must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"));
    } else if text.parse::<IpAddr>().is_err() {
        out.push(place.invalid("must not have leading 0s"));
    } else if mapped(text) {
        out.push(place.invalid("must not be an IPv4-mapped IPv6 address"));
    }
}

/// An address in its one right spelling.
pub(in crate::rules) fn address(text: &str) -> Vec<String> {
    let Some(parsed) = loose(text) else {
        return vec!["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)".to_owned()];
    };
    if text.parse::<IpAddr>().is_err() {
        return vec!["must not have leading 0s".to_owned()];
    }
    if mapped(text) {
        return vec!["must not be an IPv4-mapped IPv6 address".to_owned()];
    }
    let right = parsed.to_string();
    if right == text { Vec::new() } else { vec![format!("must be in canonical form ({})", quoted(&right))] }
}

fn strict_range(text: &str) -> Vec<String> {
    let Some(parsed) = loose_range(text) else {
        return vec!["must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)".to_owned()];
    };
    let (address, prefix) = text.split_once('/').unwrap_or((text, ""));
    if address.parse::<IpAddr>().is_err() || (prefix.len() > 1 && prefix.starts_with('0')) {
        return vec!["must not have leading 0s in IP or prefix length".to_owned()];
    }
    if mapped(address) {
        return vec!["must not have an IPv4-mapped IPv6 address".to_owned()];
    }
    if parsed.first() != parsed.address {
        return vec!["must not have bits set beyond the prefix length".to_owned()];
    }
    Vec::new()
}

/// A range in a field that has long been there: what stood there before (`old`) may stay.
pub(in crate::rules) fn legacy_range(place: &At<'_>, text: &str, old: &[&str], out: &mut Faults) {
    if !old.contains(&text) {
        out.extend(strict_range(text).into_iter().map(|words| place.invalid_as(text, words)));
    }
}

/// A range in its one right spelling.
pub(in crate::rules) fn range(text: &str) -> Vec<String> {
    let wrong = strict_range(text);
    match loose_range(text).map(|range| range.to_string()) {
        Some(right) if wrong.is_empty() && right != text => {
            vec![format!("must be in canonical form ({})", quoted(&right))]
        }
        _ => wrong,
    }
}

/// An address that traffic can be sent to.
pub(in crate::rules) fn endpoint(place: &At<'_>, out: &mut Faults) {
    let text = place.text();
    let Some(address) = loose(text) else {
        return out.push(place.invalid("must be a valid IP address"));
    };
    let (link_local, link_local_group) = match address {
        IpAddr::V4(four) => (four.is_link_local(), four.octets()[..3] == [224, 0, 0]),
        IpAddr::V6(six) => ((six.segments()[0] & 0xffc0) == 0xfe80, (six.segments()[0] & 0xff0f) == 0xff02),
    };
    if address.is_unspecified() {
        out.push(place.invalid(format!("may not be unspecified ({text})")));
    }
    if address.is_loopback() {
        out.push(place.invalid("may not be in the loopback range (127.0.0.0/8, ::1/128)"));
    }
    if link_local {
        out.push(place.invalid("may not be in the link-local range (169.254.0.0/16, fe80::/10)"));
    }
    if link_local_group {
        out.push(place.invalid("may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"));
    }
}

/// Warns of an address that is not spelled as it should be.
pub(in crate::rules) fn warn_address(path: &str, text: &str, warnings: &mut Vec<String>) {
    let Some(parsed) = loose(text) else { return };
    let (said, right) = (quoted(text), quoted(&parsed.to_string()));
    if text.parse::<IpAddr>().is_err() || mapped(text) {
        warnings.push(format!("{path}: non-standard IP address {said} is invalid: use {right}"));
    } else if parsed.is_ipv6() && said != right {
        warnings
            .push(format!("{path}: IPv6 address {said} should be in RFC 5952 canonical format ({right})"));
    }
}

/// Warns of a range that is not spelled as it should be.
pub(in crate::rules) fn warn_range(path: &str, text: &str, warnings: &mut Vec<String>) {
    let Some(parsed) = loose_range(text) else { return };
    let (said, right, before) = (quoted(text), quoted(&parsed.to_string()), warnings.len());
    let (address, prefix) = text.split_once('/').unwrap_or((text, ""));
    if parsed.first() != parsed.address {
        let width = if parsed.address.is_ipv4() { 32 } else { 128 };
        let single = quoted(&format!("{}/{width}", parsed.address));
        let words = "is ambiguous in this context (should be";
        warnings.push(format!("{path}: CIDR value {said} {words} {right} or {single}?)"));
    }
    if address.parse::<IpAddr>().is_err() || mapped(address) || (prefix.len() > 1 && prefix.starts_with('0'))
    {
        warnings.push(format!("{path}: non-standard CIDR value {said} is invalid: use {right}"));
    } else if warnings.len() == before && parsed.address.is_ipv6() && said != right {
        warnings
            .push(format!("{path}: IPv6 CIDR value {said} should be in RFC 5952 canonical format ({right})"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_ranges_are_read_as_go_reads_them() {
        assert_eq!(loose("010.0.0.1"), Some(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1))));
        assert_eq!((loose("1.2.3"), loose("256.1.1.1"), loose("a")), (None, None, None));
        let range = loose_range("10.96.3.1/16").expect("a range");
        assert_eq!(range.to_string(), "10.96.0.0/16");
        assert!(range.holds(IpAddr::V4(Ipv4Addr::new(10, 96, 255, 255))));
        assert!(!range.holds(IpAddr::V4(Ipv4Addr::new(10, 97, 0, 0))));
        assert_eq!(loose_range("::/0").expect("all").to_string(), "::/0");
        assert_eq!(address("2001:DB8::1"), ["must be in canonical form (\"2001:db8::1\")"]);
        assert_eq!(super::range("10.0.0.1/8"), ["must not have bits set beyond the prefix length"]);
    }
}
