//! The addresses and families of a Service, to each other and to what they were.

use super::{At, Faults, chosen, headless, json, words};

/// `clusterIP`, `clusterIPs`, `ipFamilies` and `ipFamilyPolicy` to each other.
pub(in crate::rules) fn cluster_addresses(spec: &At<'_>, old: &[&str], out: &mut Faults) {
    if spec.str("type") == "ExternalName" {
        return;
    }
    let (one, all) = (spec.str("clusterIP"), spec.at("clusterIPs"));
    if !one.is_empty() {
        if all.empty() {
            out.push(all.required(""));
        } else if all.index(0).text() != one {
            out.push(all.invalid("first value must match `clusterIP`"));
        }
    } else if !all.empty() {
        out.push(all.invalid("must be empty when `clusterIP` is not specified"));
    }
    let mut seen: Vec<&str> = Vec::new();
    for family in spec.at("ipFamilies").items() {
        if !matches!(family.text(), "IPv4" | "IPv6") {
            out.push(family.unsupported(&["IPv4", "IPv6"]));
        }
        if seen.contains(&family.text()) {
            out.push(family.duplicate());
        }
        seen.push(family.text());
    }
    chosen(&spec.at("ipFamilyPolicy"), &["PreferDualStack", "RequireDualStack", "SingleStack"], out);
    let mut wrong = Faults::new();
    for (index, address) in all.items().enumerate() {
        if index > 0 || address.text() != "None" {
            words::legacy_address(&address, old, &mut wrong);
        } else if all.len() > 1 {
            wrong.push(all.invalid("'None' must be the first and only value"));
        }
    }
    let unreadable = !wrong.is_empty();
    out.append(&mut wrong);
    if all.len() > 2 {
        out.push(all.invalid("may only hold up to 2 values"));
    }
    if unreadable {
        return;
    }
    let six = |text: &str| words::loose(text).is_some_and(|address| address.is_ipv6());
    let families = || all.items().map(|address| six(address.text()));
    if all.len() > 1 && (families().all(|six| six) || !families().any(|six| six)) {
        out.push(all.invalid("may specify no more than one IP for each IP family"));
    }
    if headless(spec) {
        return;
    }
    for (index, (address, family)) in all.items().zip(spec.at("ipFamilies").items()).enumerate() {
        if six(address.text()) != (family.text() == "IPv6") {
            let words = format!("expected an {} value as indicated by `ipFamilies[{index}]`", family.text());
            out.push(address.invalid(words));
        }
    }
}

pub(super) fn changed_addresses(spec: &At<'_>, was: &At<'_>, out: &mut Faults) {
    if spec.str("type") == "ExternalName"
        || was.str("type") == "ExternalName"
        || (headless(spec) && headless(was))
    {
        return;
    }
    let (new, old) = (spec.at("clusterIPs"), was.at("clusterIPs"));
    let first = new.index(0).with(new.value());
    let list = |place: &At<'_>, words: &str| place.invalid_as(json!(new.value()), words);
    if old.len() == new.len() {
        for (index, before) in old.values().enumerate() {
            if new.index(index).value() != before {
                out.push(list(&new.index(index), "may not change once set"));
            }
        }
        return;
    }
    if old.len() > new.len() && new.empty() {
        out.push(list(&first, "primary clusterIP can not be unset"));
    }
    if !old.empty() && !new.empty() && new.index(0).value() != old.index(0).value() {
        out.push(list(&first, "may not change once set"));
    }
    if old.len() > new.len() && new.len() == 1 && spec.str("ipFamilyPolicy") != "SingleStack" {
        let words = "must be set to 'SingleStack' when releasing the secondary clusterIP";
        out.push(spec.at("ipFamilyPolicy").invalid(words));
    }
}

pub(super) fn changed_families(spec: &At<'_>, was: &At<'_>, out: &mut Faults) {
    let either = |test: fn(&At<'_>) -> bool| test(spec) || test(was);
    if either(|spec| spec.str("type") == "ExternalName") || either(headless) {
        return;
    }
    let (new, old) = (spec.at("ipFamilies"), was.at("ipFamilies"));
    let place = new.index(0);
    if old.len() == new.len() {
        for _ in old.values().zip(new.values()).filter(|(old, new)| old != new) {
            out.push(place.invalid_as(json!(new.value()), "may not change once set"));
        }
        return;
    }
    if old.len() > new.len() && spec.at("clusterIPs").empty() {
        out.push(place.invalid_as(json!(new.value()), "primary ipFamily can not be unset"));
    }
    if !old.empty() && !new.empty() && new.index(0).value() != old.index(0).value() {
        out.push(place.invalid_as(json!(spec.get("clusterIPs")), "may not change once set"));
    }
    if old.len() > new.len() && new.len() == 1 && spec.str("ipFamilyPolicy") != "SingleStack" {
        let words = "must be set to 'SingleStack' when releasing the secondary ipFamily";
        out.push(spec.at("ipFamilyPolicy").invalid(words));
    }
}
