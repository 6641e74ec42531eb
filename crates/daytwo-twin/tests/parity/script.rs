//! The language of `areas/*.txt`: one call a line.
//!
//! ```text
//! # a comment
//! [section]
//! STATUS METHOD PATH flag=value.. BODY
//!     more of the body
//!   > name = .metadata.uid
//! ```
//!
//! A call's id is `section.N`. STATUS is what the real server answers, so that a line which asks something else than it
//! means is found. PATH is a full one, or begins with a resource (`paths.txt`) and is then completed with its group and
//! the area's namespace. BODY is YAML, sent as JSON; after `|` it is sent as it stands; `body=hex:` gives bytes. `${name}` is a captured value, on
//! each side its own; `${repeat:TEXT:COUNT}` is a long text, where `<` and `>` stand for braces.
//!
//! `only=status` compares the headers too but no body, `only=code` neither; `ignore=.path` leaves a field out, `order=.path`
//! sorts a list whose order is chance; `until=` (a status, `.path=value`, `~text`) asks again until it is so.
//!
//! METHOD is one of HTTP's, or `WATCH` (reads `n` events, or all until the server ends it), `OPEN`, `NEXT`
//! (a watch kept open under a `name=`, and its next `n` events), `RECORD` (the real side's protobuf, kept under `name=`).

use std::collections::HashMap;

/// A call, and what to do with its answer.
pub struct Step {
    pub id: String,
    /// As people see it.
    pub line: String,
    /// Where in the file.
    pub at: usize,
    pub status: Option<u16>,
    pub method: String,
    pub path: String,
    pub flags: Vec<(String, String)>,
    pub body: Body,
    /// Variables, and the paths in the answer where their values are.
    pub captures: Vec<(String, String)>,
}

/// What is sent.
pub enum Body {
    None,
    Yaml(String),
    Raw(String),
}

impl Step {
    pub fn flag(&self, name: &str) -> Option<&str> {
        self.flags.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.flags.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

const FLAGS: [&str; 14] = [
    "type", "accept", "header", "token", "as", "until", "n", "name", "ignore", "body", "only", "headers",
    "order", "pause",
];

/// # Errors
/// With the line that is not understood.
pub fn parse(text: &str) -> Result<Vec<Step>, String> {
    let mut steps: Vec<Step> = Vec::new();
    let (mut section, mut count) = ("first".to_owned(), 0);
    for (at, line) in text.lines().enumerate() {
        let at = at + 1;
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        if line.starts_with(' ') {
            let step = steps.last_mut().ok_or(format!("line {at}: nothing to go on with"))?;
            match trimmed.strip_prefix("> ") {
                Some(capture) => {
                    let (name, path) = capture.split_once(" = ").ok_or(format!("line {at}: no ` = `"))?;
                    step.captures.push((name.trim().to_owned(), path.trim().to_owned()));
                }
                None => match &mut step.body {
                    Body::None => step.body = Body::Yaml(format!("{line}\n")),
                    Body::Yaml(body) | Body::Raw(body) => {
                        body.push('\n');
                        body.push_str(line);
                    }
                },
            }
        } else if let Some(name) = trimmed.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            (section, count) = (name.to_owned(), 0);
        } else {
            count += 1;
            let step =
                call(trimmed, format!("{section}.{count}"), at).map_err(|why| format!("line {at}: {why}"))?;
            if steps.iter().any(|known| known.id == step.id) {
                return Err(format!("line {at}: section {section} stands twice"));
            }
            steps.push(step);
        }
    }
    Ok(steps)
}

fn call(line: &str, id: String, at: usize) -> Result<Step, String> {
    let (status, rest) = word(line);
    let status = match status {
        "---" => None,
        number => Some(number.parse().map_err(|_| format!("{number:?} is no status"))?),
    };
    let (method, rest) = word(rest);
    if !method.bytes().all(|b| b.is_ascii_uppercase()) {
        return Err(format!("{method:?} is no method"));
    }
    let (path, mut rest) = if method == "NEXT" { ("", rest) } else { word(rest) };
    let mut flags = Vec::new();
    let body = loop {
        let (next, after) = word(rest);
        if next.is_empty() {
            break Body::None;
        }
        if next == "|" {
            break Body::Raw(after.to_owned());
        }
        match next.split_once('=') {
            Some((name, value)) if FLAGS.contains(&name) => {
                flags.push((name.to_owned(), value.to_owned()));
                rest = after;
            }
            _ => break Body::Yaml(rest.to_owned()),
        }
    };
    let shown = line.split_once(' ').map_or(line, |(_, call)| call).chars().take(160).collect();
    let (method, path) = (method.to_owned(), path.to_owned());
    Ok(Step { id, line: shown, at, status, method, path, flags, body, captures: Vec::new() })
}

fn word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    text.split_once(' ').map_or((text, ""), |(word, rest)| (word, rest.trim_start()))
}

/// `text` with the variables' values.
///
/// # Errors
/// If there is no such variable.
pub fn expand(text: &str, variables: &HashMap<String, String>) -> Result<String, String> {
    let (mut out, mut rest) = (String::new(), text);
    while let Some(at) = rest.find("${") {
        let (before, after) = (&rest[..at], &rest[at + 2..]);
        let (name, after) = after.split_once('}').ok_or("`${` without `}`")?;
        out.push_str(before);
        match name.strip_prefix("repeat:").and_then(|of| of.rsplit_once(':')) {
            Some((text, count)) => {
                let count = count.parse().map_err(|_| format!("{count:?} is no count"))?;
                out.push_str(&text.replace('<', "{").replace('>', "}").repeat(count));
            }
            None => out.push_str(variables.get(name).ok_or(format!("no variable {name}"))?),
        }
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

/// Where resources are served, from `paths.txt`: lines `PREFIX SCOPE resource..`.
pub struct Paths(HashMap<String, (String, bool)>);

impl Paths {
    pub fn read(text: &str) -> Paths {
        let mut all = HashMap::new();
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let mut words = line.split_whitespace();
            let (prefix, scope) = (words.next().expect("a prefix"), words.next().expect("a scope"));
            for resource in words {
                all.insert(resource.to_owned(), (prefix.to_owned(), scope == "namespaced"));
            }
        }
        Paths(all)
    }

    /// The whole path of a short one.
    ///
    /// # Errors
    /// If the resource is not in the table.
    pub fn whole(&self, path: &str, namespace: &str) -> Result<String, String> {
        if path.starts_with('/') {
            return Ok(path.to_owned());
        }
        let resource = path.split(['/', '?']).next().unwrap_or_default();
        let (prefix, namespaced) = self.0.get(resource).ok_or(format!("{resource} is not in paths.txt"))?;
        Ok(match namespaced {
            true => format!("{prefix}/namespaces/{namespace}/{path}"),
            false => format!("{prefix}/{path}"),
        })
    }
}
