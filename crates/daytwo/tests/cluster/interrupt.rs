//! Ctrl-C in the middle of the work: what was begun is put in order, what stands is said, and a restore goes on later.

#![cfg(unix)]

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use testbed::{Fault, FaultProxy, Gate, Rule};

use crate::{Operator, PATIENCE};

/// Starts a command line at the proxy.
pub fn start(operator: &Operator, proxy: &FaultProxy, line: &str) -> Child {
    let mut command = operator.person.command(line.split_whitespace());
    command.arg("--kubeconfig").arg(proxy.kubeconfig()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// Sends Ctrl-C once the gate is reached, opens the gate once that was heard, and gives exit code and stderr.
pub fn interrupt(mut child: Child, gate: &Gate) -> (i32, String) {
    gate.reached(PATIENCE).unwrap();
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut said = String::new();
    while !said.contains("ending:") {
        assert!(stderr.read_line(&mut said).unwrap() > 0, "it ended without a word: {said}");
    }
    gate.open();
    stderr.read_to_string(&mut said).unwrap();
    (child.wait().unwrap().code().unwrap(), said)
}

#[test]
fn an_interrupted_backup_leaves_nothing_behind() {
    let Some(operator) = Operator::new() else { return };
    let proxy = FaultProxy::before_apiserver(operator.plane).unwrap();
    let gate = Gate::new();
    proxy.add(Rule::new(Fault::Hold(gate.clone())).path("/api/v1/configmaps").with("resourceVersionMatch"));
    let child = start(&operator, &proxy, "backup create x");
    let (code, said) = interrupt(child, &gate);
    assert_eq!(code, 5, "{said}");
    assert!(said.contains("nothing of the backup is left"), "{said}");
    operator.run("backup list").exits(0).says("no backups");
    operator.run("backup prune --orphans -o name").exits(0);
    operator.run("backup create x").exits(0);
}

#[test]
fn an_interrupted_restore_says_what_stands_and_is_resumed() {
    let Some(operator) = Operator::new() else { return };
    operator.fill("cut-off");
    operator.run("backup create c --include-namespaces cut-off --include-cluster-resources=false").exits(0);
    operator.lose("cut-off");
    let proxy = FaultProxy::before_apiserver(operator.plane).unwrap();
    let gate = Gate::new();
    proxy.add(
        Rule::new(Fault::Hold(gate.clone())).method("POST").path("/api/v1/namespaces/cut-off/configmaps"),
    );
    let child = start(&operator, &proxy, "restore create half --from c");
    let (code, said) = interrupt(child, &gate);
    assert_eq!(code, 5, "{said}");
    assert!(said.contains("try: daytwo resume half"), "{said}");
    operator.run("restore list").exits(0).prints("Stopped");
    operator.run("resume half").exits(0).prints("finished");
    let there = operator.kubectl("get cm,secret,svc,job -n cut-off -o name");
    for name in ["configmap/settings", "secret/db", "service/web", "job.batch/later"] {
        assert!(there.contains(name), "{name}: {there}");
    }
}
