//! How an object is to be deleted: what a request says of it, in its body or in its query.

use serde_json::{Value, json};

use crate::api::Call;
use crate::api::decode::{Wanted, decode, unsupported};
use crate::ask::Object;
use crate::field::FieldError;
use crate::status::{Result, Status, Subject};

/// How an object is to be deleted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Deletion {
    pub(crate) grace: Option<i64>,
    pub(crate) uid: Option<String>,
    pub(crate) revision: Option<String>,
    pub(crate) orphan: Option<bool>,
    pub(crate) propagation: Option<String>,
    pub(crate) dry_run: bool,
    /// Whether it is an eviction's: webhooks are asked about that, and not about the delete.
    pub(crate) evicts: bool,
}

impl Deletion {
    /// The options of a request: its body, or its query.
    ///
    /// # Errors
    /// 400 of a body that holds none, 422 of options that contradict each other.
    pub(crate) fn of(call: &Call, body: &[u8], warnings: &mut Vec<String>) -> Result<Deletion> {
        // Where there is a body, the query says nothing.
        let mut deletion = Deletion { dry_run: call.dry_run && body.is_empty(), ..Deletion::default() };
        let mut errors = Vec::new();
        if body.is_empty() {
            let number = |name: &str| match call.one(name) {
                None | Some("") => Ok(None),
                Some(text) => text.parse().map(Some).map_err(|_| {
                    Status::bad_request(format!("strconv.ParseInt: parsing {text:?}: invalid syntax"))
                }),
            };
            deletion.grace = number("gracePeriodSeconds")?;
            deletion.orphan = call.one("orphanDependents").map(|_| call.flag("orphanDependents"));
            deletion.propagation = call.one("propagationPolicy").map(str::to_owned);
            if call.all("dryRun").any(|word| word != "All") {
                let all: Vec<&str> = call.all("dryRun").collect();
                errors.push(FieldError::not_supported("dryRun", json!(all), &["All"]));
            }
        } else {
            let wanted = Wanted::built_in("meta.k8s.io", "v1", "DeleteOptions");
            deletion.read(&options(call, &wanted, body, warnings)?, &mut errors)?;
        }
        deletion.check(errors)?;
        Ok(deletion)
    }

    /// Takes over the options inside an eviction, and says what is wrong with them, which [`Deletion::check`] is told once
    /// the pod's budget let it go. Any word for `dryRun` makes it one until then (`propagateDryRun` of
    /// `pkg/registry/core/pod/storage/eviction.go`, v1.36).
    ///
    /// # Errors
    /// 400 where one is of another type, 500 where the query's `dryRun` is another.
    pub(crate) fn take(&mut self, options: &Object) -> Result<Vec<FieldError>> {
        let dry_run = self.dry_run;
        let mut errors = Vec::new();
        self.read(options, &mut errors)?;
        let words = options.get("dryRun").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
        if dry_run && !words.is_empty() && words != ["All"] {
            let words = words.join(" ");
            return Err(Status::unforeseen(format!(
                "Non-matching dry-run options in request and content: [All] and [{words}]"
            )));
        }
        self.dry_run = dry_run || !words.is_empty();
        Ok(errors)
    }

    /// Whether the options go together (`ValidateDeleteOptions` of `k8s.io/apimachinery`).
    ///
    /// # Errors
    /// 422 with `errors`, and with what else is wrong.
    pub(crate) fn check(&self, mut errors: Vec<FieldError>) -> Result<()> {
        if let (Some(_), Some(policy)) = (self.orphan, &self.propagation) {
            errors.push(FieldError::invalid(
                "propagationPolicy",
                policy.as_str(),
                "orphanDependents and deletionPropagation cannot be both set",
            ));
        } else if let Some(policy) = &self.propagation
            && !matches!(policy.as_str(), "Foreground" | "Background" | "Orphan")
        {
            errors.push(FieldError::not_supported(
                "propagationPolicy",
                policy.as_str(),
                &["Foreground", "Background", "Orphan", "nil"],
            ));
        }
        if errors.is_empty() {
            return Ok(());
        }
        Err(Status::invalid(Subject { group: "meta.k8s.io", kind: "DeleteOptions" }, "", &errors))
    }

    fn read(&mut self, options: &Object, errors: &mut Vec<FieldError>) -> Result<()> {
        let number = |name: &str| match options.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => value.as_i64().map(Some).ok_or_else(|| {
                Status::bad_request(format!(
                    "json: cannot unmarshal into Go struct field DeleteOptions.{name} of type int64"
                ))
            }),
        };
        self.grace = number("gracePeriodSeconds")?;
        self.orphan = options.get("orphanDependents").and_then(Value::as_bool);
        self.propagation = options.get("propagationPolicy").and_then(Value::as_str).map(str::to_owned);
        let text = |name: &str| {
            let value = options.get("preconditions").and_then(|all| all.get(name));
            value.and_then(Value::as_str).map(str::to_owned)
        };
        (self.uid, self.revision) = (text("uid"), text("resourceVersion"));
        if let Some(Value::Array(words)) = options.get("dryRun")
            && !words.is_empty()
        {
            match words.iter().all(|word| word.as_str() == Some("All")) {
                true => self.dry_run = true,
                false => errors.push(FieldError::not_supported("dryRun", json!(words), &["All"])),
            }
        }
        Ok(())
    }
}

/// The DeleteOptions in a body, of whatever group and version: there is one form of them.
fn options(call: &Call, wanted: &Wanted<'_>, body: &[u8], warnings: &mut Vec<String>) -> Result<Object> {
    let read = match &*call.content_type {
        "" | "application/json" => crate::body::value(body).map_err(|error| error.to_string()),
        "application/yaml" => crate::body::yaml(body),
        "application/vnd.kubernetes.protobuf" => return decode(call, wanted, body, warnings),
        _ => return Err(unsupported(false)),
    };
    match read {
        Ok(Value::Object(object)) => match object.get("kind").and_then(Value::as_str) {
            None | Some("" | "DeleteOptions") => Ok(object),
            Some(other) => Err(Status::bad_request(format!(
                "no kind {other:?} is registered for version {:?} in scheme \"pkg/runtime/scheme.go:111\"",
                object.get("apiVersion").and_then(Value::as_str).unwrap_or("v1")
            ))),
        },
        Ok(_) => {
            Err(Status::bad_request("couldn't get version/kind; json parse error: the body is no object"))
        }
        Err(why) => Err(Status::bad_request(format!("couldn't get version/kind; json parse error: {why}"))),
    }
}
