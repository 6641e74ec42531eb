//! The scale subresource of custom resources (`pkg/registry/customresource/etcd.go`, v0.36): a view of two numbers and a
//! selector, wherever the definition says they stand.

use serde_json::{Map, Value, json};

use super::schema::text;
use super::{Definition, Version};
use crate::ask::Object;
use crate::deep;
use crate::field::FieldError;
use crate::status::{Result, Status};

/// Where the numbers stand, as `.spec.replicas`.
#[derive(Debug, Clone)]
pub struct ScalePaths {
    /// What is wanted.
    pub spec: String,
    /// What is there.
    pub status: String,
    /// The selector, as text; empty for none.
    pub selector: String,
}

/// An `autoscaling/v1` Scale, and whether the object says at all how many are wanted.
#[derive(Debug)]
pub struct Scaled {
    /// The Scale.
    pub scale: Object,
    /// Whether the field is there.
    pub found: bool,
}

impl ScalePaths {
    pub(super) fn of(map: &Map<String, Value>) -> Self {
        Self {
            spec: text(map, "specReplicasPath"),
            status: text(map, "statusReplicasPath"),
            selector: text(map, "labelSelectorPath"),
        }
    }

    /// What is wrong with the fields in an object.
    pub(super) fn wrong(&self, object: &Object, spec_as_well: bool) -> Vec<FieldError> {
        let number = |path: &str| match whole(object, path) {
            Err(why) => Some(FieldError::invalid(path, 0, why)),
            Ok(Some(value)) if value < 0 => {
                Some(FieldError::invalid(path, value, "should be a non-negative integer"))
            }
            Ok(Some(value)) if value > i64::from(i32::MAX) => Some(FieldError::invalid(
                path,
                value,
                format!("should be less than or equal to {}", i32::MAX),
            )),
            Ok(_) => None,
        };
        let mut errors = Vec::new();
        if spec_as_well {
            errors.extend(number(&self.spec));
        }
        errors.extend(number(&self.status));
        if !self.selector.is_empty() {
            errors.extend(
                words(object, &self.selector).err().map(|why| FieldError::invalid(&*self.selector, "", why)),
            );
        }
        errors
    }
}

/// The value at `.a.b`.
fn at<'a>(object: &'a Object, path: &str) -> std::result::Result<Option<&'a Value>, String> {
    let mut fields = path.trim_start_matches('.').split('.');
    let first = fields.next().unwrap_or_default();
    let (mut seen, mut value) = (format!(".{first}"), object.get(first));
    for field in fields {
        seen.push('.');
        seen.push_str(field);
        value = match value {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::Object(map)) => map.get(field),
            Some(other) => return Err(wrong(&seen, other, "map[string]interface{}")),
        };
    }
    Ok(value)
}

fn wrong(path: &str, value: &Value, wanted: &str) -> String {
    let (shown, kind) = (deep::print(value), deep::type_name(value));
    format!("{path} accessor error: {shown} is of the type {kind}, expected {wanted}")
}

fn whole(object: &Object, path: &str) -> std::result::Result<Option<i64>, String> {
    match at(object, path)? {
        None => Ok(None),
        Some(value) => value.as_i64().map(Some).ok_or_else(|| wrong(path, value, "int64")),
    }
}

fn words(object: &Object, path: &str) -> std::result::Result<Option<String>, String> {
    match at(object, path)? {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(other) => Err(wrong(path, other, "string")),
    }
}

impl Definition {
    /// The Scale of an object at `version`.
    ///
    /// # Errors
    /// 404: there is no such version, or it has no scale. 500: a field is no number.
    pub fn scale(&self, version: &str, object: &Object) -> Result<Scaled> {
        let paths = self.scale_paths(version)?;
        let spec = whole(object, &paths.spec).map_err(Status::internal)?;
        let status = whole(object, &paths.status).map_err(Status::internal)?.unwrap_or(0);
        let selector = match paths.selector.is_empty() {
            true => None,
            false => words(object, &paths.selector).map_err(Status::internal)?,
        };
        let mut metadata = Map::new();
        let from = object.get("metadata").and_then(Value::as_object);
        for name in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] {
            if let Some(value) = from.and_then(|from| from.get(name)) {
                metadata.insert(name.into(), value.clone());
            }
        }
        let mut scale = json!({"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": metadata, "spec": {}, "status": {"replicas": status}});
        if let Some(spec) = spec.filter(|spec| *spec != 0) {
            scale["spec"]["replicas"] = spec.into();
        }
        if let Some(selector) = selector.filter(|selector| !selector.is_empty()) {
            scale["status"]["selector"] = selector.into();
        }
        let Value::Object(scale) = scale else { return Err(Status::internal("a Scale is an object")) };
        Ok(Scaled { scale, found: spec.is_some() })
    }

    /// What reading the Scale gives: an object that does not say how many are wanted has none to show.
    ///
    /// # Errors
    /// As [`Definition::scale`], and 500 where the field is missing.
    pub fn read_scale(&self, version: &str, object: &Object) -> Result<Object> {
        let Scaled { scale, found } = self.scale(version, object)?;
        match found {
            true => Ok(scale),
            false => {
                let path = &self.scale_paths(version)?.spec;
                Err(Status::internal(format!(
                    "the spec replicas field {} does not exist",
                    crate::field::quoted(path)
                )))
            }
        }
    }

    /// The object with as many wanted as `scale` says, and with the resourceVersion that it asks for, if any.
    ///
    /// # Errors
    /// 404: there is no such version, or it has no scale. 500: the place cannot be written to.
    pub fn with_scale(&self, version: &str, object: &Object, scale: &Object) -> Result<Object> {
        let paths = self.scale_paths(version)?;
        let wanted =
            scale.get("spec").and_then(|spec| spec.get("replicas")).and_then(Value::as_i64).unwrap_or(0);
        let mut object = deep::copy_map(object);
        let mut fields: Vec<&str> = paths.spec.trim_start_matches('.').split('.').collect();
        let last = fields.pop().unwrap_or_default();
        let mut map = &mut object;
        for field in fields {
            let inner = map.entry(field).or_insert_with(|| Value::Object(Map::new()));
            map = inner.as_object_mut().ok_or_else(|| {
                Status::internal(format!(
                    "value cannot be set because {} is not a map[string]interface{{}}",
                    paths.spec
                ))
            })?;
        }
        map.insert(last.to_owned(), wanted.into());
        let version = scale
            .get("metadata")
            .and_then(|metadata| metadata.get("resourceVersion"))
            .and_then(Value::as_str);
        if let (Some(version), Some(Value::Object(metadata))) =
            (version.filter(|text| !text.is_empty()), object.get_mut("metadata"))
        {
            metadata.insert("resourceVersion".into(), version.into());
        }
        Ok(object)
    }

    fn scale_paths(&self, version: &str) -> Result<&ScalePaths> {
        self.version(version)
            .and_then(|version: &Version| version.scale.as_ref())
            .ok_or_else(Status::no_such_path)
    }
}
