//! The families of addresses that a Service has (`pkg/registry/core/service/storage/alloc.go`, Kubernetes 1.36).
//!
//! It refuses families that the cluster has no addresses of.

use super::{
    At, Faults, FieldError, Object, Pool, Refusal, Value, addressed, bare, check, field, json, list, same,
    set, text, texts,
};

/// A service of two families that nothing changed about.
pub(super) fn settled(spec: &Object, before: Option<&Object>) -> bool {
    let Some(before) = before else { return false };
    let prefers = |spec: &Object| text(spec, "ipFamilyPolicy") == "PreferDualStack";
    prefers(spec)
        && (prefers(before) || !before.contains_key("ipFamilyPolicy"))
        && text(spec, "type") == text(before, "type")
        && addressed(spec)
        && ["clusterIPs", "ipFamilies"].into_iter().all(|name| same(field(spec, name), field(before, name)))
}

pub(super) fn families(spec: &mut Object, before: Option<&Object>, pool: &Pool) -> Result<(), Refusal> {
    if !addressed(spec) || settled(spec, before) {
        return Ok(());
    }
    let loose = text(spec, "clusterIP") == "None" && bare(spec, "selector");
    if !spec.contains_key("ipFamilyPolicy") {
        let given = before.map(|before| text(before, "ipFamilyPolicy")).filter(|policy| !policy.is_empty());
        set(spec, "ipFamilyPolicy", given.unwrap_or(if loose { "RequireDualStack" } else { "SingleStack" }));
    }
    let old = before.map(|before| texts(before, "clusterIPs")).unwrap_or_default();
    let old: Vec<&str> = old.iter().map(String::as_str).collect();
    let mut faults = Faults::new();
    let value = Value::Object(spec.clone());
    check::cluster_addresses(&At::new(&value, "spec"), &old, &mut faults);
    refuse(faults)?;
    let mut faults = Faults::new();
    if let Some(before) = before {
        reduce(spec, before, &mut faults);
    }
    single(spec, &mut faults);
    from_addresses(spec, pool, &mut faults);
    refuse(faults)?;
    configured(spec, loose, pool)
}

fn refuse(faults: Faults) -> Result<(), Refusal> {
    if faults.is_empty() { Ok(()) } else { Err(Refusal::Fields(faults)) }
}

fn policy_fault(spec: &Object, words: &str) -> FieldError {
    FieldError::invalid("spec.ipFamilyPolicy", text(spec, "ipFamilyPolicy"), words)
}

/// A service that goes back to one family.
fn reduce(spec: &mut Object, before: &Object, faults: &mut Faults) {
    let single = text(spec, "ipFamilyPolicy") == "SingleStack";
    for (name, what) in [("clusterIPs", "cluster IP"), ("ipFamilies", "IP family")] {
        let (new, old) = (texts(spec, name), texts(before, name));
        if single && new == old && new.len() > 1 {
            list(spec, name).truncate(1);
        } else if !single && !new.is_empty() && new.len() < old.len() {
            faults
                .push(policy_fault(spec, &format!("must be 'SingleStack' to release the secondary {what}")));
        }
    }
}

fn single(spec: &Object, faults: &mut Faults) {
    if text(spec, "ipFamilyPolicy") != "SingleStack" {
        return;
    }
    for (name, what) in [("clusterIPs", "cluster IPs"), ("ipFamilies", "IP families")] {
        if texts(spec, name).len() == 2 {
            let words =
                format!("must be 'RequireDualStack' or 'PreferDualStack' when multiple {what} are specified");
            faults.push(policy_fault(spec, &words));
        }
    }
}

fn family_of(address: &str) -> &'static str {
    if address.contains(':') { "IPv6" } else { "IPv4" }
}

/// Families that the addresses asked for belong to.
fn from_addresses(spec: &mut Object, pool: &Pool, faults: &mut Faults) {
    let addresses = texts(spec, "clusterIPs");
    for (index, address) in addresses.iter().enumerate().take_while(|(_, address)| *address != "None") {
        let family = family_of(address);
        if index < texts(spec, "ipFamilies").len() {
            continue;
        }
        if pool.has(family) {
            list(spec, "ipFamilies").push(family.into());
        } else {
            let words = format!("{family} is not configured on this cluster");
            faults.push(FieldError::invalid(format!("spec.clusterIPs[{index}]"), json!(addresses), words));
        }
    }
}

fn configured(spec: &mut Object, loose: bool, pool: &Pool) -> Result<(), Refusal> {
    let both = text(spec, "ipFamilyPolicy") != "SingleStack";
    if !loose {
        let mut faults = Faults::new();
        if text(spec, "ipFamilyPolicy") == "RequireDualStack" && !pool.dual() {
            faults.push(policy_fault(spec, "this cluster is not configured for dual-stack services"));
        }
        for (index, family) in
            texts(spec, "ipFamilies").into_iter().enumerate().filter(|(_, family)| !pool.has(family))
        {
            let path = format!("spec.ipFamilies[{index}]");
            faults.push(FieldError::invalid(path, family, "not configured on this cluster"));
        }
        refuse(faults)?;
    }
    let families = list(spec, "ipFamilies");
    if families.is_empty() {
        families.push(pool.first().into());
    }
    if both && families.len() == 1 && (loose || pool.dual()) {
        let other = if families[0] == "IPv4" { "IPv6" } else { "IPv4" };
        families.push(other.into());
    }
    Ok(())
}
