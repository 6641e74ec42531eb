//! Decides what a restore does with each object of a backup; the engine does it.
//!
//! A restore reads a backup twice. [`Census`] gathers what the backup holds that decides over other objects (which
//! volumes, which claims, which definitions). [`Rules`], made of the request, the census and what was seen of the
//! [`Target`], then judge each object by itself: [`Rules::judge`] says what becomes of it and in which [`Wave`],
//! [`Rules::prepare`] edits its bytes for writing, [`Rules::content`] gives what two copies are compared by.
//!
//! What a restore refuses to do: write what a server, a node or a controller makes by itself; start again what had
//! finished; bring back a claim without its data as if nothing were missing; change an object that exists, unless asked to, but for a
//! ServiceAccount `default` as the controller makes it. Restored objects get no labels of their own: nothing in them
//! tells that they were restored.

mod access;
mod ask;
mod available;
mod barrier;
mod census;
mod changes;
mod content;
mod convert;
mod fates;
mod fixed;
mod later;
mod next;
pub mod order;
mod owned;
mod pace;
mod parked;
mod planner;
mod preflight;
mod prepare;
pub mod probe;
mod prune;
pub mod reason;
mod references;
mod report;
mod request;
mod rules;
mod skip;
mod tally;
mod target;
mod view;

pub use access::{Grants, Need, Needs, Rule, Wanted, not_allowed, rules_of, unknown};
pub use ask::{Asked, NotAsked, Sampler, Scope, Unasked, lacking, may_be_lacking};
pub use available::Availability;
pub use barrier::{Barrier, acting_webhook, silent_webhook};
pub use census::{Census, DataElsewhere, Volumes, drivers_of};
pub use changes::{
    AnnotationError, Annotations, Changes, ClassError, ClassMapping, ImageError, ImageMapping, Modifiers,
    ModifiersError, StatusChoice, Unfit,
};
pub use convert::{Conversion, Converted, Unconvertible};
pub use fates::Fates;
pub use fixed::Fixed;
pub use later::{Later, Owner, UNFINISHED_MARK};
pub use order::Wave;
pub use pace::Pace;
pub use parked::{PARKED_MARK, by_hand, is_webhooks, parked, refuses, release, webhook_name, webhooks};
pub use planner::{Decided, Planned, Planner, There};
pub use preflight::{Definition, Ground, Hook, LimitRange, Quota, is_default_class, outside};
pub use prepare::{FINISHED_MARK, How, RECLAIM_MARK, Write, address_fallback};
pub use prune::{Complete, holds_data, prune_order};
pub use report::{Report, ReportKind, State, WaveReport};
pub use request::{Differs, Existing, NamespaceMapping, Request, VeleroRecord, Waits, Webhooks};
pub use rules::{Rules, Source, Verdict};
pub use skip::Skip;
pub use tally::{Action, Counts, Failed, Noted, SkippedGroup, Tally};
pub use target::{ServedKind, Target, VolumeState};
