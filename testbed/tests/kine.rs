//! kine keeps what it is told, ends as it is asked, and carries a real API server.

use testbed::{ControlPlane, Family, Kine};

#[test]
fn what_is_put_is_there_after_a_stop_and_after_a_crash() {
    if testbed::parts_or_skip(&[Family::Etcd, Family::Kine]).is_none() {
        return;
    }
    let kine = Kine::start().unwrap();
    kine.txn("mod(\"key\") = \"0\"\n\nput key value\n\n\n").unwrap();
    kine.stop().unwrap();
    kine.run().unwrap();
    assert_eq!(kine.etcdctl(&["get", "key"]).unwrap(), "key\nvalue\n");
    kine.kill().unwrap();
    kine.run().unwrap();
    assert_eq!(kine.etcdctl(&["get", "key"]).unwrap(), "key\nvalue\n");
    assert!(kine.database().is_file());
}

#[test]
fn an_api_server_runs_on_it() {
    if testbed::parts_or_skip(&[Family::Etcd, Family::Kube, Family::Kine]).is_none() {
        return;
    }
    let kine = Kine::start().unwrap();
    let site = ControlPlane::builder().controller_manager(false).datastore(kine.endpoint()).start().unwrap();
    site.kubectl(&["create", "configmap", "kept"]).unwrap();
    let keys = kine.etcdctl(&["get", "/registry/configmaps/default/", "--prefix", "--keys-only"]).unwrap();
    assert!(keys.contains("/registry/configmaps/default/kept"), "{keys}");
    assert!(!site.etcd_data_dir().exists());
}
