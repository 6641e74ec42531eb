//! PriorityLevelConfigurations of flowcontrol.apiserver.k8s.io before v1 (kubernetes v1.36.3,
//! `pkg/apis/flowcontrol/{v1beta2,v1beta3}/{conversion,defaults}.go`). It refuses to choose a share:
//! where none is given all versions take 30.

use super::Unconvertible;
use super::draft::Draft;

/// By which v1beta3 told a zero from nothing.
const ZERO: &str = "flowcontrol.k8s.io/v1beta3-preserve-zero-concurrency-shares";

/// `assuredConcurrencyShares` became `nominalConcurrencyShares`.
pub(super) fn level(draft: &mut Draft<'_>) -> Result<(), Unconvertible> {
    draft.rename(
        &["spec", "limited", "assuredConcurrencyShares"],
        &["spec", "limited", "nominalConcurrencyShares"],
    )?;
    Ok(())
}

pub(super) fn marked_level(draft: &mut Draft<'_>) -> Result<(), Unconvertible> {
    draft.gone(&["metadata", "annotations", ZERO])?;
    Ok(())
}
