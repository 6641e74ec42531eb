//! Takes out of an answer what its place tells to be of no interest: managedFields, the revision of a list, ages in a table,
//! what the columns of a table say of themselves.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value};

/// Columns of a Table whose cells tell how long something is ago.
const AGES: [&str; 5] = ["Age", "Last Seen", "First Seen", "Last Schedule", "Duration"];
static AGE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^(?:[0-9]+[ydhms]){1,2}$").expect("a pattern"));

/// `value` without all that. What `script` wrote itself stays.
pub fn tidy(value: &Value, script: &str) -> Value {
    match value {
        Value::Object(fields) => {
            let mut fields = fields.clone();
            fields.remove("managedFields");
            let is = |key: &str, text: &str| fields.get(key).is_some_and(|value| value == text);
            if is("type", "BOOKMARK") {
                unsay_revisions(&mut fields);
                fields.insert("type".to_owned(), "<bookmark>".into());
            } else if is("kind", "Table") {
                table(&mut fields, script);
            }
            if (fields.contains_key("items") || fields.contains_key("rows"))
                && let Some(Value::Object(meta)) = fields.get_mut("metadata")
            {
                list_meta(meta);
            }
            fields.values_mut().for_each(|value| *value = tidy(value, script));
            Value::Object(fields)
        }
        Value::Array(items) => items.iter().map(|value| tidy(value, script)).collect(),
        other => other.clone(),
    }
}

/// A list's revision is that of the whole server, where others write too; where it goes on is opaque.
fn list_meta(meta: &mut Map<String, Value>) {
    for (key, label) in [("resourceVersion", "<revision>"), ("continue", "<continue>")] {
        if let Some(Value::String(text)) = meta.get_mut(key)
            && !text.is_empty()
        {
            label.clone_into(text);
        }
    }
}

/// A bookmark's revision is that of the whole server too.
fn unsay_revisions(fields: &mut Map<String, Value>) {
    for (key, value) in fields {
        match value {
            Value::String(text) if key == "resourceVersion" => "<revision>".clone_into(text),
            Value::Object(fields) => unsay_revisions(fields),
            Value::Array(items) => {
                items.iter_mut().filter_map(Value::as_object_mut).for_each(unsay_revisions);
            }
            _ => {}
        }
    }
}

/// No ages (only the first Table of a watch says which columns are such; in those after it, whatever looks like one); and of what columns say of themselves only what a definition told them, as the rest is quoted from the
/// documentation of Kubernetes, and read by nobody.
fn table(table: &mut Map<String, Value>, script: &str) {
    let mut ages = Vec::new();
    let named = table.get("columnDefinitions").is_some_and(|columns| columns.is_array());
    for (at, column) in
        table.get_mut("columnDefinitions").and_then(Value::as_array_mut).into_iter().flatten().enumerate()
    {
        if AGES.iter().any(|age| column["name"] == *age) {
            ages.push(at);
        }
        if let Some(column) = column.as_object_mut()
            && column
                .get("description")
                .and_then(Value::as_str)
                .is_none_or(|text| text.is_empty() || !script.contains(text))
        {
            column.remove("description");
        }
    }
    for row in table.get_mut("rows").and_then(Value::as_array_mut).into_iter().flatten() {
        let cells = row["cells"].as_array_mut().into_iter().flatten().enumerate();
        for (_, cell) in cells.filter(|(at, _)| !named || ages.contains(at)) {
            if cell.as_str().is_some_and(|text| AGE.is_match(text)) {
                *cell = "<age>".into();
            }
        }
    }
}
