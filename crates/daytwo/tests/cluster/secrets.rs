//! What is in Secrets, and in kubeconfigs, is in no output of a verb that touches a cluster, at any verbosity.

use crate::Operator;

#[test]
fn planted_values_are_in_no_output_at_any_verbosity() {
    let Some(operator) = Operator::new() else { return };
    operator.fill("planted");
    let kubeconfig = std::fs::read_to_string(operator.plane.kubeconfig()).unwrap();
    let config: serde_json::Value = serde_json::from_str(&kubeconfig).unwrap();
    let key = config["users"][0]["user"]["client-key-data"].as_str().unwrap().to_owned();
    let mut number = 0;
    for loud in ["", "-v", "-vv", "-vvv"] {
        for format in ["wide", "json"] {
            number += 1;
            for verb in [
                "backup create b{n} --include-namespaces planted",
                "backup diff b{n} --live",
                "backup diff b{n} --live --noise",
                "restore create --from b{n} --dry-run",
                "restore plan --from b{n}",
                "restore create r{n} --from b{n} --namespace-mapping planted:planted-{n}",
                "restore describe r{n}",
                "restore create --from b{n} --namespace-mapping planted:planted-{n}",
                "restore plan --from b{n} --namespace-mapping planted:planted-{n} --existing replace --show-diff",
                "restore create --from b{n} --namespace-mapping planted:planted-{n} --existing replace --dry-run --show-diff",
                "restore create --from b{n} --namespace-mapping planted:planted-{n} --existing replace --prune --yes",
                "restore plan --from b{n} --namespace-mapping planted:later-{n} --plan-out p{n}.json",
                "restore run p{n}.json",
            ] {
                let line = verb.replace("{n}", &number.to_string());
                if line.contains("--existing replace") {
                    let other = r#"{"data":{"password":"b3RoZXI="}}"#;
                    operator.kubectl(&format!("patch secret db -n planted-{number} -p {other}"));
                }
                let ran = operator.run(&format!("{line} {loud} -o {format}"));
                assert!(ran.code <= 1, "{line}: {ran:?}");
                for text in [&ran.stdout, &ran.stderr] {
                    for planted in ["pl4nted-in-data", "cGw0bnRlZC1pbi1kYXRh", &key] {
                        assert!(!text.contains(planted), "{line} {loud} -o {format} shows {planted}: {text}");
                    }
                }
            }
        }
    }
    let put_back = operator.kubectl("get secret db -n planted-1 -o jsonpath={.data.password}");
    assert_eq!(put_back, "cGw0bnRlZC1pbi1kYXRh", "no Secret was replaced");
    let home = operator.person.home();
    let mut grep = std::process::Command::new("grep");
    grep.args(["-rlE", "pl4nted|cGw0bnRl"]).arg(home.join("store/metadata"));
    grep.args((1..=number).map(|number| home.join(format!("p{number}.json"))));
    let found = grep.output().unwrap();
    assert_eq!(
        found.status.code(),
        Some(1),
        "grep could not look: {}",
        String::from_utf8_lossy(&found.stderr)
    );
    assert_eq!(String::from_utf8_lossy(&found.stdout), "", "a value in a journal or a plan");
}
