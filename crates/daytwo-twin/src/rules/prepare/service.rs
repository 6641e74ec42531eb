//! Services: the families, addresses and ports that the server gives them
//! (`pkg/registry/core/service/storage/{storage,alloc}.go`, `pkg/registry/core/service/strategy.go`; Kubernetes 1.36).
//!
//! It refuses addresses and ports that others have or that are out of range.

mod families;

use families::{families, settled};

use serde_json::{Value, json};

use super::super::check;
use super::pool::{Pool, Refusal};
use crate::ask::{Ask, Object};
use crate::field::FieldError;
use crate::rules::edit::{bare, each, inner, keep, list, part, set, text};
use crate::rules::look::{At, Faults, field, same};
use crate::status::{Result, Status, Subject};

const TYPES_WITH_PORTS: [&str; 2] = ["NodePort", "LoadBalancer"];

fn ported(spec: &Object) -> bool {
    TYPES_WITH_PORTS.contains(&text(spec, "type"))
}

fn addressed(spec: &Object) -> bool {
    text(spec, "type") != "ExternalName"
}

fn health_checked(spec: &Object) -> bool {
    check::health_checked(&At::new(&Value::Object(spec.clone()), ""))
}

fn texts(spec: &Object, name: &str) -> Vec<String> {
    let all = field(spec, name).as_array().into_iter().flatten();
    all.map(|one| one.as_str().unwrap_or("").to_owned()).collect()
}

fn number(object: &Object, name: &str) -> i64 {
    field(object, name).as_i64().unwrap_or(0)
}

fn finish(outcome: std::result::Result<(), Refusal>, name: &str) -> Result<()> {
    outcome.map_err(|refusal| match refusal {
        Refusal::Fields(faults) => Status::invalid(Subject { group: "", kind: "Service" }, name, &faults),
        Refusal::Full(words) => Status::internal(words),
    })
}

fn name_of(object: &Object) -> String {
    text(inner(object, "metadata"), "name").to_owned()
}

/// Gives a new Service what it does not ask for, and takes what it does.
///
/// # Errors
/// 422 for what cannot be had, 500 when there is none left.
pub(in crate::rules) fn begin_create(object: &mut Object, ask: &mut Ask<'_>) -> Result<()> {
    let name = name_of(object);
    let spec = part(object, "spec");
    let one = text(spec, "clusterIP").to_owned();
    if !one.is_empty() && bare(spec, "clusterIPs") {
        set(spec, "clusterIPs", json!([one]));
    }
    let mut pool = Pool::of(ask);
    let outcome = families(spec, None, &pool)
        .and_then(|()| addresses(spec, &name, &mut pool, ask))
        .and_then(|()| if ported(spec) { node_ports(spec, &mut pool, ask) } else { Ok(()) })
        .and_then(|()| if health_checked(spec) { health_port(spec, &mut pool, ask) } else { Ok(()) });
    if !addressed(spec) {
        set(spec, "internalTrafficPolicy", Value::Null);
    }
    finish(outcome, &name)
}

/// The same for a change.
///
/// # Errors
/// As [`begin_create`].
pub(in crate::rules) fn begin_update(new: &mut Object, old: &Object, ask: &mut Ask<'_>) -> Result<()> {
    let name = name_of(new);
    let before = inner(old, "spec");
    let spec = part(new, "spec");
    take_over(spec, before);
    normalize(spec, before);
    let mut pool = Pool::of(ask);
    let outcome = families(spec, Some(before), &pool)
        .and_then(|()| changed_addresses(spec, before, &name, &mut pool, ask))
        .and_then(|()| if ported(spec) { changed_ports(spec, before, &mut pool, ask) } else { Ok(()) })
        .and_then(|()| match health_checked(spec) && !health_checked(before) {
            true => health_port(spec, &mut pool, ask),
            false => Ok(()),
        });
    if !addressed(spec) {
        set(spec, "internalTrafficPolicy", Value::Null);
    }
    finish(outcome, &name)
}

/// What a client left out that the server once gave.
fn take_over(spec: &mut Object, before: &Object) {
    if addressed(spec) && addressed(before) {
        if text(spec, "clusterIP").is_empty() {
            keep(spec, before, "clusterIP");
        }
        if bare(spec, "clusterIPs") {
            keep(spec, before, "clusterIPs");
        }
    }
    if ported(spec) && ported(before) {
        let old = ports(before);
        let used: Vec<i64> =
            ports(spec).into_iter().map(|(_, port)| port).filter(|port| *port != 0).collect();
        for port in each(spec, "ports").filter(|port| number(port, "nodePort") == 0) {
            let given =
                old.iter().rev().find(|(name, _)| name == text(port, "name")).map_or(0, |(_, given)| *given);
            if given != 0 && !used.contains(&given) {
                set(port, "nodePort", given);
            }
        }
    }
    if health_checked(spec) && health_checked(before) && number(spec, "healthCheckNodePort") == 0 {
        keep(spec, before, "healthCheckNodePort");
    }
}

/// Names of ports and their node ports, 0 for none.
fn ports(spec: &Object) -> Vec<(String, i64)> {
    let all = field(spec, "ports").as_array().into_iter().flatten().filter_map(Value::as_object);
    all.map(|port| (text(port, "name").to_owned(), number(port, "nodePort"))).collect()
}

/// `clusterIP` and `clusterIPs` say the same, whichever of them the client changed.
fn normalize(spec: &mut Object, before: &Object) {
    let (one, was) = (text(spec, "clusterIP").to_owned(), text(before, "clusterIP"));
    if !bare(before, "clusterIPs") && bare(spec, "clusterIPs") && one == was {
        keep(spec, before, "clusterIPs");
    }
    if one != was && same(field(spec, "clusterIPs"), field(before, "clusterIPs")) {
        set(spec, "clusterIPs", if one.is_empty() { Value::Null } else { json!([one]) });
    }
}

fn addresses(
    spec: &mut Object,
    name: &str,
    pool: &mut Pool,
    ask: &mut Ask<'_>,
) -> std::result::Result<(), Refusal> {
    let mut wanted = texts(spec, "clusterIPs");
    if !addressed(spec) || wanted.first().is_some_and(|first| first == "None") {
        return Ok(());
    }
    let families = texts(spec, "ipFamilies");
    wanted.resize(wanted.len().max(families.len()), String::new());
    let asked = json!(wanted);
    for (family, wanted) in families.iter().zip(&mut wanted) {
        *wanted = pool.address(family, wanted, &asked, name, ask)?;
    }
    set(spec, "clusterIP", wanted.first().cloned().unwrap_or_default());
    set(spec, "clusterIPs", wanted);
    Ok(())
}

fn changed_addresses(
    spec: &mut Object,
    before: &Object,
    name: &str,
    pool: &mut Pool,
    ask: &mut Ask<'_>,
) -> std::result::Result<(), Refusal> {
    if settled(spec, Some(before)) {
        return Ok(());
    }
    if !addressed(before) && addressed(spec) {
        return addresses(spec, name, pool, ask);
    }
    let (old, new) = (texts(before, "ipFamilies"), texts(spec, "ipFamilies"));
    let headless = texts(before, "clusterIPs").first().is_some_and(|first| first == "None");
    if headless || !addressed(spec) || (old.len(), new.len()) != (1, 2) {
        return Ok(());
    }
    let mut wanted = texts(spec, "clusterIPs");
    wanted.resize(2, String::new());
    wanted[1] = pool.address(&new[1], &wanted[1], &json!(wanted), name, ask)?;
    set(spec, "clusterIPs", wanted);
    Ok(())
}

/// Whether ports that ask for none are given one.
fn gives_ports(spec: &Object) -> bool {
    match text(spec, "type") {
        "NodePort" => true,
        "LoadBalancer" => field(spec, "allocateLoadBalancerNodePorts") != &Value::Bool(false),
        _ => false,
    }
}

fn node_ports(spec: &mut Object, pool: &mut Pool, ask: &mut Ask<'_>) -> std::result::Result<(), Refusal> {
    let gives = gives_ports(spec);
    // Ports of one number and several protocols share a node port.
    let asked: Vec<(i64, i64)> =
        each(spec, "ports").map(|port| (number(port, "port"), number(port, "nodePort"))).collect();
    let mut given: Vec<(i64, i64)> = Vec::new();
    for (index, port) in each(spec, "ports").enumerate() {
        let (this, wanted) = asked[index];
        if wanted == 0 && !gives {
            continue;
        }
        match given.iter().find(|(number, _)| *number == this).map(|(_, given)| *given) {
            None => {
                let wanted =
                    asked.iter().find(|(number, node)| *number == this && *node != 0).map_or(0, |one| one.1);
                let node = if wanted == 0 { pool.next_port(ask)? } else { pool.port(index, wanted)? };
                set(port, "nodePort", node);
                given.push((this, node));
            }
            Some(shared) if wanted == 0 => set(port, "nodePort", shared),
            Some(shared) if wanted != shared => {
                pool.port(index, wanted)?;
            }
            Some(_) => {}
        }
    }
    Ok(())
}

fn changed_ports(
    spec: &mut Object,
    before: &Object,
    pool: &mut Pool,
    ask: &mut Ask<'_>,
) -> std::result::Result<(), Refusal> {
    let gives = gives_ports(spec);
    let mut held: Vec<i64> = ports(before).into_iter().map(|(_, port)| port).collect();
    for (index, port) in each(spec, "ports").enumerate() {
        match number(port, "nodePort") {
            0 if !gives => {}
            0 => set(port, "nodePort", pool.next_port(ask)?),
            wanted if held.contains(&wanted) => {}
            wanted => held.push(pool.port(index, wanted)?),
        }
    }
    Ok(())
}

fn health_port(spec: &mut Object, pool: &mut Pool, ask: &mut Ask<'_>) -> std::result::Result<(), Refusal> {
    let wanted = number(spec, "healthCheckNodePort");
    let port = if wanted == 0 { pool.next_health_port(ask)? } else { pool.health_port(wanted)? };
    set(spec, "healthCheckNodePort", port);
    Ok(())
}

/// Drops what goes with a type that a Service has no more, where the client left it as it was.
pub(super) fn drop_dependent(new: &mut Object, old: &Object) {
    let before = inner(old, "spec");
    let spec = part(new, "spec");
    let same_field = |spec: &Object, name: &str| same(field(spec, name), field(before, name));
    if addressed(before) && !addressed(spec) {
        if same_field(spec, "clusterIP") && same_field(spec, "clusterIPs") {
            set(spec, "clusterIP", Value::Null);
            set(spec, "clusterIPs", Value::Null);
        }
        for name in ["ipFamilies", "ipFamilyPolicy"] {
            if same_field(spec, name) {
                set(spec, name, Value::Null);
            }
        }
    }
    let held: Vec<i64> = ports(before).into_iter().map(|(_, port)| port).collect();
    let kept = ports(spec).iter().all(|(_, port)| *port == 0 || held.contains(port));
    if ported(before) && !ported(spec) && kept {
        each(spec, "ports").for_each(|port| set(port, "nodePort", Value::Null));
    }
    let (was, balanced) = (text(before, "type") == "LoadBalancer", text(spec, "type") == "LoadBalancer");
    let external = |spec: &Object| check::external(&At::new(&Value::Object(spec.clone()), ""));
    for (name, gone) in [
        ("healthCheckNodePort", health_checked(before) && !health_checked(spec)),
        ("allocateLoadBalancerNodePorts", was && !balanced),
        ("loadBalancerClass", was && !balanced),
        ("externalTrafficPolicy", external(before) && !external(spec)),
    ] {
        if gone && same_field(spec, name) {
            set(spec, name, Value::Null);
        }
    }
    if !balanced {
        set(part(new, "status"), "loadBalancer", json!({}));
    }
}
