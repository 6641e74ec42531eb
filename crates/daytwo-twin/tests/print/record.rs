//! Writes down what a real server prints, for the tests that start none.

use std::collections::BTreeSet;

use anyhow::Result;
use daytwo_core::resource::ResourceType;
use serde_json::{Value, json};

use crate::server::{Known, Server, TABLE, now, objects};

/// What the tests without a server take for true: the rows of our objects, without what no cell is of.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "writes src/print/seen.jsonl anew"]
async fn record() -> Result<()> {
    let server = Server::start().await?;
    server.fill().await?;
    let given = objects()?;
    let (mut out, mut seen) = (String::new(), BTreeSet::new());
    for (group, version) in server.versions().await? {
        // The columns of custom ones are not known there.
        let ours = |known: &Known| known.listed && known.kind.group != "example.com";
        for known in server.resources(&group, &version).await?.into_iter().filter(ours) {
            if !seen.insert(known.kind.group_resource()) {
                continue;
            }
            let now = now();
            let table = server.get(&format!("{}?includeObject=Object", known.path), TABLE).await?;
            for row in table["rows"].as_array().into_iter().flatten() {
                let mut object = row["object"].clone();
                let same = |given: &Value| {
                    given["kind"] == object["kind"] && given["metadata"]["name"] == object["metadata"]["name"]
                };
                if known.kind.kind == "CustomResourceDefinition" || !given.iter().any(same) {
                    continue;
                }
                strip(&mut object);
                let ResourceType { group, version, resource, kind, .. } = &known.kind;
                let line = json!({"group": group, "version": version, "resource": resource, "kind": kind,
                    "now": now.to_string(), "object": object, "cells": row["cells"]});
                out.push_str(&format!("{line}\n"));
            }
        }
    }
    Ok(std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/src/print/seen.jsonl"), out)?)
}

/// Fields that no cell is of.
fn strip(value: &mut Value) {
    const NOISE: &str = "managedFields uid resourceVersion generation terminationMessagePath terminationMessagePolicy \
        volumes volumeMounts tolerations imagePullPolicy resources dnsPolicy schedulerName securityContext enableServiceLinks \
        terminationGracePeriodSeconds serviceAccount serviceAccountName updateStrategy strategy revisionHistoryLimit \
        progressDeadlineSeconds request trustBundle behavior internalTrafficPolicy sessionAffinity ipFamilies ipFamilyPolicy";
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| !NOISE.split_whitespace().any(|noise| noise == name));
            fields.values_mut().for_each(strip);
        }
        Value::Array(members) => members.iter_mut().for_each(strip),
        _ => {}
    }
}
