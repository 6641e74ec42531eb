//! etcd clusters: what was seen of one ([`Observation`]), what is wrong with it ([`check()`]), and what is to be done
//! about a fragmented database or a raised alarm ([`plan_defrag`], [`plan_disarm`]).
//!
//! All of it is a function of what was seen. It refuses to take what was not seen for healthy: a member that did not
//! answer is a finding, and counts as lost wherever members are counted.

mod check;
mod observation;
mod plan;

pub use check::{Limits, Verdict, check, verdict};
pub use observation::{Alarm, AlarmKind, Id, Member, Observation, Quorum, Read, Sight, Status};
pub use plan::{DefragRequest, DisarmRequest, Reach, Refused, plan_defrag, plan_disarm};
