//! What the plan tells of conversions: how many objects of each kind come at another version, and which stay behind. It
//! refuses to name each that went well.

use std::collections::BTreeMap;

use super::Conversion;
use crate::finding::{Finding, Severity};
use crate::resource::ObjectKey;

/// The API versions from and to, and the resource.
type Way = (String, String, String);

/// Conversions, counted.
#[derive(Debug, Default)]
pub(in crate::restore) struct Moves {
    made: BTreeMap<Way, u64>,
    /// By what keeps them: how many, and the first.
    stay: BTreeMap<(Way, String), (u64, ObjectKey)>,
}

impl Moves {
    /// `object` was brought over.
    pub fn converted(&mut self, conversion: &Conversion, object: &ObjectKey) {
        *self.made.entry(way(conversion, object)).or_default() += 1;
    }

    /// `object` stays behind.
    pub fn stays(&mut self, conversion: &Conversion, object: &ObjectKey, why: &str) {
        let entry = self.stay.entry((way(conversion, object), why.to_owned()));
        entry.or_insert_with(|| (0, object.clone())).0 += 1;
    }

    /// What a person should know of them.
    pub fn findings(&self) -> Vec<Finding> {
        let made = self.made.iter().map(|((from, to, resource), count)| Finding {
            id: "restore-converted".to_owned(),
            severity: Severity::Info,
            subject: resource.clone(),
            evidence: format!("the backup has {count} at {from}; they are restored at {to}"),
            breaks: format!("manifests and programs that ask for {from} find nothing in this cluster"),
            remedy: format!("have them ask for {to}"),
            command: None,
        });
        let stay = self.stay.iter().map(|(((from, to, _), why), (count, first))| Finding {
            id: "restore-not-expressible".to_owned(),
            severity: Severity::Warning,
            subject: first.to_string(),
            evidence: format!("{why}; so it is for {count} objects at {from}"),
            breaks: format!("they are not restored: {to} cannot say what they say"),
            remedy: format!("make them anew at {to}, or change that where they are and back up again"),
            command: None,
        });
        made.chain(stay).collect()
    }
}

fn way(conversion: &Conversion, object: &ObjectKey) -> Way {
    (conversion.from().api_version(), conversion.to().api_version(), object.resource.clone())
}
