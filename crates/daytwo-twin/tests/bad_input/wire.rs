//! What comes over the wire and is no request, or no TLS, or no whole of either.

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

use crate::ask::twin;
use crate::client::{Server, WITHIN, to_the_end};

/// A twin that listens, for as long as this lives.
pub struct Ground {
    pub server: Server,
    serving: daytwo_twin::Serving,
}

impl Ground {
    pub async fn new() -> Ground {
        let secret = *b"forty bytes that every test may disclose";
        let serving = twin().serve("127.0.0.1:0".parse().unwrap(), secret).await.unwrap();
        let server = Server::new(serving.address(), serving.token(), serving.ca_pem());
        Ground { server, serving }
    }

    pub fn kubeconfig(&self) -> String {
        self.serving.kubeconfig()
    }
}

/// The codes of the answers to `bytes`, until the other side closes.
async fn codes(server: &Server, bytes: &[u8]) -> Vec<u16> {
    let mut stream = server.http1().await;
    stream.write_all(bytes).await.unwrap();
    stream.flush().await.unwrap();
    answers(&mut stream).await
}

/// The same where the other side may wait for more, or close before all is said: none where it says nothing.
async fn codes_of_all(server: &Server, bytes: &[u8]) -> Vec<u16> {
    let mut stream = server.http1().await;
    let _ = stream.write_all(bytes).await;
    let _ = stream.shutdown().await;
    answers(&mut stream).await
}

async fn answers(stream: &mut (impl AsyncRead + Unpin)) -> Vec<u16> {
    let text = to_the_end(stream).await;
    let heads = text.split("HTTP/1.1 ").skip(1);
    heads.map(|head| head[..3].parse().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_request_is_refused_or_closed() {
    let ground = Ground::new().await;
    let server = &ground.server;
    let post =
        |more: &str| format!("{}{more}\r\n", server.head("POST", "/api/v1/namespaces/default/configmaps"));
    let get = |more: &str| format!("{}{more}\r\n", server.head("GET", "/readyz"));
    let refused: Vec<Vec<u8>> = vec![
        b"\0\x01\x02\x03\r\n\r\n".to_vec(),
        b"nonsense\r\n\r\n".to_vec(),
        b"GET /readyz HTTP/9.9\r\n\r\n".to_vec(),
        b"GET  HTTP/1.1\r\n\r\n".to_vec(),
        format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(1 << 20)).into_bytes(),
        get(&format!("X-Long: {}\r\n", "a".repeat(1 << 20))).into_bytes(),
        get(&"X-Many: a\r\n".repeat(10_000)).into_bytes(),
        get("No colon\r\n").into_bytes(),
        get("X-Bytes: \0\r\n").into_bytes(),
        (post("Content-Length: 2\r\nContent-Length: 3\r\n") + "{}").into_bytes(),
        (post("Content-Length: -1\r\n") + "{}").into_bytes(),
        (post("Content-Length: 99999999999999999999999\r\n") + "{}").into_bytes(),
        (post("Content-Length: 9999999999\r\n") + "{}").into_bytes(),
        (post("Transfer-Encoding: chunked\r\n") + "zz\r\n{}\r\n0\r\n\r\n").into_bytes(),
        (post("Transfer-Encoding: chunked\r\n") + "fffffffffffffffff\r\n{}\r\n0\r\n\r\n").into_bytes(),
        (post("Transfer-Encoding: chunked\r\n") + &format!("2;{}\r\n{{}}\r\n0\r\n\r\n", "a".repeat(1 << 20)))
            .into_bytes(),
        (post("Transfer-Encoding: gzip\r\nContent-Length: 2\r\n") + "{}").into_bytes(),
        (post("Content-Length: 100\r\n") + "{}").into_bytes(),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nnonsense and more of it".to_vec(),
        b"CONNECT example.org:443 HTTP/1.1\r\nHost: example.org\r\n\r\n".to_vec(),
    ];
    for bytes in refused {
        let codes = codes_of_all(server, &bytes).await;
        let shown = String::from_utf8_lossy(&bytes).chars().take(150).collect::<String>();
        // At most one answer: what follows a request that cannot be read is none.
        assert!(
            codes.len() <= 1 && codes.iter().all(|code| (400..505).contains(code)),
            "{shown:?}: {codes:?}"
        );
    }
    server.lives().await;
}

/// Two lengths of one body must not make two requests of it.
#[tokio::test(flavor = "multi_thread")]
async fn no_request_hides_in_another() {
    let ground = Ground::new().await;
    let server = &ground.server;
    let hidden = server.head("DELETE", "/api/v1/namespaces/default");
    let post = server.head("POST", "/api/v1/namespaces/default/configmaps");
    let bytes = format!("{post}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{hidden}\r\n");
    codes_of_all(server, bytes.as_bytes()).await;
    let bytes = format!(
        "{post}Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n{:x}\r\n{hidden}\r\n\r\n0\r\n\r\n",
        hidden.len() + 2
    );
    codes_of_all(server, bytes.as_bytes()).await;
    let mut stream = server.http1().await;
    stream.write_all(server.last("/api/v1/namespaces/default").as_bytes()).await.unwrap();
    let text = to_the_end(&mut stream).await;
    assert!(text.starts_with("HTTP/1.1 200") && !text.contains("Terminating"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_at_once_are_answered_in_turn() {
    let ground = Ground::new().await;
    let server = &ground.server;
    let all = format!("{}\r\n", server.head("GET", "/readyz")).repeat(500) + &server.last("/readyz");
    let codes = codes(server, all.as_bytes()).await;
    assert!(codes.len() == 501 && codes.iter().all(|code| *code == 200), "{}: {codes:?}", codes.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_not_the_token_gets_nothing() {
    let ground = Ground::new().await;
    let server = &ground.server;
    let token = &server.token;
    for authorization in [
        String::new(),
        "Authorization: Bearer\r\n".to_owned(),
        "Authorization: Bearer nonsense\r\n".to_owned(),
        format!("Authorization: Basic {token}\r\n"),
        format!("Authorization: {token}\r\n"),
        format!("Authorization: Bearer {}\r\n", &token[1..]),
        format!("Authorization: Bearer {token}{token}\r\n"),
        format!("Authorization: Bearer {}\r\n", "a".repeat(8_000)),
        "Authorization: Bearer \u{fffd}\r\n".to_owned(),
        format!("X-Remote-User: admin\r\nImpersonate-User: admin\r\nCookie: token={token}\r\n"),
    ] {
        for path in ["/api/v1/secrets", "/api", "/version", "/openapi/v3", "/nowhere"] {
            let bytes =
                format!("GET {path} HTTP/1.1\r\nHost: twin\r\n{authorization}Connection: close\r\n\r\n");
            let codes = codes(server, bytes.as_bytes()).await;
            // Which version it is, anyone may ask: but not in another's name, and not with a token that is not good.
            let open = path == "/version" && (codes == [200] || codes == [403]);
            assert!(codes == [401] || open, "{path} {authorization:.60}: {codes:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_tls_is_closed() {
    let ground = Ground::new().await;
    let server = &ground.server;
    // A hello as clients of 1999 said it, one that is longer than a record may be, one that never ends.
    let old: &[u8] = &[0x16, 3, 0, 0, 45, 1, 0, 0, 41, 3, 0];
    let long: &[u8] = &[0x16, 3, 1, 0xff, 0xff, 1, 0, 0xff];
    let nonsense: Vec<u8> = (0..100_000_u32).map(|number| (number * 31 % 251) as u8).collect();
    for bytes in [b"GET /readyz HTTP/1.1\r\n\r\n", old, long, &nonsense, &[0; 1_000], b"\x16\x03\x01"] {
        let mut stream = server.tcp().await;
        let _ = stream.write_all(bytes).await;
        let _ = stream.shutdown().await;
        to_the_end(&mut stream).await;
    }
    // Within TLS, records that are none.
    let mut stream = server.http1().await;
    let (tcp, _) = stream.get_mut();
    tcp.write_all(&nonsense).await.unwrap();
    to_the_end(&mut stream).await;
    server.lives().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_dropped_at_any_moment() {
    let ground = Ground::new().await;
    let server = &ground.server;
    let (post, watch) = (
        server.head("POST", "/api/v1/namespaces/default/configmaps"),
        server.head("GET", "/api/v1/configmaps?watch=true"),
    );
    for _ in 0..30 {
        server.tcp().await.write_all(&[0x16, 3, 1, 2, 0, 1]).await.unwrap();
        drop(server.http1().await);
        for said in
            [&post[..20], &*post, &format!("{post}Content-Length: 1000\r\n\r\n{{"), &format!("{watch}\r\n")]
        {
            let mut stream = server.http1().await;
            stream.write_all(said.as_bytes()).await.unwrap();
            stream.flush().await.unwrap();
        }
        let mut stream = server.http1().await;
        stream.write_all(format!("{watch}\r\n").as_bytes()).await.unwrap();
        // In the middle of an answer.
        timeout(WITHIN, stream.read_u8()).await.unwrap().unwrap();
    }
    server.lives().await;
}

/// What only a kubelet could do is refused at once, also to those who want to speak another protocol.
#[tokio::test(flavor = "multi_thread")]
async fn upgrades_do_not_hang() {
    let ground = Ground::new().await;
    let server = &ground.server;
    for upgrade in ["websocket", "SPDY/3.1", "h2c", "nonsense"] {
        for what in ["exec?command=sh", "attach", "portforward", "log?follow=true"] {
            let head = server.head("GET", &format!("/api/v1/namespaces/default/pods/none/{what}"));
            let bytes = format!(
                "{head}Connection: Upgrade, close\r\nUpgrade: {upgrade}\r\nSec-WebSocket-Key: eA==\r\n\r\n"
            );
            let codes = codes(server, bytes.as_bytes()).await;
            assert!(matches!(codes[..], [400..=504]), "{upgrade} {what}: {codes:?}");
        }
    }
}
