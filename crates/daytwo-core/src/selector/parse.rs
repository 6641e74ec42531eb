//! Reads a selector and says at which character it breaks.

use std::str::FromStr;

use super::{Requirement, Selector, Test};

/// A selector that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "at character {position}: expected {expected}, found {found}; an example is 'app=web,tier in (front, back),!canary'"
)]
pub struct SelectorError {
    /// The character where it breaks, counted from 1.
    pub position: usize,
    /// What would have been right there.
    pub expected: &'static str,
    /// What stands there.
    pub found: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'a> {
    Word(&'a str),
    Sign(&'a str),
    End,
}

impl FromStr for Selector {
    type Err = SelectorError;

    fn from_str(text: &str) -> Result<Selector, SelectorError> {
        let mut reader = Reader { text, at: 0 };
        let mut requirements = Vec::new();
        if reader.peek().0 == Token::End {
            return Ok(Selector { requirements });
        }
        loop {
            requirements.push(reader.requirement()?);
            match reader.next() {
                (Token::Sign(","), _) => {}
                (Token::End, _) => return Ok(Selector { requirements }),
                (_, start) => return Err(reader.error(start, "',' or the end")),
            }
        }
    }
}

impl TryFrom<String> for Selector {
    type Error = SelectorError;

    fn try_from(text: String) -> Result<Selector, SelectorError> {
        text.parse()
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn requirement(&mut self) -> Result<Requirement, SelectorError> {
        if self.peek().0 == Token::Sign("!") {
            self.next();
            return Ok(Requirement { key: self.key()?, test: Test::Absent });
        }
        let key = self.key()?;
        let (token, start) = self.peek();
        let test = match token {
            Token::End | Token::Sign(",") => Test::Exists,
            Token::Sign("=" | "==") => self.after(|reader| Ok(Test::In(vec![reader.value()?])))?,
            Token::Sign("!=") => self.after(|reader| Ok(Test::NotIn(vec![reader.value()?])))?,
            Token::Sign(">") => self.after(|reader| Ok(Test::Above(reader.number()?)))?,
            Token::Sign("<") => self.after(|reader| Ok(Test::Below(reader.number()?)))?,
            Token::Word("in") => self.after(|reader| Ok(Test::In(reader.set()?)))?,
            Token::Word("notin") => self.after(|reader| Ok(Test::NotIn(reader.set()?)))?,
            _ => return Err(self.error(start, "'=', '==', '!=', '>', '<', 'in', 'notin', ',' or the end")),
        };
        Ok(Requirement { key, test })
    }

    fn after<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, SelectorError>,
    ) -> Result<T, SelectorError> {
        self.next();
        read(self)
    }

    fn key(&mut self) -> Result<String, SelectorError> {
        match self.next() {
            (Token::Word(word), _) if is_key(word) => Ok(word.to_owned()),
            (_, start) => Err(self.error(start, "a label's key, such as app or example.com/tier")),
        }
    }

    /// One value; nothing before ',' or the end is the empty value.
    fn value(&mut self) -> Result<String, SelectorError> {
        match self.peek() {
            (Token::End | Token::Sign("," | ")"), _) => Ok(String::new()),
            (Token::Word(word), _) if is_value(word) => {
                self.next();
                Ok(word.to_owned())
            }
            (_, start) => {
                Err(self.error(start, "a label's value: at most 63 letters, digits, '-', '_' and '.'"))
            }
        }
    }

    fn number(&mut self) -> Result<i64, SelectorError> {
        let (token, start) = self.next();
        match token {
            Token::Word(word) => word.parse().map_err(|_| self.error(start, "a whole number")),
            _ => Err(self.error(start, "a whole number")),
        }
    }

    fn set(&mut self) -> Result<Vec<String>, SelectorError> {
        let (token, start) = self.next();
        if token != Token::Sign("(") {
            return Err(self.error(start, "'(' and values, such as (front, back)"));
        }
        if self.peek().0 == Token::Sign(")") {
            return Err(self.error(self.peek().1, "at least one value"));
        }
        let mut values = Vec::new();
        loop {
            values.push(self.value()?);
            match self.next() {
                (Token::Sign(","), _) => {}
                (Token::Sign(")"), _) => return Ok(values),
                (_, start) => return Err(self.error(start, "',' or ')'")),
            }
        }
    }

    /// The next token and the offset it starts at, not taken yet.
    fn peek(&self) -> (Token<'a>, usize) {
        let start = self.text.len() - self.text[self.at..].trim_start().len();
        let rest = &self.text[start..];
        let sign =
            ["==", "!=", "=", "!", ",", "(", ")", ">", "<"].into_iter().find(|sign| rest.starts_with(sign));
        if let Some(sign) = sign {
            return (Token::Sign(&rest[..sign.len()]), start);
        }
        let end = rest.find(|c: char| c.is_whitespace() || "=!,()<>".contains(c)).unwrap_or(rest.len());
        if end == 0 { (Token::End, start) } else { (Token::Word(&rest[..end]), start) }
    }

    fn next(&mut self) -> (Token<'a>, usize) {
        let (token, start) = self.peek();
        self.at = match token {
            Token::Word(text) | Token::Sign(text) => start + text.len(),
            Token::End => start,
        };
        (token, start)
    }

    fn error(&self, start: usize, expected: &'static str) -> SelectorError {
        let found = match (Reader { text: self.text, at: start }).peek().0 {
            Token::End => "the end".to_owned(),
            Token::Word(text) | Token::Sign(text) => format!("'{text}'"),
        };
        SelectorError { position: self.text[..start].chars().count() + 1, expected, found }
    }
}

/// A qualified name: an optional DNS subdomain and '/', then at most 63 characters.
fn is_key(word: &str) -> bool {
    let (prefix, name) = word.split_once('/').map_or((None, word), |(prefix, name)| (Some(prefix), name));
    let subdomain = |prefix: &str| {
        let label = |label: &str| {
            let inner = label.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
            !label.is_empty() && inner && !label.starts_with('-') && !label.ends_with('-')
        };
        prefix.len() <= 253 && prefix.split('.').all(label)
    };
    prefix.is_none_or(subdomain) && !name.is_empty() && is_value(name)
}

fn is_value(word: &str) -> bool {
    let inner = word.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
    let edge = |byte: Option<u8>| byte.is_none_or(|byte| byte.is_ascii_alphanumeric());
    word.len() <= 63 && inner && edge(word.bytes().next()) && edge(word.bytes().last())
}
