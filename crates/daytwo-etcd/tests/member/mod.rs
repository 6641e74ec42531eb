//! A real etcd of one member, spoken to through `etcdctl` and its JSON gateway, which needs no process for each request.

#![allow(dead_code, reason = "each test file uses some of it")]

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use testbed::nest::Nest;
use testbed::{Family, Parts};

const DEADLINE: Duration = Duration::from_secs(60);

pub struct Member {
    pub nest: Nest,
    pub parts: Parts,
    pub family: Family,
    pub client: String,
    pub data_dir: PathBuf,
}

impl Member {
    /// A new one of `family`; `others` are parts a test needs beside it. `None` after saying what is skipped.
    pub fn start(family: Family, others: &[Family]) -> Option<Member> {
        let families: Vec<Family> = [family].iter().chain(others).copied().collect();
        let parts = testbed::parts_or_skip(&families)?;
        for _ in 0..5 {
            let nest = Nest::new("member").unwrap();
            let data_dir = nest.folder().join("data");
            let mut member = Member {
                nest,
                parts: parts.clone(),
                family,
                client: format!("127.0.0.1:{}", port()),
                data_dir,
            };
            if member.run() {
                return Some(member);
            }
        }
        panic!("etcd does not start");
    }

    fn run(&mut self) -> bool {
        let (client, peer) = (format!("http://{}", self.client), format!("http://127.0.0.1:{}", port()));
        let mut etcd = Command::new(self.program("etcd"));
        etcd.args(["--name=m", "--unsafe-no-fsync", "--log-level=warn", "--data-dir"]).arg(&self.data_dir);
        etcd.args(["--listen-client-urls", &client, "--advertise-client-urls", &client]);
        etcd.args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer]);
        etcd.args(["--initial-cluster", &format!("m={peer}")]);
        self.nest.spawn("etcd", &mut etcd).unwrap();
        let ready = testbed::until(DEADLINE, "etcd to answer", || {
            self.nest.check("etcd")?;
            let body = json!({"key": STANDARD.encode("x")});
            Ok(post(&self.client, "/v3/kv/range", &body).filter(|answer| answer.get("header").is_some()))
        });
        ready.is_ok()
    }

    /// Ends it as an orderly stop does: what it holds is written to its database.
    pub fn stop(&mut self) {
        self.nest.terminate("etcd", DEADLINE).unwrap();
    }

    pub fn program(&self, name: &str) -> PathBuf {
        self.parts.program(self.family, name).unwrap()
    }

    pub fn ctl(&self, args: &[&str]) -> String {
        output(Command::new(self.program("etcdctl")).args(["--endpoints", &self.client]).args(args))
    }

    /// The gateway's answer, which must not be an error.
    pub fn call(&self, path: &str, body: &Value) -> Value {
        let answer = post(&self.client, path, body).expect("the gateway answers");
        assert!(answer.get("error").is_none(), "{path} {body}: {answer}");
        answer
    }

    pub fn save(&self, name: &str) -> PathBuf {
        let path = self.nest.folder().join(name);
        self.ctl(&["snapshot", "save", path.to_str().unwrap()]);
        path
    }

    pub fn revision(&self) -> i64 {
        let answer = self.call("/v3/kv/range", &json!({"key": base64("x")}));
        number(&answer["header"]["revision"])
    }
}

/// What a command printed, which must not fail.
pub fn output(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {} {said}", output.status);
    String::from_utf8(output.stdout).unwrap()
}

/// `etcdutl ARGS FILE --write-out=json`.
pub fn utl(parts: &Parts, family: Family, args: &[&str], file: &Path) -> Value {
    let program = parts.program(family, "etcdutl").unwrap();
    let printed = output(Command::new(program).args(args).arg(file).arg("--write-out=json"));
    serde_json::from_str(&printed).unwrap()
}

pub fn base64(bytes: impl AsRef<[u8]>) -> String {
    STANDARD.encode(bytes)
}

pub fn decoded(value: &Value) -> Vec<u8> {
    STANDARD.decode(value.as_str().unwrap_or_default()).unwrap()
}

/// The gateway prints numbers of 64 bits as text, and leaves out zero.
pub fn number(value: &Value) -> i64 {
    match value {
        Value::String(text) => text.parse().unwrap(),
        Value::Number(number) => number.as_i64().unwrap(),
        _ => 0,
    }
}

/// HTTP/1.0, so that the answer ends with the connection.
fn post(address: &str, path: &str, body: &Value) -> Option<Value> {
    let body = body.to_string();
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    write!(stream, "POST {path} HTTP/1.0\r\nContent-Length: {}\r\n\r\n{body}", body.len()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (_, body) = answer.split_once("\r\n\r\n")?;
    serde_json::from_str(body).ok()
}

fn port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
