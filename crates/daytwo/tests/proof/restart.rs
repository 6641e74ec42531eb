//! The API server is killed in the middle of a restore and started again: the restore waits, and goes on.

use std::time::Duration;

use testbed::{Api, ControlPlane, Family};

use crate::binary::Daytwo;
use crate::{say, site, times};

const OBJECTS: usize = 1_500;

fn count(api: &mut Api) -> usize {
    let list = api.get("/api/v1/namespaces/restarted/configmaps");
    list.ok().and_then(|list| Some(list["items"].as_array()?.len())).unwrap_or_default()
}

#[test]
fn an_api_server_that_is_killed_and_started_again_costs_a_restore_nothing_but_time() {
    let Some(_) = testbed::parts_or_skip(&[Family::Etcd, Family::Kube]) else { return };
    let site = ControlPlane::builder().controller_manager(false).start().unwrap();
    let mut api = Api::of(&site).unwrap();
    site::namespace(&mut api, "source");
    site::fill(&mut api, "source", OBJECTS, 300, 3);
    let daytwo = Daytwo::on_folder().cluster(site.kubeconfig());
    daytwo.run(&["backup", "create", "source", "--include-namespaces=source"]).expect(0);
    let rounds = times(1, 5);
    for round in 0..rounds {
        let mut running = daytwo.start(&[
            "restore",
            "create",
            &format!("round-{round}"),
            "--from=source",
            "--include-namespaces=source",
            "--namespace-mapping=source:restarted",
            "--output=json",
        ]);
        testbed::until(Duration::from_secs(60), "the restore to be under way", || {
            Ok((count(&mut api) > OBJECTS / 10).then_some(()))
        })
        .unwrap();
        site.stop_apiserver().unwrap();
        assert!(!running.ends_within(Duration::from_millis(500)), "it ended while nobody answered");
        site.start_apiserver().unwrap();
        let report = running.end().expect(0).json();
        api = Api::of(&site).unwrap();
        assert_eq!(count(&mut api), OBJECTS, "{report}");
        let told = |name: &str| report["counts"][name].as_u64().unwrap_or_default();
        assert_eq!(told("failed") + told("differs"), 0, "{report}");
        api.request("DELETE", "/api/v1/namespaces/restarted/configmaps", b"").unwrap();
    }
    say(&format!("API servers killed in the middle of a restore: {rounds}, nothing lost, nothing twice"));
}
