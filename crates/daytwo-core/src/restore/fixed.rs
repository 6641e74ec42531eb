//! What a Service has that a cluster gives only once: its addresses and node ports.

use crate::json::{JsonError, elements, find, string, text_at};

/// What one Service has of it, in the spelling of `kube-apiserver`'s refusals: `10.96.0.7`, `TCP/30080`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fixed {
    /// Its cluster IPs.
    pub addresses: Vec<String>,
    /// Its node ports, the one for health checks included.
    pub ports: Vec<String>,
}

impl Fixed {
    /// What `service` has.
    ///
    /// # Errors
    /// It is not JSON.
    pub fn of(service: &[u8]) -> Result<Self, JsonError> {
        let mut fixed = Self::default();
        if let Some(span) = find(service, &["spec", "clusterIPs"])? {
            let list = &service[span];
            for element in elements(list) {
                fixed.addresses.extend(string(&list[element?]).map(|text| text.into_owned()));
            }
        }
        if let Some(address) = text_at(service, &["spec", "clusterIP"])? {
            fixed.addresses.push(address.into_owned());
        }
        fixed.addresses.retain(|address| !address.is_empty() && address != "None");
        fixed.addresses.sort();
        fixed.addresses.dedup();
        if let Some(span) = find(service, &["spec", "ports"])? {
            let list = &service[span];
            for element in elements(list) {
                let port = &list[element?];
                let protocol = text_at(port, &["protocol"])?.unwrap_or("TCP".into());
                fixed.port(&protocol, port, &["nodePort"])?;
            }
        }
        fixed.port("TCP", service, &["spec", "healthCheckNodePort"])?;
        Ok(fixed)
    }

    fn port(&mut self, protocol: &str, bytes: &[u8], path: &[&str]) -> Result<(), JsonError> {
        let Some(span) = find(bytes, path)? else { return Ok(()) };
        let number = String::from_utf8_lossy(&bytes[span]);
        if number != "0" && number != "null" {
            self.ports.push(format!("{protocol}/{number}"));
        }
        Ok(())
    }

    /// Whether it is nothing.
    pub fn is_empty(&self) -> bool {
        self.addresses.is_empty() && self.ports.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_ports_are_found_wherever_a_service_has_them() {
        let service = br#"{"spec":{"clusterIP":"10.0.0.1","clusterIPs":["10.0.0.1","fd00::1"],"healthCheckNodePort":31000,
            "ports":[{"port":80,"nodePort":30080},{"port":53,"protocol":"UDP","nodePort":30053},{"port":1}]}}"#;
        let fixed = Fixed::of(service).unwrap();
        assert_eq!(fixed.addresses, ["10.0.0.1", "fd00::1"]);
        assert_eq!(fixed.ports, ["TCP/30080", "UDP/30053", "TCP/31000"]);
    }

    #[test]
    fn a_headless_service_has_no_address() {
        let service =
            br#"{"spec":{"clusterIP":"None","clusterIPs":["None"],"ports":[{"port":80,"nodePort":0}]}}"#;
        assert!(Fixed::of(service).unwrap().is_empty());
    }
}
