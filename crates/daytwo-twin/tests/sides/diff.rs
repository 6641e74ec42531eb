//! What differs between two answers, a line for each place.

use serde_json::Value;

/// At most this much of a value is shown.
const SHOWN: usize = 300;

/// The places where `twin` is not as `real`.
pub fn values(place: &str, real: &Value, twin: &Value, found: &mut Vec<String>) {
    match (real, twin) {
        (Value::Object(one), Value::Object(other)) => {
            for (key, value) in one {
                let place = format!("{place}.{key}");
                match other.get(key) {
                    Some(twin) => values(&place, value, twin, found),
                    None => found.push(format!("{place}: real {}, twin has it not", shown(value))),
                }
            }
            for (key, value) in other.iter().filter(|(key, _)| !one.contains_key(*key)) {
                found.push(format!("{place}.{key}: real has it not, twin {}", shown(value)));
            }
        }
        (Value::Array(one), Value::Array(other)) => {
            for (at, (real, twin)) in one.iter().zip(other).enumerate() {
                values(&format!("{place}[{at}]"), real, twin, found);
            }
            for (at, value) in one.iter().enumerate().skip(other.len()) {
                found.push(format!("{place}[{at}]: real {}, twin has it not", shown(value)));
            }
            for (at, value) in other.iter().enumerate().skip(one.len()) {
                found.push(format!("{place}[{at}]: real has it not, twin {}", shown(value)));
            }
        }
        _ if real == twin => {}
        _ => found.push(format!("{place}: real {}, twin {}", shown(real), shown(twin))),
    }
}

/// Lines that only one side has, in their order: what both have in common is found first.
pub fn lines(place: &str, real: &str, twin: &str, found: &mut Vec<String>) {
    if real == twin {
        return;
    }
    let (one, other): (Vec<&str>, Vec<&str>) = (real.lines().collect(), twin.lines().collect());
    let common = common(&one, &other);
    let (mut at, mut beside) = (0, 0);
    while at < one.len() || beside < other.len() {
        match (one.get(at), other.get(beside)) {
            (Some(real), Some(twin)) if real == twin => (at, beside) = (at + 1, beside + 1),
            (Some(real), _) if common[at + 1][beside] == common[at][beside] => {
                found.push(format!("{place}:{}: only real: {}", at + 1, short(real)));
                at += 1;
            }
            (_, Some(twin)) => {
                found.push(format!("{place}:{}: only twin: {}", beside + 1, short(twin)));
                beside += 1;
            }
            (Some(real), None) => {
                found.push(format!("{place}:{}: only real: {}", at + 1, short(real)));
                at += 1;
            }
            (None, None) => {}
        }
    }
    if found.is_empty() {
        found.push(format!("{place}: the end of the last line differs"));
    }
}

/// How many lines the rests of both have in common, from each pair of places on.
fn common(one: &[&str], other: &[&str]) -> Vec<Vec<u32>> {
    let mut common = vec![vec![0; other.len() + 1]; one.len() + 1];
    for at in (0..one.len()).rev() {
        for beside in (0..other.len()).rev() {
            common[at][beside] = match one[at] == other[beside] {
                true => common[at + 1][beside + 1] + 1,
                false => common[at + 1][beside].max(common[at][beside + 1]),
            };
        }
    }
    common
}

fn shown(value: &Value) -> String {
    short(&value.to_string())
}

fn short(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}… ({} bytes)", &text[..at], text.len()),
    }
}
