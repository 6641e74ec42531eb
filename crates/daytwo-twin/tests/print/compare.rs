//! Holds a real table against ours of the same objects.

use anyhow::{Context as _, Result, bail, ensure};
use daytwo_core::resource::ResourceType;
use daytwo_twin::ask::Object;
use daytwo_twin::print::{Column, Form, Include, Printer};
use jiff::Timestamp;
use serde_json::Value;

use crate::server::{Server, TABLE, now};

/// Our table of the objects in the rows of a real one.
pub(crate) fn ours(printer: &Printer<'_>, form: Form, real: &Value, now: Timestamp) -> Result<Value> {
    let empty = Vec::new();
    let rows = real["rows"].as_array().unwrap_or(&empty);
    let objects: Vec<&Object> = rows.iter().filter_map(|row| row["object"].as_object()).collect();
    ensure!(objects.len() == rows.len(), "rows without objects");
    let metadata = real["metadata"].as_object().context("no metadata")?;
    let mut out = Vec::new();
    printer.table(&mut out, form, metadata, objects, now);
    Ok(serde_json::from_slice(&out)?)
}

/// Built-in columns have no descriptions here.
pub(crate) fn without_descriptions(mut table: Value, custom: bool) -> Value {
    for column in table["columnDefinitions"].as_array_mut().into_iter().flatten() {
        if !custom || column["name"] == "Name" || column["name"] == "Age" {
            column["description"] = "".into();
        }
    }
    table
}

/// What differs, by row.
pub(crate) fn difference(real: &Value, ours: &Value) -> String {
    let mut out = String::new();
    for field in ["kind", "apiVersion", "metadata", "columnDefinitions"] {
        if real[field] != ours[field] {
            out.push_str(&format!("\n  {field}\n    real {}\n    ours {}", real[field], ours[field]));
        }
    }
    let rows = |table: &Value| table["rows"].as_array().cloned().unwrap_or_default();
    for (real, ours) in rows(real).into_iter().zip(rows(ours)).filter(|(real, ours)| real != ours) {
        let name = &real["object"]["metadata"]["name"];
        for field in ["cells", "conditions", "object"].into_iter().filter(|field| real[field] != ours[field])
        {
            out.push_str(&format!("\n  {name} {field}\n    real {}\n    ours {}", real[field], ours[field]));
        }
    }
    out
}

/// What is compared: the table at a path, and where the objects are found as they are kept.
pub(crate) struct Case<'a> {
    pub(crate) path: &'a str,
    pub(crate) kept: &'a str,
    pub(crate) kind: &'a ResourceType,
    pub(crate) custom: Option<&'a [Column]>,
    pub(crate) include: Include,
}

/// Reads a real table until it took less than a second, and compares it with ours: as of before, or as of after.
pub(crate) async fn compare(server: &Server, case: &Case<'_>) -> Result<Option<String>> {
    let form = Form { version: "v1", include: case.include, headed: true };
    for _ in 0..10 {
        let before = now();
        let shown = server.get(&format!("{}?includeObject=Object", case.path), TABLE).await?;
        let real = match case.include {
            Include::Object => shown.clone(),
            other => server.get(&format!("{}?includeObject={other:?}", case.path), TABLE).await?,
        };
        let kept = match case.kept == case.path {
            true => shown.clone(),
            false => server.get(&format!("{}?includeObject=Object", case.kept), TABLE).await?,
        };
        let after = now();
        let slow = after.duration_since(before) > jiff::SignedDuration::from_millis(900);
        if slow || real["metadata"] != kept["metadata"] || shown["metadata"] != real["metadata"] {
            continue;
        }
        let printer = Printer::new(case.kind, case.custom).showing(|object| {
            let key =
                |object: &Object| ["namespace", "name"].map(|part| object["metadata"].get(part).cloned());
            let rows = shown["rows"].as_array().into_iter().flatten();
            let mut objects = rows.filter_map(|row| row["object"].as_object());
            objects.find(|shown| key(shown) == key(object)).cloned().unwrap_or_default()
        });
        let real = without_descriptions(real, case.custom.is_some());
        let [first, second] = [ours(&printer, form, &kept, before)?, ours(&printer, form, &kept, after)?]
            .map(|table| without_descriptions(table, case.custom.is_some()));
        return Ok((!agree(&real, &[&first, &second])).then(|| difference(&real, &second)));
    }
    bail!("{} changes all the time", case.path)
}

/// Whether each cell is one of ours: of tables as of several times, as some may tick meanwhile.
pub(crate) fn agree(real: &Value, ours: &[&Value]) -> bool {
    match real {
        Value::Array(members) => {
            let same = |ours: &&&Value| ours.as_array().is_some_and(|ours| ours.len() == members.len());
            let ours: Vec<&Value> = ours.iter().filter(same).copied().collect();
            let at = |index: usize| ours.iter().map(|ours| &ours[index]).collect::<Vec<_>>();
            !ours.is_empty() && members.iter().enumerate().all(|(index, member)| agree(member, &at(index)))
        }
        Value::Object(fields) => {
            let same = |ours: &&&Value| {
                ours.as_object().is_some_and(|ours| {
                    ours.len() == fields.len() && fields.keys().all(|name| ours.contains_key(name))
                })
            };
            let ours: Vec<&Value> = ours.iter().filter(same).copied().collect();
            let at = |name: &str| ours.iter().map(|ours| &ours[name]).collect::<Vec<_>>();
            !ours.is_empty() && fields.iter().all(|(name, value)| agree(value, &at(name)))
        }
        _ => ours.contains(&real),
    }
}
