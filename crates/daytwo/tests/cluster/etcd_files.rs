//! The verbs that read etcd's files, on snapshots of the etcd that the control plane runs on.

use std::path::PathBuf;

use serde_json::Value;

use crate::Operator;
use crate::conform::conforms;

impl Operator {
    /// A snapshot taken now, and its path as a word of a command line.
    fn snapshot(&self, name: &str) -> String {
        let path: PathBuf = self.person.home().join(name);
        let path = path.to_str().unwrap().to_owned();
        self.plane.etcdctl(&["snapshot", "save", &path]).unwrap();
        path
    }

    fn live(&self, object: &str, namespace: &str) -> Value {
        serde_json::from_str(
            &self.kubectl(&format!("get {object} -n {namespace} -o json --show-managed-fields")),
        )
        .unwrap()
    }
}

#[test]
fn one_object_comes_out_of_a_snapshot_with_one_command() {
    let Some(operator) = Operator::new() else { return };
    operator.fill("dug");
    // Fails where the API server has compacted further already, which is as good.
    let _ = operator.plane.etcdctl(&["compact", "5"]);
    let file = operator.snapshot("one.db");
    for object in ["configmap/settings", "service/web", "job/later", "serviceaccount/default"] {
        let shown = operator.run(&format!("etcd get {file} {object} -n dug -o json")).exits(0).json();
        assert_eq!(shown, operator.live(object, "dug"), "{object}");
    }
    let secret = operator.run(&format!("etcd get {file} secret/db -n dug -o yaml")).exits(0);
    assert!(!secret.stdout.contains("cGw0bnRlZC1pbi1kYXRh"), "{secret:?}");
    let secret = operator.run(&format!("etcd get {file} secret/db -n dug -o json --show-secrets")).exits(0);
    assert_eq!(secret.json(), operator.live("secret/db", "dug"));

    operator
        .run(&format!("etcd get {file} cm -n dug"))
        .exits(0)
        .prints("settings")
        .prints("kube-root-ca.crt");
    operator
        .run(&format!("etcd get {file} cm -n dug -l app=shop -o name"))
        .exits(0)
        .prints("configmap/settings");
    operator.run(&format!("etcd get {file} cm/none -n dug")).exits(1).says("configmaps/none is not in");
    operator.run(&format!("etcd get {file} nonsense -n dug")).exits(2);
    operator
        .run(&format!("etcd get {file} cm -n dug --revision 1"))
        .exits(2)
        .says("compacted")
        .says("oldest");
    operator.run(&format!("etcd get {file} cm -n dug --revision 999999999")).exits(2).says("the newest is");
}

#[test]
fn what_a_snapshot_is_agrees_with_etcdutl_and_damage_is_found() {
    let Some(operator) = Operator::new() else { return };
    operator.fill("stated");
    let file = operator.snapshot("stated.db");
    let status = operator.run(&format!("etcd status {file} -o json")).exits(0).json();
    conforms(&status);
    let theirs: Value =
        serde_json::from_str(&operator.plane.etcdutl(&["snapshot", "status", &file, "-w", "json"]).unwrap())
            .unwrap();
    for field in ["hash", "revision", "totalKey", "totalSize", "version"] {
        assert_eq!(status[field], theirs[field], "{field}");
    }
    let kinds = status["kinds"].as_array().unwrap();
    assert!(kinds.iter().any(|kind| kind["resource"] == "configmaps"), "{kinds:?}");
    operator.run(&format!("etcd status {file}")).exits(0).prints("HASH").prints("configmaps");

    let verified = operator.run(&format!("etcd verify {file} -o json")).exits(0).json();
    conforms(&verified);
    assert_eq!(verified["sha256Tail"], "Right");
    let listed = operator.run(&format!("etcd ls {file} cm -n stated -o json")).exits(0).json();
    conforms(&listed);
    let keys: Vec<&str> =
        listed["keys"].as_array().unwrap().iter().filter_map(|key| key["key"].as_str()).collect();
    assert!(keys.contains(&"/registry/configmaps/stated/settings"), "{keys:?}");

    let mut bytes = std::fs::read(&file).unwrap();
    let at = bytes
        .windows(6)
        .rposition(|window| window == b"green\"" || window == b"green\x12")
        .unwrap_or(bytes.len() / 2);
    bytes[at] ^= 1;
    let hurt = operator.person.home().join("hurt.db");
    std::fs::write(&hurt, bytes).unwrap();
    operator.run("etcd verify hurt.db").exits(1).prints("sha256");
    operator
        .run(&format!("etcd status {}", operator.plane.etcd_data_dir().display()))
        .exits(4)
        .says("in use");
    std::fs::write(&hurt, b"no database").unwrap();
    operator.run("etcd status hurt.db").exits(2).says("hurt.db");
}

#[test]
fn a_snapshot_tells_the_history_of_an_object_and_what_differs_from_another() {
    let Some(operator) = Operator::new() else { return };
    operator.fill("told");
    let before = operator.snapshot("before.db");
    operator.kubectl("patch configmap settings -n told --type=merge -p {\"data\":{\"colour\":\"red\"}}");
    operator.kubectl("delete service web -n told");
    let after = operator.snapshot("after.db");

    let history = operator.run(&format!("etcd history {after} cm/settings -n told -o json")).exits(0).json();
    conforms(&history);
    let revisions = history["revisions"].as_array().unwrap();
    assert_eq!(revisions.len(), 2, "{revisions:?}");
    assert!(revisions[0]["managers"].to_string().contains("kubectl"), "{revisions:?}");
    operator.run(&format!("etcd history {after} cm settings -n told")).exits(0).prints("green").prints("red");
    operator.run(&format!("etcd history {after} svc/web -n told")).exits(0).prints("deleted");
    let earlier = revisions[1]["revision"].as_i64().unwrap();
    operator
        .run(&format!("etcd get {after} cm/settings -n told -o yaml --revision {earlier}"))
        .exits(0)
        .prints("colour: green");

    let only = "-n told --include-resources configmaps,services";
    let differs = operator.run(&format!("etcd diff {before} {after} {only} -o json")).exits(1).json();
    conforms(&differs);
    assert_eq!(differs["removed"][0]["name"], "web");
    assert_eq!(differs["changed"][0]["object"]["name"], "settings");
    operator.run(&format!("etcd diff {after} {after} {only}")).exits(0).says("0 changed");
    operator.run(&format!("etcd diff {after} --live {only}")).exits(0).says("0 added");
    operator.run(&format!("etcd diff {before} --live {only}")).exits(1).prints("- services/told/web");
}

#[test]
fn a_namespace_comes_back_out_of_a_snapshot() {
    let Some(operator) = Operator::new() else { return };
    operator.fill("rescued");
    let file = operator.snapshot("rescue.db");
    let secret = operator.live("secret/db", "rescued");
    operator.lose("rescued");
    let export = "--as backup --include-namespaces rescued";
    let exported = operator.run(&format!("etcd export {file} rescue {export} -o json")).exits(0).json();
    conforms(&exported);
    operator.run("backup verify rescue").exits(0).prints("sound");
    operator.run("restore create --from rescue").exits(0).prints("finished");
    assert_eq!(operator.live("secret/db", "rescued")["data"], secret["data"]);
    operator.run("backup diff rescue --live -n rescued --exclude-resources pods,jobs").exits(0);
    operator.run(&format!("etcd export {file} rescue {export}")).exits(4).says("rescue");
}

/// What K3s keeps in the datastore, sealed by the server token `the passphrase`: made by `daytwo-etcd/tests/k3s/seal.go`.
const SEALED: &str = concat!(
    "0123456789abcdef:FaZPjZyBq/Tf5LigAkrW9Z+v9S5ZV/bPSUN/TTQyl9nJVLWbAhoYhCm1nlLo2DCqzrsp/Doxwpl9ZWsr+vM",
    "VlMKB4TcLy9LLPbuZOAhFQ1Rq82fQe69ycVGlAAf+jTi9zpuErPleMZ7ML1xmhphwzmwkuwtl8Y05s+14mu6s8omTMDonPpdrAQ7",
    "zxQ46gPhFd8mabocAZd/Sj9x8LVDdWtSuK5rEstpp1hnIZ065nMPjg4AxzmbdksybOjKQtTZCFF1rry/NZFhnC+Jpo4e8",
);

#[test]
fn a_server_token_is_held_against_a_snapshot_and_never_shown() {
    let Some(operator) = Operator::new() else { return };
    let write = |name: &str, text: &str| std::fs::write(operator.person.home().join(name), text).unwrap();
    write("token", "K10::server:the passphrase\n");
    write("other", "another passphrase\n");
    let before = operator.snapshot("unsealed.db");
    operator.run(&format!("etcd status {before} --token-file token")).exits(1).prints("sealed by a token");

    operator.plane.etcdctl(&["put", "/bootstrap/97391a8b4614", SEALED]).unwrap();
    let file = operator.snapshot("sealed.db");
    let opens = operator.run(&format!("etcd status {file} --token-file token -o json")).exits(0).json();
    conforms(&opens);
    assert_eq!((&opens["token"]["verdict"], &opens["token"]["opens"]), (&"Opens".into(), &true.into()));
    assert_eq!(opens["token"]["inside"], serde_json::json!(["EncryptionConfig", "ServerCAKey"]));
    let wrong = operator.run(&format!("etcd status {file} --token-file other")).exits(1);
    let wrong = wrong.prints("does not open this file").prints("97391a8b4614");
    for ran in [operator.run(&format!("etcd status {file} --token-file token -vvv")), wrong] {
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert!(
            !said.contains("the passphrase") && !said.contains("another") && !said.contains("hidden"),
            "{said}"
        );
    }
    operator.run(&format!("etcd get {file} --key /bootstrap/97391a8b4614")).exits(4).says("--show-secrets");
    operator.run(&format!("etcd status {file} --token-file none")).exits(2).says("none");
}
