//! Runs that want the same name: one wins, and the others say who holds it and touch nothing.

use crate::binary::{Daytwo, Run};
use crate::kill::{SCOPE, bulk};
use crate::{say, times};

const RUNNERS: usize = 16;

fn race(daytwo: &Daytwo, round: usize) {
    let name = format!("race-{round}");
    let args: Vec<&str> = ["backup", "create", &name].into_iter().chain(SCOPE).collect();
    let running: Vec<_> = (0..RUNNERS).map(|_| daytwo.start(&args)).collect();
    let runs: Vec<Run> = running.into_iter().map(|one| one.end().sound()).collect();
    let winners = runs.iter().filter(|run| run.code == Some(0)).count();
    let shown = || runs.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    assert_eq!(winners, 1, "round {round}: {winners} of {RUNNERS} runners won:\n{}", shown());
    for loser in runs.iter().filter(|run| run.code != Some(0)) {
        assert_eq!(loser.code, Some(4), "{loser}");
        assert!(loser.stderr.contains(&name), "a loser does not name the backup: {loser}");
    }
    assert!(
        runs.iter().any(|run| run.code == Some(4) && run.stderr.contains("run ")),
        "no loser says which run holds the name:\n{}",
        shown()
    );
    daytwo.run(&["backup", "verify", &name]).expect(0);
    let again = daytwo.run(&args).expect(4);
    assert!(again.stderr.contains(&name), "{again}");
    daytwo.run(&["backup", "verify", &name]).expect(0);
    daytwo.run(&["backup", "delete", &name, "--yes"]).expect(0);
}

#[test]
fn of_sixteen_runs_into_a_folder_one_wins() {
    let Some(site) = bulk() else { return };
    let daytwo = Daytwo::on_folder().cluster(site.kubeconfig());
    let rounds = times(1, 10);
    (0..rounds).for_each(|round| race(&daytwo, round));
    say(&format!("{rounds} races of {RUNNERS} runs into a folder: one winner each"));
}

#[test]
fn of_sixteen_runs_into_s3_one_wins() {
    let (Some(site), Some(s3)) = (bulk(), testbed::shared::s3()) else { return };
    s3.create_bucket("raced").unwrap();
    let daytwo = Daytwo::on_s3(s3, "raced", None).cluster(site.kubeconfig());
    let rounds = times(1, 10);
    (0..rounds).for_each(|round| race(&daytwo, round));
    say(&format!("{rounds} races of {RUNNERS} runs into S3: one winner each"));
}
