//! Reads expressions. Filters and unions hold expressions of their own; how deep they may is bounded.

use serde_json::Value;

use super::{Filter, Slice, Step};

/// How deep expressions may stand within each other.
const DEPTH: usize = 16;

/// Reads an expression without its braces.
pub(super) fn path(text: &str) -> Option<Vec<Step>> {
    let (steps, rest) = action(&format!("{text}}}"), DEPTH)?;
    // Another expression behind the first.
    (!rest.contains('{')).then_some(steps)
}

/// The steps up to the closing brace, and what stands behind it.
fn action(text: &str, depth: usize) -> Option<(Vec<Step>, String)> {
    let depth = depth.checked_sub(1)?;
    let mut parser = Parser { text, at: 0 };
    let mut steps = Vec::new();
    loop {
        if parser.eat("}") {
            return Some((steps, parser.text[parser.at..].to_owned()));
        }
        if parser.eat("[?(") {
            steps.push(Step::Filter(parser.filter(depth)?));
            continue;
        }
        if parser.eat("..") {
            if matches!(steps.last(), Some(Step::Recursive)) {
                return None;
            }
            steps.push(Step::Recursive);
            if parser.peek().is_some_and(|next| next == '_' || next.is_alphanumeric()) {
                steps.push(parser.field());
            }
            continue;
        }
        match parser.next()? {
            ' ' | '@' | '$' => {}
            '[' => parser.brackets(depth, &mut steps)?,
            quote @ ('"' | '\'') => steps.push(Step::Text(parser.quoted(quote)?)),
            '.' => steps.push(parser.field()),
            first if first == '+' || first == '-' || first.is_numeric() => {
                steps.push(Step::Literal(parser.number(first)?));
            }
            first if first == '_' || first.is_alphanumeric() => steps.push(parser.word(first)),
            _ => return None,
        }
    }
}

/// An expression within another.
fn inner(text: &str, depth: usize) -> Option<Vec<Step>> {
    action(&format!("{text}}}"), depth).map(|(steps, _)| steps)
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    fn eat(&mut self, text: &str) -> bool {
        let there = self.text[self.at..].starts_with(text);
        if there {
            self.at += text.len();
        }
        there
    }

    /// Up to a character that ends a name, and is not behind a backslash.
    fn name(&mut self) -> &'a str {
        let from = self.at;
        while let Some(next) = self.peek().filter(|next| !ends(*next)) {
            self.at += next.len_utf8();
            if next == '\\' {
                self.next();
            }
        }
        &self.text[from..self.at]
    }

    fn field(&mut self) -> Step {
        match self.name() {
            "*" => Step::Wildcard,
            name => Step::Field(name.replace('\\', "")),
        }
    }

    fn word(&mut self, first: char) -> Step {
        let from = self.at - first.len_utf8();
        while self.peek().is_some_and(|next| !ends(next)) {
            self.next();
        }
        match &self.text[from..self.at] {
            "true" => Step::Literal(true.into()),
            "false" => Step::Literal(false.into()),
            _ => Step::Word,
        }
    }

    fn number(&mut self, first: char) -> Option<Value> {
        let from = self.at - first.len_utf8();
        while self.peek().is_some_and(|next| next == '.' || next.is_numeric()) {
            self.next();
        }
        let text = &self.text[from..self.at];
        match text.parse::<i64>() {
            Ok(number) => Some(number.into()),
            Err(_) => text.parse::<f64>().ok().filter(|number| number.is_finite()).map(Value::from),
        }
    }

    /// `[0]`, `[1:3]`, `[*]`, `['name']`, or several with commas between.
    fn brackets(&mut self, depth: usize, steps: &mut Vec<Step>) -> Option<()> {
        let rest = &self.text[self.at..];
        let end = rest.find(['\n', ']']).filter(|end| rest.as_bytes()[*end] == b']')?;
        self.at += end + 1;
        let text = &rest[..end];
        if text.contains(',') {
            let parts = text.split(',').map(|part| inner(&format!("[{}]", part.trim_matches(' ')), depth));
            steps.push(Step::Union(parts.collect::<Option<_>>()?));
            return Some(());
        }
        let quoted = text.strip_prefix('\'').and_then(|text| text.strip_suffix('\''));
        if let Some(name) = quoted.filter(|name| !name.contains('\'')) {
            steps.extend(inner(&format!(".{name}"), depth)?);
            return Some(());
        }
        steps.push(Step::Slice(slice(if text == "*" { ":" } else { text })?));
        Some(())
    }

    /// Up to `)]`; one quoted text may hold brackets of its own.
    fn filter(&mut self, depth: usize) -> Option<Filter> {
        let (from, mut quote, mut closed, mut before) = (self.at, None, false, '(');
        loop {
            let next = self.next()?;
            match next {
                '\n' => return None,
                '"' | '\'' if quote.is_none() => quote = Some(next),
                '"' | '\'' if before != '\\' && quote == Some(next) => closed = true,
                ')' if quote.is_some() == closed => break,
                _ => {}
            }
            before = next;
        }
        let text = &self.text[from..self.at - 1];
        if !self.eat("]") {
            return None;
        }
        let sign = |letter: char| matches!(letter, '!' | '<' | '>' | '=');
        let parts = text.find(sign).filter(|at| *at > 0).and_then(|at| {
            let (left, rest) = text.split_at(at);
            // At least one character is left for the right side.
            let end = rest
                .find(|letter| !sign(letter))
                .or_else(|| rest.len().checked_sub(1).filter(|end| *end > 0))?;
            Some((left, &rest[..end], &rest[end..]))
        });
        Some(match parts {
            Some((left, operator, right)) => {
                Filter { left: inner(left, depth)?, than: Some((operator.to_owned(), inner(right, depth)?)) }
            }
            None => Filter { left: inner(text, depth)?, than: None },
        })
    }

    fn quoted(&mut self, quote: char) -> Option<String> {
        let (from, mut before) = (self.at, quote);
        loop {
            match self.next()? {
                '\n' => return None,
                next if next == quote && before != '\\' => break,
                next => before = next,
            }
        }
        unescaped(&self.text[from..self.at - 1], quote)
    }
}

fn ends(letter: char) -> bool {
    matches!(letter, ' ' | '\t' | '\r' | '\n' | '.' | ',' | '[' | ']' | '$' | '@' | '{' | '}')
}

/// The text of a Go string literal, without its quotes.
fn unescaped(text: &str, quote: char) -> Option<String> {
    let mut out = String::new();
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            out.push(letter);
            continue;
        }
        let escape = letters.next()?;
        out.push(match escape {
            'a' => '\u{7}',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            '\\' => '\\',
            'x' => code(&mut letters, "", 2, 16)?,
            'u' => code(&mut letters, "", 4, 16)?,
            'U' => code(&mut letters, "", 8, 16)?,
            '0'..='7' => code(&mut letters, &escape.to_string(), 2, 8)?,
            other if other == quote => quote,
            _ => return None,
        });
    }
    Some(out)
}

/// The character of a number in so many digits, of which the first are known.
fn code(letters: &mut std::str::Chars<'_>, known: &str, count: usize, radix: u32) -> Option<char> {
    let digits: String = known.chars().chain(letters.by_ref().take(count)).collect();
    let all = digits.len() == known.len() + count && digits.chars().all(|digit| digit.is_digit(radix));
    if !all {
        return None;
    }
    u32::from_str_radix(&digits, radix).ok().and_then(char::from_u32)
}

/// `start:end:step`, each of which may be left out.
fn slice(text: &str) -> Option<Slice> {
    let parts: Vec<&str> = text.split(':').collect();
    let number = |part: Option<&&str>| match part {
        None | Some(&"") => Some(None),
        Some(part) if part.starts_with('+') => None,
        Some(part) => part.parse::<i64>().ok().map(Some),
    };
    if parts.len() > 3 {
        return None;
    }
    let start = number(parts.first())?.unwrap_or_default();
    let single = parts.len() == 1;
    let end = if single { Some(start.checked_add(1)?) } else { number(parts.get(1))? };
    Some(Slice { start, end, step: number(parts.get(2))?, single })
}
