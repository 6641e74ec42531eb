//! Velero backs up into the S3 server and restores from it.

use testbed::{Family, S3, Velero, shared};

#[test]
fn it_restores_what_it_backed_up() {
    if testbed::parts_or_skip(&[Family::S3, Family::Velero]).is_none() {
        return;
    }
    let Some(site) = shared::control_plane() else { return };
    let s3 = S3::builder().tls(true).start().unwrap();
    let velero = Velero::builder(site, &s3, "backups").client_qps(1_000).client_burst(1_000).start().unwrap();
    site.kubectl(&["create", "namespace", "kept"]).unwrap();
    site.kubectl(&["create", "configmap", "word", "--from-literal=word=kept", "--namespace=kept"]).unwrap();

    let phase = velero.backup("first", &["--include-namespaces=kept"]).unwrap();
    assert_eq!(phase, "Completed", "{}", velero.log().display());
    assert!(s3.folder().join("backups/backups/first/first.tar.gz").is_file());
    assert!(velero.peak_rss().unwrap() > 10_000_000);

    site.kubectl(&["delete", "namespace", "kept", "--timeout=60s"]).unwrap();
    let phase = velero.restore("again", &["--from-backup=first"]).unwrap();
    assert_eq!(phase, "Completed", "{}", velero.log().display());
    let word = site
        .kubectl(&["get", "configmap", "word", "--namespace=kept", "--output=jsonpath={.data.word}"])
        .unwrap();
    assert_eq!(word, "kept");
}
