//! Ctrl-C: the first ends the verb cleanly, the second ends the program.

#![cfg(unix)]

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use crate::run::Person;

/// An API server that takes connections and never answers.
fn silent_server(person: &Person) -> TcpListener {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let kubeconfig = format!(
        "{{apiVersion: v1, kind: Config, current-context: c, contexts: [{{name: c, context: {{cluster: c, user: u}}}}], \
         clusters: [{{name: c, cluster: {{server: 'http://127.0.0.1:{port}'}}}}], users: [{{name: u, user: {{}}}}]}}"
    );
    std::fs::write(person.home().join("silent"), kubeconfig).expect("written");
    listener
}

fn interrupt(child: &Child) {
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill runs");
    assert!(sent.success());
}

#[test]
fn the_first_ctrl_c_ends_a_backup_that_waits_and_leaves_nothing() {
    let person = Person::new();
    let listener = silent_server(&person);
    let line = "backup create x --location ./store --kubeconfig silent";
    let mut child = person
        .command(line.split(' '))
        .stderr(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("started");
    let (mut asked, _) = listener.accept().expect("it asks the server");
    let mut first = [0; 4];
    asked.read_exact(&mut first).expect("a request");
    interrupt(&child);
    let mut stderr = BufReader::new(child.stderr.take().expect("piped"));
    let mut said = String::new();
    stderr.read_line(&mut said).expect("text");
    assert!(said.starts_with("ending:"), "{said}");
    stderr.read_to_string(&mut said).expect("text");
    assert_eq!(child.wait().expect("ended").code(), Some(5), "{said}");
    assert!(said.contains("stopped; nothing was written"), "{said}");
    assert!(!person.home().join("store").exists());
}
