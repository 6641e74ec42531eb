//! Changes that a person asks for: by flags, kept in a saved plan, and told in the report.

use crate::Operator;
use crate::conform::conforms;

const RULES: &str = "
version: v1
resourceModifierRules:
- conditions: {groupResource: configmaps, resourceNameRegex: ^sett, matches: [{path: /data/colour, value: green}]}
  mergePatches:
  - patchData: |
      data: {colour: blue}
- conditions: {groupResource: jobs.batch}
  strategicPatches:
  - patchData: '{spec: {template: {spec: {containers: [{name: c, env: [{name: A, value: b}]}]}}}}'
";

#[test]
fn what_is_asked_to_be_changed_is_kept_in_the_plan_and_told_in_the_report() {
    let Some(operator) = Operator::new() else { return };
    operator.fill("changed");
    operator.run("backup create changed --include-namespaces changed").exits(0);
    operator.lose("changed");
    std::fs::write(operator.person.home().join("rules.yaml"), RULES).unwrap();
    let flags = "--from changed --include-namespaces changed --resource-modifiers rules.yaml \
                 --image-mapping registry.invalid=mirror.invalid/all --set-annotation team=x --preserve-node-ports=false \
                 --restore-status none,jobs";
    let plan = operator.run(&format!("restore plan {flags} --plan-out plan.json -o json")).exits(0).json();
    conforms(&plan);
    let report = operator.run("restore run plan.json -o json").exits(0).json();
    conforms(&report);
    assert_eq!(report["request"]["changes"]["modifiers"][0]["mergePatches"][0]["data"]["colour"], "blue");
    assert_eq!(report["changed"]["image-mapping"], 1);
    assert_eq!(report["changed"]["resource-modifiers rule 1"], 1);
    assert_eq!(report["changed"]["preserve-node-ports=false"], 0);
    let field =
        |object: &str, path: &str| operator.kubectl(&format!("get {object} -n changed -o jsonpath={path}"));
    assert_eq!(field("configmap/settings", "{.data.colour}"), "blue");
    assert_eq!(field("job/later", "{.spec.template.spec.containers[0].image}"), "mirror.invalid/all/nothing");
    assert_eq!(field("job/later", "{.spec.template.spec.containers[0].env[0].name}"), "A");
    assert_eq!(field("service/web", "{.metadata.annotations.team}"), "x");

    let again = operator.run(&format!("restore create {flags}")).exits(0);
    again.prints("Asked to be changed").prints("resource-modifiers rule 2: 1 object");
    operator
        .run("restore create --from changed --include-namespaces changed")
        .exits(1)
        .prints("configmaps/changed/settings");
}
