//! Writes changes as lines that start with `-` and `+`.

use serde_json::value::RawValue;

use super::FieldChange;
use crate::json::string;

/// Lines shown around the changed ones of a text of several lines.
const CONTEXT: usize = 1;

/// The changes as text: the path, then what was after `-` and what is after `+`. Of texts of several lines only the
/// part that differs is written, with a line around it. Every line ends with a newline; control characters are escaped.
pub fn render(changes: &[FieldChange]) -> String {
    let mut out = String::new();
    for change in changes {
        let order = if change.order { " (order)" } else { "" };
        out.push_str(&format!("{}{order}\n", change.path));
        match (lines(change.before.as_deref()), lines(change.after.as_deref())) {
            (Some(before), Some(after)) => blocks(&mut out, &before, &after),
            _ => {
                value(&mut out, '-', change.before.as_deref());
                value(&mut out, '+', change.after.as_deref());
            }
        }
    }
    out
}

fn value(out: &mut String, sign: char, value: Option<&RawValue>) {
    let Some(value) = value else { return };
    match lines(Some(value)) {
        Some(lines) => lines.iter().for_each(|text| line(out, sign, text)),
        None => line(out, sign, value.get()),
    }
}

/// The lines of a text that has several.
fn lines(value: Option<&RawValue>) -> Option<Vec<String>> {
    let text = string(value?.get().as_bytes())?;
    text.contains('\n').then(|| text.split('\n').map(str::to_owned).collect())
}

/// Writes what lies between the common beginning and the common end.
fn blocks(out: &mut String, before: &[String], after: &[String]) {
    let start = before.iter().zip(after).take_while(|(a, b)| a == b).count();
    let end =
        before[start..].iter().rev().zip(after[start..].iter().rev()).take_while(|(a, b)| a == b).count();
    let shown = start.saturating_sub(CONTEXT);
    if shown > 0 {
        line(out, ' ', "...");
    }
    before[shown..start].iter().for_each(|text| line(out, ' ', text));
    before[start..before.len() - end].iter().for_each(|text| line(out, '-', text));
    after[start..after.len() - end].iter().for_each(|text| line(out, '+', text));
    let rest = &before[before.len() - end..];
    rest.iter().take(CONTEXT).for_each(|text| line(out, ' ', text));
    if rest.len() > CONTEXT {
        line(out, ' ', "...");
    }
}

fn line(out: &mut String, sign: char, text: &str) {
    out.push_str("  ");
    out.push(sign);
    out.push(' ');
    for c in text.chars() {
        // A value must not move the cursor of who reads it.
        if c.is_control() && c != '\t' { out.extend(c.escape_default()) } else { out.push(c) }
    }
    out.push('\n');
}
