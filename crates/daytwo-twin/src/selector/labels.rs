//! Label selectors: read by [`Selector`], refused in the words of the server's own parser.

use daytwo_core::selector::Selector;

use crate::definitions::names;
use crate::field::FieldError;
use crate::status::{Result, Status};

/// The selector that a `labelSelector` is.
///
/// # Errors
/// 400 with the server's words.
pub fn labels(text: &str) -> Result<Selector> {
    let mut parser = Parser::new(text);
    parser.check().map_err(Status::bad_request)?;
    parser
        .text()
        .parse()
        .map_err(|error: daytwo_core::selector::SelectorError| Status::bad_request(error.to_string()))
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Token {
    Word,
    /// `in` and `notin`, where an operator may stand.
    In,
    Sign,
    Comma,
    Open,
    Close,
    Not,
    End,
}

/// The grammar of `labels.Parse`, which only says what is wrong.
struct Parser<'a> {
    tokens: Vec<(Token, &'a str)>,
    at: usize,
}

const OPERATORS: &str = "in, notin, =, ==, !=, gt, lt";

fn special(character: char) -> bool {
    "=!(),<>".contains(character)
}

fn white(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\r' | '\n')
}

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Self {
        let mut tokens = Vec::new();
        let mut rest = text.trim_start_matches(white);
        // Go's parser reads bytes, and ends at one that is 0.
        while let Some(first) = rest.chars().next().filter(|first| *first != '\0') {
            let length = match special(first) {
                true => ["==", "!="].iter().find(|sign| rest.starts_with(*sign)).map_or(1, |sign| sign.len()),
                false => rest.find(|next| special(next) || white(next) || next == '\0').unwrap_or(rest.len()),
            };
            let (word, after) = rest.split_at(length);
            let token = match word {
                "," => Token::Comma,
                "(" => Token::Open,
                ")" => Token::Close,
                "!" => Token::Not,
                "=" | "==" | "!=" | "<" | ">" => Token::Sign,
                "in" | "notin" => Token::In,
                _ => Token::Word,
            };
            tokens.push((token, word));
            rest = after.trim_start_matches(white);
        }
        tokens.push((Token::End, ""));
        Self { tokens, at: 0 }
    }

    /// The selector again, in which a set of nothing holds the empty value, as the server has it.
    fn text(&self) -> String {
        let mut out = String::new();
        for pair in self.tokens.windows(2) {
            out.push_str(pair[0].1);
            out.push_str(if (pair[0].0, pair[1].0) == (Token::Open, Token::Close) { "," } else { " " });
        }
        out
    }

    /// The next token as a value: no word is an operator.
    fn peek(&self) -> (Token, &'a str) {
        match self.operator() {
            (Token::In, word) => (Token::Word, word),
            other => other,
        }
    }

    fn operator(&self) -> (Token, &'a str) {
        self.tokens.get(self.at).copied().unwrap_or((Token::End, ""))
    }

    fn next(&mut self) -> (Token, &'a str) {
        let found = self.peek();
        self.at += 1;
        found
    }

    fn check(&mut self) -> std::result::Result<(), String> {
        loop {
            match self.peek() {
                (Token::Word | Token::Not, _) => {
                    self.requirement().map_err(|why| format!("unable to parse requirement: {why}"))?;
                    match self.next() {
                        (Token::End, _) => return Ok(()),
                        (Token::Comma, _) => {
                            let (token, word) = self.peek();
                            if !matches!(token, Token::Word | Token::Not) {
                                return Err(format!("found '{word}', expected: identifier after ','"));
                            }
                        }
                        (_, word) => return Err(format!("found '{word}', expected: ',' or 'end of string'")),
                    }
                }
                (Token::End, _) => return Ok(()),
                (_, word) => {
                    return Err(format!("found '{word}', expected: !, identifier, or 'end of string'"));
                }
            }
        }
    }

    fn requirement(&mut self) -> std::result::Result<(), String> {
        let (mut token, mut key) = self.next();
        let absent = token == Token::Not;
        if absent {
            (token, key) = self.next();
        }
        if token != Token::Word {
            return Err(format!("found '{key}', expected: identifier"));
        }
        let wrong = names::label_key(key);
        if !wrong.is_empty() {
            return Err(FieldError::invalid("<nil>", key, wrong.join("; ")).to_string());
        }
        if absent || matches!(self.peek().0, Token::End | Token::Comma) {
            return Ok(());
        }
        let (token, operator) = self.operator();
        if !matches!(token, Token::In | Token::Sign) {
            return Err(format!("found '{operator}', expected: {OPERATORS}"));
        }
        self.at += 1;
        let mut values = if token == Token::In { self.set()? } else { vec![self.exact()?] };
        values.sort_unstable();
        values.dedup();
        let compares = matches!(operator, "<" | ">");
        let whole = values.iter().enumerate().filter(|(_, value)| compares && value.parse::<i64>().is_err());
        let detail = "for 'Gt', 'Lt' operators, the value must be an integer";
        let mut errors: Vec<String> = whole
            .map(|(at, value)| FieldError::invalid(format!("values[{at}]"), *value, detail).to_string())
            .collect();
        for (at, value) in values.iter().enumerate() {
            let wrong = names::label_value(value);
            if !wrong.is_empty() {
                errors.push(
                    FieldError::invalid(format!("values[{at}][{key}]"), *value, wrong.join("; ")).to_string(),
                );
            }
        }
        match &errors[..] {
            [] => Ok(()),
            [one] => Err(one.clone()),
            all => Err(format!("[{}]", all.join(", "))),
        }
    }

    fn exact(&mut self) -> std::result::Result<&'a str, String> {
        if matches!(self.peek().0, Token::End | Token::Comma) {
            return Ok("");
        }
        match self.next() {
            (Token::Word, word) => Ok(word),
            (_, word) => Err(format!("found '{word}', expected: identifier")),
        }
    }

    fn set(&mut self) -> std::result::Result<Vec<&'a str>, String> {
        let (token, word) = self.next();
        if token != Token::Open {
            return Err(format!("found '{word}' expected: '('"));
        }
        match self.peek() {
            (Token::Close, _) => {
                self.at += 1;
                return Ok(vec![""]);
            }
            (Token::Word | Token::Comma, _) => {}
            (_, word) => return Err(format!("found '{word}', expected: ',', ')' or identifier")),
        }
        let mut values = Vec::new();
        loop {
            match self.next() {
                (Token::Word, word) => {
                    values.push(word);
                    match self.peek() {
                        (Token::Comma, _) => {}
                        (Token::Close, _) => break,
                        (_, found) => return Err(format!("found '{found}', expected: ',' or ')'")),
                    }
                }
                (Token::Comma, _) => {
                    if values.is_empty() {
                        values.push("");
                    }
                    match self.peek().0 {
                        Token::Close => {
                            values.push("");
                            break;
                        }
                        Token::Comma => values.push(""),
                        _ => {}
                    }
                }
                (_, word) => return Err(format!("found '{word}', expected: ',', or identifier")),
            }
        }
        self.at += 1;
        Ok(values)
    }
}

#[cfg(test)]
mod tests;
