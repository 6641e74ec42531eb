//! Runs the program in a home folder of its own, with an environment of its own.

use std::path::Path;
use std::process::{Command, Stdio};

use testbed::nest::Nest;

/// A person with an empty home folder.
pub struct Person {
    home: Nest,
    environment: Vec<(String, String)>,
}

/// What a run left.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Person {
    pub fn new() -> Self {
        Self { home: Nest::new("person").expect("a folder"), environment: Vec::new() }
    }

    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn home(&self) -> &Path {
        self.home.folder()
    }

    /// The program, ready to run in the home folder.
    pub fn command<'a>(&self, words: impl IntoIterator<Item = &'a str>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_daytwo"));
        let (mark, nest) = self.home.mark();
        command
            .args(words)
            .current_dir(self.home())
            .env_clear()
            .env(mark, nest)
            .env("HOME", self.home())
            .env("KUBECONFIG", self.home().join("no-kubeconfig"))
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        command
    }

    /// Runs a command line split at spaces.
    pub fn run(&self, line: &str) -> Ran {
        self.words(line.split_whitespace())
    }

    /// Runs words that may hold spaces.
    pub fn words<'a>(&self, words: impl IntoIterator<Item = &'a str>) -> Ran {
        let output = self.command(words).output().expect("the program starts");
        Ran {
            code: output.status.code().expect("ended by itself"),
            stdout: String::from_utf8(output.stdout).expect("text"),
            stderr: String::from_utf8(output.stderr).expect("text"),
        }
    }
}

impl Ran {
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }

    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(self.stderr.contains(text), "{text:?} is not in {}", self.stderr);
        self
    }

    #[track_caller]
    pub fn prints(self, text: &str) -> Self {
        assert!(self.stdout.contains(text), "{text:?} is not in {}", self.stdout);
        self
    }

    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}", self.stdout))
    }
}

impl Person {
    /// Runs a command line in a terminal, by util-linux' `script`; `None` where there is none.
    pub fn script(&self, line: &str) -> Option<String> {
        let output = Command::new("script")
            .args(["-qec", line, "/dev/null"])
            .current_dir(self.home())
            .env_remove("NO_COLOR")
            .env("HOME", self.home())
            .stdin(Stdio::null())
            .output()
            .ok()?;
        Some(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}
