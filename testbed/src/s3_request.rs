//! A signed request to an S3 server, as small as tests of the testbed need it: HTTP/1.1, one request a
//! connection, AWS signature version 4 over the whole body.
//!
//! Not for the product, which has a client of its own: this one is here so that the two can disagree.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use ring::{digest, hmac};

const TIMEOUT: Duration = Duration::from_secs(60);

/// The account that signs.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    pub access: String,
    pub secret: String,
    pub region: String,
}

/// What a server answered.
#[derive(Debug, Clone)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The headers, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: Vec<u8>,
}

impl Response {
    /// The body as text, for messages.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// `path` may carry a query, already encoded and sorted by name; header names are in lower case.
pub(crate) fn send(
    address: &str,
    keys: &Keys,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Result<Response> {
    let now = now();
    let mut all: BTreeMap<String, String> =
        headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    all.insert("host".to_owned(), address.to_owned());
    all.insert("x-amz-date".to_owned(), now.clone());
    all.insert("x-amz-content-sha256".to_owned(), sha256(body));
    let authorization = authorization(keys, &now, method, path, &all);

    let mut request = format!("{method} {path} HTTP/1.1\r\n");
    for (name, value) in &all {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str(&format!("authorization: {authorization}\r\n"));
    request.push_str(&format!("content-length: {}\r\nconnection: close\r\n\r\n", body.len()));

    let mut stream = TcpStream::connect(address).with_context(|| format!("cannot reach {address}"))?;
    stream.set_read_timeout(Some(TIMEOUT)).context("cannot set a timeout")?;
    stream.write_all(request.as_bytes()).and_then(|()| stream.write_all(body)).context("cannot send")?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).context("no whole answer")?;
    parse(&bytes)
}

/// The headers that make a request good for a quarter of an hour, whatever its body.
pub(crate) fn sign(address: &str, keys: &Keys, method: &str, path: &str) -> Vec<(String, String)> {
    let now = now();
    let mut all = BTreeMap::from(
        [("host", address), ("x-amz-date", &now), ("x-amz-content-sha256", "UNSIGNED-PAYLOAD")]
            .map(|(name, value)| (name.to_owned(), value.to_owned())),
    );
    let authorization = authorization(keys, &now, method, path, &all);
    all.insert("authorization".to_owned(), authorization);
    all.into_iter().collect()
}

fn authorization(
    keys: &Keys,
    now: &str,
    method: &str,
    path: &str,
    headers: &BTreeMap<String, String>,
) -> String {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let names: Vec<&str> = headers.keys().map(String::as_str).collect();
    let names = names.join(";");
    let lines: String = headers.iter().map(|(name, value)| format!("{name}:{}\n", value.trim())).collect();
    let digest = &headers["x-amz-content-sha256"];
    let canonical = format!("{method}\n{path}\n{query}\n{lines}\n{names}\n{digest}");
    let day = &now[..8];
    let scope = format!("{day}/{}/s3/aws4_request", keys.region);
    let to_sign = format!("AWS4-HMAC-SHA256\n{now}\n{scope}\n{}", sha256(canonical.as_bytes()));
    let mut key = format!("AWS4{}", keys.secret).into_bytes();
    for part in [day, &keys.region, "s3", "aws4_request", &to_sign] {
        key = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), part.as_bytes()).as_ref().to_vec();
    }
    let access = &keys.access;
    format!("AWS4-HMAC-SHA256 Credential={access}/{scope}, SignedHeaders={names}, Signature={}", hex(&key))
}

fn parse(bytes: &[u8]) -> Result<Response> {
    let at = bytes.windows(4).position(|window| window == b"\r\n\r\n").context("no end of the headers")?;
    let head = str::from_utf8(&bytes[..at]).context("headers that are no text")?;
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).context("no status line")?;
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    if headers.contains_key("transfer-encoding") {
        bail!("an answer in chunks, which is not understood here");
    }
    Ok(Response { status: status.parse().context("no status")?, headers, body: bytes[at + 4..].to_vec() })
}

#[expect(clippy::disallowed_methods, reason = "the server refuses a signature that is not of now")]
fn now() -> String {
    jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string()
}

fn sha256(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The published example "GET Object" of the signature's documentation.
    #[test]
    fn signs_as_the_documentation_does() {
        let keys = Keys {
            access: "AKIAIOSFODNN7EXAMPLE".to_owned(),
            secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned(),
            region: "us-east-1".to_owned(),
        };
        let headers = BTreeMap::from(
            [
                ("host", "examplebucket.s3.amazonaws.com"),
                ("range", "bytes=0-9"),
                ("x-amz-content-sha256", &sha256(b"")),
                ("x-amz-date", "20130524T000000Z"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned())),
        );
        let header = authorization(&keys, "20130524T000000Z", "GET", "/test.txt", &headers);
        assert!(
            header.ends_with("f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"),
            "{header}"
        );
    }
}
