//! Services whose address, node port or address family this cluster cannot give.

use super::super::{Changes, Fixed};
use crate::json::{Change, Edits, JsonError, find, text_at};

/// A body without what the server refused, and what was given up; `None` if the refusal is about something else, or
/// nothing is left to give up.
///
/// # Errors
/// `service` is not JSON.
pub fn address_fallback(service: &[u8], refusal: &str) -> Result<Option<(Vec<u8>, String)>, JsonError> {
    let has = |key: &str| Ok::<_, JsonError>(find(service, &["spec", key])?.is_some());
    let mut edits = Edits::new();
    let headless = text_at(service, &["spec", "clusterIP"])?.as_deref() == Some("None");
    let families = refusal.contains("ipFamil") || refusal.contains("IPFamil");
    let what = if families && (has("ipFamilies")? || has("ipFamilyPolicy")?) {
        edits
            .remove(&["spec", "ipFamilies"])
            .remove(&["spec", "ipFamilyPolicy"])
            .remove(&["spec", "clusterIPs"]);
        if !headless {
            edits.remove(&["spec", "clusterIP"]);
        }
        "its address families are the cluster's: those of the backup were refused"
    } else if refusal.contains("clusterIP") && !headless && has("clusterIP")? {
        edits.remove(&["spec", "clusterIP"]).remove(&["spec", "clusterIPs"]);
        "has a new clusterIP: the one of the backup was refused"
    } else if refusal.contains("healthCheckNodePort") && has("healthCheckNodePort")? {
        edits.remove(&["spec", "healthCheckNodePort"]);
        "has a new healthCheckNodePort: the one of the backup was refused"
    } else if refusal.contains("nodePort") || refusal.contains("port is already allocated") {
        without_ports(&mut edits);
        "has new node ports: those of the backup were refused"
    } else {
        return Ok(None);
    };
    let body = edits.apply(service)?;
    Ok((body != service).then(|| (body, format!("{what} ({refusal})"))))
}

/// Takes from a Service what it is to get anew, where it has it.
pub(super) fn with_new(changes: &Changes, service: &[u8], edits: &mut Edits<'_>) -> Result<(), JsonError> {
    let fixed = Fixed::of(service)?;
    if changes.new_cluster_ips && !fixed.addresses.is_empty() {
        edits.remove(&["spec", "clusterIP"]).remove(&["spec", "clusterIPs"]);
    }
    if changes.new_node_ports && !fixed.ports.is_empty() {
        without_ports(edits);
    }
    Ok(())
}

/// Takes its node ports from a Service.
pub(super) fn without_ports(edits: &mut Edits<'_>) {
    edits.remove(&["spec", "healthCheckNodePort"]);
    edits.each_element(&["spec", "ports"], |port| {
        let mut edits = Edits::new();
        edits.remove(&["nodePort"]);
        edits.apply(port).map_or(Change::Keep, Change::With)
    });
}
