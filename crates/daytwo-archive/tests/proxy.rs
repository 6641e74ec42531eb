//! Proxies are set by the environment of the process, so these tests run themselves once more with it set.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use daytwo_archive::location::{Location, LocationOptions, Outcome};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use testbed::{Family, S3};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Set for the second process.
const AGAIN: &str = "DAYTWO_TEST_PROXIED";

/// What the second process does: everything it is told stands in its environment.
#[tokio::test]
async fn check_the_location_of_the_environment() {
    if std::env::var_os(AGAIN).is_none() {
        return;
    }
    let location = Location::open("s3://proxied/p", &LocationOptions::default()).unwrap();
    let results = location.check("r").await;
    assert!(results.iter().all(|result| result.outcome == Outcome::Good), "{results:#?}");
}

/// A proxy that tunnels, and counts what it tunnelled.
async fn proxy() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let tunnels = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&tunnels);
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(tunnel(client));
        }
    });
    (url, tunnels)
}

async fn tunnel(mut client: TcpStream) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).ok()?;
    let target = head.strip_prefix("CONNECT ")?.split(' ').next()?.to_owned();
    let mut server = TcpStream::connect(target).await.ok()?;
    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.ok()?;
    tokio::io::copy_bidirectional(&mut client, &mut server).await.ok()?;
    Some(())
}

async fn again(s3: &S3, variables: &[(&str, &str)]) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "check_the_location_of_the_environment"]).env(AGAIN, "1");
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"] {
        command.env_remove(name).env_remove(name.to_lowercase());
    }
    command.envs(s3.env()).env("AWS_CA_BUNDLE", s3.ca_file().unwrap()).envs(variables.iter().copied());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

#[tokio::test]
async fn https_goes_through_the_proxy_unless_the_host_is_exempt() {
    if testbed::parts_or_skip(&[Family::S3]).is_none() {
        return;
    }
    let s3 = S3::builder().tls(true).start().unwrap();
    s3.create_bucket("proxied").unwrap();
    let (url, tunnels) = proxy().await;
    again(&s3, &[("HTTPS_PROXY", &url)]).await;
    let used = tunnels.load(Ordering::SeqCst);
    assert!(used > 0, "the proxy was passed by");
    again(&s3, &[("HTTPS_PROXY", &url), ("NO_PROXY", "127.0.0.1")]).await;
    assert_eq!(tunnels.load(Ordering::SeqCst), used, "the proxy was used for an exempt host");
}
