//! What a built-in kind's registry does to a write: admission, preparation, validation, warnings.
//!
//! The order is the real server's. A creation: plugins that change ([`admission`](#admission)), addresses and ports of
//! Services, preparation, validation, warnings, what is set after validation, plugins that only look.
//!
//! # Admission
//!
//! Done, of the plugins that `kube-apiserver` 1.36 has by default: NamespaceLifecycle, LimitRanger, ServiceAccount,
//! TaintNodesByCondition, PodSecurity (enforce and warn), Priority, DefaultTolerationSeconds, DefaultStorageClass,
//! StorageObjectInUseProtection, PersistentVolumeClaimResize, RuntimeClass, DefaultIngressClass, PodTopologyLabels,
//! ResourceQuota (by the use that quotas say; the use is not written).
//!
//! Not done: CertificateApproval, CertificateSigning and ClusterTrustBundleAttest (they ask the authorizer),
//! CertificateSubjectRestriction (a request for a certificate is not read), MutatingAdmissionPolicy,
//! ValidatingAdmissionPolicy and both webhook plugins (nobody else is asked), NodeDeclaredFeatureValidator, PodSecurity's
//! look at the pods of a namespace whose level rises.

mod admit;
mod check;
mod edit;
mod kinds;
mod look;
mod prepare;
#[cfg(test)]
mod tests;
mod unchecked;
mod warn;
mod words;

use crate::ask::{Ask, Object};
use crate::field::FieldError;
use crate::status::{Result, Status, Subject};

pub use unchecked::unchecked;

/// Says 422 of what validation finds.
fn checked(faults: &look::Faults, object: &Object, ask: &Ask<'_>) -> Result<()> {
    if faults.is_empty() {
        return Ok(());
    }
    let name = edit::text(edit::inner(object, "metadata"), "name");
    // Events of both groups are of one type inside, which is the core's.
    let group = if ask.kind.group == "events.k8s.io" { "" } else { &ask.kind.group };
    Err(Status::invalid(Subject { group, kind: &ask.kind.kind }, name, faults))
}

fn case<'a>(
    kind: &'static kinds::Kind,
    new: &'a Object,
    old: Option<&'a Object>,
    ask: &Ask<'a>,
) -> check::Case<'a> {
    // A scale is a write of the object itself.
    let subresource = ask.subresource.filter(|name| *name != "scale");
    check::Case { kind, resource: ask.kind, namespaced: ask.kind.namespaced, new, old, subresource }
}

/// Admits, prepares and validates an object that is to be created. Its metadata's name, namespace, uid and
/// creationTimestamp are set.
///
/// # Errors
/// As the real server's: 422 with all causes, 403 of admission, 404 for a namespace that is not there, 500 when addresses
/// or ports run out.
pub fn create(object: &mut Object, ask: &mut Ask<'_>) -> Result<()> {
    let kind = kinds::of(ask.kind);
    admit::mutate(object, None, ask)?;
    if ask.kind.is("", "services") {
        prepare::service::begin_create(object, ask)?;
    }
    prepare::create(kind, object, ask);
    let case = case(kind, object, None, ask);
    let faults = check::check(&case);
    checked(&faults, object, ask)?;
    warn::warn(kind, object, None, ask);
    prepare::canonicalize(kind, object);
    admit::validate(object, None, ask)
}

/// The same for a change of `old` to `new`, of the object itself or of a subresource.
///
/// # Errors
/// As [`create`].
pub fn update(new: &mut Object, old: &Object, ask: &mut Ask<'_>) -> Result<()> {
    let kind = kinds::of(ask.kind);
    admit::mutate(new, Some(old), ask)?;
    if ask.kind.is("", "services") && ask.subresource.is_none() {
        prepare::service::begin_update(new, old, ask)?;
    }
    prepare::update(kind, new, old, ask);
    let case = case(kind, new, Some(old), ask);
    let faults = check::check(&case);
    checked(&faults, new, ask)?;
    warn::warn(kind, new, Some(old), ask);
    prepare::canonicalize(kind, new);
    admit::validate(new, Some(old), ask)
}

/// Admits a custom resource, or a definition of one, that is to be created, and tells what is wrong with its metadata:
/// its namespace must be there, and counts of objects must not be exceeded. Its own schema is not looked at.
///
/// # Errors
/// 403 of admission, 404 for a namespace that is not there.
pub fn create_custom(object: &mut Object, ask: &mut Ask<'_>) -> Result<Vec<FieldError>> {
    admit::lifecycle(object, None, ask)?;
    let faults = check::metadata_only(&case(kinds::of(ask.kind), object, None, ask));
    admit::counts(object, None, ask)?;
    Ok(faults)
}

/// The same for a change of `old` to `new`.
///
/// # Errors
/// As [`create_custom`].
pub fn update_custom(new: &mut Object, old: &Object, ask: &mut Ask<'_>) -> Result<Vec<FieldError>> {
    admit::lifecycle(new, Some(old), ask)?;
    let faults = check::metadata_only(&case(kinds::of(ask.kind), new, Some(old), ask));
    admit::counts(new, Some(old), ask)?;
    Ok(faults)
}

/// Whether admission lets `old` be deleted.
///
/// # Errors
/// 403 of admission.
pub fn delete(old: &Object, ask: &Ask<'_>) -> Result<()> {
    admit::delete(old, ask)
}
