//! Whether our tables are the real server's: it starts a kube-apiserver with all that it can serve, makes objects of every
//! kind that has a printer, and prints every listed object anew. It cannot see printers of states that only other programs
//! write, such as an issued certificate.

#![allow(clippy::unwrap_used, reason = "tests may panic")]

mod compare;
mod record;
mod server;

use anyhow::{Context as _, Result, bail, ensure};
use daytwo_core::resource::ResourceType;
use daytwo_twin::print::{Form, Include, Printer};
use serde_json::Value;

use compare::{Case, agree, compare, difference, without_descriptions};
use server::{JSON, Server, TABLE, now};

#[tokio::test(flavor = "multi_thread")]
async fn every_table_is_the_real_servers() -> Result<()> {
    let server = Server::start().await?;
    server.fill().await?;
    let columns = server.columns().await?;
    let (mut wrong, mut seen, mut bare) = (Vec::new(), 0, Vec::new());
    for (group, version) in server.versions().await? {
        for known in server.resources(&group, &version).await?.into_iter().filter(|known| known.listed) {
            let key = (group.clone(), known.kind.resource.clone(), version.clone());
            let custom = columns.get(&key).map(Vec::as_slice);
            seen += 1;
            let table = server.get(&known.path, TABLE).await?;
            if table["rows"].as_array().is_none_or(Vec::is_empty) {
                bare.push(known.path.clone());
            }
            let all = known.path.clone();
            let none = known.kind.namespaced.then(|| known.within("empty"));
            for path in std::iter::once(all).chain(none) {
                // Whatever version is read, v2 is what is printed.
                let kept = if group == "autoscaling" { path.replace("/v1/", "/v2/") } else { path.clone() };
                let case =
                    Case { path: &path, kept: &kept, kind: &known.kind, custom, include: Include::Object };
                if let Some(difference) = compare(&server, &case).await? {
                    wrong.push(format!("{path}{difference}"));
                }
            }
        }
    }
    ensure!(wrong.is_empty(), "{} of {seen} resources print otherwise:\n{}", wrong.len(), wrong.join("\n"));
    ensure!(seen > 80, "only {seen} resources");
    ensure!(
        bare == ["/apis/certificates.k8s.io/v1beta1/podcertificaterequests"],
        "nothing to print: {bare:?}"
    );
    forms(&server).await?;
    watch(&server).await
}

fn pods() -> ResourceType {
    let [group, version, resource, kind] = ["", "v1", "pods", "Pod"].map(str::to_owned);
    ResourceType { group, version, resource, kind, namespaced: true }
}

/// Rows with metadata alone or nothing, one object, and the words that are not understood.
async fn forms(server: &Server) -> Result<()> {
    let kind = pods();
    for include in [Include::Metadata, Include::None] {
        for path in ["/api/v1/namespaces/shop/pods", "/api/v1/namespaces/shop/pods/succeeded"] {
            let case = Case { path, kept: path, kind: &kind, custom: None, include };
            let difference = compare(server, &case).await?;
            ensure!(difference.is_none(), "{path} {include:?}{}", difference.unwrap_or_default());
        }
    }
    let refused = server
        .get("/api/v1/pods?includeObject=Some", TABLE)
        .await
        .expect_err("the server takes only three words");
    let refused = refused.downcast::<kube::Error>()?;
    let kube::Error::Api(status) = refused else { bail!("{refused}") };
    let ours = Include::of("Some").expect_err("only three words are taken");
    ensure!(status.message == ours.message && status.code == ours.code, "{status:?}");
    Ok(())
}

/// In a watch the first table alone has columns, and the end of what there was is told by a row.
async fn watch(server: &Server) -> Result<()> {
    let query =
        "watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
    let path = format!("/api/v1/namespaces/shop/pods?{query}&timeoutSeconds=2&includeObject=None");
    let before = now();
    let text = server.text("GET", &path, TABLE, JSON, Vec::new()).await?;
    let events: Vec<Value> = text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    ensure!(events.len() > 20, "{} events", events.len());
    let printer = Printer::new(&pods(), None);
    let list = server.get("/api/v1/namespaces/shop/pods", JSON).await?;
    let pods = list["items"].as_array().context("no items")?;
    for (at, event) in events.iter().enumerate() {
        let real = without_descriptions(event["object"].clone(), false);
        let version = &real["metadata"]["resourceVersion"];
        let pod = pods.iter().find(|pod| pod["metadata"]["resourceVersion"] == *version);
        // The bookmark's object has nothing but metadata, which its row shows.
        let object = pod.unwrap_or(&real["rows"][0]["object"]).as_object().context("no object")?;
        let form = Form { version: "v1", include: Include::None, headed: at == 0 };
        let metadata = real["metadata"].as_object().context("no metadata")?;
        let ours = |now| -> Result<Value> {
            let mut out = Vec::new();
            printer.table(&mut out, form, metadata, [object], now);
            Ok(without_descriptions(serde_json::from_slice(&out)?, false))
        };
        // The events came within the seconds that it was open.
        let times = (0..5).map(|second| ours(before + jiff::SignedDuration::from_secs(second)));
        let tables = times.collect::<Result<Vec<_>>>()?;
        let agrees = agree(&real, &tables.iter().collect::<Vec<_>>());
        ensure!(agrees, "{}{}", event["type"], difference(&real, &tables[0]));
    }
    ensure!(events.iter().any(|event| event["type"] == "BOOKMARK"), "no bookmark");
    Ok(())
}
