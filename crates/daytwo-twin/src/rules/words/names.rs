//! Formats of names and labels (`k8s.io/apimachinery/pkg/util/validation`, `.../pkg/api/validate/content`; v0.36).

use super::{alphanumeric, at_most, made_of, pattern, small};

const LABEL: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";

const SUBDOMAIN: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*";

const SUBDOMAIN_UNDERSCORE: &str = "_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?(\\._?[a-z0-9]([-_a-z0-9]*[a-z0-9])?)*";

const KEY: &str = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";

const KEY_WORDS: &str = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";

/// The same in the words of the formats that have moved to `k8s.io/apimachinery/pkg/api/validate/content`.
fn at_most_bytes(length: usize) -> String {
    format!("must be no more than {length} bytes")
}

fn is_label(text: &str) -> bool {
    made_of(text, small, b"-")
}

fn is_subdomain(text: &str) -> bool {
    text.split('.').all(is_label)
}

/// A DNS label of RFC 1035: one that starts with a letter.
pub(in crate::rules) fn old_label(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    if text.len() > 63 {
        out.push(at_most(63));
    }
    if !is_label(text) || !text.starts_with(|first: char| first.is_ascii_lowercase()) {
        out.push(pattern(
            "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic \
             character, and end with an alphanumeric character",
            "[a-z]([-a-z0-9]*[a-z0-9])?",
            &["my-name", "abc-123"],
        ));
    }
    out
}

/// A DNS label of RFC 1123.
pub(in crate::rules) fn label(text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if text.len() > 63 {
        wrong.push(at_most(63));
    }
    if !is_label(text) {
        wrong.push(match is_subdomain(text) {
            true => "must not contain dots".to_owned(),
            false => pattern(
                "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start \
                 and end with an alphanumeric character",
                LABEL,
                &["my-name", "123-abc"],
            ),
        });
    }
    wrong
}

/// A DNS subdomain of RFC 1123.
pub(in crate::rules) fn subdomain(text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if text.len() > 253 {
        wrong.push(at_most(253));
    }
    if !is_subdomain(text) {
        wrong.push(pattern(
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must \
             start and end with an alphanumeric character",
            SUBDOMAIN,
            &["example.com"],
        ));
    }
    wrong
}

/// A DNS subdomain that may hold underscores.
pub(in crate::rules) fn subdomain_underscore(text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if text.len() > 253 {
        wrong.push(at_most(253));
    }
    let part = |part: &str| made_of(part.strip_prefix('_').unwrap_or(part), small, b"-_");
    if !text.split('.').all(part) {
        wrong.push(pattern(
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and \
             must start and end with an alphanumeric character",
            SUBDOMAIN_UNDERSCORE,
            &["example.com"],
        ));
    }
    wrong
}

/// A subdomain below a `*.`.
pub(in crate::rules) fn wildcard(text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if text.len() > 253 {
        wrong.push(at_most(253));
    }
    if !text.strip_prefix("*.").is_some_and(is_subdomain) {
        wrong.push(pattern(
            "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist \
             of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
            &format!("\\*\\.{SUBDOMAIN}"),
            &["*.example.com"],
        ));
    }
    wrong
}

/// The key of a label: `name`, or `prefix/name`.
pub(in crate::rules) fn qualified(text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let words = || pattern(KEY_WORDS, KEY, &["MyName", "my.name", "123-abc"]);
    let parts: Vec<&str> = text.split('/').collect();
    let name = match parts.as_slice() {
        [name] => *name,
        ["", name] => {
            wrong.push("prefix part must be non-empty".to_owned());
            *name
        }
        [prefix, name] => {
            wrong.extend(subdomain(prefix).into_iter().map(|words| format!("prefix part {words}")));
            *name
        }
        _ => {
            let form = "with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')";
            return vec![format!("a valid label key {} {form}", words())];
        }
    };
    if name.is_empty() {
        wrong.push("name part must be non-empty".to_owned());
    } else if name.len() > 63 {
        wrong.push(format!("name part {}", at_most_bytes(63)));
    }
    if !made_of(name, alphanumeric, b"-_.") {
        wrong.push(format!("name part {}", words()));
    }
    wrong
}

/// The value of a label.
pub(in crate::rules) fn label_value(text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if text.len() > 63 {
        wrong.push(at_most_bytes(63));
    }
    if !text.is_empty() && !made_of(text, alphanumeric, b"-_.") {
        wrong.push(pattern(
            &format!("a valid label must be an empty string or {}", KEY_WORDS.trim_start_matches("must ")),
            &format!("({KEY})?"),
            &["MyValue", "my_value", "12345"],
        ));
    }
    wrong
}
