//! Addresses of Services are objects too, by which API servers agree on who has which
//! (`pkg/registry/core/service/ipallocator/ipallocator.go`, v1.36).

use std::net::IpAddr;

use serde_json::{Value, json};

use super::{put, remove};
use crate::api::meta_of as meta;
use crate::api::{Inner, Settings};
use crate::ask::Object;
use crate::kinds::TableId;
use crate::store::Stored;

/// After a write of a Service: each of its addresses has an object, and no other address has one of it.
pub(super) fn written(
    inner: &mut Inner,
    settings: &Settings,
    addresses: TableId,
    service: &Stored,
    new: bool,
) {
    let held = of(&service.object());
    if !new {
        let quoted = format!("\"{}\"", service.name());
        let named = |stored: &Stored| memchr::memmem::find(&stored.json(), quoted.as_bytes()).is_some();
        let others: Vec<_> = inner
            .store
            .range(addresses, None, None)
            .filter(|stored| !held.iter().any(|held| *held == *stored.key) && named(stored))
            .filter(|stored| is_of(&stored.object(), service))
            .cloned()
            .collect();
        others.iter().for_each(|other| remove(inner, addresses, other));
    }
    for address in held {
        if inner.store.get(addresses, &address).is_none() {
            let object = object(inner, settings, &address, service);
            put(inner, addresses, &address, object);
        }
    }
}

/// After a Service is gone: so are the objects of its addresses.
pub(super) fn gone(inner: &mut Inner, addresses: TableId, last: &Stored) {
    for address in of(&last.object()) {
        if let Some(stored) = inner.store.get(addresses, &address).cloned()
            && is_of(&stored.object(), last)
        {
            remove(inner, addresses, &stored);
        }
    }
}

/// The addresses of a Service.
fn of(service: &Object) -> Vec<String> {
    let addresses = service.get("spec").and_then(|spec| spec.get("clusterIPs")).and_then(Value::as_array);
    let addresses = addresses.into_iter().flatten().filter_map(Value::as_str);
    addresses.filter_map(|text| Some(text.parse::<IpAddr>().ok()?.to_string())).collect()
}

/// Whether an address is that of the Service.
fn is_of(address: &Object, service: &Stored) -> bool {
    let part = |name: &str| {
        let parent = address.get("spec").and_then(|spec| spec.get("parentRef"));
        parent.and_then(|parent| parent.get(name)).and_then(Value::as_str).unwrap_or_default()
    };
    part("resource") == "services"
        && Some(part("namespace")) == service.namespace()
        && part("name") == service.name()
}

fn object(inner: &mut Inner, settings: &Settings, address: &str, service: &Stored) -> Object {
    let family = if address.contains(':') { "IPv6" } else { "IPv4" };
    let object = json!({
        "kind": "IPAddress", "apiVersion": "networking.k8s.io/v1",
        "metadata": {
            "name": address, "uid": inner.chance.uuid(),
            "creationTimestamp": meta::time(settings.clock.now()),
            "labels": {
                "ipaddress.kubernetes.io/ip-family": family,
                "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io",
            },
        },
        "spec": {"parentRef": {
            "resource": "services", "namespace": service.namespace(), "name": service.name(),
        }},
    });
    match object {
        Value::Object(object) => object,
        _ => Object::new(),
    }
}
