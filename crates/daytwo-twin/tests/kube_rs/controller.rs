//! The controller runtime: a controller that keeps a copy of every ConfigMap that asks for one.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use kube::runtime::controller::Action;
use kube::runtime::wait::{await_condition, conditions};
use kube::runtime::{Controller, watcher};
use kube::{Api, Client, Resource as _, ResourceExt as _};
use serde_json::json;

use crate::ground::{create, each, map, maps, within};

/// Makes the copy, or brings it up to date. Both go by what was seen, so that a newer copy is never overwritten.
async fn reconcile(source: Arc<ConfigMap>, client: Arc<Client>) -> Result<Action, kube::Error> {
    let maps = maps(&client);
    if source.meta().deletion_timestamp.is_some() {
        return Ok(Action::await_change());
    }
    let mut copy = map(&format!("{}-copy", source.name_any()), ("role", "copy"), "");
    copy.data = source.data.clone();
    copy.metadata.owner_references = source.controller_owner_ref(&()).map(|owner| vec![owner]);
    match maps.get_opt(&copy.name_any()).await? {
        None => drop(maps.create(&PostParams::default(), &copy).await?),
        Some(there) if there.data != copy.data => {
            copy.metadata.resource_version = there.resource_version();
            maps.replace(&copy.name_any(), &PostParams::default(), &copy).await?;
        }
        Some(_) => {}
    }
    Ok(Action::await_change())
}

fn says(value: &'static str) -> impl Fn(Option<&ConfigMap>) -> bool {
    move |map| {
        map.and_then(|map| map.data.as_ref())
            .and_then(|data| data.get("setting"))
            .is_some_and(|is| is == value)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_controller_keeps_what_it_owns() {
    each(async |ground| {
        let maps: Api<ConfigMap> = maps(&ground.client);
        let of = |role: &str| watcher::Config::default().labels(&format!("role={role}"));
        let runs = Controller::new(maps.clone(), of("source"))
            .owns(maps.clone(), of("copy"))
            .run(
                reconcile,
                |_, _, _| Action::requeue(Duration::from_millis(50)),
                Arc::new(ground.client.clone()),
            )
            .for_each(async |_| {});
        let runs = tokio::spawn(runs);
        let copy_is = async |value| {
            within("the copy", await_condition(maps.clone(), "one-copy", says(value))).await.unwrap().unwrap()
        };

        let source = create(&maps, &map("one", ("role", "source"), "1")).await;
        let copy = copy_is("1").await;
        assert_eq!(copy.owner_references()[0].uid, source.uid().unwrap());

        // Its own change of the source is followed, and what others do to the copy is undone.
        let patch = |value| Patch::Merge(json!({"data": {"setting": value}}));
        maps.patch("one", &PatchParams::default(), &patch("2")).await.unwrap();
        copy_is("2").await;
        maps.patch("one-copy", &PatchParams::default(), &patch("x")).await.unwrap();
        let copy = copy_is("2").await;
        maps.delete("one-copy", &DeleteParams::default()).await.unwrap();
        let uid = copy.uid().unwrap();
        let gone = conditions::is_deleted(&uid);
        within("the end of the copy", await_condition(maps.clone(), "one-copy", gone)).await.unwrap();
        let again = copy_is("2").await;
        assert_ne!(again.uid(), copy.uid());

        // What belongs to nothing is garbage.
        maps.delete("one", &DeleteParams::background()).await.unwrap();
        let uid = again.uid().unwrap();
        let gone = conditions::is_deleted(&uid);
        within("the end of the copy", await_condition(maps.clone(), "one-copy", gone)).await.unwrap();
        runs.abort();
    })
    .await;
}
