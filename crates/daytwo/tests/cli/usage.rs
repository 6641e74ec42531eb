//! Usage errors end with 2 and say what to write instead; help and version end with 0.

use crate::run::Person;

#[test]
fn help_and_version_are_data() {
    let person = Person::new();
    person.run("--help").exits(0).prints("Usage: daytwo").prints("Exit codes:");
    person.run("backup create --help").exits(0).prints("Examples:").prints("--include-namespaces");
    person.run("--version").exits(0).prints(env!("CARGO_PKG_VERSION"));
    person.run("version").exits(0).prints(env!("CARGO_PKG_VERSION"));
    let version = person.run("version -o json").exits(0).json();
    assert_eq!(version["apiVersion"], "daytwo.dev/v1alpha1");
    assert_eq!(version["kind"], "Version");
}

#[test]
fn a_mistyped_verb_or_flag_is_told_the_right_one() {
    let person = Person::new();
    person.run("bakcup list").exits(2).says("backup");
    person.run("backup lst").exits(2).says("list");
    person.run("backup list --locaton x").exits(2).says("--location");
    person.run("backup create -n shop").exits(2).says("try: --include-namespaces NAMESPACE");
    person.run("backups").exits(2).says("backup");
}

#[test]
fn nothing_asked_shows_what_can_be_asked() {
    let person = Person::new();
    person.run("").exits(2).says("Usage: daytwo");
    person.run("backup").exits(2).says("create");
}

#[test]
fn a_missing_location_says_how_to_name_one() {
    let ran = Person::new()
        .run("backup list")
        .exits(2)
        .says("error: no location is named")
        .says("try: daytwo location add");
    assert_eq!(ran.stdout, "");
}

#[test]
fn values_that_mean_nothing_are_refused_before_anything_is_touched() {
    let person = Person::new();
    person.run("backup create x --location ./b --ttl soon").exits(2).says("720h");
    person.run("backup create X --location ./b").exits(2).says("\"X\" cannot name a backup");
    person.run("backup create x --location ./b -l a=b=c").exits(2).says("--selector");
    person
        .run("backup create x --location ./b --include-namespaces a --exclude-namespaces a")
        .exits(2)
        .says("both");
    person.run("backup create x --location ./b --encrypt-to age1nope").exits(2);
    person.run("backup create x --location ./b --sign-key absent.pem").exits(2).says("absent.pem");
    person.run("restore create --from x --location ./b --namespace-mapping ab").exits(2).says("FROM:TO");
    let restore =
        |flags: &str| person.run(&format!("restore create --from x --location ./b {flags}")).exits(2);
    restore("--storage-class-mapping ab").says("--storage-class-mapping").says("FROM:TO");
    restore("--image-mapping a:b").says("--image-mapping").says("FROM=TO");
    restore("--set-annotation a").says("KEY=VALUE");
    restore("--set-annotation daytwo.dev/restore-unfinished-").says("choose another key");
    restore("--preserve-node-ports=perhaps").says("perhaps");
    restore("--resource-modifiers absent.yaml").says("absent.yaml");
    assert!(!person.home().join("b").exists());
}

#[test]
fn a_cluster_that_cannot_be_reached_is_unknown_and_a_kubeconfig_that_is_not_there_is_usage() {
    let person = Person::new();
    person.run("backup create x --location ./b --kubeconfig absent").exits(2).says("absent");
    std::fs::write(
        person.home().join("dead"),
        "{apiVersion: v1, kind: Config, current-context: c, contexts: [{name: c, context: {cluster: c, user: u}}], \
         clusters: [{name: c, cluster: {server: 'https://127.0.0.1:1'}}], users: [{name: u, user: {}}]}",
    )
    .unwrap();
    person
        .run("backup create x --location ./b --kubeconfig dead")
        .exits(3)
        .says("cannot reach the cluster of context c");
    assert!(!person.home().join("b").exists(), "nothing is written for a cluster that does not answer");
}

#[test]
fn a_file_of_rules_is_refused_by_the_rule_that_is_wrong_before_anything_is_touched() {
    let person = Person::new();
    let refused = |rules: &str, why: &str| {
        std::fs::write(person.home().join("rules.yaml"), rules).expect("a file");
        let line = "restore create --from x --location ./b --resource-modifiers rules.yaml";
        person.run(line).exits(2).says("rules.yaml").says(why);
    };
    let good = "{conditions: {groupResource: pods}, patches: [{operation: remove, path: /spec/nodeName}]}";
    let with = |rule: &str| format!("version: v1\nresourceModifierRules:\n- {good}\n- {rule}\n");
    refused("version: v1\nversion: v1\n", "version");
    refused("version: v7\nresourceModifierRules: []\n", "v1 is read");
    refused("- not rules\n", "no resource modifiers");
    refused(&with("{conditions: {groupResource: pods}}"), "rule 2: it needs one of");
    refused(
        &with(
            "{conditions: {groupResource: pods, resourceNameRegex: '('}, patches: [{operation: remove, path: /x}]}",
        ),
        "rule 2: the regular expression",
    );
    refused(
        &with("{conditions: {groupResource: pods}, patches: [{operation: add, path: /x, value: 5}]}"),
        "rule 2: invalid type",
    );
    let secret = with(
        "{conditions: {groupResource: secrets}, mergePatches: [{patchData: '{data: {a: cGw0bnRlZA==}}'}]}",
    );
    refused(&secret, "rule 2: it may be about Secrets");
    assert!(!person.home().join("b").exists());
}
