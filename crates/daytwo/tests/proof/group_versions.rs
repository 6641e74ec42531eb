//! Velero's backups that hold each object at every version its cluster served (`EnableAPIGroupVersions`): restored as
//! others are, also where the version that they prefer is no longer served.

use std::time::Duration;

use serde_json::{Value, json};
use testbed::{Api, ControlPlane, Family, Velero};

use crate::binary::Daytwo;
use crate::{site, stored, tarball};

const BUCKET: &str = "group-versions";
const NAMESPACE: &str = "meters";
const GAUGES: &str = "namespaces/meters/gauges/g";
const AUTOSCALER: &str = "/apis/autoscaling/v2/namespaces/meters/horizontalpodautoscalers/web";

#[test]
fn velero_s_backup_of_every_group_version_is_restored_at_one_that_is_served() {
    let parts = [Family::Etcd, Family::Kube, Family::S3, Family::Velero];
    let Some(s3) = testbed::parts_or_skip(&parts).and_then(|_| testbed::shared::s3()) else { return };
    let site = ControlPlane::start().unwrap();
    let mut api = Api::of(&site).unwrap();
    let mut definition = site::definition("gauges", "Gauge");
    definition["spec"]["versions"] = json!([site::version("v1", true), site::version("v1beta1", false)]);
    site::define(&site, &mut api, &definition);
    site::namespace(&mut api, NAMESPACE);
    site::custom(&mut api, NAMESPACE, "gauges", "Gauge", "g", &json!({ "reading": 7 }));
    let target = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" });
    let autoscaler =
        json!({ "metadata": { "name": "web" }, "spec": { "scaleTargetRef": target, "maxReplicas": 3 } });
    api.create(AUTOSCALER.strip_suffix("/web").unwrap(), &autoscaler).unwrap();
    let before = api.get(AUTOSCALER).unwrap()["spec"].clone();

    let velero = Velero::builder(&site, s3, BUCKET).server_arg("--features=EnableAPIGroupVersions");
    let velero = velero.start().unwrap();
    let phase = velero.backup("every", &["--include-namespaces=meters"]).unwrap();
    assert_eq!(phase, "Completed", "{}", velero.log().display());
    let entries = tarball::read(&stored::archive(&s3.folder().join(BUCKET), "every"));
    for other in ["gauges.example.com/v1beta1", "horizontalpodautoscalers.autoscaling/v1"] {
        let folder = format!("resources/{other}/namespaces");
        assert!(entries.keys().any(|path| path.starts_with(&folder)), "nothing in {folder}");
    }

    let daytwo = Daytwo::on_s3(s3, BUCKET, None).cluster(site.kubeconfig());
    daytwo.run(&["backup", "verify", "every"]).expect(0);
    let restore = || {
        site.kubectl(&["delete", "namespace", NAMESPACE, "--timeout=120s"]).unwrap();
        let scope = "--include-namespaces=meters";
        daytwo.run(&["restore", "create", "--from", "every", scope, "-o", "json"]).sound()
    };
    let restored = restore();
    assert!(matches!(restored.code, Some(0 | 1)), "{restored}");
    assert_eq!(api.get(&format!("/apis/example.com/v1/{GAUGES}")).unwrap()["spec"]["reading"], 7);
    assert_eq!(api.get(AUTOSCALER).unwrap()["spec"], before);

    // The version that the backup prefers is stored, and served no more.
    let gone = json!({ "spec": { "versions": [
        { "name": "v1", "served": false, "storage": true, "schema": site::version("v1", true)["schema"] },
        site::version("v1beta1", false),
    ] } });
    let definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    api.patch(&format!("{definitions}/gauges.example.com"), &gone).unwrap();
    testbed::until(Duration::from_secs(60), "v1 to be served no more", || {
        Ok(api.get("/apis/example.com/v1").is_err().then_some(()))
    })
    .unwrap();
    let restored = restore();
    assert!(matches!(restored.code, Some(0 | 1)), "{restored}");
    assert_eq!(api.get(&format!("/apis/example.com/v1beta1/{GAUGES}")).unwrap()["spec"]["reading"], 7);
    let report: Value = restored.json();
    let findings = report["findings"].as_array().unwrap();
    assert!(findings.iter().any(|finding| finding["id"] == "restore-converted"), "{report}");
}
