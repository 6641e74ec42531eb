//! Where in a body the decoder is, as its errors say it (`sigs.k8s.io/json`, internal/golang/encoding/json/decode.go and
//! kubernetes_patch.go, 20250730).
//!
//! Type errors name the Go struct and the path without indexes and keys; strict errors name the path with them.

use std::fmt::Write as _;

use daytwo_etcd::kube::types::{Field, Struct};

/// One step down.
#[derive(Debug, Clone)]
pub(super) enum Step {
    /// Into a field of a struct.
    Field(&'static Struct, &'static Field),
    /// Into an element of a list.
    Index(usize),
    /// Into a value of a map.
    Key(String),
}

/// The steps from the object down.
#[derive(Debug, Default)]
pub(super) struct Path(Vec<Step>);

impl Path {
    pub(super) fn push(&mut self, step: Step) {
        self.0.push(step);
    }

    pub(super) fn pop(&mut self) {
        self.0.pop();
    }

    pub(super) fn depth(&self) -> usize {
        self.0.len()
    }

    /// A value of some JSON type where Go has a type `go`.
    pub(super) fn mismatch(&self, found: &str, go: &str) -> String {
        let owner = self.0.iter().rev().find_map(|step| match step {
            Step::Field(owner, _) => Some(owner.name),
            _ => None,
        });
        let Some(owner) = owner else {
            return format!("json: cannot unmarshal {found} into Go value of type {go}");
        };
        let mut names: Vec<&str> = Vec::new();
        for step in &self.0 {
            if let Step::Field(_, field) = step {
                names.extend(field.within.as_deref());
                names.push(field.name);
            }
        }
        format!(
            "json: cannot unmarshal {found} into Go struct field {owner}.{} of type {go}",
            names.join(".")
        )
    }

    /// `spec.containers[0].env`, and a name in it.
    pub(super) fn to(&self, name: &str) -> String {
        let mut shown = self.shown();
        join(&mut shown, name);
        shown
    }

    /// `spec.containers[0].env`.
    pub(super) fn shown(&self) -> String {
        let mut shown = String::new();
        for step in &self.0 {
            match step {
                Step::Field(_, field) => join(&mut shown, field.name),
                Step::Key(key) => join(&mut shown, key),
                Step::Index(index) => {
                    write!(shown, "[{index}]").expect("invariant: text takes all that is written");
                }
            }
        }
        shown
    }
}

/// Goes on to a name.
fn join(path: &mut String, name: &str) {
    if !path.is_empty() {
        path.push('.');
    }
    path.push_str(name);
}
