//! Typing a plan, step by step, and looking whether what it says is seen is seen.

use daytwo_core::recovery::{Recovery, Step};
use serde_json::Value;
use testbed::until;

use crate::conform::conforms;
use crate::hosts::{DEADLINE, Hosts};

/// Words of commands that reach for what does not run here.
const NOT_HERE: [&str; 5] = ["kubectl ", "for host in", "ip ", "scp ", "systemctl "];

/// What `daytwo etcd plan` prints for `words`, which is to succeed.
pub fn plan(hosts: &Hosts, words: &[&str]) -> (Recovery, Value) {
    let all = [&["etcd", "plan"], words, &["-o", "json"]].concat();
    let ran = hosts.daytwo(&all);
    assert!(ran.status.success(), "{ran:?}");
    let json: Value = serde_json::from_slice(&ran.stdout).unwrap();
    conforms(&json);
    (serde_json::from_value(json.clone()).unwrap(), json)
}

/// What this recovery's names end in.
pub fn stamp(plan: &Recovery) -> String {
    let kept =
        plan.cautions.iter().find_map(|text| text.strip_prefix("What is moved aside ends in ")).unwrap();
    kept.split(';').next().unwrap().to_owned()
}

/// Carries the whole of `plan` out on `hosts`; gives back how many steps were typed, and how many were only read.
pub fn follow(hosts: &mut Hosts, plan: &Recovery) -> (usize, usize) {
    let (mut typed, mut read) = (0, 0);
    for phase in &plan.phases {
        let at = hosts.all.iter().position(|host| host.name == phase.host.name).expect("a host of the site");
        for step in &phase.steps {
            if step.commands.iter().any(|command| NOT_HERE.iter().any(|word| command.starts_with(word))) {
                read += 1;
                continue;
            }
            typed += 1;
            tick(hosts, at, step);
        }
    }
    (typed, read)
}

/// A step is ticked off once what is to be seen is seen. Until then it is typed again, where that is harmless, or where the
/// plan names what was said as something to do so for.
fn tick(hosts: &mut Hosts, at: usize, step: &Step) {
    let safe =
        step.commands.iter().all(|command| !command.starts_with("mv ") && !command.contains("member add"));
    let mut seen = String::new();
    let mut gone_on = false;
    for command in &step.commands {
        let last = std::ptr::eq(command, &step.commands[step.commands.len() - 1]);
        let before = seen.clone();
        let waited = until(DEADLINE, &step.expect, || {
            let ran = hosts.shell(at, command);
            hosts.kubelet(at);
            let said =
                String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr);
            seen = format!("{before}{said}");
            gone_on |= goes_on(&step.otherwise, &said);
            let good = !last
                || gone_on
                || wanted(&step.expect)
                    .iter()
                    .all(|(there, word)| seen.contains(&hosts.all[at].here(word)) == *there);
            // `grep -c` says 0 with an exit code of its own.
            let passed =
                good && (ran.status.success() || said.trim() == "0" || goes_on(&step.otherwise, &said));
            let named = wanted(&step.otherwise).iter().any(|(_, word)| said.contains(word));
            assert!(passed || safe || named, "{}\n{command}\n{said}\nto be seen: {}", step.what, step.expect);
            Ok(passed.then_some(()))
        });
        if let Err(error) = waited {
            panic!("{}\n{command}\n{seen}\n{}", step.what, hosts.explain(&error));
        }
    }
}

/// The words in backquotes, which are what a program prints, and whether they are to be there: `no` before one says not.
fn wanted(expect: &str) -> Vec<(bool, String)> {
    let parts: Vec<&str> = expect.split('`').collect();
    parts.chunks_exact(2).map(|pair| (!pair[0].ends_with("no "), pair[1].to_owned())).collect()
}

/// Whether `said` is one of the things after which the plan says to go on.
fn goes_on(otherwise: &str, said: &str) -> bool {
    let parts: Vec<&str> = otherwise.split('`').collect();
    parts[1..]
        .chunks(2)
        .any(|pair| said.contains(pair[0]) && pair.get(1).is_some_and(|advice| advice.contains("go on")))
}

#[test]
fn a_host_without_a_data_directory_is_gone_on_with() {
    let otherwise = "`No such file`: a new host; go on. `Device or resource busy`: a mount point.";
    assert!(goes_on(otherwise, "mv: cannot stat '/var/lib/etcd': No such file or directory"));
    assert!(!goes_on(otherwise, "mv: cannot move: Device or resource busy"));
    assert!(!goes_on("", "anything"));
}

#[test]
fn words_in_backquotes_are_wanted_unless_there_is_a_no_before() {
    let found = wanted("`a b`, no `c`, and d.");
    assert_eq!(found, [(true, "a b".to_owned()), (false, "c".to_owned())]);
}
