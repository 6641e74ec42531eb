//! Random bodies of a kind, from its types: any subset of fields, values of the right type, some of them such as
//! conditional defaults ask for.

use daytwo_core::resource::ResourceType;
use daytwo_etcd::kube::types::{Field, Holds, Many, Or, Struct, Types};
use daytwo_twin::chance::Chance;
use serde_json::{Map, Value, json};

/// A body, as text. If `spoilt`, one field holds a value that may be of any type.
pub fn object(types: &Types, of: &Struct, kind: &ResourceType, chance: &mut Chance, spoilt: bool) -> String {
    // Some are full at the top and some sparse; all have an end.
    let fill = [30, 50, 80][usize::try_from(chance.below(3)).unwrap()];
    let spoil = if spoilt { 2 + chance.below(60) } else { 0 };
    let mut maker = Maker { types, chance, left: 400, fill, spoil };
    let mut made = maker.structure(of, 0);
    let version = if kind.group == "meta.k8s.io" { kind.version.clone() } else { kind.api_version() };
    made.insert("apiVersion".to_owned(), version.into());
    made.insert("kind".to_owned(), kind.kind.clone().into());
    let mut made = Value::Object(made);
    settle(&kind.kind, &mut made);
    made.to_string()
}

/// What no server would come to keep, and of which it would keep something else.
fn settle(kind: &str, made: &mut Value) {
    let inner = |made: &mut Value, path: &str, act: &dyn Fn(&mut Map<String, Value>)| {
        if let Some(Value::Object(inner)) = made.pointer_mut(path) {
            act(inner);
        }
    };
    match kind {
        "CustomResourceDefinition" => {
            if made["spec"].is_null() {
                made["spec"] = json!({});
            }
            inner(made, "/spec", &|spec| {
                // Refused without one, before the version it is kept at has a default for it.
                let scope = spec.entry("scope").or_insert(Value::Null);
                if scope.is_null() || scope == "" {
                    *scope = json!("Namespaced");
                }
            });
            // Refused without versions likewise.
            inner(made, "/spec/conversion", &|conversion| {
                conversion.remove("webhook");
            });
            // Kept as JSON, where an empty list is one; reset when it is made.
            inner(made, "/status", &|status| {
                status.retain(|_, value| !value.as_array().is_some_and(Vec::is_empty));
            });
        }
        // Never kept, so that protobuf does not take these from it.
        "Eviction" => inner(made, "/deleteOptions", &|options| {
            options.remove("kind");
            options.remove("apiVersion");
        }),
        _ => {}
    }
}

struct Maker<'a> {
    types: &'a Types,
    chance: &'a mut Chance,
    left: usize,
    fill: u64,
    /// The number of the field to be spoilt; 0 for none.
    spoil: u64,
}

impl Maker<'_> {
    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.chance.below(of.len() as u64)).unwrap()]
    }

    fn percent(&mut self, of: u64) -> bool {
        self.chance.below(100) < of
    }

    fn structure(&mut self, of: &Struct, depth: usize) -> Map<String, Value> {
        let mut made = Map::new();
        for field in &of.fields {
            // So that the parts that matter are there.
            let fill = if depth < 2 { self.fill.max(50) } else { self.fill };
            let always = matches!(field.name, "spec" | "template" | "containers") || self.clock(of, field);
            if self.left > 0 && (always || self.percent(fill)) {
                self.left -= 1;
                let value = self.field(field, depth);
                made.insert(field.name.to_owned(), value);
            }
        }
        if self.percent(2) {
            made.insert("unknownOne".to_owned(), json!({"a": 1}));
        }
        made
    }

    /// Its default is the time of day.
    fn clock(&self, of: &Struct, field: &Field) -> bool {
        of.name == "DeviceTaint" && field.name == "timeAdded"
    }

    fn field(&mut self, field: &Field, depth: usize) -> Value {
        self.spoil = self.spoil.saturating_sub(1);
        if self.spoil == 1 {
            let any = [
                &json!(5),
                &json!(true),
                &json!("x"),
                &json!([]),
                &json!({}),
                &json!([1, "x"]),
                &json!({"a": 1, "name": 2, "b": {}}),
                &json!(1.5),
                &json!(99_999_999_999_u64),
            ];
            return self.one(&any).clone();
        }
        if field.name != "timeAdded" && self.percent(3) {
            return Value::Null;
        }
        let count = self.chance.below(3);
        match field.many {
            Many::One => self.value(field, depth),
            Many::List => (0..count).map(|_| self.value(field, depth)).collect(),
            Many::Map => {
                let entries = (0..count).map(|_| (self.key(field), self.value(field, depth)));
                Value::Object(entries.collect())
            }
        }
    }

    fn key(&mut self, field: &Field) -> String {
        match field.name {
            _ if field.go == "v1.ResourceList" => {
                self.one(&["cpu", "memory", "hugepages-2Mi", "example.com/x", "ephemeral-storage"]).to_owned()
            }
            "annotations" => self
                .one(&[
                    "a",
                    "pod.beta.kubernetes.io/init-containers",
                    "deprecated.daemonset.template.generation",
                    "deprecated.deployment.rollback.to",
                    "autoscaling.alpha.kubernetes.io/behavior.x",
                ])
                .to_owned(),
            _ => self.one(&["a", "b", "app", "kubernetes.io/metadata.name", "z.example.com/y"]).to_owned(),
        }
    }

    fn value(&mut self, field: &Field, depth: usize) -> Value {
        match field.holds {
            Holds::Text | Holds::Duration => self.text(field).into(),
            Holds::Bytes => self.one(&["", "YQ==", "AAEC", "YWJj\nZA=="]).into(),
            Holds::Bool => self.percent(50).into(),
            Holds::Integer | Holds::Long => self.one(&[0, 1, 2, 80, 30_000, -5, 2_147_483_647]).into(),
            Holds::Double => self
                .one(&[json!(0), json!(1.5), json!(2.0), json!(-3), json!(0.1)].map(|v| v.as_f64().unwrap()))
                .into(),
            Holds::Message(at) => {
                let of = self.types.at(at);
                if of.bare {
                    return json!([self.one(&["x", "y", ""])]);
                }
                if depth > 12 {
                    return json!({});
                }
                Value::Object(self.structure(of, depth + 1))
            }
            Holds::Quantity => self.quantity(),
            Holds::IntOrString => {
                let number = self.one(&[0, 1, 8080, -1]);
                if self.percent(50) { number.into() } else { self.one(&["", "25%", "http"]).into() }
            }
            Holds::Time => self
                .one(&["2020-01-01T00:00:00Z", "2021-02-03T04:05:06.789+02:00", "1999-12-31T23:59:59-11:30"])
                .into(),
            Holds::MicroTime => {
                self.one(&["2020-01-01T00:00:00.000000Z", "2021-02-03T04:05:06.789012+02:00"]).into()
            }
            Holds::FieldsV1 => json!({"f:metadata": {"f:labels": {".": {}, "f:a": {}}}}),
            Holds::RawExtension => {
                json!({"kind": "X", "apiVersion": "example.com/v1", "z": [1, null], "a": {"b": "<&>"}})
            }
            Holds::Json => self
                .one(&[&json!(1.0), &json!({"z": 1, "a": [2.5, null]}), &json!("x"), &json!([true])])
                .clone(),
            Holds::SchemaOr(at, or) => self.alternative(at, or, depth),
        }
    }

    fn alternative(&mut self, at: usize, or: Or, depth: usize) -> Value {
        if depth < 6 && self.percent(60) {
            // What is unknown in these is not reported, and dropped all the same.
            return Value::Object(self.structure(self.types.at(at), depth + 1));
        }
        match or {
            Or::Bool => self.percent(50).into(),
            Or::Schemas => json!([{"type": "string"}]),
            Or::Names => json!(["a", "b"]),
        }
    }

    fn quantity(&mut self) -> Value {
        let texts = [
            "0", "1", "100m", "1.5", "0.0001", "1Gi", "1.5Gi", "2048Mi", "1e3", "12E", "1000000", "3n",
            "+2Ki",
        ];
        if self.percent(85) {
            self.one(&texts).into()
        } else {
            self.one(&[json!(2), json!(0.25)].map(|v| v.as_f64().unwrap())).into()
        }
    }

    fn text(&mut self, field: &Field) -> &'static str {
        let known: &[&str] = match field.name {
            "type" => &[
                "ClusterIP",
                "NodePort",
                "LoadBalancer",
                "Container",
                "RollingUpdate",
                "Recreate",
                "OnDelete",
                "x",
                "",
            ],
            "kind" => &["User", "Group", "ServiceAccount", "Pod"],
            "apiVersion" | "apiGroup" => &["v1", "", "apps/v1", "rbac.authorization.k8s.io"],
            "sessionAffinity" => &["None", "ClientIP", ""],
            "allocationMode" => &["ExactCount", "All", ""],
            "restartPolicy" => &["Always", "Never", "OnFailure"],
            "image" | "reference" => {
                &["a", "a:1", "Bad Name", "r.example.com:5000/x/y:latest", "a@sha256:0", ""]
            }
            "ip" | "podIP" | "podIPs" => &["10.0.0.1", "10.0.0.2", ""],
            "podCIDR" | "podCIDRs" => &["10.0.0.0/24", "10.0.1.0/24", ""],
            "key" => &["pdb.kubernetes.io/deprecated-v1beta1-empty-selector-match", "a"],
            "operator" => &["Exists", "In", "Equal", ""],
            "status" | "storage" => &["True", "False", ""],
            "annotations" => &["1", "1", "", "+5", "x"],
            _ => &["a", "web-1", "", "é<&>\u{2028}", "x y", "True"],
        };
        self.one(known)
    }
}
