//! Watchers and reflectors.

use std::pin::pin;

use futures::{Stream, StreamExt as _, TryStreamExt as _};
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::api::{DeleteParams, ObjectMeta, Patch, PatchParams, PostParams};
use kube::core::PartialObjectMeta;
use kube::runtime::watcher::{self, Event, watcher};
use kube::runtime::{WatchStreamExt as _, reflector};
use kube::{Api, Resource, ResourceExt as _};
use serde_json::json;

use crate::ground::{Ground, create, each, map, maps, within};

/// What a watcher says next, in a word.
async fn next<K: Resource>(stream: &mut (impl Stream<Item = watcher::Result<Event<K>>> + Unpin)) -> String {
    match within("a watcher's event", stream.next()).await {
        Some(Ok(Event::Init)) => "init".to_owned(),
        Some(Ok(Event::InitApply(object))) => format!("there {}", object.name_any()),
        Some(Ok(Event::InitDone)) => "done".to_owned(),
        Some(Ok(Event::Apply(object))) => format!("apply {}", object.name_any()),
        Some(Ok(Event::Delete(object))) => format!("delete {}", object.name_any()),
        Some(Err(error)) => format!("error {error:?}"),
        None => "end".to_owned(),
    }
}

async fn said<K: Resource>(
    stream: &mut (impl Stream<Item = watcher::Result<Event<K>>> + Unpin),
    expected: &[&str],
) {
    for expected in expected {
        assert_eq!(next(stream).await, *expected);
    }
}

async fn label(maps: &Api<ConfigMap>, name: &str, value: &str) {
    let patch = Patch::Merge(json!({"metadata": {"labels": {"app": value}}}));
    maps.patch(name, &PatchParams::default(), &patch).await.unwrap();
}

async fn begins_and_goes_on(ground: Ground, config: watcher::Config) {
    let maps = maps(&ground.client);
    for name in ["one", "two", "three"] {
        create(&maps, &map(name, ("app", "web"), "1")).await;
    }
    create(&maps, &map("other", ("app", "db"), "1")).await;
    let mut events = pin!(watcher(maps.clone(), config.labels("app=web")));
    said(&mut events, &["init", "there one", "there three", "there two", "done"]).await;
    create(&maps, &map("four", ("app", "web"), "1")).await;
    create(&maps, &map("unseen", ("app", "db"), "1")).await;
    // What leaves the selection is deleted for a watcher, and what comes into it is new.
    label(&maps, "one", "db").await;
    label(&maps, "other", "web").await;
    maps.delete("two", &DeleteParams::default()).await.unwrap();
    said(&mut events, &["apply four", "delete one", "apply other", "delete two"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watcher_sees_what_there_is_and_what_happens() {
    each(|ground| begins_and_goes_on(ground, watcher::Config::default())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watcher_that_lists_in_pages_sees_the_same() {
    each(|ground| begins_and_goes_on(ground, watcher::Config::default().page_size(1))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watcher_that_streams_its_list_sees_the_same() {
    each(|ground| begins_and_goes_on(ground, watcher::Config::default().streaming_lists())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watcher_of_metadata_gets_no_more_than_that() {
    each(async |ground| {
        let maps = maps(&ground.client);
        create(&maps, &map("one", ("app", "web"), "1")).await;
        let metadata: Api<PartialObjectMeta<ConfigMap>> = Api::namespaced(ground.client.clone(), "default");
        for config in [watcher::Config::default(), watcher::Config::default().streaming_lists()] {
            let mut events = pin!(watcher(metadata.clone(), config.labels("app=web")));
            said(&mut events, &["init", "there one", "done"]).await;
        }
    })
    .await;
}

/// After a second a watch ends; what happened meanwhile to others has been forgotten by then, so that it cannot be gone
/// on from where it was.
#[tokio::test(flavor = "multi_thread")]
async fn a_watcher_whose_revision_is_gone_begins_anew() {
    each(async |ground| {
        let maps = maps(&ground.client);
        create(&maps, &map("one", ("app", "web"), "1")).await;
        let config = watcher::Config::default().labels("app=web").timeout(1).disable_bookmarks();
        let mut events = pin!(watcher(maps.clone(), config));
        said(&mut events, &["init", "there one", "done"]).await;
        let secrets: Api<Secret> = Api::namespaced(ground.client.clone(), "default");
        for number in 0..3 {
            let name = Some(format!("secret-{number}"));
            let secret =
                Secret { metadata: ObjectMeta { name, ..ObjectMeta::default() }, ..Secret::default() };
            secrets.create(&PostParams::default(), &secret).await.unwrap();
        }
        ground.twin.api().compact(ground.twin.api().revision());
        let gone = next(&mut events).await;
        assert!(gone.starts_with("error") && gone.contains("too old resource version"), "{gone}");
        said(&mut events, &["init", "there one", "done"]).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reflector_holds_what_a_list_holds() {
    each(async |ground| {
        let maps = maps(&ground.client);
        create(&maps, &map("one", ("app", "web"), "1")).await;
        let (store, writer) = reflector::store();
        let config = watcher::Config::default().streaming_lists();
        let mut events = pin!(reflector(writer, watcher(maps.clone(), config)).applied_objects());
        let mut seen = async |name: &str, value: &str| {
            within(name, async {
                loop {
                    let map = events.try_next().await.unwrap().unwrap();
                    let setting = map.data.as_ref().and_then(|data| data.get("setting"));
                    if map.name_any() == name && setting.is_some_and(|setting| setting == value) {
                        return;
                    }
                }
            })
            .await;
        };
        seen("one", "1").await;
        create(&maps, &map("two", ("app", "web"), "1")).await;
        maps.patch("one", &PatchParams::default(), &Patch::Merge(json!({"data": {"setting": "2"}})))
            .await
            .unwrap();
        create(&maps, &map("gone", ("app", "web"), "1")).await;
        maps.delete("gone", &DeleteParams::default()).await.unwrap();
        create(&maps, &map("last", ("app", "web"), "1")).await;
        seen("last", "1").await;
        let mut held: Vec<(String, Option<String>)> =
            store.state().iter().map(|map| (map.name_any(), map.resource_version())).collect();
        held.sort();
        let listed = maps.list(&kube::api::ListParams::default()).await.unwrap();
        let listed: Vec<_> = listed.iter().map(|map| (map.name_any(), map.resource_version())).collect();
        assert_eq!(held, listed);
        assert!(held.iter().any(|(name, _)| name == "two") && held.iter().all(|(name, _)| name != "gone"));
    })
    .await;
}
