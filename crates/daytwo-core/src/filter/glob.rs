//! Globs as Velero 1.18 takes them (`pkg/util/wildcard/expand.go`): `*`, `?`, `[abc]`, `[a-c]`, `{a,b}`; a `*` also
//! spans dots.

/// Whether the text holds a wildcard.
pub(crate) fn is_glob(pattern: &str) -> bool {
    pattern.contains(['*', '?', '[', '{'])
}

/// Refuses patterns that Velero refuses: `**`, `!`, `|`, parentheses, and brackets that are empty or do not match.
pub(crate) fn check(pattern: &str) -> Result<(), &'static str> {
    if pattern.is_empty() {
        return Err("it is empty");
    }
    if pattern.contains("**") {
        return Err("** is not supported");
    }
    if pattern.contains(['|', '(', ')', '!', '\\']) {
        return Err("|, (, ), ! and \\ are not supported");
    }
    let mut open: Option<(char, usize)> = None;
    for (at, c) in pattern.char_indices() {
        match (c, open) {
            ('[' | '{', None) => open = Some((c, at)),
            (']', Some(('[', from))) | ('}', Some(('{', from))) => {
                if pattern[from + 1..at].trim_matches([',', ' ']).is_empty() {
                    return Err("a pair of brackets is empty");
                }
                open = None;
            }
            ('[' | '{' | ']' | '}', _) => return Err("its brackets do not match"),
            _ => {}
        }
    }
    if open.is_some() { Err("a bracket is not closed") } else { Ok(()) }
}

/// Whether the whole text fits the pattern. A bracket that is not closed stands for itself.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    fits(&[&pattern], &text)
}

/// Whether the text fits the pieces one after another.
fn fits(pattern: &[&[char]], text: &[char]) -> bool {
    let Some((piece, rest)) = pattern.split_first() else { return text.is_empty() };
    let Some((first, tail)) = piece.split_first() else { return fits(rest, text) };
    let then = |piece: &[char], text: &[char]| {
        let mut pieces = vec![piece];
        pieces.extend_from_slice(rest);
        fits(&pieces, text)
    };
    match first {
        '*' => (0..=text.len()).any(|skipped| then(tail, &text[skipped..])),
        '?' => !text.is_empty() && then(tail, &text[1..]),
        '[' => match tail.iter().position(|c| *c == ']') {
            None => text.first() == Some(first) && then(tail, &text[1..]),
            Some(end) => {
                text.first().is_some_and(|c| in_class(&tail[..end], *c)) && then(&tail[end + 1..], &text[1..])
            }
        },
        '{' => match tail.iter().position(|c| *c == '}') {
            None => text.first() == Some(first) && then(tail, &text[1..]),
            Some(end) => tail[..end].split(|c| *c == ',').any(|choice| {
                let mut pieces = vec![choice, &tail[end + 1..]];
                pieces.extend_from_slice(rest);
                fits(&pieces, text)
            }),
        },
        _ => text.first() == Some(first) && then(tail, &text[1..]),
    }
}

fn in_class(class: &[char], c: char) -> bool {
    match class {
        [from, '-', to, rest @ ..] => (*from..=*to).contains(&c) || in_class(rest, c),
        [one, rest @ ..] => *one == c || in_class(rest, c),
        [] => false,
    }
}
