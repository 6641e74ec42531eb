//! What may differ between an object and its restored self: the list is short, and each line has its reason.
//!
//! Before objects are compared, UIDs are replaced by what they are of, so that an owner, a claim or an account must be
//! the same object, though it has another UID; and what a custom resource's status says to have observed by whether that
//! was its last generation. Everything that differs afterwards and is not named here is a difference.

use serde_json::Value;

/// A field that may differ.
pub struct Rule {
    /// The field: names from the object down; `*` stands for any.
    pub path: &'static [&'static str],
    /// Of which objects.
    pub of: fn(&Object<'_>) -> bool,
    /// Why.
    pub why: &'static str,
}

/// An object as it was in the backup.
pub struct Object<'a> {
    /// `KIND/NAMESPACE/NAME`.
    pub key: &'a str,
    pub before: &'a Value,
}

impl Object<'_> {
    fn is(&self, kind: &str) -> bool {
        self.key.split('/').next() == Some(kind)
    }

    /// Of a group that the API server itself serves: they have no dot, or end in `k8s.io`.
    fn built_in(&self) -> bool {
        let version = self.before["apiVersion"].as_str().unwrap();
        let group = version.split_once('/').map_or("", |(group, _)| group);
        !group.contains('.') || group.ends_with(".k8s.io")
    }

    /// One manager wrote it, with updates.
    fn of_one_manager(&self) -> bool {
        let Some(entries) = self.before["metadata"]["managedFields"].as_object() else { return true };
        let mut main = entries.values().filter(|entry| entry["subresource"].is_null());
        main.next().is_some_and(|entry| entry["operation"] == "Update") && main.next().is_none()
    }

    fn ended_job(&self) -> bool {
        let conditions = self.before["status"]["conditions"].as_array();
        let ended = |condition: &Value| condition["type"] == "Complete" || condition["type"] == "Failed";
        self.is("Job") && conditions.is_some_and(|conditions| conditions.iter().any(ended))
    }

    /// Claims and volumes.
    fn bound(&self) -> bool {
        self.key.starts_with("PersistentVolume")
    }

    fn token(&self) -> bool {
        self.before["type"] == "kubernetes.io/service-account-token"
    }
}

/// Fields that may differ.
pub const FIELDS: &[Rule] = &[
    Rule {
        path: &["metadata", "uid"],
        of: |_| true,
        why: "each object that is created has a UID of its own",
    },
    Rule { path: &["metadata", "resourceVersion"], of: |_| true, why: "it is the store's count of writes" },
    Rule {
        path: &["metadata", "creationTimestamp"],
        of: |_| true,
        why: "it was created when it was restored",
    },
    Rule { path: &["metadata", "generation"], of: |_| true, why: "the server counts from 1 again" },
    Rule {
        path: &["metadata", "managedFields", "*", "time"],
        of: |object| object.of_one_manager(),
        why: "of what one manager made: it is one write, of which the server tells the time",
    },
    Rule {
        path: &["status"],
        of: |object| object.built_in() && !object.ended_job(),
        why: "of built-in kinds, but for Jobs that had ended: what a controller observes, it observes anew",
    },
    Rule {
        path: &["metadata", "managedFields", "status *"],
        of: |object| object.built_in(),
        why: "of built-in kinds: who observes anew is the manager of what is observed",
    },
    Rule {
        path: &["data"],
        of: |object| object.token(),
        why: "of a token Secret: it names the UID of its account, and is made anew",
    },
    Rule {
        path: &["metadata", "annotations", "pv.kubernetes.io/bound-by-controller"],
        of: |object| object.is("PersistentVolumeClaim") || object.is("PersistentVolume"),
        why: "of claims and volumes: they now ask for each other, where before the controller had chosen",
    },
    Rule {
        path: &["spec", "claimRef", "resourceVersion"],
        of: |object| object.is("PersistentVolume"),
        why: "of volumes: it is the store's count of writes",
    },
    Rule {
        path: &["metadata", "managedFields", " Update v1 kube-controller-manager", "time"],
        of: |object| object.token(),
        why: "of a token Secret: its controller filled it anew",
    },
    Rule {
        path: &["metadata", "managedFields", " Update v1 kube-controller-manager"],
        of: |object| object.bound(),
        why: "of claims and volumes: they are bound anew, and what their controller says of it is of now",
    },
    Rule {
        path: &["metadata", "managedFields", "*", "fieldsV1", "f:spec", "f:claimRef"],
        of: |object| object.bound(),
        why: "of volumes: they are bound anew, by their controller",
    },
    Rule {
        path: &["metadata", "managedFields", "*", "time"],
        of: |object| object.is("PersistentVolume"),
        why: "of volumes: they get their policy back once they are bound",
    },
    Rule {
        path: &["metadata", "managedFields", "*", "time"],
        of: |object| object.is("ClusterRole") && object.before["aggregationRule"].is_object(),
        why: "of ClusterRoles that are aggregated: their controller collected the rules anew, when they were lost and came back",
    },
    Rule {
        path: &["metadata", "managedFields", "ephemeralcontainers *"],
        of: |object| object.is("Pod"),
        why: "of pods: a new one may not have any",
    },
    Rule {
        path: &["spec", "ephemeralContainers"],
        of: |object| object.is("Pod"),
        why: "of pods: a new one may not have any",
    },
];

/// Why an object is not compared, as a restore does not write it or its controller makes another; `None` if it is.
pub fn apart(key: &str, object: &Value) -> Option<&'static str> {
    let kind = key.split('/').next().unwrap();
    let controlled = object["metadata"]["ownerReferences"]
        .as_array()
        .is_some_and(|owners| owners.iter().any(|owner| owner["controller"] == true));
    let managed = object["metadata"]["labels"]["endpointslice.kubernetes.io/managed-by"].as_str();
    let phase = object["status"]["phase"].as_str();
    match kind {
        _ if !object["metadata"]["deletionTimestamp"].is_null() => Some("it was being deleted"),
        "CertificateSigningRequest" => Some("it asks for an act, which would be done again"),
        "Pod" if matches!(phase, Some("Succeeded" | "Failed")) => {
            Some("the pod had ended, and would run again")
        }
        "Pod" if controlled => Some("its controller makes another"),
        "EndpointSlice" if managed.is_some_and(|by| by.ends_with("-controller.k8s.io")) => {
            Some("its controller makes another")
        }
        "Endpoints"
            if object["metadata"]["labels"]["endpoints.kubernetes.io/managed-by"]
                == "endpoint-controller" =>
        {
            Some("its controller makes another")
        }
        "Lease" if key.starts_with("Lease/kube-") => Some("its holder renews it"),
        _ => None,
    }
}
