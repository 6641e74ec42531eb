//! A cluster made up for tests: objects that look like those of a real one, the same for the same seed.

#![allow(dead_code, reason = "each test binary uses a part of it")]
#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "tests may panic, and run where usize has 64 bits"
)]

use daytwo_archive::location::LocationOptions;
use daytwo_archive::*;
use jiff::Timestamp;

/// The revision of the cut: longer than any size or count, so that it is found nowhere by chance.
pub const REVISION: u64 = 47_110_815_471_108;

/// Numbers that look random and are the same every time (SplitMix64).
pub struct Dice(pub u64);

impl Dice {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    pub fn text(&mut self, length: usize) -> String {
        const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/";
        (0..length).map(|_| char::from(LETTERS[self.below(64)])).collect()
    }

    fn uid(&mut self) -> String {
        let (a, b) = (self.next(), self.next());
        format!(
            "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
            a >> 32,
            a & 0xffff,
            (a >> 16) & 0xfff,
            b >> 52,
            b & 0xffff_ffff_ffff
        )
    }
}

/// One object.
#[derive(Debug, Clone)]
pub struct Thing {
    pub namespace: Option<String>,
    pub name: String,
    pub json: String,
}

pub fn resource(group: &str, version: &str, kind: &str, resource: &str, namespaced: bool) -> Resource {
    Resource {
        group: group.into(),
        version: version.into(),
        kind: kind.into(),
        resource: resource.into(),
        namespaced,
    }
}

fn object(dice: &mut Dice, resource: &Resource, namespace: Option<&str>, name: &str, rest: &str) -> Thing {
    let namespaced = namespace.map(|namespace| format!(r#""namespace":"{namespace}","#)).unwrap_or_default();
    let (uid, revision) = (dice.uid(), dice.below(900_000) + 1000);
    let json = format!(
        r#"{{"apiVersion":"{}","kind":"{}","metadata":{{"name":"{name}",{namespaced}"uid":"{uid}","resourceVersion":"{revision}","creationTimestamp":"2026-11-03T04:05:06Z","labels":{{"app":"app-{}","team":"team-{}"}},"managedFields":[{{"manager":"kubectl-client-side-apply","operation":"Update","apiVersion":"{}","time":"2026-11-03T04:05:06Z","fieldsType":"FieldsV1","fieldsV1":{{"f:metadata":{{"f:labels":{{".":{{}},"f:app":{{}},"f:team":{{}}}}}},"f:spec":{{}}}}}}]}},{rest}}}"#,
        resource.api_version(),
        resource.kind,
        dice.below(50),
        dice.below(7),
        resource.api_version(),
    );
    Thing { namespace: namespace.map(str::to_owned), name: name.to_owned(), json }
}

/// About `count` objects in a few kinds and namespaces, in the order a backup has them.
pub fn objects(count: usize, seed: u64) -> Vec<(Resource, Vec<Thing>)> {
    let mut dice = Dice(seed);
    let namespaces: Vec<String> = (0..(count / 100).max(2)).map(|n| format!("team-{n:03}")).collect();
    let share = |percent: usize| (count * percent / 100).max(1);
    let mut all = Vec::new();
    let kind = resource("", "v1", "Namespace", "namespaces", false);
    let things = namespaces.iter().map(|name| {
        object(
            &mut dice,
            &kind,
            None,
            name,
            r#""spec":{"finalizers":["kubernetes"]},"status":{"phase":"Active"}"#,
        )
    });
    let things = things.collect();
    all.push((kind, things));
    type Content = fn(&mut Dice) -> String;
    let kinds: [(Resource, usize, Content); 5] = [
        (resource("rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterroles", false), share(2), |_| {
            r#""rules":[{"apiGroups":["apps"],"resources":["deployments","statefulsets"],"verbs":["get","list","watch"]}]"#.into()
        }),
        (resource("", "v1", "Secret", "secrets", true), share(20), |dice| {
            format!(
                r#""data":{{"password":"{}","token":"{}"}},"type":"Opaque""#,
                dice.text(24),
                dice.text(200)
            )
        }),
        (resource("", "v1", "ConfigMap", "configmaps", true), share(50), |dice| {
            let key = dice.below(1000);
            format!(
                r#""data":{{"settings.yaml":"replicas: {key}\nlog: info\nurl: https://service-{key}.example.com/\n{}"}}"#,
                "option: some value that repeats\\n".repeat(20)
            )
        }),
        (resource("apps", "v1", "Deployment", "deployments", true), share(20), |dice| {
            let image = dice.below(100);
            format!(
                r#""spec":{{"replicas":{},"selector":{{"matchLabels":{{"app":"a"}}}},"template":{{"metadata":{{"labels":{{"app":"a"}}}},"spec":{{"containers":[{{"name":"main","image":"registry.example.com/app-{image}:1.{image}.0","ports":[{{"containerPort":8080,"protocol":"TCP"}}],"resources":{{"limits":{{"cpu":"500m","memory":"256Mi"}}}},"terminationMessagePath":"/dev/termination-log","imagePullPolicy":"IfNotPresent"}}],"restartPolicy":"Always","dnsPolicy":"ClusterFirst","schedulerName":"default-scheduler"}}}}}},"status":{{"observedGeneration":1,"replicas":1,"readyReplicas":1}}"#,
                dice.below(5)
            )
        }),
        (resource("example.com", "v1beta1", "Widget", "widgets", true), share(8), |dice| {
            format!(
                r#""spec":{{"size":{},"ratio":0.30000000000000004,"big":12345678901234567890}}"#,
                dice.below(9)
            )
        }),
    ];
    for (kind, count, content) in kinds {
        let mut things = Vec::with_capacity(count);
        for n in 0..count {
            let namespace = kind.namespaced.then(|| namespaces[n * namespaces.len() / count].as_str());
            let name = if kind.namespaced {
                format!("{}-{n:06}", kind.resource)
            } else {
                format!("system:controller:{n:06}")
            };
            let rest = content(&mut dice);
            things.push(object(&mut dice, &kind, namespace, &name, &rest));
        }
        all.push((kind, things));
    }
    all
}

pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_780_000_000 + seconds).unwrap()
}

pub fn options() -> WriteOptions {
    WriteOptions { run: "run-1".into(), started: at(0), recipients: Vec::new(), sign: None, threads: 2 }
}

pub fn outcome() -> Outcome {
    Outcome {
        finished: at(60),
        server: Server {
            version: "v1.36.3".into(),
            major: "1".into(),
            minor: "36".into(),
            url: "https://127.0.0.1:6443".into(),
            uid: "u".into(),
            context: "lab".into(),
        },
        revision: Some(REVISION),
        consistency: Consistency::OneRevision,
        problems: Vec::new(),
        left_out: vec![LeftOut { what: "events".into(), why: "they pass".into() }],
        outside: Vec::new(),
        fallbacks: Vec::new(),
        complete: vec![Complete { resource: "configmaps".into(), namespaces: None }],
        spec: serde_json::json!({"includedNamespaces": ["*"], "storageLocation": "lab"}),
        ttl: None,
        warnings: Vec::new(),
    }
}

pub fn name(text: &str) -> BackupName {
    BackupName::try_from(text).unwrap()
}

pub fn folder(dir: &std::path::Path) -> Location {
    Location::open(dir.to_str().unwrap(), &LocationOptions::default()).unwrap()
}

/// Adds all of `cluster`; every other object in two parts.
pub async fn add_all(writer: &mut BackupWriter, cluster: &[(Resource, Vec<Thing>)]) {
    for (kind, things) in cluster {
        writer.begin(kind).await.unwrap();
        for (n, thing) in things.iter().enumerate() {
            let (head, body) = thing.json.as_bytes().split_at(if n % 2 == 0 { 0 } else { 20 });
            writer
                .add(Object { namespace: thing.namespace.as_deref(), name: &thing.name, head, body })
                .await
                .unwrap();
        }
    }
}

/// Writes `cluster` as the backup `backup`.
pub async fn write(
    location: &Location,
    backup: &str,
    cluster: &[(Resource, Vec<Thing>)],
    options: WriteOptions,
) -> Head {
    let mut writer = BackupWriter::claim(location, &name(backup), options).await.unwrap();
    add_all(&mut writer, cluster).await;
    writer.finish(outcome()).await.unwrap()
}

/// How many objects there are.
pub fn total(cluster: &[(Resource, Vec<Thing>)]) -> usize {
    cluster.iter().map(|(_, things)| things.len()).sum()
}
