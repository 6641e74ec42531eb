//! Go's regular expressions (RE2) in terms of the crate `regex`: the two agree on nearly everything, and where they do
//! not, the pattern is written anew.
//!
//! It refuses what `regex` refuses; the words of the refusal are Go's for the mistakes people make
//! (`regexp/syntax/parse.go`, Go 1.26).

use regex::Regex;

/// The pattern, compiled.
///
/// # Errors
/// What Go says, after `error parsing regexp: `.
pub(crate) fn compile(pattern: &str) -> Result<Regex, String> {
    Regex::new(&translate(pattern)).map_err(|_| complaint(pattern))
}

/// Perl's classes are ASCII in Go; `{`, `[` and doubled signs in classes are plain there.
fn translate(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 16);
    let mut rest = pattern.char_indices().peekable();
    let (mut in_class, mut class_start) = (false, false);
    while let Some((at, character)) = rest.next() {
        let first = std::mem::take(&mut class_start);
        match character {
            '\\' => match rest.next().map(|(_, escaped)| escaped) {
                Some('d') => out.push_str("[0-9]"),
                Some('D') => out.push_str("[^0-9]"),
                Some('w') => out.push_str("[0-9A-Za-z_]"),
                Some('W') => out.push_str("[^0-9A-Za-z_]"),
                Some('s') => out.push_str("[\\t\\n\\f\\r ]"),
                Some('S') => out.push_str("[^\\t\\n\\f\\r ]"),
                Some('b') if !in_class => out.push_str("(?-u:\\b)"),
                Some(sign @ ('<' | '>')) => out.push(sign),
                Some('Q') => {
                    let literal = &pattern[at + 2..];
                    let literal = literal.find("\\E").map_or(literal, |end| &literal[..end]);
                    out.push_str(&regex::escape(literal));
                    for _ in literal.chars().chain("\\E".chars()) {
                        rest.next();
                    }
                }
                Some(other) => out.extend(['\\', other]),
                None => out.push('\\'),
            },
            '[' if !in_class => {
                out.push('[');
                in_class = true;
                class_start = true;
                if rest.peek().is_some_and(|(_, next)| *next == '^') {
                    rest.next();
                    out.push('^');
                }
            }
            '[' if rest.peek().is_none_or(|(_, next)| *next != ':') => out.push_str("\\["),
            '[' => {
                // A named class such as [:alpha:].
                out.push('[');
                for (_, inner) in rest.by_ref() {
                    out.push(inner);
                    if inner == ']' {
                        break;
                    }
                }
            }
            ']' if in_class && first => out.push_str("\\]"),
            ']' => {
                in_class = false;
                out.push(']');
            }
            '&' | '~' if in_class => out.extend(['\\', character]),
            '-' if in_class && rest.peek().is_some_and(|(_, next)| *next == '-') => {
                if first {
                    out.push_str("\\-");
                } else {
                    rest.next();
                    out.push_str("-\\-");
                }
            }
            '{' if !in_class && !repetition(&pattern[at..]) => out.push_str("\\{"),
            other => out.push(other),
        }
    }
    out
}

/// Whether a counted repetition starts here: `{2}`, `{2,}`, `{2,3}`.
fn repetition(text: &str) -> bool {
    let Some((counts, _)) = text[1..].split_once('}') else { return false };
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match counts.split_once(',') {
        Some((least, most)) => number(least) && (most.is_empty() || number(most)),
        None => number(counts),
    }
}

fn complaint(pattern: &str) -> String {
    let mut open = 0_u32;
    let mut rest = pattern.char_indices().peekable();
    let mut repeatable = false;
    while let Some((at, character)) = rest.next() {
        match character {
            '\\' => {
                match rest.next() {
                    None => return "trailing backslash at end of expression: ``".to_owned(),
                    Some((_, escaped))
                        if escaped.is_ascii_alphanumeric()
                            && !"aftnrvxdDsSwWpPbBAzQE01234567".contains(escaped) =>
                    {
                        return format!("invalid escape sequence: `\\{escaped}`");
                    }
                    Some(_) => {}
                }
                repeatable = true;
            }
            '(' => {
                let text = &pattern[at..];
                if ["(?=", "(?!", "(?<=", "(?<!"].iter().any(|look| text.starts_with(look)) {
                    let length = if text.starts_with("(?<") { 4.min(text.len()) } else { 3 };
                    let shown =
                        if text.starts_with("(?<") { &text[..3.min(length)] } else { &text[..length] };
                    return format!("invalid or unsupported Perl syntax: `{shown}`");
                }
                open += 1;
                repeatable = false;
            }
            ')' => {
                if open == 0 {
                    return format!("unexpected ): `{pattern}`");
                }
                open -= 1;
                repeatable = true;
            }
            '[' => {
                let mut closed = false;
                let mut first = true;
                while let Some((_, inner)) = rest.next() {
                    match inner {
                        '\\' => drop(rest.next()),
                        ']' if !first => {
                            closed = true;
                            break;
                        }
                        '^' if first => continue,
                        _ => {}
                    }
                    first = false;
                }
                if !closed {
                    return format!("missing closing ]: `{}`", &pattern[at..]);
                }
                repeatable = true;
            }
            '*' | '+' | '?' if !repeatable => {
                return format!("missing argument to repetition operator: `{character}`");
            }
            '|' => repeatable = false,
            _ => repeatable = true,
        }
    }
    match open {
        0 => format!("invalid character class range: `{pattern}`"),
        _ => format!("missing closing ): `{pattern}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_go() {
        let cases = [
            (r"^\d+$", "12", true),
            (r"^\d+$", "٣", false),
            (r"^[\w.-]+$", "a_b.c-d", true),
            (r"^[^[]+$", "ab]", true),
            (r"^[]a]+$", "]a", true),
            (r"^a{,3}$", "a{,3}", true),
            (r"^a{1,3}$", "aa", true),
            (r"^[[:alpha:]&&b]+$", "a&b", true),
            (r"^\Qa.b\E$", "a.b", true),
            (r"^\Qa.b\E$", "axb", false),
            (r"^\<a\>$", "<a>", true),
            (r"^[+--]+$", "+,-", true),
            (r"^(?i)abc$", "ABC", true),
        ];
        for (pattern, text, matches) in cases {
            assert_eq!(compile(pattern).unwrap().is_match(text), matches, "{pattern} on {text}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_named_as_go_names_it() {
        let cases = [
            ("(", "missing closing ): `(`"),
            (")", "unexpected ): `)`"),
            ("[a", "missing closing ]: `[a`"),
            ("*", "missing argument to repetition operator: `*`"),
            ("(?=x)", "invalid or unsupported Perl syntax: `(?=`"),
        ];
        for (pattern, words) in cases {
            assert_eq!(compile(pattern).unwrap_err(), words);
        }
    }
}
