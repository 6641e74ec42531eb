//! The formats of names and values, and the words in which the API server says that one is not met.
//!
//! Each function gives all that is wrong; none, if the text is as it must be. Source:
//! `k8s.io/apimachinery/pkg/util/validation/validation.go` and `pkg/api/validate/content` (v0.36).

mod names;
pub(in crate::rules) use names::{
    label, label_value, old_label, qualified, subdomain, subdomain_underscore, wildcard,
};

mod address;
mod amount;
mod diff;
mod shown;

pub(super) use address::*;
pub(super) use amount::*;
pub(super) use diff::diff;
pub(super) use shown::shown;

use super::look::{At, Faults};

/// Checks one text.
pub(super) type Format = fn(&str) -> Vec<String>;

/// "at least lo, at most hi".
pub(super) fn between(low: i64, high: i64) -> String {
    format!("must be between {low} and {high}, inclusive")
}

/// "at most so many characters".
pub(super) fn at_most(length: usize) -> String {
    format!("must be no more than {length} characters")
}

/// What a pattern that is not met is said with.
pub(super) fn pattern(words: &str, pattern: &str, examples: &[&str]) -> String {
    if examples.is_empty() {
        return format!("{words} (regex used for validation is '{pattern}')");
    }
    let examples: Vec<String> = examples.iter().map(|example| format!("'{example}', ")).collect();
    format!("{words} (e.g. {}regex used for validation is '{pattern}')", examples.join(" or "))
}

fn alphanumeric(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

fn small(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

/// Whether a text starts and ends with `edge`s and holds only `edge`s and `inner`s.
fn made_of(text: &str, edge: fn(u8) -> bool, inner: &[u8]) -> bool {
    let bytes = text.as_bytes();
    match (bytes.first(), bytes.last()) {
        (Some(&first), Some(&last)) => {
            edge(first) && edge(last) && bytes.iter().all(|&byte| edge(byte) || inner.contains(&byte))
        }
        _ => false,
    }
}

/// A part of a URL's path.
pub(super) fn segment(text: &str) -> Vec<String> {
    if text == "." || text == ".." {
        return vec![format!("may not be '{text}'")];
    }
    ["/", "%"]
        .iter()
        .filter(|bad| text.contains(**bad))
        .map(|bad| format!("may not contain '{bad}'"))
        .collect()
}

/// The name of a port.
pub(super) fn port_name(text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if text.len() > 15 {
        wrong.push(at_most(15));
    }
    if text.is_empty() || !text.bytes().all(|byte| small(byte) || byte == b'-') {
        wrong.push("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)".to_owned());
    }
    if !text.bytes().any(|byte| byte.is_ascii_lowercase()) {
        wrong.push("must contain at least one letter (a-z)".to_owned());
    }
    if text.contains("--") {
        wrong.push("must not contain consecutive hyphens".to_owned());
    }
    if text.starts_with('-') || text.ends_with('-') {
        wrong.push("must not begin or end with a hyphen".to_owned());
    }
    wrong
}

/// The number of a port.
pub(super) fn port_number(number: i64) -> Option<String> {
    (!(1..=65535).contains(&number)).then(|| between(1, 65535))
}

/// A user's or a group's number.
pub(super) fn identity(number: i64) -> Option<String> {
    (!(0..=i64::from(i32::MAX)).contains(&number)).then(|| between(0, i64::from(i32::MAX)))
}

/// The name of an environment variable.
pub(super) fn variable(text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if text.is_empty() {
        wrong.push("environment variable name must be non-empty".to_owned());
    }
    if text.chars().any(|one| !(' '..='~').contains(&one) || one == '=') {
        wrong.push(
            "a valid environment variable name must consist only of printable ASCII characters other than '='".to_owned(),
        );
    }
    wrong
}

/// A key of a ConfigMap or a Secret.
pub(super) fn config_key(text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if text.len() > 253 {
        wrong.push(at_most(253));
    }
    if text.is_empty() || !text.bytes().all(|byte| alphanumeric(byte) || b"-._".contains(&byte)) {
        wrong.push(pattern(
            "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
            "[-._a-zA-Z0-9]+",
            &["key.name", "KEY_NAME", "key-name"],
        ));
    }
    match text {
        "." | ".." => wrong.push(format!("must not be '{text}'")),
        text if text.starts_with("..") => wrong.push("must not start with '..'".to_owned()),
        _ => {}
    }
    wrong
}

/// The name of an HTTP header.
pub(super) fn header(text: &str) -> Vec<String> {
    if !text.is_empty() && text.bytes().all(|byte| alphanumeric(byte) || byte == b'-') {
        return Vec::new();
    }
    let words = "a valid HTTP header must consist of alphanumeric characters or '-'";
    vec![pattern(words, "[-A-Za-z0-9]+", &["X-Header-Name"])]
}

/// `5%`.
pub(super) fn percent(text: &str) -> Vec<String> {
    let digits = text.strip_suffix('%').unwrap_or("");
    if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Vec::new();
    }
    let words = "a valid percent string must be a numeric string followed by an ending '%'";
    vec![pattern(words, "[0-9]+%", &["1%", "93%"])]
}

/// `example.com/path`.
pub(super) fn domain_path(place: &At<'_>, out: &mut Faults) {
    let text = place.text();
    if text.is_empty() {
        return out.push(place.required(""));
    }
    let Some((host, path)) = text.split_once('/').filter(|(host, path)| !host.is_empty() && !path.is_empty())
    else {
        return out.push(place.invalid("must be a domain-prefixed path (such as \"acme.io/foo\")"));
    };
    out.extend(subdomain(host).into_iter().map(|words| place.invalid_as(host, words)));
    let allowed = |byte: u8| alphanumeric(byte) || b"/-._~%!$&'()*+,;=:".contains(&byte);
    if !path.bytes().all(allowed) {
        let words = pattern("Invalid path", "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+", &[]);
        out.push(place.invalid_as(path, words));
    }
}

/// Says what a format finds wrong with the text at a place.
pub(super) fn formed(place: &At<'_>, format: Format, out: &mut Faults) {
    out.extend(format(place.text()).into_iter().map(|words| place.invalid(words)));
}

/// The same, but nothing where there is no text.
pub(super) fn formed_if(place: &At<'_>, format: Format, out: &mut Faults) {
    if !place.text().is_empty() {
        formed(place, format, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_met_or_said() {
        let met: [(Format, &str); 8] = [
            (label, "a-1"),
            (subdomain, "a.b-c.1"),
            (qualified, "example.com/Some_name.x"),
            (label_value, ""),
            (port_name, "http-1"),
            (variable, "1.a b"),
            (config_key, "a_b.c-d"),
            (wildcard, "*.a.b"),
        ];
        for (format, text) in met {
            assert_eq!(format(text), Vec::<String>::new(), "{text}");
        }
        let said: [(Format, &str, &str); 7] = [
            (label, "a.b", "must not contain dots"),
            (
                label,
                "A",
                "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start \
                 and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is \
                 '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
            ),
            (qualified, "/a", "prefix part must be non-empty"),
            (
                label_value,
                "-",
                "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' \
                 or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or \
                 '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
            ),
            (segment, "a/b", "may not contain '/'"),
            (port_name, "1", "must contain at least one letter (a-z)"),
            (config_key, "..a", "must not start with '..'"),
        ];
        for (format, text, words) in said {
            assert_eq!(format(text), [words], "{text}");
        }
    }
}
