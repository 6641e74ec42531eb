//! A plan as a person reads it: what the backup holds, what is there, what would be sent.

use serde_json::Value;

use crate::Operator;
use crate::conform::conforms;

const DEPLOYMENT: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: front, namespace: viewed}
spec:
  replicas: 0
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: app, image: 'registry.invalid/app:1'}]}
";

/// A backup, and a cluster in which three of its objects differ and one is missing.
fn drifted() -> Option<Operator> {
    let operator = Operator::new()?;
    operator.fill("viewed");
    operator.apply(DEPLOYMENT);
    operator.run("backup create viewed --include-namespaces viewed").exits(0);
    operator.apply(&DEPLOYMENT.replace("app:1", "app:2"));
    operator.kubectl("patch cm settings -n viewed -p {\"data\":{\"colour\":\"red\"}}");
    operator.kubectl("patch cm settings -n viewed -p {\"data\":{\"late\":\"l4te\"}}");
    // Applied as it was, so that its last-applied-configuration holds the value too.
    operator.apply(
        "{apiVersion: v1, kind: Secret, metadata: {name: db, namespace: viewed}, stringData: {password: pl4nted-later}}",
    );
    operator.kubectl("delete job later -n viewed");
    Some(operator)
}

fn field<'a>(document: &'a Value, object: &str, path: &str) -> &'a Value {
    let objects = document["objects"].as_array().unwrap();
    let found = objects.iter().find(|entry| entry["object"]["name"] == object).unwrap();
    let fields = found["fields"].as_array().unwrap_or_else(|| panic!("{object} has no fields: {found}"));
    fields.iter().find(|field| field["path"] == path).unwrap_or_else(|| panic!("no {path}: {fields:#?}"))
}

#[test]
fn a_plan_shows_field_by_field_what_would_be_overwritten_and_writes_nothing() {
    let Some(operator) = drifted() else { return };
    let versions = || {
        operator.kubectl(
            "get cm,secret,deploy,job,svc -n viewed -o jsonpath={.items[*].metadata.resourceVersion}",
        )
    };
    let before = versions();
    let flags = "--from viewed --include-namespaces viewed --existing update --show-diff";
    let text = operator.run(&format!("restore create {flags} --dry-run")).exits(0).stdout;
    for shown in [
        "  creates 1, updates 3, deletes 0\n",
        "\nTo create (1)\n  jobs.batch/viewed/later\n",
        "\nTo update (3)\n",
        "  configmaps/viewed/settings\n    FIELD",
        "\"green\"   \"red\"    the backup's\n",
        "data.late",
        "\"registry.invalid/app:1\"   \"registry.invalid/app:2\"   the backup's\n",
        "data.password",
        "\"<changed>\"",
        "\nSteps\n",
        "relies on the backup: viewed at revision",
    ] {
        assert!(text.contains(shown), "{shown:?} is missing: {text}");
    }
    let planned = operator.run(&format!("restore plan {flags}")).exits(0).stdout;
    let body = |text: &str| text.split_once('\n').map(|(_, rest)| rest.to_owned());
    assert_eq!(body(&planned), body(&text), "the two show something else");

    let json = operator.run(&format!("restore create {flags} --dry-run -o json")).exits(0);
    let report = json.json();
    conforms(&report);
    let image = field(&report, "front", "spec.template.spec.containers[name=app].image");
    assert_eq!(image["backup"], "registry.invalid/app:1");
    assert_eq!(image["live"], "registry.invalid/app:2");
    assert_eq!((&image["sent"], &image["from"]), (&image["backup"], &"backup".into()));
    let late = field(&report, "settings", "data.late");
    assert_eq!((&late["backup"], &late["live"], &late["sent"]), (&Value::Null, &"l4te".into(), &Value::Null));
    let applied = "metadata.annotations[\"kubectl.kubernetes.io/last-applied-configuration\"]";
    assert!(field(&report, "db", applied)["live"].as_str().unwrap().contains("<changed>"));
    assert_eq!(field(&report, "db", "data.password")["live"], "<changed>");
    for text in [&text, &json.stdout, &json.stderr] {
        for planted in ["pl4nted", "cGw0bnRlZC"] {
            assert!(!text.contains(planted), "{planted} is shown: {text}");
        }
    }
    let shown = operator.run(&format!("restore plan {flags} --show-secrets -o json")).exits(0).json();
    conforms(&shown);
    assert_eq!(field(&shown, "db", "data.password")["live"], "cGw0bnRlZC1sYXRlcg==");

    let kept = "--from viewed --include-namespaces viewed --show-diff --dry-run -o json";
    let kept = operator.run(&format!("restore create {kept}")).exits(1).json();
    let image = field(&kept, "front", "spec.template.spec.containers[name=app].image");
    assert_eq!((&image["sent"], &image["from"]), (&image["live"], &"live".into()));
    assert_eq!(versions(), before, "a plan wrote");
    let nothing = operator.run("restore create --from viewed --show-diff").exits(2);
    nothing.says("--dry-run");
}
