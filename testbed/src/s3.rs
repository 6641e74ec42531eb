//! An S3 server over a folder (versitygw): conditional writes as S3 does them, versions, object locks, TLS.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use ring::rand::{SecureRandom as _, SystemRandom};

use crate::build::{Parts, build};
use crate::certs::Ca;
use crate::family::Family;
use crate::nest::Nest;
use crate::s3_request::{self, Keys, Response};
use crate::wait::until;
use crate::{port, say};

const PROGRAM: &str = "versitygw";
const READY: Duration = Duration::from_secs(60);
const ATTEMPTS: u32 = 5;
const REGION: &str = "us-east-1";

/// A running S3 server; dropping it ends it and removes its folder, buckets and all.
#[derive(Debug)]
pub struct S3 {
    buckets: PathBuf,
    address: String,
    ca_file: Option<PathBuf>,
    keys: Keys,
    nest: Nest,
}

/// Chooses what [`S3Builder::start`] starts.
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct S3Builder {
    tls: bool,
    folder: Option<PathBuf>,
}

impl S3Builder {
    /// Whether it speaks HTTPS, with a certificate of an authority of its own. Default: plain HTTP.
    pub fn tls(mut self, on: bool) -> Self {
        self.tls = on;
        self
    }

    /// Where it keeps its files; the folder must not exist. Default: a temporary one.
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// Starts it, and returns once it answers.
    ///
    /// # Errors
    /// If it cannot be built, or does not answer within a minute: with the end of its log.
    pub fn start(&self) -> Result<S3> {
        let parts = build(&[Family::S3])?;
        let mut attempt = 1;
        loop {
            match S3::launch(self, &parts) {
                Err(error) if attempt < ATTEMPTS && port::taken(&error) => {
                    say("a port was taken meanwhile; starting again with another");
                    attempt += 1;
                }
                result => return result,
            }
        }
    }
}

impl S3 {
    /// Over plain HTTP, with fresh credentials and no buckets.
    ///
    /// # Errors
    /// If it cannot be built, or does not answer within a minute: with the end of its log.
    pub fn start() -> Result<S3> {
        S3::builder().start()
    }

    /// To choose how it runs.
    pub fn builder() -> S3Builder {
        S3Builder::default()
    }

    fn launch(builder: &S3Builder, parts: &Parts) -> Result<S3> {
        let mut nest = match &builder.folder {
            Some(folder) => Nest::at(folder)?,
            None => Nest::new("s3")?,
        };
        let folder = nest.folder().to_owned();
        let [port] = port::free()?;
        let address = format!("127.0.0.1:{port}");
        let keys = Keys { access: random(10)?, secret: random(20)?, region: REGION.to_owned() };
        let mut command = Command::new(parts.program(Family::S3, PROGRAM)?);
        command
            .env("ROOT_ACCESS_KEY", &keys.access)
            .env("ROOT_SECRET_KEY", &keys.secret)
            .args(["--port", &address, "--region", REGION]);
        let mut ca_file = None;
        if builder.tls {
            let ca = Ca::new("testbed-s3")?;
            let files = ca.server(&["127.0.0.1", "localhost"])?.write(&folder, "s3")?;
            command.arg("--cert").arg(files.cert).arg("--key").arg(files.key);
            ca_file = Some(nest.write("ca.crt", ca.pem())?);
        }
        command.arg("posix");
        // Beside the objects, as not every file system holds extended attributes.
        for (flag, name) in [("--sidecar", "attributes"), ("--versioning-dir", "versions")] {
            let path = folder.join(name);
            fs::create_dir(&path).with_context(|| format!("cannot create {}", path.display()))?;
            command.arg(flag).arg(path);
        }
        let buckets = folder.join("buckets");
        fs::create_dir(&buckets).with_context(|| format!("cannot create {}", buckets.display()))?;
        nest.spawn(PROGRAM, command.arg(&buckets))?;
        let mut s3 = S3 { buckets, address, ca_file, keys, nest };
        until(READY, "the S3 server to listen", || {
            s3.nest.check_all()?;
            Ok(std::net::TcpStream::connect(&s3.address).ok())
        })
        .map_err(|error| s3.nest.explain(&error))?;
        Ok(s3)
    }

    /// `http://127.0.0.1:PORT`, or https. Buckets are named in the path.
    pub fn endpoint(&self) -> String {
        let scheme = if self.ca_file.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// The id of the only account.
    pub fn access_key(&self) -> &str {
        &self.keys.access
    }

    /// The secret of the only account.
    pub fn secret_key(&self) -> &str {
        &self.keys.secret
    }

    /// Always `us-east-1`.
    pub fn region(&self) -> &str {
        &self.keys.region
    }

    /// The certificate to trust, where it speaks HTTPS.
    pub fn ca_file(&self) -> Option<&Path> {
        self.ca_file.as_deref()
    }

    /// The folder whose folders are the buckets; an object is a file below, at its key.
    pub fn folder(&self) -> &Path {
        &self.buckets
    }

    /// The variables by which S3 clients find it.
    pub fn env(&self) -> Vec<(&'static str, String)> {
        let mut env = vec![
            ("AWS_ACCESS_KEY_ID", self.keys.access.clone()),
            ("AWS_SECRET_ACCESS_KEY", self.keys.secret.clone()),
            ("AWS_REGION", self.keys.region.clone()),
            ("AWS_ENDPOINT_URL", self.endpoint()),
        ];
        if self.ca_file.is_none() {
            env.push(("AWS_ALLOW_HTTP", "true".to_owned()));
        }
        env
    }

    /// Makes a bucket. Names need three characters, of a-z, 0-9, `.` and `-`.
    ///
    /// # Errors
    /// If it exists, or its name is not allowed.
    pub fn create_bucket(&self, name: &str) -> Result<()> {
        let valid = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.';
        if name.len() < 3 || !name.bytes().all(valid) {
            bail!("{name} is no bucket name");
        }
        fs::create_dir(self.buckets.join(name)).with_context(|| format!("cannot make the bucket {name}"))
    }

    /// Makes a bucket that keeps versions and takes object locks. Over plain HTTP only.
    ///
    /// # Errors
    /// If the server refuses.
    pub fn create_bucket_with_lock(&self, name: &str) -> Result<()> {
        let lock = [("x-amz-bucket-object-lock-enabled", "true")];
        let response = self.request("PUT", &format!("/{name}"), &lock, b"")?;
        if response.status != 200 {
            bail!("cannot make the bucket {name} with a lock: {}: {}", response.status, response.text());
        }
        Ok(())
    }

    /// A signed request, such as `PUT /bucket/key`, over plain HTTP. Any answer of the server is `Ok`.
    ///
    /// # Errors
    /// If the server is out of reach, answers nonsense, or speaks HTTPS.
    pub fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Response> {
        if self.ca_file.is_some() {
            bail!("requests of the testbed's own go over plain HTTP only");
        }
        s3_request::send(&self.address, &self.keys, method, path, headers, body)
    }

    /// The headers by which another client can send such a request, whatever its body, for a quarter of an hour.
    pub fn sign(&self, method: &str, path: &str) -> Vec<(String, String)> {
        s3_request::sign(&self.address, &self.keys, method, path)
    }

    /// Lets it outlive this process; [`crate::nest::end`] of the returned folder ends it.
    ///
    /// # Errors
    /// If its watchdog cannot be called off.
    pub fn leave(self) -> Result<PathBuf> {
        self.nest.leave()
    }
}

/// Hexadecimal digits of that many random bytes.
fn random(bytes: usize) -> Result<String> {
    let mut buffer = vec![0; bytes];
    SystemRandom::new().fill(&mut buffer).ok().context("no randomness")?;
    Ok(s3_request::hex(&buffer))
}
