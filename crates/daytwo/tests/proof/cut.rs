//! A backup is one moment. Writers raise a counter in a ConfigMap, then in a Secret, then in a custom resource, each
//! write awaited: at every revision the ConfigMap is ahead of the custom resource by one at most, and the Secret is
//! between them. A backup that shows anything else shows a state that never was.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use testbed::{Api, ControlPlane};

use crate::binary::Daytwo;
use crate::{say, site, stored, tarball, times};

const WRITERS: usize = 2;

/// The counters of one writer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counters {
    config_map: u64,
    secret: u64,
    custom: u64,
}

impl Counters {
    /// Whether there was a revision with these.
    pub fn existed(self) -> bool {
        let Counters { config_map, secret, custom } = self;
        config_map >= secret && secret >= custom && custom + 1 >= config_map
    }
}

#[test]
fn the_order_of_the_writes_decides_which_states_existed() {
    let existed = |config_map, secret, custom| Counters { config_map, secret, custom }.existed();
    assert!(existed(3, 3, 3) && existed(4, 3, 3) && existed(4, 4, 3));
    assert!(!existed(3, 4, 3) && !existed(4, 3, 4) && !existed(5, 3, 3) && !existed(3, 3, 4));
}

/// Namespaces with the counters, and writers that raise them until told to stop.
pub struct Counting<'a> {
    site: &'a ControlPlane,
    prefix: &'static str,
    stop: AtomicBool,
    /// How far the writers came, summed.
    raised: AtomicU64,
}

/// Defines the custom resource that the writers with this prefix raise.
pub fn define(site: &ControlPlane, api: &mut Api, prefix: &str) {
    site::define(site, api, &site::definition(&format!("{prefix}counters"), "Counter"));
}

impl<'a> Counting<'a> {
    pub fn begin(site: &'a ControlPlane, prefix: &'static str) -> Counting<'a> {
        let mut api = Api::of(site).unwrap();
        define(site, &mut api, prefix);
        let counting = Counting { site, prefix, stop: AtomicBool::new(false), raised: AtomicU64::new(0) };
        for namespace in counting.namespaces() {
            site::namespace(&mut api, &namespace);
            site::config_map(&mut api, &namespace, "counter", &json!({ "n": "0" }));
            site::secret(&mut api, &namespace, "counter", &json!({ "n": "0" }));
            let plural = format!("{prefix}counters");
            site::custom(&mut api, &namespace, &plural, "Counter", "counter", &json!({ "n": 0 }));
        }
        counting
    }

    pub fn namespaces(&self) -> Vec<String> {
        (0..WRITERS).map(|n| format!("{}-{n}", self.prefix)).collect()
    }

    fn custom_resource(&self) -> String {
        format!("{}counters.example.com", self.prefix)
    }

    /// Runs `work` while every writer writes.
    pub fn during<T>(&self, work: impl FnOnce() -> T) -> T {
        thread::scope(|scope| {
            for namespace in self.namespaces() {
                scope.spawn(move || self.write(&namespace));
            }
            let stop = Stop(&self.stop);
            let result = work();
            drop(stop);
            result
        })
    }

    fn write(&self, namespace: &str) {
        let mut api = Api::of(self.site).unwrap();
        let custom = format!("/apis/example.com/v1/namespaces/{namespace}/{}counters/counter", self.prefix);
        for n in 1u64.. {
            if self.stop.load(Ordering::SeqCst) {
                return;
            }
            let text = json!({ "n": n.to_string() });
            let core = format!("/api/v1/namespaces/{namespace}");
            api.patch(&format!("{core}/configmaps/counter"), &json!({ "data": text })).unwrap();
            api.patch(&format!("{core}/secrets/counter"), &json!({ "stringData": text })).unwrap();
            api.patch(&custom, &json!({ "spec": { "n": n } })).unwrap();
            self.raised.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// What an archive shows of each writer; `objects` by `resource/namespace/name`.
    pub fn shown(&self, objects: &BTreeMap<String, Vec<u8>>) -> Vec<Counters> {
        let read = |key: String| tarball::object(objects, &key).unwrap_or_else(|| panic!("{key} is missing"));
        let namespaces = self.namespaces();
        let counters = namespaces.iter().map(|namespace| {
            counters(
                &read(format!("configmaps/{namespace}/counter")),
                &read(format!("secrets/{namespace}/counter")),
                &read(format!("{}/{namespace}/counter", self.custom_resource())),
            )
        });
        counters.collect()
    }

    /// Whether plain lists, one after another, show a state that never was.
    fn plain_lists_tear(&self, api: &mut Api) -> bool {
        let mut list = |path: &str| api.get(path).unwrap()["items"].as_array().unwrap().clone();
        let lists = [
            list("/api/v1/configmaps"),
            list("/api/v1/secrets"),
            list(&format!("/apis/example.com/v1/{}counters", self.prefix)),
        ];
        self.namespaces().iter().any(|namespace| {
            let [config_map, secret, custom] = lists.each_ref().map(|items| {
                let counter = |item: &&Value| {
                    item["metadata"]["namespace"] == json!(namespace) && item["metadata"]["name"] == "counter"
                };
                items.iter().find(counter).unwrap()
            });
            !counters(config_map, secret, custom).existed()
        })
    }
}

/// Stops the writers also when what they write under fails.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

fn counters(config_map: &Value, secret: &Value, custom: &Value) -> Counters {
    let number = |text: &str| text.parse::<u64>().unwrap();
    let secret = STANDARD.decode(secret["data"]["n"].as_str().unwrap()).unwrap();
    Counters {
        config_map: number(config_map["data"]["n"].as_str().unwrap()),
        secret: number(std::str::from_utf8(&secret).unwrap()),
        custom: custom["spec"]["n"].as_u64().unwrap(),
    }
}

#[test]
fn no_backup_shows_a_state_that_never_was() {
    let Some(site) = testbed::shared::control_plane() else { return };
    let counting = Counting::begin(site, "cut");
    let daytwo = Daytwo::on_folder().cluster(site.kubeconfig());
    let runs = times(8, 100);
    let mut torn_lists = 0;
    let mut revisions = Vec::new();
    counting.during(|| {
        let mut api = Api::of(site).unwrap();
        let tries = 200;
        torn_lists = (0..tries).filter(|_| counting.plain_lists_tear(&mut api)).count();
        assert!(
            torn_lists > 0,
            "{tries} rounds of plain lists show no torn state: the writers prove nothing"
        );
        for run in 0..runs {
            let name = format!("cut-{run}");
            let before = counting.raised.load(Ordering::SeqCst);
            let made = daytwo.run(&["backup", "create", &name, "-o", "json"]).expect(0).json();
            let raised = counting.raised.load(Ordering::SeqCst) - before;
            assert_eq!(made["consistency"]["kind"], "OneRevision", "{made}");
            assert_eq!(made["phase"], "Completed", "{made}");
            for counters in counting.shown(&stored::objects(&daytwo.folder(), &name)) {
                assert!(counters.existed(), "{name} shows a state that never was: {counters:?}");
            }
            revisions.push(raised);
            daytwo.run(&["backup", "delete", &name, "--yes"]).expect(0);
        }
    });
    revisions.sort_unstable();
    say(&format!(
        "{runs} backups under {WRITERS} writers, none torn (counters raised {} times during the median backup); \
         plain lists: {torn_lists} of 200 rounds torn",
        revisions[runs / 2]
    ));
}
