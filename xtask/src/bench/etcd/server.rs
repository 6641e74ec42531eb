//! A real etcd of one member, and what it takes to see one key of a snapshot with it.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use ::testbed::nest::Nest;
use ::testbed::{Family, Parts, until};
use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use crate::bench::ground::finished;
use crate::bench::measure::Sample;

const READY: Duration = Duration::from_secs(120);

/// A running member; dropping it ends it.
pub struct Etcd {
    nest: Nest,
    client: String,
    etcdctl: PathBuf,
}

impl Etcd {
    /// Starts one on `data_dir`, which may be there or not. It may not answer yet.
    pub fn start(parts: &Parts, data_dir: &Path) -> Result<Etcd> {
        let mut nest = Nest::new("bench-etcd")?;
        let [client, peer] = [port()?, port()?].map(|port| format!("127.0.0.1:{port}"));
        let (client_url, peer_url) = (format!("http://{client}"), format!("http://{peer}"));
        let mut command = Command::new(parts.program(Family::Etcd, "etcd")?);
        command.args([
            "--name=m",
            "--unsafe-no-fsync",
            "--log-level=error",
            "--quota-backend-bytes=8000000000",
        ]);
        command.args(["--max-txn-ops=1000", "--max-request-bytes=8000000", "--data-dir"]).arg(data_dir);
        command.args(["--listen-client-urls", &client_url, "--advertise-client-urls", &client_url]);
        command.args(["--listen-peer-urls", &peer_url, "--initial-advertise-peer-urls", &peer_url]);
        command.arg("--initial-cluster").arg(format!("m={peer_url}"));
        nest.spawn("etcd", &mut command)?;
        Ok(Etcd { nest, client, etcdctl: parts.program(Family::Etcd, "etcdctl")? })
    }

    /// Where it answers clients.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.client)
    }

    /// Waits until `ask` has an answer.
    pub fn until<T>(&mut self, ask: impl Fn(&Etcd) -> Result<T>) -> Result<T> {
        let answer = until(READY, "etcd to answer", || {
            self.nest.check_all()?;
            Ok(ask(self).ok())
        });
        answer.map_err(|error| self.nest.explain(&error))
    }

    /// `etcdctl`, at this member.
    pub fn ctl(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.etcdctl);
        command.args(["--endpoints", &self.client]).args(args);
        command
    }

    /// One request to the JSON gateway. HTTP/1.0: the answer ends with the connection.
    pub fn post(&self, path: &str, body: &Value) -> Result<Value> {
        let body = body.to_string();
        let mut stream = TcpStream::connect(&self.client).context("cannot connect to etcd")?;
        write!(stream, "POST {path} HTTP/1.0\r\nContent-Length: {}\r\n\r\n{body}", body.len())
            .context("cannot write to etcd")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).context("cannot read from etcd")?;
        let (_, body) = answer.split_once("\r\n\r\n").context("etcd's answer has no body")?;
        let value: Value = serde_json::from_str(body).context("etcd's answer is no JSON")?;
        match value.get("error") {
            None => Ok(value),
            Some(error) => bail!("etcd refuses {path}: {error}"),
        }
    }
}

/// Restores `file`, starts etcd on it and gets `key`: how long that takes together.
pub fn otherwise(folder: &Path, parts: &Parts, file: &Path, key: &str) -> Result<Sample> {
    let data_dir = folder.join("otherwise");
    let begin = Instant::now();
    let mut restore = Command::new(parts.program(Family::Etcd, "etcdutl")?);
    restore.args(["snapshot", "restore", "--data-dir"]).arg(&data_dir).arg(file);
    finished(&mut restore)?;
    // A restored member knows its own URLs for others, and is alone: nobody asks for them.
    let mut etcd = Etcd::start(parts, &data_dir)?;
    etcd.until(|etcd| etcd.post("/v3/kv/range", &json!({"key": "eA=="})).map(drop))?;
    finished(&mut etcd.ctl(&["get", "--command-timeout=60s", key]))?;
    let wall = begin.elapsed().as_secs_f64();
    drop(etcd);
    fs::remove_dir_all(&data_dir).with_context(|| format!("cannot remove {}", data_dir.display()))?;
    Ok(Sample { wall, cpu: 0.0, server_cpu: 0.0, peak_rss: 0.0 })
}

fn port() -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").context("no port is free")?;
    Ok(listener.local_addr().context("no port is free")?.port())
}
