//! Webhook configurations of admissionregistration.k8s.io/v1beta1 (kubernetes v1.36.3,
//! `pkg/apis/admissionregistration/{v1beta1,v1}/defaults.go`, and `validation/validation.go` for what v1 requires). What
//! v1beta1 implied is written out: v1 implies stricter things, and a webhook that was passed over when it failed would
//! refuse every write. It refuses to promise for a webhook that it has no side effects.

use super::Unconvertible;
use super::draft::Draft;

/// Each webhook says what it left to its version.
pub(super) fn webhooks(draft: &mut Draft<'_>) -> Result<(), Unconvertible> {
    draft.each(&["webhooks"], |webhook| {
        let effects = webhook.text(&["sideEffects"])?.unwrap_or_else(|| "Unknown".to_owned());
        if !matches!(&*effects, "None" | "NoneOnDryRun") {
            let name = webhook.text(&["name"])?.unwrap_or_default();
            return Err(Unconvertible::Inexpressible(format!(
                "its webhook {name} has sideEffects {effects}, and v1 takes only None and NoneOnDryRun"
            )));
        }
        webhook.implied(&["failurePolicy"], r#""Ignore""#);
        webhook.implied(&["matchPolicy"], r#""Exact""#);
        webhook.implied(&["timeoutSeconds"], "30");
        if webhook.value(&["admissionReviewVersions"])?.is_none_or(|versions| versions == b"[]") {
            webhook.edits.set(&["admissionReviewVersions"], r#"["v1beta1"]"#);
        }
        Ok(())
    })
}
