//! What holds of every plan, whatever the site.

use std::process::Command;

use proptest::prelude::*;

use super::*;

fn plans() -> Vec<Recovery> {
    let all = [Distribution::Kubeadm, Distribution::K3s, Distribution::Rke2, Distribution::Harvester];
    let mut plans = vec![restore(&sqlite(), &request()).unwrap()];
    for distribution in all {
        plans.push(restore(&site(distribution), &request()).unwrap());
        plans.push(quorum(&lost(distribution), &request()).unwrap());
        let mut full = site(distribution);
        full.snapshot.as_mut().unwrap().alarms = vec![Alarm::NoSpace];
        full.snapshot.as_mut().unwrap().path = "/var/tmp/Tuesday's copy.db".into();
        full.encryption = vec!["aescbc key1".into()];
        plans.push(restore(&full, &request()).unwrap());
    }
    plans
}

/// Every command with the place of its phase, and its host.
fn commands(plan: &Recovery) -> Vec<(usize, &Host, &str)> {
    let phases = plan.phases.iter().enumerate();
    let steps = phases.flat_map(|(at, phase)| phase.steps.iter().map(move |step| (at, &phase.host, step)));
    steps
        .flat_map(|(at, host, step)| step.commands.iter().map(move |command| (at, host, command.as_str())))
        .collect()
}

#[test]
fn nothing_is_deleted() {
    for plan in plans() {
        for (_, _, command) in commands(&plan) {
            let words: Vec<&str> = command.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').collect();
            for word in ["rm", "unlink", "rmdir", "shred", "truncate", "delete", "uninstall"] {
                assert!(!words.contains(&word), "{}: {command}", plan.title);
            }
            assert!(!command.contains("reset-flag") || command.contains("mv -nvT"), "{command}");
            assert!(!command.contains("mv ") || command.contains("mv -nvT"), "no move overwrites: {command}");
        }
    }
}

#[test]
fn a_shell_takes_every_command() {
    for plan in plans() {
        for (_, _, command) in commands(&plan) {
            let checked = Command::new("sh").args(["-n", "-c", command]).output().unwrap();
            assert!(checked.status.success(), "{command}: {}", String::from_utf8_lossy(&checked.stderr));
        }
    }
}

#[test]
fn every_server_stands_still_before_anything_moves() {
    for plan in plans() {
        let stops = |command: &str| {
            command.contains("/etc/kubernetes/manifests/kube-apiserver.yaml /etc/kubernetes/recovery-")
                || command.starts_with("systemctl stop")
        };
        let moves = |command: &str| {
            ["/var/lib/etcd", "/server/db"].iter().any(|dir| {
                command
                    .lines()
                    .any(|line| line.contains(dir) && (line.contains("mv ") || line.contains("etcd restore")))
            }) || command.contains("--cluster-reset")
                || command.contains("--force-new-cluster")
        };
        let all = commands(&plan);
        let last_stop = all.iter().filter(|(_, _, c)| stops(c)).map(|(at, ..)| *at).max().unwrap();
        let first_move = all.iter().filter(|(_, _, c)| moves(c)).map(|(at, ..)| *at).min().unwrap();
        assert!(last_stop <= first_move, "{}: {last_stop} {first_move}", plan.title);
        let mut stopped: Vec<&str> =
            all.iter().filter(|(_, _, c)| stops(c)).map(|(_, host, _)| host.name.as_str()).collect();
        stopped.dedup();
        stopped.sort_unstable();
        let mut hosts: Vec<&str> = plan.phases.iter().map(|phase| phase.host.name.as_str()).collect();
        hosts.sort_unstable();
        hosts.dedup();
        assert_eq!(stopped, hosts, "{}: every host of the plan is stopped", plan.title);
    }
}

#[test]
fn whether_the_token_opens_the_snapshot_is_asked_first() {
    for distribution in [Distribution::K3s, Distribution::Rke2, Distribution::Harvester] {
        let plan = restore(&site(distribution), &request()).unwrap();
        let first = plan.phases[0].steps[0].commands[0].as_str();
        let root = if distribution == Distribution::K3s { "k3s" } else { "rke2" };
        assert_eq!(
            first,
            format!(
                "daytwo etcd status /var/tmp/nightly.db --token-file /var/lib/rancher/{root}/server/token"
            )
        );
    }
    let plan = restore(&sqlite(), &request()).unwrap();
    assert!(plan.phases[0].steps[0].commands[0].contains("--token-file"));
}

#[test]
fn no_step_names_a_host_that_is_not_known() {
    for plan in plans() {
        let known = ["cp1", "cp2", "cp3", "pi"];
        assert!(plan.phases.iter().all(|phase| known.contains(&phase.host.name.as_str())));
        for (_, _, command) in commands(&plan) {
            for word in command.split(|c: char| !c.is_ascii_alphanumeric() && c != '.') {
                if word.starts_with("10.0.0.") {
                    let host = word.trim_start_matches("10.0.0.");
                    assert!(["1", "2", "3", "9", "11", "12"].contains(&host), "{command}");
                }
            }
        }
    }
}

#[test]
fn every_step_says_what_to_see_and_what_else_to_do() {
    for plan in plans() {
        for step in plan.phases.iter().flat_map(|phase| &phase.steps) {
            assert!(
                !step.what.is_empty() && !step.expect.is_empty() && !step.otherwise.is_empty(),
                "{step:?}"
            );
            assert!(!step.commands.is_empty(), "{step:?}");
        }
    }
}

#[test]
fn each_kubeadm_member_is_restored_as_itself_and_alike() {
    let plan = restore(&site(Distribution::Kubeadm), &request()).unwrap();
    let restores: Vec<_> = commands(&plan)
        .into_iter()
        .filter(|(_, _, command)| command.starts_with("daytwo etcd restore"))
        .collect();
    assert_eq!(restores.len(), 3);
    for (_, host, command) in restores {
        assert!(command.contains(&format!("--name {} \\", host.name)), "{command}");
        assert!(command.contains(&format!("--initial-advertise-peer-urls https://{}:2380", host.address)));
        assert!(command.contains(
            "--initial-cluster cp1=https://10.0.0.1:2380,cp2=https://10.0.0.2:2380,cp3=https://10.0.0.3:2380"
        ));
        for flag in ["--bump-revision 1000000000", "--mark-compacted", "--for-etcd 3.6.5"] {
            assert!(command.contains(flag), "{command}");
        }
        assert!(!command.contains("--drop-alarms"));
    }
}

#[test]
fn a_nospace_alarm_is_dropped_or_disarmed() {
    for plan in plans() {
        let nospace = plan.cautions.iter().any(|caution| caution.contains("NOSPACE"));
        let dealt = commands(&plan)
            .iter()
            .any(|(_, _, command)| command.contains("--drop-alarms") || command.contains("alarm disarm"));
        assert_eq!(nospace, dealt, "{}", plan.title);
    }
}

#[test]
fn webhooks_are_parked_after_the_api_answers_and_released_at_the_end() {
    for plan in plans().iter().filter(|plan| !plan.title.contains("state.db")) {
        let place = |needle: &str| {
            let found =
                commands(plan).into_iter().enumerate().find(|(_, (_, _, command))| command.contains(needle));
            found.unwrap_or_else(|| panic!("{}: no {needle}", plan.title)).0
        };
        let (ready, parked, released) =
            (place("/readyz"), place("\"value\":\"Ignore\""), place("\"value\":\"Fail\""));
        assert!(ready < parked && parked < released, "{}", plan.title);
        let patch = commands(plan)[parked].2;
        assert!(
            patch.contains(r#"{"op":"test","path":"/webhooks/2/name","value":"nodes.policy.example"}"#),
            "{patch}"
        );
    }
}

#[test]
fn what_would_not_start_is_refused() {
    let facts = site(Distribution::Kubeadm);
    let with = |edit: &dyn Fn(&mut Snapshot)| {
        let mut facts = facts.clone();
        edit(facts.snapshot.as_mut().unwrap());
        restore(&facts, &request()).unwrap_err()
    };
    let newer = with(&|snapshot| snapshot.storage_version = Some("3.7.0".into()));
    assert_eq!(newer, Refused::TooOld { etcd: "3.6.5".into(), storage: "3.7.0".into() });
    assert_eq!(with(&|snapshot| snapshot.opens = Some(false)), Refused::Token);
    assert_eq!(with(&|snapshot| snapshot.alarms = vec![Alarm::Corrupt]), Refused::Corrupt);
    assert_eq!(with(&|snapshot| snapshot.kept = Kept::Sqlite { wal: false }), Refused::NotHere("kubeadm"));
    assert_eq!(restore(&lost(Distribution::K3s), &request()).unwrap_err(), Refused::NoSnapshot);
    let nobody = Facts { members: vec![], ..facts.clone() };
    assert_eq!(quorum(&nobody, &request()).unwrap_err(), Refused::NoMember);
    let mut twice = facts.clone();
    twice.members[2].host.address = "10.0.0.1".into();
    assert_eq!(quorum(&twice, &request()).unwrap_err(), Refused::Twice("10.0.0.1".into()));
    let mut half = sqlite();
    half.snapshot.as_mut().unwrap().kept = Kept::Sqlite { wal: true };
    assert_eq!(restore(&half, &request()).unwrap_err(), Refused::Half("/var/tmp/state.db".into()));
    let mut mixed = lost(Distribution::Kubeadm);
    mixed.members[0].standing = Some(standing(20, 20, (1, 20)));
    mixed.members[2].standing = Some(Standing { cluster: Some(8), ..standing(20, 20, (1, 20)) });
    assert_eq!(quorum(&mixed, &request()).unwrap_err(), Refused::TwoClusters("cp1".into(), "cp3".into()));
}

#[test]
fn an_etcd_that_is_newer_or_unknown_is_let_pass() {
    let mut facts = site(Distribution::Kubeadm);
    for etcd in [Some("3.7.3"), Some("3.6.0"), None] {
        facts.etcd = etcd.map(str::to_owned);
        assert!(restore(&facts, &request()).is_ok(), "{etcd:?}");
    }
    facts.etcd = Some("3.5.35".into());
    facts.snapshot.as_mut().unwrap().storage_version = None;
    assert!(restore(&facts, &request()).is_ok(), "etcd 3.5 writes no storageVersion");
}

#[test]
fn what_is_committed_decides_and_not_the_length_of_the_log() {
    let mut members = lost(Distribution::Kubeadm).members;
    assert_eq!(furthest(&members), None);
    members[0].standing = Some(standing(100, 120, (3, 140)));
    members[1].standing = Some(standing(110, 121, (3, 121)));
    members[2].standing = Some(Standing { commit: None, last: None, ..standing(119, 0, (0, 0)) });
    assert_eq!(furthest(&members).unwrap()[0].name, "cp2");
    members[2].standing.as_mut().unwrap().consistent_index = 122;
    assert_eq!(furthest(&members).unwrap()[0].name, "cp3", "the database may be ahead of the commit on disk");
    members[2].standing = Some(standing(110, 121, (4, 121)));
    assert_eq!(furthest(&members).unwrap()[0].name, "cp3", "at equal commits, the later term");
    members[1].standing.as_mut().unwrap().last = Some(Entry { term: 4, index: 121 });
    assert_eq!(furthest(&members).unwrap().len(), 2);
}

#[test]
fn a_quorum_from_a_member_that_is_behind_says_so() {
    let mut facts = lost(Distribution::K3s);
    facts.members[0].standing = Some(standing(100, 120, (3, 125)));
    facts.members[1].standing = Some(standing(110, 121, (3, 121)));
    let plan = quorum(&facts, &request()).unwrap();
    let all = plan.cautions.join("\n");
    assert!(all.contains("cp2 is further on than cp1"), "{all}");
    assert!(all.contains("Not looked at: cp3."), "{all}");
    assert!(all.contains("5 entries at the end of cp1's log"), "{all}");
}

proptest! {
    #[test]
    fn a_quoted_word_comes_out_of_a_shell_as_it_went_in(word in "[^\0]{0,40}") {
        let line = format!("printf %s {}", quote(&word));
        let said = Command::new("sh").args(["-c", &line]).output().unwrap();
        prop_assert_eq!(said.stdout, word.into_bytes());
    }

    #[test]
    fn a_name_that_means_something_to_a_shell_or_to_sed_makes_no_plan(
        name in "[a-z]{0,4}[|&;$`\"'<>(){} \\\\\n\u{e9}][a-z]{0,4}"
    ) {
        let mut facts = site(Distribution::Kubeadm);
        facts.members[1].name = name.clone();
        prop_assert_eq!(restore(&facts, &request()).unwrap_err(), Refused::Unprintable(name));
    }
}
