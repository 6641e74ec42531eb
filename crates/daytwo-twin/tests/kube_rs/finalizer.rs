//! The finalizer helper: cleaning up comes before the end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::DeleteParams;
use kube::runtime::controller::Action;
use kube::runtime::finalizer::{Event, finalizer};
use kube::{Api, ResourceExt as _};

use crate::ground::{create, each, map, maps};

const NAME: &str = "daytwo.dev/test";

/// What the helper calls, and how often.
#[derive(Default)]
struct Calls {
    apply: AtomicU32,
    cleanup: AtomicU32,
}

impl Calls {
    fn seen(&self) -> [u32; 2] {
        [self.apply.load(Ordering::Relaxed), self.cleanup.load(Ordering::Relaxed)]
    }

    /// One look of a controller at the object as it is now.
    async fn look(&self, maps: &Api<ConfigMap>) {
        let map = Arc::new(maps.get("held").await.unwrap());
        finalizer(maps, NAME, map, async |event| {
            match event {
                Event::Apply(_) => self.apply.fetch_add(1, Ordering::Relaxed),
                Event::Cleanup(_) => self.cleanup.fetch_add(1, Ordering::Relaxed),
            };
            Ok::<_, kube::Error>(Action::await_change())
        })
        .await
        .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_with_a_finalizer_goes_when_that_is_done() {
    each(async |ground| {
        let (maps, calls) = (maps(&ground.client), Calls::default());
        let born = create(&maps, &map("held", ("app", "web"), "1")).await;
        calls.look(&maps).await;
        assert_eq!(
            (calls.seen(), maps.get("held").await.unwrap().finalizers()),
            ([0, 0], &[NAME.to_owned()][..])
        );
        calls.look(&maps).await;
        assert_eq!(calls.seen(), [1, 0]);

        let left = maps.delete("held", &DeleteParams::default()).await.unwrap().left().unwrap();
        assert!(left.metadata.deletion_timestamp.is_some());
        assert_eq!(maps.get("held").await.unwrap().uid(), born.uid());
        calls.look(&maps).await;
        assert_eq!(calls.seen(), [1, 1]);
        assert!(maps.get_opt("held").await.unwrap().is_none());
    })
    .await;
}
