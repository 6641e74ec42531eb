//! EndpointSlices of discovery.k8s.io/v1beta1 (kubernetes v1.36.3, `pkg/apis/discovery/v1beta1/conversion.go`; what v1
//! takes of the rest: `pkg/registry/discovery/endpointslice/strategy.go`, `dropTopologyOnV1`). It refuses to send
//! topology that the server would drop without a word.

use super::Unconvertible;
use super::draft::Draft;
use crate::json::fields;

const ZONE: &str = "topology.kubernetes.io/zone";
const NODE: &str = "kubernetes.io/hostname";

/// An endpoint's zone and node have fields of their own.
pub(super) fn slice(draft: &mut Draft<'_>) -> Result<(), Unconvertible> {
    draft.each(&["endpoints"], |endpoint| {
        let Some(topology) = endpoint.value(&["topology"])? else { return Ok(()) };
        endpoint.edits.remove(&["topology"]);
        for field in fields(topology) {
            let field = field?;
            let value = &topology[field.value];
            match &*field.key {
                ZONE => drop(endpoint.edits.set(&["zone"], value)),
                NODE => drop(endpoint.edits.insert(&["nodeName"], value)),
                other => {
                    endpoint.notes.push(format!("lost the topology {other} of an endpoint: v1 takes none"));
                }
            }
        }
        Ok(())
    })?;
    draft.notes.dedup();
    Ok(())
}
