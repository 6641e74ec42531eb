//! A twin, two ways to it, and a clock that is set by hand.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use daytwo_engine::Clock;
use daytwo_twin::{Serving, Twin};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{ObjectMeta, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A clock that stands until it is moved.
#[derive(Debug)]
pub struct Hand(Mutex<Timestamp>);

impl Hand {
    pub fn new() -> Arc<Hand> {
        Arc::new(Hand(Mutex::new("2026-05-04T10:00:00Z".parse().unwrap())))
    }

    pub fn forward(&self, by: SignedDuration) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) += by;
    }
}

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A twin and a way to it.
pub struct Ground {
    pub client: Client,
    pub twin: Twin,
    pub clock: Arc<Hand>,
    _serving: Option<Serving>,
}

/// Runs `test` against an empty twin in process, then against another over HTTPS.
pub async fn each<F: Future<Output = ()>>(test: impl Fn(Ground) -> F) {
    for https in [false, true] {
        let clock = Hand::new();
        let twin = Twin::empty(Arc::clone(&clock) as Arc<dyn Clock>).unwrap();
        let (client, serving) = match https {
            false => (twin.client(), None),
            true => {
                let serving = serve(&twin).await;
                (over_https(&serving).await, Some(serving))
            }
        };
        within("the test", test(Ground { client, twin, clock, _serving: serving })).await;
    }
}

pub async fn serve(twin: &Twin) -> Serving {
    let address = "127.0.0.1:0".parse().unwrap();
    twin.serve(address, *b"forty bytes that every test may disclose").await.unwrap()
}

async fn over_https(serving: &Serving) -> Client {
    let kubeconfig = Kubeconfig::from_yaml(&serving.kubeconfig()).unwrap();
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
    Client::try_from(config).unwrap()
}

/// The outcome of `future`, unless it takes a minute.
pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(outcome) => outcome,
        Err(_) => panic!("gave up waiting for {what}"),
    }
}

pub fn maps(client: &Client) -> Api<ConfigMap> {
    Api::namespaced(client.clone(), "default")
}

/// A ConfigMap with one label and one setting.
pub fn map(name: &str, label: (&str, &str), value: &str) -> ConfigMap {
    let labels = [(label.0.to_owned(), label.1.to_owned())].into();
    ConfigMap {
        metadata: ObjectMeta { name: Some(name.to_owned()), labels: Some(labels), ..ObjectMeta::default() },
        data: Some([("setting".to_owned(), value.to_owned())].into()),
        ..ConfigMap::default()
    }
}

pub async fn create(maps: &Api<ConfigMap>, map: &ConfigMap) -> ConfigMap {
    maps.create(&PostParams::default(), map).await.unwrap()
}
