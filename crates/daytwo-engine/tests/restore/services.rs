//! Services and their addresses.

use bytes::Bytes;

use crate::harness::{Cluster, all_well, cluster};

fn service(namespace: &str, name: &str, spec: &str) -> String {
    format!(
        r#"{{"apiVersion":"v1","kind":"Service","metadata":{{"name":"{name}","namespace":"{namespace}"}},"spec":{{{spec}"ports":[{{"port":80,"protocol":"TCP","targetPort":80}}],"selector":{{"app":"x"}},"sessionAffinity":"None","type":"ClusterIP"}},"status":{{"loadBalancer":{{}}}}}}"#
    )
}

/// The Service `web` of one namespace as it is stored, as if it were another's.
async fn moved(cluster: &Cluster, from: &str, to: &str) -> Bytes {
    let stored = cluster.raw(&format!("/api/v1/namespaces/{from}/services/web")).await;
    let quoted = |namespace: &str| format!(r#""namespace":"{namespace}""#);
    String::from_utf8(stored.to_vec()).unwrap().replace(&quoted(from), &quoted(to)).into()
}

#[tokio::test]
async fn a_service_keeps_its_address_though_the_backup_holds_the_ip_address_object() {
    let Some(cluster) = cluster().await else { return };
    let namespace = "service-address";
    cluster.kubectl(&["create", "namespace", namespace]);
    cluster.apply(&service(namespace, "web", ""));
    let address = cluster.field(&["service", "web", "-n", namespace], ".spec.clusterIP");
    let objects = [
        cluster.raw(&format!("/api/v1/namespaces/{namespace}/services/web")).await,
        cluster.raw(&format!("/apis/networking.k8s.io/v1/ipaddresses/{address}")).await,
        cluster.raw(&format!("/api/v1/namespaces/{namespace}")).await,
    ];
    let taken = cluster.backup(&objects).await;
    cluster.lose_namespace(namespace);
    let mut request = crate::harness::everything();
    // With `*` the filter hides nothing, so that the restore itself has to know better.
    request.filter.include_resources = vec!["*".into()];
    let report = taken.restore_as(&cluster, &request, "run-1").await.unwrap();
    all_well(&report);
    assert_eq!(cluster.field(&["service", "web", "-n", namespace], ".spec.clusterIP"), address);
}

#[tokio::test]
async fn a_service_whose_address_is_taken_gets_another_and_says_so() {
    let Some(cluster) = cluster().await else { return };
    let (namespace, copy) = ("service-taken", "service-taken-copy");
    cluster.kubectl(&["create", "namespace", namespace]);
    cluster.apply(&service(namespace, "web", ""));
    let address = cluster.field(&["service", "web", "-n", namespace], ".spec.clusterIP");
    let taken = cluster.backup(&[moved(&cluster, namespace, copy).await]).await;
    let report = taken.restore(&cluster).await;
    assert_eq!(report.counts.failed, 0, "{:?}", report.tally.failures);
    assert_ne!(cluster.field(&["service", "web", "-n", copy], ".spec.clusterIP"), address);
    let note = report.tally.notes.iter().find(|note| note.object.resource == "services").unwrap();
    assert!(note.what.starts_with("has a new clusterIP"), "{}", note.what);

    // The other still has the address: the next run finds nothing to do, and nothing that differs.
    let again = taken.restore_as(&cluster, &crate::harness::everything(), "run-2").await.unwrap();
    assert_eq!((again.counts.differs, again.counts.created), (0, 0), "{:?}", again.tally.differing);
}

#[tokio::test]
async fn a_node_port_that_is_taken_is_given_up() {
    let Some(cluster) = cluster().await else { return };
    let (namespace, copy) = ("service-port", "service-port-copy");
    let with_port = service(namespace, "web", "")
        .replace(r#""port":80,"#, r#""port":80,"nodePort":30034,"#)
        .replace("ClusterIP", "NodePort");
    cluster.kubectl(&["create", "namespace", namespace]);
    cluster.apply(&with_port);
    let taken = cluster.backup(&[moved(&cluster, namespace, copy).await]).await;
    let report = taken.restore(&cluster).await;
    assert_eq!(report.counts.failed, 0, "{:?}", report.tally.failures);
    assert_ne!(cluster.field(&["service", "web", "-n", copy], ".spec.ports[0].nodePort"), "30034");
    let again = taken.restore_as(&cluster, &crate::harness::everything(), "run-2").await.unwrap();
    assert_eq!((again.counts.differs, again.counts.created), (0, 0), "{:?}", again.tally.differing);
}

#[tokio::test]
async fn dual_stack_fields_do_not_fail_on_a_single_stack_cluster() {
    let Some(cluster) = cluster().await else { return };
    let namespace = "service-dual";
    let spec = r#""ipFamilies":["IPv4","IPv6"],"ipFamilyPolicy":"RequireDualStack","#;
    let report = cluster.backup_of(&[&service(namespace, "web", spec)]).await.restore(&cluster).await;
    assert_eq!(report.counts.failed, 0, "{:?}", report.tally.failures);
    assert_eq!(cluster.field(&["service", "web", "-n", namespace], ".spec.ipFamilyPolicy"), "SingleStack");
}

#[tokio::test]
async fn manual_endpoints_survive_the_endpoints_controller() {
    let Some(cluster) = cluster().await else { return };
    let namespace = "service-manual";
    let bare = service(namespace, "db", "").replace(r#""selector":{"app":"x"},"#, "");
    let endpoints = format!(
        r#"{{"apiVersion":"v1","kind":"Endpoints","metadata":{{"name":"db","namespace":"{namespace}"}},"subsets":[{{"addresses":[{{"ip":"192.0.2.1"}}],"ports":[{{"port":5432,"protocol":"TCP"}}]}}]}}"#
    );
    all_well(&cluster.backup_of(&[&bare, &endpoints]).await.restore(&cluster).await);
    let slices = ["endpointslices", "-n", namespace];
    cluster.wait_for(&slices, ".items[0].endpoints[0].addresses[0]", "192.0.2.1");
    assert_eq!(
        cluster.field(&["endpoints", "db", "-n", namespace], ".subsets[0].addresses[0].ip"),
        "192.0.2.1"
    );
}
