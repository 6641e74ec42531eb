//! The control plane is a real one: it serves, forbids, forgets and comes back.

use std::time::Duration;

use testbed::{ControlPlane, Family, shared, until};

#[test]
fn it_answers_with_the_version_that_was_built() {
    let Some(site) = shared::control_plane() else { return };
    let version = site.kubectl(&["version", "--output=json"]).unwrap();
    let built = Family::Kube.version().unwrap();
    assert_eq!(version.matches(&format!("\"gitVersion\": \"{built}\"")).count(), 2, "{version}");
    assert!(site.apiserver_cpu_seconds().unwrap() > 0.0);
}

#[test]
fn it_denies_a_user_without_rights() {
    let Some(site) = shared::control_plane() else { return };
    let nobody = site.kubeconfig_for_user("nobody", &["some", "more"]).unwrap();
    let error = site.kubectl_as(&nobody, &["get", "secrets", "--all-namespaces"]).unwrap_err();
    assert!(error.to_string().contains("(Forbidden)"), "{error}");
    let who = site.kubectl_as(&nobody, &["auth", "whoami", "--output=json"]).unwrap();
    for word in ["\"nobody\"", "\"some\"", "\"more\""] {
        assert!(who.contains(word), "{who}");
    }
}

#[test]
fn a_token_speaks_for_its_service_account() {
    let Some(site) = shared::control_plane() else { return };
    let token = site.token_kubeconfig("default", "default").unwrap();
    let who = site.kubectl_as(&token, &["auth", "whoami", "--output=name"]).unwrap_or_default();
    let json = site.kubectl_as(&token, &["auth", "whoami", "--output=json"]).unwrap();
    assert!(json.contains("system:serviceaccount:default:default"), "{who}{json}");
}

#[test]
fn its_controllers_run() {
    let Some(site) = shared::control_plane() else { return };
    site.kubectl(&["create", "namespace", "short-lived"]).unwrap();
    site.kubectl(&["create", "deployment", "web", "--image=web", "--namespace=short-lived"]).unwrap();
    until(Duration::from_secs(60), "a pod of the Deployment", || {
        let pods = site.kubectl(&["get", "pods", "--namespace=short-lived", "--output=name"])?;
        Ok(pods.contains("pod/web-").then_some(()))
    })
    .unwrap();
    site.kubectl(&["delete", "namespace", "short-lived", "--timeout=60s"]).unwrap();
}

#[test]
fn the_api_server_comes_back_with_what_it_had() {
    if testbed::parts_or_skip(&[Family::Etcd, Family::Kube]).is_none() {
        return;
    }
    let site = ControlPlane::builder().controller_manager(false).start().unwrap();
    site.kubectl(&["create", "configmap", "kept"]).unwrap();
    let before = site.apiserver_pid().unwrap();
    site.restart_apiserver().unwrap();
    assert_ne!(before, site.apiserver_pid().unwrap());
    site.kubectl(&["get", "configmap", "kept"]).unwrap();
    let folder = site.folder().to_owned();
    drop(site);
    assert!(!folder.exists());
}

#[test]
fn events_go_to_a_second_etcd_and_secrets_are_encrypted() {
    if testbed::parts_or_skip(&[Family::Etcd, Family::Kube]).is_none() {
        return;
    }
    let site = ControlPlane::builder()
        .controller_manager(false)
        .scheduler(true)
        .second_etcd_for("/events")
        .encryption_at_rest(true)
        .compaction_interval(Duration::from_secs(1))
        .start()
        .unwrap();
    site.kubectl(&["create", "secret", "generic", "hidden", "--from-literal=word=plain"]).unwrap();
    let stored =
        site.etcdctl(&["get", "/registry/secrets/default/hidden", "--print-value-only", "--hex"]).unwrap();
    assert!(stored.starts_with(&escaped("k8s:enc:aescbc:v1:key1:")), "{stored}");

    site.kubectl_stdin(&["create", "--filename=-"], EVENT).unwrap();
    let second = site.second_etcd_endpoint().unwrap();
    let keys = |endpoint: &str| {
        site.etcdctl_at(endpoint, &["get", "/registry/events/", "--prefix", "--keys-only"]).unwrap()
    };
    assert!(keys(second).contains("/registry/events/default/happened"));
    assert_eq!(keys(site.etcd_endpoint()).trim(), "");
}

/// As `etcdctl --hex` writes it.
fn escaped(text: &str) -> String {
    text.bytes().map(|byte| format!("\\x{byte:02x}")).collect()
}

const EVENT: &str = r#"{
    "apiVersion": "v1", "kind": "Event", "metadata": { "name": "happened", "namespace": "default" },
    "involvedObject": { "kind": "Pod", "namespace": "default", "name": "idle" },
    "reason": "Tested", "message": "for a test", "type": "Normal"
}"#;
