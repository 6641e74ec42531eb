//! One version of a definition, read, and what it makes of a body.

use serde_json::{Map, Value};

use super::schema::{Schema, flag, text};
use super::{Column, Names, ScalePaths, Version, cel, meta, prune};
use crate::ask::Object;

impl Version {
    pub(super) fn of(
        map: &Map<String, Value>,
        group: &str,
        names: &Names,
        preserve: bool,
        notes: &mut Vec<String>,
    ) -> Version {
        let inner = |name: &str| map.get(name).and_then(Value::as_object);
        let name = text(map, "name");
        let mut schema =
            match inner("schema").and_then(|schema| schema.get("openAPIV3Schema")).map(Schema::read) {
                Some(Ok(schema)) => schema,
                None => Schema::default(),
                Some(Err(why)) => {
                    notes.push(format!(
                        "{}.{group} {name}: objects are not held to the schema: {why}",
                        names.plural
                    ));
                    Schema { preserve: true, ..Schema::default() }
                }
            };
        schema.preserve |= preserve;
        let subresources = inner("subresources");
        let subresource = |name: &str| subresources.and_then(|map| map.get(name)).and_then(Value::as_object);
        let list = |name: &str| {
            map.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object)
        };
        let warning = match text(map, "deprecationWarning") {
            warning if warning.is_empty() => format!("{group}/{name} {} is deprecated", names.kind),
            warning => warning,
        };
        Version {
            served: flag(map, "served"),
            storage: flag(map, "storage"),
            deprecation: flag(map, "deprecated").then_some(warning),
            status: subresource("status").is_some(),
            scale: subresource("scale").map(ScalePaths::of),
            columns: list("additionalPrinterColumns").map(Column::of).collect(),
            selectable: list("selectableFields")
                .map(|field| text(field, "jsonPath").trim_start_matches('.').to_owned())
                .collect(),
            rules: cel::Rules::of(&schema),
            embeds: schema.any(&|schema| schema.embedded),
            keyed: schema.any(&|schema| matches!(schema.list.as_deref(), Some("set" | "map"))),
            schema,
            name,
        }
    }

    /// What decoding does beside parsing; gives the unknown fields.
    pub(super) fn take_in(&self, body: &mut Object, ours: bool, track: bool) -> Result<Vec<String>, String> {
        let mut found = Vec::new();
        if let Some(metadata) = body.get_mut("metadata") {
            *metadata = Value::Object(meta::read(metadata, "metadata", &mut found)?);
        }
        if ours {
            let mut unknown = prune::Unknown::new(track);
            prune::resource(body, &self.schema, &mut unknown);
            found.extend(unknown.into_sorted());
            prune::nulls(body, &self.schema);
            if self.embeds {
                let mut inside = Vec::new();
                meta::coerce_map(body, &self.schema, false, "", &mut inside)
                    .map_err(|error| error.to_string())?;
                inside.sort();
                found.extend(inside);
            }
            prune::defaults(body, &self.schema);
        }
        Ok(found)
    }

    pub(super) fn prune(&self, object: &mut Object) {
        prune::resource(object, &self.schema, &mut prune::Unknown::new(false));
        prune::nulls(object, &self.schema);
    }
}

impl Column {
    fn of(map: &Map<String, Value>) -> Column {
        Column {
            name: text(map, "name"),
            kind: text(map, "type"),
            format: text(map, "format"),
            priority: map.get("priority").and_then(Value::as_i64).unwrap_or(0),
            description: text(map, "description"),
            json_path: text(map, "jsonPath"),
        }
    }
}
