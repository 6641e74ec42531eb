//! The name a backup gets where nobody gives one: the context and the time, made valid.

use daytwo_archive::BackupName;
use jiff::Timestamp;

/// `CONTEXT-YYYYMMDDhhmmss` in UTC, as Velero names the backups of a schedule. Of a context that is a path (`arn:…/name`)
/// the last part is used.
pub fn default_name(context: &str, now: Timestamp) -> BackupName {
    let stamp = now.strftime("%Y%m%d%H%M%S").to_string();
    let last = context.rsplit('/').next().unwrap_or_default().to_lowercase();
    let mut clean = String::new();
    for c in last.chars() {
        let c = if c.is_ascii_alphanumeric() { c } else { '-' };
        if c != '-' || !(clean.is_empty() || clean.ends_with('-')) {
            clean.push(c);
        }
    }
    clean.truncate(BackupName::MAX - stamp.len() - 1);
    let clean = clean.trim_end_matches('-');
    let name = if clean.is_empty() { format!("backup-{stamp}") } else { format!("{clean}-{stamp}") };
    BackupName::try_from(name.as_str())
        .expect("invariant: lower-case letters, digits and single dashes within 63")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_context_makes_a_valid_name() {
        let now: Timestamp = "2026-11-21T06:05:04Z".parse().unwrap();
        for (context, name) in [
            ("lab", "lab-20261121060504"),
            ("kubernetes-admin@kubernetes", "kubernetes-admin-kubernetes-20261121060504"),
            ("arn:aws:eks:eu-central-1:1:cluster/Prod_A", "prod-a-20261121060504"),
            ("--x--", "x-20261121060504"),
            ("", "backup-20261121060504"),
            ("///", "backup-20261121060504"),
            ("日本", "backup-20261121060504"),
        ] {
            assert_eq!(default_name(context, now).as_str(), name);
        }
        assert_eq!(default_name(&"a".repeat(300), now).as_str().len(), 63);
    }
}
