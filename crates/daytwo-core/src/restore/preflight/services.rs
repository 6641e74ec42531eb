//! Services whose address or port another Service of the cluster has. It refuses to call a Service a clash with itself.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Few;
use crate::finding::{Finding, Severity};
use crate::json::{JsonError, find, nullable, text_at};
use crate::resource::ObjectKey;
use crate::restore::{Changes, Fixed, Target};

/// Services that will not get what they had.
#[derive(Debug, Default)]
pub(super) struct Clashes {
    addresses: Taken,
    ports: Taken,
    outside: Taken,
}

/// Services that want what another has.
#[derive(Debug, Default)]
struct Taken {
    few: Few,
    /// Of the first: itself, and who has what it wants, by namespace and name.
    first: Option<(ObjectKey, (String, String))>,
}

impl Clashes {
    /// Looks at a Service that is going to be created.
    pub(super) fn take(
        &mut self,
        (target, changes): (&Target, &Changes),
        service: &[u8],
        key: &ObjectKey,
    ) -> Result<(), JsonError> {
        let Fixed { addresses, ports } = Fixed::of(service)?;
        // What is given up on purpose clashes with nobody.
        if !changes.new_cluster_ips {
            self.addresses.note(&target.fixed, &addresses, key);
        }
        if !changes.new_node_ports {
            self.ports.note(&target.fixed, &ports, key);
        }
        self.outside.note(&target.ground.outside, &asked(service)?, key);
        Ok(())
    }

    pub(super) fn findings(&self, findings: &mut Vec<Finding>) {
        let cases = [
            (
                &self.addresses,
                "restore-cluster-ip-taken",
                Severity::Info,
                "they get new cluster IPs, which the report names; whoever calls the old ones reaches the other Service",
                "nothing where they are called by name; else change or delete the other Service first",
            ),
            (
                &self.ports,
                "restore-node-port-taken",
                Severity::Warning,
                "they get new node ports, which the report names; whoever calls the old ones from outside reaches the other Service",
                "free the port first, or point what calls it to the new one",
            ),
            (
                &self.outside,
                "restore-outside-address-taken",
                Severity::Warning,
                "the server takes them as they are; who hands out the address gives it to one of the two, or sends to either",
                "free the address first, or ask for another",
            ),
        ];
        for (Taken { few, first }, id, severity, breaks, remedy) in cases {
            let Some((key, (namespace, name))) = first else { continue };
            findings.push(Finding {
                id: id.to_owned(),
                severity,
                subject: key.to_string(),
                command: Some(format!("kubectl get service {name} -n {namespace} -o wide")),
                evidence: format!("{} Services: {few}", few.count),
                breaks: breaks.to_owned(),
                remedy: remedy.to_owned(),
            });
        }
    }
}

impl Taken {
    fn note(&mut self, held: &BTreeMap<String, (String, String)>, wanted: &[String], key: &ObjectKey) {
        let own = |(namespace, name): &(String, String)| {
            key.namespace.as_ref() == Some(namespace) && key.name == *name
        };
        let taken = wanted.iter().find_map(|one| Some((one, held.get(one).filter(|holder| !own(holder))?)));
        if let Some((what, holder)) = taken {
            self.few.add(|| format!("{key} had {what}, which services/{}/{} has", holder.0, holder.1));
            self.first.get_or_insert_with(|| (key.clone(), holder.clone()));
        }
    }
}

/// What a Service asks for outside the cluster: `203.0.113.7` of a load balancer; `203.0.113.7 TCP/80` where it takes
/// the address as one of its own.
fn asked(service: &[u8]) -> Result<Vec<String>, JsonError> {
    let mut asked = external(service)?;
    if is_balanced(service)? {
        asked.extend(text_at(service, &["spec", "loadBalancerIP"])?.map(|ip| ip.into_owned()));
    }
    Ok(asked)
}

/// What a Service of the cluster has of that.
///
/// # Errors
/// It is not JSON.
pub fn outside(service: &[u8]) -> Result<Vec<String>, JsonError> {
    #[derive(Deserialize)]
    struct Ingress {
        #[serde(default, deserialize_with = "nullable")]
        ip: String,
    }
    let mut has = asked(service)?;
    if let Some(span) = find(service, &["status", "loadBalancer", "ingress"])?
        && is_balanced(service)?
    {
        let given: Vec<Ingress> = serde_json::from_slice(&service[span]).unwrap_or_default();
        has.extend(given.into_iter().map(|one| one.ip).filter(|ip| !ip.is_empty()));
    }
    Ok(has)
}

fn is_balanced(service: &[u8]) -> Result<bool, JsonError> {
    Ok(text_at(service, &["spec", "type"])?.as_deref() == Some("LoadBalancer"))
}

fn external(service: &[u8]) -> Result<Vec<String>, JsonError> {
    #[derive(Deserialize)]
    struct Port {
        port: u32,
        #[serde(default, deserialize_with = "nullable")]
        protocol: String,
    }
    let Some(span) = find(service, &["spec", "externalIPs"])? else { return Ok(Vec::new()) };
    let addresses: Vec<String> = serde_json::from_slice(&service[span]).unwrap_or_default();
    let Some(span) = find(service, &["spec", "ports"])? else { return Ok(Vec::new()) };
    let ports: Vec<Port> = serde_json::from_slice(&service[span]).unwrap_or_default();
    let protocol =
        |port: &Port| if port.protocol.is_empty() { "TCP".to_owned() } else { port.protocol.clone() };
    let all = addresses.iter().flat_map(|address| ports.iter().map(move |port| (address, port)));
    Ok(all.map(|(address, port)| format!("{address} {}/{}", protocol(port), port.port)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_outside_is_held_by_asking_for_it_or_by_having_got_it() {
        let service = br#"{"spec":{"type":"LoadBalancer","loadBalancerIP":"203.0.113.7","externalIPs":["192.0.2.1"],
            "ports":[{"port":80},{"port":53,"protocol":"UDP"}]},"status":{"loadBalancer":{"ingress":[{"ip":"203.0.113.8"},{"hostname":"h"}]}}}"#;
        assert_eq!(asked(service).unwrap(), ["192.0.2.1 TCP/80", "192.0.2.1 UDP/53", "203.0.113.7"]);
        assert_eq!(outside(service).unwrap()[3..], ["203.0.113.8".to_owned()]);
        let other =
            br#"{"spec":{"type":"ClusterIP","loadBalancerIP":"203.0.113.7"},"status":{"loadBalancer":{}}}"#;
        assert!(outside(other).unwrap().is_empty());
    }
}
