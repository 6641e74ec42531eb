//! Many at once, against a server that is a process of its own, so that its memory can be measured.
//!
//! The process is this test binary once more, which then does nothing but serve.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

use crate::client::{Server, WITHIN};
use crate::long;
use crate::wire::Ground;

const MIB: u64 = 1 << 20;

/// A server as a child.
struct Apart {
    server: Server,
    child: Child,
    _folder: tempfile::TempDir,
}

impl Drop for Apart {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where the server writes its kubeconfig, which makes it one.
const KUBECONFIG: &str = "DAYTWO_TEST_KUBECONFIG";

#[test]
#[ignore = "the server that other tests start: it serves until its stdin is closed"]
fn the_server() {
    let Some(kubeconfig) = std::env::var_os(KUBECONFIG) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let ground = Ground::new().await;
        // Whole or not there.
        let part = PathBuf::from(&kubeconfig).with_extension("part");
        fs::write(&part, ground.kubeconfig()).unwrap();
        fs::rename(&part, &kubeconfig).unwrap();
        let ended =
            tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink()));
        ended.await.unwrap().unwrap();
    });
}

impl Apart {
    async fn start() -> Apart {
        let folder = tempfile::tempdir().unwrap();
        let kubeconfig = folder.path().join("kubeconfig");
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "flood::the_server", "--ignored"]).env(KUBECONFIG, &kubeconfig);
        let child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let text =
            testbed::until(WITHIN, "the server's kubeconfig", || Ok(fs::read_to_string(&kubeconfig).ok()))
                .unwrap();
        let field = |name: &str| {
            let line = text.lines().find_map(|line| line.trim().strip_prefix(name));
            line.unwrap_or_else(|| panic!("no {name} in the kubeconfig")).trim().to_owned()
        };
        let authority = STANDARD.decode(field("certificate-authority-data:")).unwrap();
        let url = field("server:");
        let address = url.trim_start_matches("https://").split('/').next().unwrap().parse().unwrap();
        let server = Server::new(address, &field("token:"), &String::from_utf8(authority).unwrap());
        server.lives().await;
        Apart { server, child, _folder: folder }
    }

    /// What it has resident now, in bytes.
    fn rss(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() << 10
    }
}

/// As many descriptors as there may be, here and in children; and how many connections fit in.
fn connections(wanted: u64) -> usize {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, most, most).unwrap();
    usize::try_from(wanted.min(most.saturating_sub(500))).unwrap()
}

/// Connections that ask once and stay; then once more as many, for which there must be no more memory.
#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(target_os = "linux"), ignore = "memory is read from /proc")]
async fn connections_by_the_thousand() {
    let count = connections(if long() { 10_000 } else { 1_000 });
    let apart = Apart::start().await;
    let (server, before) = (&apart.server, apart.rss());
    let mut peaks = Vec::new();
    for _ in 0..2 {
        let mut open = Vec::with_capacity(count);
        // Every third says nothing at all.
        let mut silent = Vec::new();
        for number in 0..count {
            if number % 3 == 0 {
                silent.push(server.tcp().await);
                continue;
            }
            let mut stream = server.http1().await;
            stream.write_all(format!("{}\r\n", server.head("GET", "/readyz")).as_bytes()).await.unwrap();
            let mut head = [0; 12];
            timeout(WITHIN, stream.read_exact(&mut head)).await.expect("an answer in time").unwrap();
            assert_eq!(&head, b"HTTP/1.1 200");
            open.push(stream);
        }
        server.lives().await;
        peaks.push(apart.rss());
    }
    let each = peaks[0].saturating_sub(before) / count as u64;
    assert!(each < 100 << 10, "{each} bytes for each connection");
    assert!(peaks[1] < peaks[0] + peaks[0] / 4 + 16 * MIB, "{peaks:?}");
}

/// Bodies of 3 MiB, most of which is sent and then no more.
#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(target_os = "linux"), ignore = "memory is read from /proc")]
async fn large_bodies_that_do_not_end() {
    let count = connections(if long() { 2_000 } else { 300 });
    let apart = Apart::start().await;
    let server = apart.server.clone();
    let head = server.head("POST", "/api/v1/namespaces/default/configmaps");
    let bytes = format!("{head}Content-Length: {}\r\n\r\n{}", 3 * MIB, " ".repeat(2 << 20));
    let bytes: &'static [u8] = Box::leak(bytes.into_boxed_str().into_boxed_bytes());
    let mut senders = tokio::task::JoinSet::new();
    for _ in 0..count {
        let server = server.clone();
        senders.spawn(async move {
            let mut stream = server.http1().await;
            // Those that find no room are not read from, and stop here.
            let _ = timeout(WITHIN / 6, stream.write_all(bytes)).await;
            stream
        });
    }
    let open = senders.join_all().await;
    let rss = apart.rss();
    assert!(rss < 600 * MIB, "{} MiB for {count} bodies", rss / MIB);
    server.lives().await;
    drop(open);
    server.lives().await;
}

/// Watches that nobody reads while much is written, then all of them dropped; again and again.
#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(target_os = "linux"), ignore = "memory is read from /proc")]
async fn watches_that_nobody_reads() {
    let (rounds, count) = if long() { (10, connections(2_000)) } else { (3, connections(200)) };
    let apart = Apart::start().await;
    let server = &apart.server;
    let mut full = Vec::new();
    for round in 0..rounds {
        let mut watches = Vec::new();
        for _ in 0..count {
            let mut stream = server.http1().await;
            let watch = server.head("GET", "/api/v1/configmaps?watch=true");
            stream.write_all(format!("{watch}\r\n").as_bytes()).await.unwrap();
            watches.push(stream);
        }
        let mut writer = server.http1().await;
        for number in 0..500 {
            let name = format!("a-{round}-{number}");
            let body = format!(
                "{{\"metadata\":{{\"name\":\"{name}\"}},\"data\":{{\"a\":\"{}\"}}}}",
                "b".repeat(4_000)
            );
            let head = server.head("POST", "/api/v1/namespaces/default/configmaps");
            let request = format!(
                "{head}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
            writer.write_all(request.as_bytes()).await.unwrap();
            let mut head = [0; 12];
            timeout(WITHIN, writer.read_exact(&mut head)).await.expect("an answer in time").unwrap();
            assert_eq!(&head, b"HTTP/1.1 201", "{name}");
            skip(&mut writer).await;
        }
        full.push(apart.rss());
        assert!(
            full[round] < (300 + count as u64 / 4) * MIB,
            "{} MiB with {count} watches",
            full[round] / MIB
        );
        drop(watches);
        server.lives().await;
    }
    // What is written stays; what was watched does not, and the next find room where the last were.
    for (round, peak) in full.iter().enumerate() {
        let limit = full[0] + full[0] / 3 + (32 + 10 * round as u64) * MIB;
        assert!(
            *peak < limit,
            "after round {round}: {:?} MiB",
            full.iter().map(|peak| peak / MIB).collect::<Vec<_>>()
        );
    }
}

/// Reads the rest of an answer whose length is in its head.
async fn skip(stream: &mut (impl tokio::io::AsyncRead + Unpin)) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(timeout(WITHIN, stream.read_u8()).await.expect("a head in time").unwrap());
    }
    let head = String::from_utf8(head).unwrap().to_lowercase();
    let length = head
        .split("content-length:")
        .nth(1)
        .expect("a length")
        .lines()
        .next()
        .unwrap()
        .trim()
        .parse()
        .unwrap();
    let mut body = vec![0; length];
    timeout(WITHIN, stream.read_exact(&mut body)).await.expect("a body in time").unwrap();
}
