//! Small servers that stand where a store, a proxy or a cloud's metadata would.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Reads one request: its head, and its body by `content-length`.
async fn request(connection: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(connection.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).unwrap();
    let length =
        head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    connection.read_exact(&mut body).await.ok()?;
    Some((head, body))
}

/// An HTTP server that answers each request by its head.
pub async fn serve(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let answer = Arc::new(answer);
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let answer = Arc::clone(&answer);
            tokio::spawn(async move {
                let Some((head, _)) = request(&mut connection).await else { return };
                let body = answer(&head);
                let text = format!(
                    "HTTP/1.1 200 OK\r\netag: \"e\"\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                    body.len()
                );
                connection.write_all(text.as_bytes()).await.unwrap();
            });
        }
    });
    address
}

/// A store behind a network that loses the answer to the first request that `loses` picks: the store has done it.
pub async fn losing(
    store: String,
    loses: impl Fn(&str) -> bool + Send + Sync + 'static,
) -> (String, Arc<AtomicBool>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let lost = Arc::new(AtomicBool::new(false));
    let (loses, seen) = (Arc::new(loses), Arc::clone(&lost));
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let (store, loses, lost) = (store.clone(), Arc::clone(&loses), Arc::clone(&lost));
            tokio::spawn(forward(client, store, move |head| {
                loses(head) && !lost.swap(true, Ordering::SeqCst)
            }));
        }
    });
    (url, seen)
}

async fn forward(mut client: TcpStream, store: String, loses: impl Fn(&str) -> bool) -> Option<()> {
    let (head, body) = request(&mut client).await?;
    let mut server = TcpStream::connect(store.trim_start_matches("http://")).await.ok()?;
    let closing = head.replacen("\r\n", "\r\nconnection: close\r\n", 1);
    server.write_all(closing.as_bytes()).await.ok()?;
    server.write_all(&body).await.ok()?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).await.ok()?;
    if !loses(&head) {
        client.write_all(&answer).await.ok()?;
    }
    Some(())
}
