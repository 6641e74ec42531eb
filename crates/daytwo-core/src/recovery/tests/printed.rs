//! Each plan against the page that was read by people. `UPDATE_EXPECTED=1` writes the pages anew, to be read again.

use std::path::Path;

use super::*;

fn compare(name: &str, plan: &Recovery) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/recovery/tests").join(format!("{name}.md"));
    let printed = plan.to_string();
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        std::fs::write(&path, &printed).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    if let Some(at) = printed.lines().zip(expected.lines()).position(|(a, b)| a != b) {
        let (is, was) = (printed.lines().nth(at).unwrap(), expected.lines().nth(at).unwrap());
        panic!("{name}.md, line {}:\n  {is}\nwas\n  {was}", at + 1);
    }
    assert_eq!(printed.lines().count(), expected.lines().count(), "{name}.md ends elsewhere");
}

#[test]
fn kubeadm_restore() {
    compare("kubeadm-restore", &restore(&site(Distribution::Kubeadm), &request()).unwrap());
}

#[test]
fn kubeadm_quorum() {
    let mut facts = lost(Distribution::Kubeadm);
    facts.members[0].standing = Some(standing(4705, 4720, (3, 4722)));
    facts.members[1].standing = Some(standing(4700, 4718, (3, 4718)));
    compare("kubeadm-quorum", &quorum(&facts, &request()).unwrap());
}

#[test]
fn k3s_restore() {
    compare("k3s-restore", &restore(&site(Distribution::K3s), &request()).unwrap());
}

#[test]
fn k3s_sqlite() {
    compare("k3s-sqlite", &restore(&sqlite(), &request()).unwrap());
}

#[test]
fn rke2_quorum() {
    compare("rke2-quorum", &quorum(&lost(Distribution::Rke2), &request()).unwrap());
}

#[test]
fn harvester_restore() {
    let mut facts = site(Distribution::Harvester);
    facts.snapshot.as_mut().unwrap().alarms = vec![Alarm::NoSpace];
    compare("harvester-restore", &restore(&facts, &request()).unwrap());
}
