//! What cannot be in the cut, or may not be read: named, and never missing without a word.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use testbed::{Api, ControlPlane, Family};

use crate::binary::Daytwo;
use crate::{site, stored};

fn resources(list: &Value) -> BTreeSet<String> {
    let list = list.as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter().map(|entry| entry["resource"].as_str().unwrap().to_owned()).collect()
}

const KEPT: usize = 20;

/// The number of `kept-` ConfigMaps in a backup.
fn kept(daytwo: &Daytwo, name: &str) -> usize {
    let objects = stored::objects(&daytwo.folder(), name);
    objects.keys().filter(|key| key.starts_with("configmaps/kept/kept-")).count()
}

#[test]
fn a_resource_in_another_etcd_is_whole_and_named_outside_the_cut() {
    if testbed::parts_or_skip(&[Family::Etcd, Family::Kube]).is_none() {
        return;
    }
    let site =
        ControlPlane::builder().controller_manager(false).second_etcd_for("/configmaps").start().unwrap();
    let mut api = Api::of(&site).unwrap();
    site::namespace(&mut api, "kept");
    for n in 0..KEPT {
        site::config_map(&mut api, "kept", &format!("kept-{n}"), &json!({ "n": n.to_string() }));
    }
    let daytwo = Daytwo::on_folder().cluster(site.kubeconfig());
    let check = |name: &str, how: &str| {
        let head = daytwo.run(&["backup", "create", name, "-o", "json"]).expect(0).json();
        assert_eq!(head["phase"], "Completed", "{how}: {head}");
        assert_eq!(resources(&head["outside"]), BTreeSet::from(["configmaps".to_owned()]), "{how}: {head}");
        assert_eq!(
            kept(&daytwo, name),
            KEPT,
            "{how}: an exact list of another store holds nothing, with 200"
        );
        daytwo.run(&["backup", "verify", name]).expect(0);
        let shown = daytwo.run(&["backup", "describe", name]).expect(0);
        assert!(shown.stdout.contains("configmaps"), "{shown}");
    };
    check("behind", "a store whose revision is lower");

    let mut stir = |path: &str, times: usize| {
        for n in 0..times {
            api.patch(path, &json!({ "metadata": { "annotations": { "n": n.to_string() } } })).unwrap();
        }
    };
    stir("/api/v1/namespaces/kept/configmaps/kept-0", 1_500);
    check("ahead", "a store whose revision is higher");

    // As near as it gets: the two revisions pass each other.
    for round in 0..3 {
        stir("/api/v1/namespaces/kept", 400);
        let name = format!("near-{round}");
        daytwo.run(&["backup", "create", &name]).expect(0);
        assert_eq!(kept(&daytwo, &name), KEPT, "{name}");
    }
}

#[test]
fn a_list_that_nothing_is_stored_behind_is_left_out_and_named() {
    let Some(site) = testbed::shared::control_plane() else { return };
    let daytwo = Daytwo::on_folder().cluster(site.kubeconfig());
    let args =
        ["backup", "create", "virtual", "-o", "json", "--include-resources=componentstatuses,namespaces"];
    let head = daytwo.run(&args).expect(0).json();
    assert_eq!(head["phase"], "Completed", "{head}");
    let left_out = head["leftOut"].as_array().unwrap();
    assert!(left_out.iter().any(|entry| entry["what"] == "componentstatuses"), "{head}");
    let held = stored::objects(&daytwo.folder(), "virtual");
    assert!(!held.keys().any(|key| key.starts_with("componentstatuses")));
}

/// Every resource of every group as rules of a role, without `secrets`.
fn all_but_secrets(api: &mut Api) -> Value {
    let core = api.get("/api/v1").unwrap();
    let core: Vec<&str> = core["resources"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|resource| resource["name"].as_str())
        .filter(|name| *name != "secrets")
        .collect();
    let groups = api.get("/apis").unwrap();
    let groups: Vec<&str> =
        groups["groups"].as_array().unwrap().iter().filter_map(|group| group["name"].as_str()).collect();
    json!([
        { "apiGroups": [""], "resources": core, "verbs": ["get", "list"] },
        { "apiGroups": groups, "resources": ["*"], "verbs": ["get", "list"] },
    ])
}

#[test]
fn what_may_not_be_read_is_named_and_makes_the_backup_partial() {
    let Some(site) = testbed::shared::control_plane() else { return };
    let mut api = Api::of(site).unwrap();
    for namespace in ["open", "shut"] {
        site::namespace(&mut api, namespace);
        site::secret(&mut api, namespace, "word", &json!({ "word": "open sesame" }));
        site::config_map(&mut api, namespace, "word", &json!({ "word": "a" }));
    }
    let rbac = "/apis/rbac.authorization.k8s.io/v1";
    let user = json!([{ "kind": "User", "name": "limited", "apiGroup": "rbac.authorization.k8s.io" }]);
    let role = |kind: &str, name: &str| json!({ "kind": kind, "name": name, "apiGroup": "rbac.authorization.k8s.io" });
    let rules = all_but_secrets(&mut api);
    let name = json!({ "name": "limited" });
    api.create(&format!("{rbac}/clusterroles"), &json!({ "metadata": name, "rules": rules })).unwrap();
    let binding = json!({ "metadata": name, "roleRef": role("ClusterRole", "limited"), "subjects": user });
    api.create(&format!("{rbac}/clusterrolebindings"), &binding).unwrap();
    let limited = site.kubeconfig_for_user("limited", &[]).unwrap();

    let daytwo = Daytwo::on_folder().cluster(&limited);
    let args =
        |name: &'static str| ["backup", "create", name, "-o", "json", "--include-namespaces=open,shut"];
    let run = daytwo.run(&args("limited")).expect(1).says(&["secrets", "forbidden"]);
    let head = run.json();
    assert_eq!(head["phase"], "PartiallyFailed", "{head}");
    assert_eq!(resources(&head["problems"]), BTreeSet::from(["secrets".to_owned()]), "{head}");
    let velero = std::fs::read(daytwo.folder().join("backups/limited/velero-backup.json")).unwrap();
    let velero: Value = serde_json::from_slice(&velero).unwrap();
    assert_eq!(velero["status"]["phase"], "PartiallyFailed", "{velero}");
    let held = stored::objects(&daytwo.folder(), "limited");
    assert!(held.contains_key("configmaps/open/word") && held.contains_key("configmaps/shut/word"));
    daytwo.run(&["backup", "verify", "limited"]).expect(0);
    let shown = daytwo.run(&["backup", "describe", "limited"]).expect(0);
    assert!(shown.stdout.contains("secrets") && shown.stdout.contains("forbidden"), "{shown}");

    // Where one namespace can be read it is, and the other is named.
    let rules = json!([{ "apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list"] }]);
    api.create(&format!("{rbac}/namespaces/open/roles"), &json!({ "metadata": name, "rules": rules }))
        .unwrap();
    let binding = json!({ "metadata": name, "roleRef": role("Role", "limited"), "subjects": user });
    api.create(&format!("{rbac}/namespaces/open/rolebindings"), &binding).unwrap();
    let head = daytwo.run(&args("halfway")).expect(1).json();
    let problems = head["problems"].as_array().unwrap();
    assert!(problems.iter().any(|problem| problem["namespace"] == "shut"), "{head}");
    assert!(!problems.iter().any(|problem| problem["namespace"] == "open"), "{head}");
    let held = stored::objects(&daytwo.folder(), "halfway");
    assert!(held.contains_key("secrets/open/word") && !held.contains_key("secrets/shut/word"));
}
