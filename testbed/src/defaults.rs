//! The program `defaults`: what an API server keeps of an object, asked without one.

use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::family::Family;
use crate::parts_or_skip;
use crate::program::{bounded, output};

/// The program, built.
#[derive(Debug, Clone)]
pub struct Defaults(PathBuf);

/// What becomes of one object.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    /// The object as the server gives it back, or why it does not take it.
    pub object: Result<Value, String>,
    /// What the strict decoder finds: unknown fields, and fields that stand twice.
    pub strict: Vec<String>,
}

impl Defaults {
    /// The program, or `None` after saying what is skipped.
    ///
    /// # Panics
    /// If it cannot be built; with `CI=true` also if it is missing.
    pub fn or_skip() -> Option<Defaults> {
        let parts = parts_or_skip(&[Family::Defaults])?;
        Some(Defaults(
            parts.program(Family::Defaults, "defaults").expect("invariant: the family was just built"),
        ))
    }

    /// The kinds it knows, as `apps/v1/Deployment` or `/v1/Pod`.
    ///
    /// # Errors
    /// If it fails.
    pub fn kinds(&self) -> Result<Vec<String>> {
        Ok(output(bounded(&self.0).arg("kinds"), None)?.lines().map(str::to_owned).collect())
    }

    /// What is kept of each body, which is JSON on one line.
    ///
    /// # Errors
    /// If the program fails; not if it takes none of the bodies.
    pub fn keep(&self, bodies: &[String]) -> Result<Vec<Kept>> {
        let printed = output(&mut bounded(&self.0), Some((bodies.join("\n") + "\n").as_bytes()))?;
        let kept: Vec<Kept> = printed.lines().map(read).collect::<Result<_>>()?;
        ensure!(kept.len() == bodies.len(), "{} answers to {} bodies", kept.len(), bodies.len());
        Ok(kept)
    }
}

fn read(line: &str) -> Result<Kept> {
    let mut answer: Value = serde_json::from_str(line).with_context(|| format!("no JSON: {line}"))?;
    let strict = answer["strict"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let strict = strict.map(str::to_owned).collect();
    let object = match answer["error"].as_str() {
        Some(error) => Err(error.to_owned()),
        None => Ok(answer["object"].take()),
    };
    Ok(Kept { object, strict })
}
