//! Objects of one MiB: a page of 500 of them would be half a gigabyte.

use testbed::{Api, Fault, FaultProxy, Rule};

use crate::binary::Daytwo;
use crate::kill::bulk;
use crate::{say, site, stored};

const OBJECTS: usize = 60;
/// What one object may have at most is etcd's limit of 1.5 MiB for a request.
const BYTES: usize = 1 << 20;
const MEMORY: u64 = 96 << 20;
const LIST: &str = "/api/v1/namespaces/large/configmaps";

#[test]
fn pages_of_large_objects_take_no_memory_and_shrink_where_they_must() {
    let Some(site) = bulk() else { return };
    let mut api = Api::of(site).unwrap();
    site::namespace(&mut api, "large");
    site::fill(&mut api, "large", OBJECTS, BYTES, 61);
    let proxy = FaultProxy::before_apiserver(site).unwrap();
    let daytwo = Daytwo::on_folder().cluster(&proxy.kubeconfig());
    let args = ["--include-namespaces=large", "--include-cluster-resources=false", "-o", "json"];
    let create =
        |name: &'static str| daytwo.run(&[&["backup", "create", name], &args[..]].concat()).expect(0);

    let run = create("whole");
    assert!(run.peak < MEMORY, "{} MiB: {run}", run.peak >> 20);
    let whole = stored::objects(&daytwo.folder(), "whole");
    assert_eq!(whole.keys().filter(|key| key.starts_with("configmaps/large/fill-")).count(), OBJECTS);
    let pages = proxy.take_seen().iter().filter(|seen| seen.path.starts_with(LIST)).count();

    // What stands between lets no answer of more than 5 MiB through.
    proxy.add(Rule::new(Fault::Cut(5 << 20)).path(LIST));
    let cut = create("cut");
    assert!(cut.json()["fallbacks"].to_string().contains("configmaps"), "smaller pages are not named: {cut}");
    assert!(stored::objects(&daytwo.folder(), "cut") == whole, "other objects");
    say(&format!(
        "{OBJECTS} objects of 1 MiB: {} MiB resident at most, {pages} requests; with answers cut at 5 MiB: {} MiB",
        run.peak >> 20,
        cut.peak >> 20
    ));
}
