//! client-go's informers: kwok plays the kubelets of a twin that has none, and the real kubectl waits for what it does.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use daytwo_engine::Clock;
use daytwo_twin::fixture::Fixture;
use daytwo_twin::open::Source;
use daytwo_twin::{Settings, Twin};
use jiff::Timestamp;
use testbed::{Family, Kwok};

use crate::ground::serve;

/// kwok and kubectl live in real time.
struct Real;

impl Clock for Real {
    fn now(&self) -> Timestamp {
        #[expect(
            clippy::disallowed_methods,
            reason = "programs that are no part of the test read the same clock"
        )]
        Timestamp::now()
    }
}

/// The real kubectl.
struct Kubectl {
    program: PathBuf,
    kubeconfig: PathBuf,
}

impl Kubectl {
    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        // What it keeps of a server goes below HOME.
        command.env("KUBECONFIG", &self.kubeconfig).env("HOME", self.kubeconfig.parent().unwrap()).args(args);
        command
    }

    fn run(&self, args: &[&str], input: &str) -> String {
        let file = self.kubeconfig.with_file_name("input.yaml");
        std::fs::write(&file, input).unwrap();
        let output = self.command(args).stdin(std::fs::File::open(&file).unwrap()).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "kubectl {args:?}: {stderr}");
        String::from_utf8(output.stdout).unwrap()
    }
}

const NODE: &str = "{apiVersion: v1, kind: Node, metadata: {name: node-0}}";
/// Nobody runs it.
const FIRST: &str =
    "{apiVersion: v1, kind: Pod, metadata: {name: first}, spec: {containers: [{name: web, image: web}]}}";
const POD: &str = "{apiVersion: v1, kind: Pod, metadata: {name: web}, spec: {nodeName: node-0, containers: [{name: web, image: web}]}}";

fn write(folder: &Path, kubeconfig: &str) -> PathBuf {
    let path = folder.join("kubeconfig");
    std::fs::write(&path, kubeconfig).unwrap();
    path
}

#[tokio::test(flavor = "multi_thread")]
async fn pods_become_ready_by_kwok_and_kubectl_sees_it() {
    let Some(parts) = testbed::parts_or_skip(&[Family::Kube, Family::Kwok]) else { return };
    let mut settings = Settings::new(Arc::new(Real));
    settings.kubelets = false;
    let twin = Twin::of(Source::fixture(Fixture::Empty, &settings), settings).unwrap();
    let serving = serve(&twin).await;
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = write(folder.path(), &serving.kubeconfig());
    let kubectl =
        Kubectl { program: parts.program(Family::Kube, "kubectl").unwrap(), kubeconfig: kubeconfig.clone() };
    tokio::task::spawn_blocking(move || {
        let _kwok = Kwok::start(&kubeconfig).unwrap();
        kubectl.run(&["create", "--filename=-"], NODE);
        kubectl.run(&["wait", "node/node-0", "--for=condition=Ready", "--timeout=60s"], "");
        kubectl.run(&["create", "--filename=-"], FIRST);
        let mut watch = kubectl
            .command(&[
                "get",
                "pods",
                "--watch",
                "--output=jsonpath={.metadata.name} {.status.phase}{\"\\n\"}",
            ])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(watch.stdout.take().unwrap()).lines();
        let (sender, seen) = mpsc::channel();
        std::thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| sender.send(line)));

        let until = |line: &str| loop {
            let seen = seen.recv_timeout(Duration::from_secs(60));
            if seen.unwrap_or_else(|_| panic!("kubectl --watch never said {line:?}")) == line {
                break;
            }
        };
        // From what was there on, it sees everything.
        until("first Pending");
        kubectl.run(&["create", "--filename=-"], POD);
        kubectl.run(&["wait", "pod/web", "--for=condition=Ready", "--timeout=60s"], "");
        // Its informer sees the end, too: kwok takes away what is deleted.
        kubectl.run(&["delete", "pod", "web", "--timeout=60s"], "");
        until("web Pending");
        until("web Running");
        watch.kill().unwrap();
        watch.wait().unwrap();
    })
    .await
    .unwrap();
}
