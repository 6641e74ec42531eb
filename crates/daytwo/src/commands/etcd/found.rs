//! What was found while a file was opened, in words.

use daytwo_etcd::datadir::Beyond;
use daytwo_etcd::kine::Way;
use daytwo_etcd::source::Source;

use crate::output::words;

/// How many keys are named that a member's log holds and its database does not.
const NAMED: usize = 10;

/// What kind of file it is.
pub fn form(source: &Source) -> String {
    let found = source.found();
    match (source.kine(), &found.packed, &found.member) {
        (Some(kine), ..) => match kine.way() {
            Way::Alone => "a K3s database".to_owned(),
            _ => "a K3s database with a write-ahead log".to_owned(),
        },
        (None, Some(packed), _) => {
            format!("a zip with the snapshot {}, {}", packed.name, words::bytes(packed.bytes))
        }
        (None, None, Some(member)) => {
            format!("a member's data directory, {}", member.database.path().display())
        }
        (None, None, None) if source.backend().is_some_and(|backend| backend.tail().is_some()) => {
            "an etcd snapshot".to_owned()
        }
        (None, None, None) => "an etcd database without a sha256 at the end".to_owned(),
    }
}

/// What a reader should know about the choice of file, and what is not in it.
pub fn notes(source: &Source) -> Vec<String> {
    let found = source.found();
    let mut notes = found.notes.clone();
    if let Some(beyond) = found.beyond.as_ref().filter(|beyond| beyond.holds_data()) {
        notes.push(missing(beyond));
    }
    notes
}

/// What a member's log holds that was not applied.
fn missing(beyond: &Beyond) -> String {
    let pending = || beyond.committed.iter().chain(&beyond.undecided);
    let mut keys: Vec<String> = pending()
        .flat_map(|entry| &entry.request.touched)
        .map(|touched| String::from_utf8_lossy(&touched.key).into_owned())
        .collect();
    keys.sort();
    keys.dedup();
    let more = keys.len().saturating_sub(NAMED);
    keys.truncate(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let undecided = match beyond.undecided.len() {
        0 => String::new(),
        count => format!(" ({count} of them not known to be decided)"),
    };
    format!(
        "the member's log holds {} that the database does not and that {} not applied{undecided}: {}{more}. Nothing is \
         lost if that member is started once with --force-new-cluster and a snapshot is taken of it",
        words::count(beyond.data_entries() as u64, "change"),
        if beyond.data_entries() == 1 { "was" } else { "were" },
        keys.join(", "),
    )
}
