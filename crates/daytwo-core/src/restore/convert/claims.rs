//! ResourceClaims and their templates of resource.k8s.io/v1beta1 (kubernetes v1.36.3,
//! `pkg/apis/resource/v1beta1/conversion.go`). It refuses to touch a request that offers several devices to choose from:
//! those are written alike in both.

use super::Unconvertible;
use super::draft::Draft;

/// What a request for exactly one kind of device says of it.
const EXACTLY: [&str; 7] =
    ["deviceClassName", "selectors", "allocationMode", "count", "adminAccess", "tolerations", "capacity"];

pub(super) fn claim(draft: &mut Draft<'_>) -> Result<(), Unconvertible> {
    draft.each(&["spec", "devices", "requests"], request)
}

pub(super) fn template(draft: &mut Draft<'_>) -> Result<(), Unconvertible> {
    draft.each(&["spec", "spec", "devices", "requests"], request)
}

fn request(request: &mut Draft<'_>) -> Result<(), Unconvertible> {
    for key in EXACTLY {
        // Beside a choice an old server wrote an empty class.
        match request.value(&[key])? {
            Some(b"\"\"") => drop(request.edits.remove(&[key])),
            _ => drop(request.rename(&[key], &["exactly", key])?),
        }
    }
    Ok(())
}
