//! Reads an object into a tree of values, if the tree can hold it: whole numbers of 64 bits, and others that a double
//! holds exactly as they are written. It refuses the rest: written anew, such a number would be another one.

use serde_json::Value;

use crate::json::skip_value;

/// Why an object cannot be read into a tree.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TreeError {
    /// It is not JSON.
    #[error("it is not JSON, from byte {0} on")]
    Syntax(usize),
    /// A number of it would be changed by being read.
    #[error("its number {0} has more digits than 64 bits hold, and a patch would change it")]
    Number(String),
}

/// The value of a JSON text.
///
/// # Errors
/// It is not JSON, or has a number that a tree does not hold.
pub fn read(json: &[u8]) -> Result<Value, TreeError> {
    let mut at = 0;
    while let Some(byte) = json.get(at) {
        match byte {
            b'"' => at = skip_value(json, at).map_err(|error| TreeError::Syntax(error.offset))?,
            b'-' | b'0'..=b'9' => {
                let part = |byte: &u8| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
                let length = json[at..].iter().take_while(|byte| part(byte)).count();
                let number = String::from_utf8_lossy(&json[at..at + length]);
                if !holds(&number) {
                    return Err(TreeError::Number(number.into_owned()));
                }
                at += length;
            }
            _ => at += 1,
        }
    }
    serde_json::from_slice(json).map_err(|error| TreeError::Syntax(error.column().saturating_sub(1)))
}

fn holds(number: &str) -> bool {
    if number.parse::<i64>().is_ok() || number.parse::<u64>().is_ok() {
        return true;
    }
    // What is no number to Rust is left to the reader of the whole.
    match (number.parse::<f64>(), serde_json::from_str::<f64>(number)) {
        (Err(_), _) => true,
        (Ok(_), Err(_)) => false,
        (Ok(_), Ok(held)) => digits(number) == digits(&format!("{held:e}")),
    }
}

/// The digits of a number without zeros at its ends, and the place of its point before them.
fn digits(number: &str) -> (bool, String, i64) {
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let exponent: i64 = exponent.trim_start_matches('+').parse().unwrap_or(i64::MAX);
    let (negative, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, mantissa),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = format!("{whole}{fraction}");
    let significant = all.trim_start_matches('0');
    if significant.is_empty() {
        return (negative, String::new(), 0);
    }
    let places = |text: &str| i64::try_from(text.len()).unwrap_or(i64::MAX);
    let point = places(whole) - (places(&all) - places(significant));
    (negative, significant.trim_end_matches('0').to_owned(), point.saturating_add(exponent))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_keep_their_value_are_read() {
        for number in [
            "0",
            "-0",
            "12345678901234567890",
            "-9223372036854775808",
            "1.50",
            "0.1",
            "1e3",
            "100.0",
            "2.5E-7",
        ] {
            let text = format!(r#"{{"a":[{number}]}}"#);
            assert!(read(text.as_bytes()).is_ok(), "{number}");
        }
    }

    #[test]
    fn a_number_that_would_become_another_one_is_refused() {
        for number in
            ["123456789012345678901234567890", "0.1000000000000000055", "1e400", "-123456789012345678901"]
        {
            let text = format!(r#"{{"a":"1e999","b":{number}}}"#);
            assert_eq!(read(text.as_bytes()), Err(TreeError::Number(number.to_owned())));
        }
    }

    #[test]
    fn what_is_no_json_is_refused() {
        assert!(matches!(read(br#"{"a":"#), Err(TreeError::Syntax(_))));
        assert!(matches!(read(br#"{"a":"open"#), Err(TreeError::Syntax(_))));
    }
}
