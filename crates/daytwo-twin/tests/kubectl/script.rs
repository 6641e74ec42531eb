//! The language of `files/*.txt`: one command a line.
//!
//! ```text
//! # a comment
//! [section]
//! CODE kubectl get pods
//!     what is given to it on stdin
//! ```
//!
//! CODE is what the real side's kubectl ends with, so that a command which does something else than it means is found. A
//! command's id is `section.N`. Words are split as a shell does, with quotes and without anything else. Before `kubectl` may
//! stand `retry`: run again until it ends with CODE, for a minute, for what controllers do meanwhile; or `set NAME`: what it prints is the value of
//! `${NAME}` from then on, on each side its own. `random PREFIX`
//! names a prefix of names that something makes up.

/// A command.
pub struct Step {
    pub id: String,
    pub at: usize,
    pub line: String,
    pub code: Option<i32>,
    pub retry: bool,
    /// The variable that gets what it prints.
    pub set: Option<String>,
    pub words: Vec<String>,
    pub stdin: String,
}

/// A file, understood.
pub struct Script {
    pub steps: Vec<Step>,
    pub prefixes: Vec<String>,
}

/// # Errors
/// With the line that is not understood.
pub fn parse(text: &str) -> Result<Script, String> {
    let mut script = Script { steps: Vec::new(), prefixes: Vec::new() };
    let (mut section, mut count) = ("first".to_owned(), 0);
    for (at, line) in text.lines().enumerate() {
        let at = at + 1;
        let trimmed = line.trim();
        if let Some(input) = line.strip_prefix("    ") {
            let step = script.steps.last_mut().ok_or(format!("line {at}: nothing to go on with"))?;
            step.stdin.push_str(input);
            step.stdin.push('\n');
        } else if trimmed.is_empty() || trimmed.starts_with('#') {
        } else if let Some(name) = trimmed.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            (section, count) = (name.to_owned(), 0);
        } else if let Some(prefix) = trimmed.strip_prefix("random ") {
            script.prefixes.push(prefix.to_owned());
        } else {
            count += 1;
            let step = command(trimmed, format!("{section}.{count}"), at)
                .map_err(|why| format!("line {at}: {why}"))?;
            script.steps.push(step);
        }
    }
    Ok(script)
}

fn command(line: &str, id: String, at: usize) -> Result<Step, String> {
    let (code, rest) = line.split_once(' ').ok_or("no command")?;
    let code = match code {
        "---" => None,
        number => Some(number.parse().map_err(|_| format!("{number:?} is no exit code"))?),
    };
    let (retry, rest) = rest.strip_prefix("retry ").map_or((false, rest), |rest| (true, rest));
    let (set, rest) = match rest.strip_prefix("set ").and_then(|rest| rest.split_once(' ')) {
        Some((name, rest)) => (Some(name.to_owned()), rest),
        None => (None, rest),
    };
    let rest = rest.strip_prefix("kubectl ").ok_or("only kubectl is run")?;
    Ok(Step { id, at, line: rest.to_owned(), code, retry, set, words: words(rest)?, stdin: String::new() })
}

/// Words, of which quotes keep one together.
fn words(text: &str) -> Result<Vec<String>, String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in text.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some(_), c) => word.get_or_insert_default().push(c),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, ' ') => words.extend(word.take()),
            (None, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    match quote {
        Some(quote) => Err(format!("{quote} without its end")),
        None => Ok(words),
    }
}
