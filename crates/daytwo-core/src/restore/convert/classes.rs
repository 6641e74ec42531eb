//! RuntimeClasses of node.k8s.io/v1alpha1 (kubernetes v1.36.3, `pkg/apis/node/v1alpha1/conversion.go`). It refuses to
//! keep a `spec`: later versions have none.

use super::Unconvertible;
use super::draft::Draft;

/// What stood in `spec` stands by itself.
pub(super) fn runtime(draft: &mut Draft<'_>) -> Result<(), Unconvertible> {
    for (from, to) in [("runtimeHandler", "handler"), ("overhead", "overhead"), ("scheduling", "scheduling")]
    {
        draft.rename(&["spec", from], &[to])?;
    }
    draft.edits.remove(&["spec"]);
    Ok(())
}
