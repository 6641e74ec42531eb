//! Writes at random, over few enough places that they meet.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

pub const SPACES: [&str; 2] = ["one", "two"];
pub const NAMES: [&str; 4] = ["a", "b", "c", "d"];
pub const LABELS: [&str; 3] = ["red", "green", "blue"];

/// Kinds that hold nothing but what they are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Map,
    Secret,
    /// In no namespace.
    Role,
}

impl Kind {
    pub const ALL: [Kind; 3] = [Kind::Map, Kind::Secret, Kind::Role];

    /// Group and version, kind, plural.
    pub fn words(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Kind::Map => ("v1", "ConfigMap", "configmaps"),
            Kind::Secret => ("v1", "Secret", "secrets"),
            Kind::Role => ("rbac.authorization.k8s.io/v1", "ClusterRole", "clusterroles"),
        }
    }
}

/// Where an object is, or may be.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    pub kind: Kind,
    pub space: &'static str,
    pub name: &'static str,
}

/// A reference to an owner.
#[derive(Debug, Clone, Copy)]
pub struct Owner {
    pub place: Place,
    pub blocks: bool,
    /// Whether it is to an object that once was there, and has gone.
    pub gone: bool,
}

/// One write.
#[derive(Debug, Clone)]
pub enum Step {
    MakeSpace(&'static str),
    EndSpace(&'static str),
    Create {
        place: Place,
        label: &'static str,
        owners: Vec<Owner>,
        held: bool,
    },
    Label {
        place: Place,
        label: &'static str,
    },
    Own {
        place: Place,
        owners: Vec<Owner>,
    },
    /// Takes its finalizers off.
    Free(Place),
    Delete {
        place: Place,
        policy: Option<&'static str>,
    },
    DeleteMany {
        kind: Kind,
        space: &'static str,
        label: &'static str,
    },
}

impl Step {
    /// What ends all that is there: nothing holds anything, and all namespaces go.
    pub fn ending() -> Vec<Step> {
        let mut steps: Vec<Step> = SPACES.map(Step::EndSpace).into();
        // A finalizer that is taken off lets go of one object; what waited for that one may be held as well.
        for _ in 0..NAMES.len() {
            for kind in Kind::ALL {
                for space in SPACES {
                    steps.extend(NAMES.map(|name| Step::Free(Place { kind, space, name })));
                }
            }
        }
        steps
    }
}

fn place() -> impl Strategy<Value = Place> {
    (
        prop::sample::select(&Kind::ALL[..]),
        prop::sample::select(&SPACES[..]),
        prop::sample::select(&NAMES[..]),
    )
        .prop_map(|(kind, space, name)| Place { kind, space, name })
}

fn owners() -> impl Strategy<Value = Vec<Owner>> {
    let owner = (place(), any::<bool>(), prop::bool::weighted(0.2));
    vec(owner.prop_map(|(place, blocks, gone)| Owner { place, blocks, gone }), 0..3)
}

fn label() -> impl Strategy<Value = &'static str> {
    prop::sample::select(&LABELS[..])
}

fn step() -> impl Strategy<Value = Step> {
    let space = || prop::sample::select(&SPACES[..]);
    let policy = option::of(prop::sample::select(&["Background", "Foreground", "Orphan"][..]));
    let kind = prop::sample::select(&[Kind::Map, Kind::Secret][..]);
    prop_oneof![
        1 => space().prop_map(Step::MakeSpace),
        1 => space().prop_map(Step::EndSpace),
        12 => (place(), label(), owners(), prop::bool::weighted(0.2))
            .prop_map(|(place, label, owners, held)| Step::Create { place, label, owners, held }),
        5 => (place(), label()).prop_map(|(place, label)| Step::Label { place, label }),
        4 => (place(), owners()).prop_map(|(place, owners)| Step::Own { place, owners }),
        4 => place().prop_map(Step::Free),
        7 => (place(), policy).prop_map(|(place, policy)| Step::Delete { place, policy }),
        1 => (kind, space(), label()).prop_map(|(kind, space, label)| Step::DeleteMany { kind, space, label }),
    ]
}

/// Some steps.
pub fn some() -> impl Strategy<Value = Vec<Step>> {
    vec(step(), 1..40)
}
