//! K3s on SQLite: one server, and a file that is put in the place of another.
//!
//! docs.k3s.io/datastore/backup-restore: the content of `server/db` is put back, and the token must be that of the copy.
//! SQLite would replay a `-wal` that is left beside another database into it (sqlite.org/howtocorrupt.html, "Unlinking
//! or renaming a database file"), so `-wal` and `-shm` go aside with the file they belong to.

use super::check;
use super::rancher::{Names, rejoin};
use super::shell::{aside, command};
use super::{Facts, Phase, Request, Snapshot, Step};

/// The plan.
pub(super) fn restore(facts: &Facts, snapshot: &Snapshot, request: &Request) -> Vec<Phase> {
    let names = Names::of(facts, request);
    let first = facts.first();
    let mut look = vec![check::token(&names.token_file, snapshot)];
    look.extend(check::file(snapshot));
    look.push(check::room(&names.data_dir, snapshot.size));
    look.push(check::address(first));
    look.extend(check::authority(
        facts,
        &format!("{}/server/tls/server-ca.crt", names.data_dir),
        "On a new host there is none yet: the database brings it.",
    ));
    let stop = Step::new("Stop K3s; pods go on. SQLite must not be open when its file is moved.")
        .run(command(&["systemctl", "stop", names.service]))
        .run(command(&["systemctl", "is-active", names.service]))
        .see("`inactive`")
        .or("`failed` will do too. If it is started again by something, stop that first.");
    let mut phases = vec![
        Phase::new("Look at the copy", first, look),
        Phase::new("Stop the server", first, vec![stop]),
        Phase::new("Put the copy back", first, put_back(snapshot, &names)),
    ];
    phases.extend(rejoin(facts, request, &names));
    phases
}

fn put_back(snapshot: &Snapshot, names: &Names) -> Vec<Step> {
    let database = format!("{}/server/db/state.db", names.data_dir);
    let kept = format!("{database}.before-{}", names.stamp);
    let mut step = Step::new(
        "Move the database aside, and its -wal and -shm with it: left beside another file, they would be written into it.",
    );
    for tail in ["", "-wal", "-shm"] {
        let from = format!("{database}{tail}");
        step = step.run(format!("test ! -e {from} || {}", aside(&from, &format!("{kept}{tail}"))));
    }
    vec![
        step.run(format!("ls {database}*"))
            .see(format!("only names that go on with `.before-{}`.", names.stamp))
            .or("Move what is left aside by hand."),
        Step::new("Put the copy in its place.")
            .run(command(&["install", "-o", "root", "-g", "root", "-m", "0600", &snapshot.path, &database]))
            .see("no error.")
            .or("Do not start K3s: with no database it begins a new cluster."),
        Step::new("Start K3s.")
            .run(command(&["systemctl", "start", names.service]))
            .run(command(&["systemctl", "is-active", names.service]))
            .see("`active`, within a minute.")
            .or("`journalctl -u k3s -e`. Anything about the bootstrap data or a token: the token is not that of the copy."),
    ]
}
