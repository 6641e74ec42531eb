//! Settings as people write them: files of eight kinds, each with its own values in every object.
//!
//! How long compressing takes, and to what size, depends on the text. Words drawn at random are not like
//! anyone's ConfigMaps: they repeat by chance everywhere, and nowhere for long.

use super::chance::Chance;

/// The bytes of settings in a ConfigMap.
pub const LENGTH: usize = 1024;

/// Between two `@` stands what a value is, see [`value`].
const FILES: [(&str, &str); 8] = [
    ("application.yaml", include_str!("settings/application.yaml")),
    ("dashboard.json", include_str!("settings/dashboard.json")),
    ("logback.xml", include_str!("settings/logback.xml")),
    ("nginx.conf", include_str!("settings/nginx.conf")),
    ("rules.yaml", include_str!("settings/rules.yaml")),
    ("service.env", include_str!("settings/service.env")),
    ("service.toml", include_str!("settings/service.toml")),
    ("start.sh", include_str!("settings/start.sh")),
];

const HOSTS: [&str; 16] = [
    "postgres", "redis", "kafka", "search", "gateway", "auth", "billing", "catalog", "orders", "payments",
    "shipping", "users", "mail", "media", "reports", "metrics",
];

/// A file's name, and the first [`LENGTH`] bytes of it with values that `chance` gives.
pub fn file(chance: &mut Chance) -> (&'static str, String) {
    let (name, text) = FILES[chance.below(FILES.len())];
    let mut filled = String::with_capacity(2 * LENGTH);
    for (at, part) in text.split('@').enumerate() {
        if at % 2 == 0 { filled.push_str(part) } else { filled.push_str(&value(part, chance)) }
    }
    filled.truncate(LENGTH);
    (name, filled)
}

fn value(what: &str, chance: &mut Chance) -> String {
    match what {
        "number" => chance.below(100).to_string(),
        "port" => (1024 + chance.below(50_000)).to_string(),
        "duration" => format!("{}{}", 1 + chance.below(59), ["s", "m", "h"][chance.below(3)]),
        "bool" => ["false", "true"][chance.below(2)].to_owned(),
        "hex" => format!("{:016x}", chance.next()),
        "version" => format!("{}.{}.{}", chance.below(9), chance.below(40), chance.below(20)),
        "host" => {
            let (host, namespace) = (HOSTS[chance.below(HOSTS.len())], chance.below(40));
            format!("{host}-{}.team-{namespace}.svc.cluster.local", chance.below(10))
        }
        _ => unreachable!("a file with a mark that is none: {what}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_long_enough_and_has_no_mark_left() {
        for seed in 0..200 {
            let (name, text) = file(&mut Chance::new(seed));
            assert_eq!(text.len(), LENGTH, "{name}");
            for mark in ["number", "port", "host", "hex", "duration", "bool", "version"] {
                assert!(!text.contains(&format!("@{mark}@")), "{name}: {mark}");
            }
        }
    }
}
