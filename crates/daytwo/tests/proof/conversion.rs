//! A conversion webhook that does not answer turns lists at the preferred version into 500, while the version that is
//! stored can still be read: that is taken, and named.

use serde_json::json;
use testbed::{Api, ControlPlane, Family};

use crate::binary::Daytwo;
use crate::{site, stored};

#[test]
fn objects_behind_a_broken_conversion_webhook_are_read_as_stored() {
    if testbed::parts_or_skip(&[Family::Etcd, Family::Kube]).is_none() {
        return;
    }
    let site = ControlPlane::builder().controller_manager(false).start().unwrap();
    let mut api = Api::of(&site).unwrap();
    let mut definition = site::definition("valves", "Valve");
    definition["spec"]["versions"] = json!([site::version("v1", false), site::version("v1beta1", true)]);
    site::define(&site, &mut api, &definition);
    let objects = "/apis/example.com/v1beta1/namespaces/default/valves";
    for name in ["one", "two"] {
        let object = json!({
            "apiVersion": "example.com/v1beta1", "kind": "Valve", "metadata": { "name": name }, "spec": { "open": true },
        });
        api.create(objects, &object).unwrap();
    }
    let definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    let broken = json!({ "spec": { "conversion": {
        "strategy": "Webhook",
        "webhook": {
            "conversionReviewVersions": ["v1"],
            "clientConfig": { "url": "https://127.0.0.1:9/convert" },
        },
    } } });
    api.patch(&format!("{definitions}/valves.example.com"), &broken).unwrap();
    testbed::until(std::time::Duration::from_secs(60), "the webhook to be asked", || {
        // A list without a limit is the watch cache's, which answers 429 for as long as it cannot fill itself.
        let list = api.request("GET", "/apis/example.com/v1/valves?limit=1", b"")?;
        Ok((list.status == 500).then_some(()))
    })
    .unwrap();

    let daytwo = Daytwo::on_folder().cluster(site.kubeconfig());
    let head = daytwo.run(&["backup", "create", "valves", "-o", "json"]).expect(0).json();
    assert_eq!(head["phase"], "Completed", "{head}");
    let fallbacks = head["fallbacks"].as_array().unwrap();
    let named = fallbacks.iter().find(|fallback| fallback["resource"] == "valves.example.com");
    assert!(named.is_some_and(|fallback| fallback["what"].as_str().unwrap().contains("v1beta1")), "{head}");
    let held = stored::objects(&daytwo.folder(), "valves");
    for name in ["one", "two"] {
        let object = crate::tarball::object(&held, &format!("valves.example.com/default/{name}")).unwrap();
        assert_eq!(object["apiVersion"], "example.com/v1beta1", "{object}");
        assert_eq!(object["spec"]["open"], true, "{object}");
    }
    daytwo.run(&["backup", "verify", "valves"]).expect(0);
    let shown = daytwo.run(&["backup", "describe", "valves"]).expect(0);
    assert!(shown.stdout.contains("v1beta1"), "describe does not name the way round: {shown}");
}
