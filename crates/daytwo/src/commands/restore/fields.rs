//! The fields of an object as a person compares them: what the backup holds, what is there, what is sent. Short values
//! stand in columns; long ones and texts of several lines below, as lines that come and go. It refuses to let a value
//! move the cursor.

use std::fmt::Write;

use daytwo_core::diff::{Field, FieldChange, Origin, render};
use daytwo_core::restore::Action;
use serde_json::value::RawValue;

use crate::output::paint::Paint;
use crate::output::table::{Cell, Table, Tone};

/// The longest value that stands in a column, in characters.
const WIDEST: usize = 40;
/// In place of a value that is not there.
const NONE: &str = "-";

/// kubectl's copy of the object as it was applied: what differs in it differs in the object too, but for its order.
const APPLIED: &str = r#"metadata.annotations["kubectl.kubernetes.io/last-applied-configuration"]"#;

/// The fields of an object that becomes `action`, each line with its newline.
pub fn text(fields: &[Field], action: Action, paint: Paint) -> String {
    if fields.is_empty() {
        return "    no field of it: the order of a list differs, or it is the same by now\n".to_owned();
    }
    let (short, long): (Vec<&Field>, Vec<&Field>) = fields.iter().partition(|field| is_short(field));
    let (live, sent) = (action != Action::Created, action != Action::Differs);
    let mut head = vec!["FIELD", "BACKUP"];
    head.extend(live.then_some("LIVE"));
    head.extend(sent.then_some("SENT"));
    let mut table = Table::new(head);
    for field in short {
        let mut row: Vec<Cell> = vec![path(field).into(), value(field.backup.as_deref()).into()];
        row.extend(live.then(|| Cell::from(value(field.live.as_deref()))));
        row.extend(sent.then(|| Cell::new(whose(field), Tone::Odd)));
        table.row(row);
    }
    let mut text = indented(&table.render(paint));
    for field in long {
        text.push_str(&lines(field, live, sent));
    }
    text
}

fn path(field: &Field) -> String {
    let order = if field.order { " (order)" } else { "" };
    plain(&format!("{}{order}", field.path))
}

fn is_short(field: &Field) -> bool {
    [&field.backup, &field.live, &field.sent]
        .into_iter()
        .flatten()
        .all(|value| value.get().chars().count() <= WIDEST && !value.get().contains("\\n"))
}

fn value(value: Option<&RawValue>) -> String {
    value.map_or_else(|| NONE.to_owned(), |value| plain(value.get()))
}

/// The value sent, by whose it is: hidden ones look alike.
fn whose(field: &Field) -> String {
    match (field.from, &field.sent) {
        (_, None) if field.live.is_some() => "is removed".to_owned(),
        (_, None) => "is left out".to_owned(),
        (Origin::Backup, _) => "the backup's".to_owned(),
        (Origin::Live, _) => "the live one".to_owned(),
        (Origin::Neither, sent) => value(sent.as_deref()),
    }
}

/// A long value, as lines of one side after `-` and of the other after `+`.
fn lines(field: &Field, live: bool, sent: bool) -> String {
    let mut text = String::new();
    if path(field) == APPLIED {
        let _ = writeln!(text, "    {APPLIED}: differs too: see -o json");
        return text;
    }
    let mut pair = |title: &str, before: &Option<Box<RawValue>>, after: &Option<Box<RawValue>>| {
        let change = FieldChange {
            path: field.path.clone(),
            order: field.order,
            before: before.clone(),
            after: after.clone(),
        };
        let rendered = render(&[change]);
        let body = rendered.split_once('\n').map_or("", |(_, body)| body.trim_end());
        let _ = writeln!(text, "    {}: {title}", path(field));
        text.push_str(&indented(body));
    };
    match (live, sent, field.from) {
        (false, ..) => pair("- the backup's, + sent", &field.backup, &field.sent),
        (_, false, _) => pair("- the backup's, + live", &field.backup, &field.live),
        (_, _, Origin::Backup) => pair("- live, + sent, the backup's", &field.live, &field.sent),
        (_, _, Origin::Live) => pair("- the backup's, + live and sent", &field.backup, &field.live),
        (_, _, Origin::Neither) => {
            pair("- the backup's, + live", &field.backup, &field.live);
            pair("- live, + sent", &field.live, &field.sent);
        }
    }
    text
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {}\n", line.trim_end())).collect()
}

fn plain(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use daytwo_core::diff::{Noise, Options, Secrets, States, diff, three_way};

    fn shown(resource: &str, states: [&str; 3], action: Action) -> String {
        let [backup, live, sent] = states.map(str::as_bytes);
        let live = (action != Action::Created).then_some(live);
        let all = Options { noise: Noise::Show, secrets: Secrets::Show };
        let to_live = live.map(|live| diff(resource, backup, live, all).unwrap()).unwrap_or_default();
        let to_sent = diff(resource, backup, sent, all).unwrap();
        let states = States { backup, live, sent };
        let fields = three_way(resource, states, (to_live, to_sent), states, Secrets::Hide).unwrap();
        text(&fields, action, Paint(false))
    }

    #[test]
    fn short_values_stand_in_columns_and_say_whose_is_sent() {
        let [backup, live, sent] = [
            r#"{"image":"a:1","paused":true}"#,
            r#"{"image":"a:2","x":1,"z":2}"#,
            r#"{"image":"a:1","x":1,"y":"é"}"#,
        ];
        assert_eq!(
            shown("pods", [backup, live, sent], Action::Updated),
            concat!(
                "    FIELD    BACKUP   LIVE    SENT\n",
                "    image    \"a:1\"    \"a:2\"   the backup's\n",
                "    paused   true     -       is left out\n",
                "    x        -        1       the live one\n",
                "    y        -        -       \"é\"\n",
                "    z        -        2       is removed\n",
            )
        );
        assert_eq!(
            shown("pods", [r#"{"image":"a:1"}"#, live, live], Action::Differs),
            concat!(
                "    FIELD   BACKUP   LIVE\n",
                "    image   \"a:1\"    \"a:2\"\n",
                "    x       -        1\n",
                "    z       -        2\n"
            )
        );
        assert_eq!(
            shown("pods", [backup, "", sent], Action::Created).lines().next(),
            Some("    FIELD    BACKUP   SENT")
        );
    }

    #[test]
    fn of_a_text_of_several_lines_only_those_that_differ_are_shown() {
        let [backup, live] =
            ["b", "x"].map(|line| format!(r#"{{"conf":"one\ntwo\n{line}\nthree\nfour\n"}}"#));
        assert_eq!(
            shown("configmaps", [&backup, &live, &backup], Action::Replaced),
            concat!(
                "    conf: - live, + sent, the backup's\n",
                "        ...\n",
                "        two\n",
                "      - x\n",
                "      + b\n",
                "        three\n",
                "        ...\n",
            )
        );
    }

    #[test]
    fn a_hidden_value_still_says_whose_it_is_and_no_value_moves_the_cursor() {
        let secret = |value: &str| format!(r#"{{"data":{{"k":"{value}"}}}}"#);
        let [backup, live] = [secret("aGlkZGVuMQ=="), secret("aGlkZGVuMg==")];
        let text = shown("secrets", [&backup, &live, &backup], Action::Updated);
        assert!(text.contains("data.k   \"<changed>\"   \"<changed>\"   the backup's"), "{text}");
        let text = shown("pods", ["{\"a\":1}", "{\"a\":\"\u{9b}2J\"}", "{\"a\":1}"], Action::Updated);
        assert!(text.contains("\\u{9b}2J"), "{text}");
    }
}
