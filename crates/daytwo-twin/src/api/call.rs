//! One request, taken apart: what it is about and how it is to be done.

use jiff::Timestamp;

use crate::ask::Unknown;
use crate::status::{Result, Status};

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The user's name.
    pub user: String,
    /// Its groups.
    pub groups: Vec<String>,
    /// Its uid; empty of users that have none.
    pub uid: String,
}

/// The group of whoever is known.
const KNOWN: &str = "system:authenticated";
/// The group, and the user, of whoever is not.
const UNKNOWN: &str = "system:unauthenticated";
const NOBODY: &str = "system:anonymous";

impl Caller {
    /// Whoever holds the token, or the process itself: may do all.
    pub fn admin() -> Caller {
        Caller::new("daytwo-admin", &["system:masters", KNOWN])
    }

    /// Whether it may do all.
    pub fn is_master(&self) -> bool {
        self.groups.iter().any(|group| group == "system:masters")
    }

    /// Whoever says nothing of himself.
    pub fn anonymous() -> Caller {
        Caller::new(NOBODY, &[UNKNOWN])
    }

    /// A user that is in `groups`.
    pub fn new(user: &str, groups: &[&str]) -> Caller {
        let groups = groups.iter().map(|&group| group.to_owned()).collect();
        Caller { user: user.to_owned(), groups, uid: String::new() }
    }

    /// The groups of a namespace's ServiceAccounts.
    pub(crate) fn groups_of_account(namespace: &str) -> [String; 2] {
        ["system:serviceaccounts".to_owned(), format!("system:serviceaccounts:{namespace}")]
    }

    /// A user that is in `groups`, and in that of all who are known, unless it is nobody's.
    pub(crate) fn known(user: String, mut groups: Vec<String>, uid: String) -> Caller {
        let has = |name: &str| groups.iter().any(|group| group == name);
        let more = match user == NOBODY {
            true => Some(UNKNOWN).filter(|name| !has(name)),
            false => Some(KNOWN).filter(|name| !has(name) && !has(UNKNOWN)),
        };
        groups.extend(more.map(str::to_owned));
        Caller { user, groups, uid }
    }
}

/// The namespace and the name of the ServiceAccount whose user this is.
pub(crate) fn account_of(user: &str) -> Option<(&str, &str)> {
    let (namespace, name) = user.strip_prefix("system:serviceaccount:")?.split_once(':')?;
    (!namespace.is_empty() && !name.is_empty() && !name.contains(':')).then_some((namespace, name))
}

/// What a path names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Target {
    /// The API group; empty for the core's.
    pub group: String,
    /// The version.
    pub version: String,
    /// The resource's plural.
    pub resource: String,
    /// The namespace.
    pub namespace: Option<String>,
    /// The object's name.
    pub name: Option<String>,
    /// The part of the object.
    pub subresource: Option<String>,
    /// Whether the path itself asks for a watch, as paths did before there was a parameter for it.
    pub watch: bool,
}

impl Target {
    /// The target of a path below `/api` or `/apis`; `None` where none can be meant.
    pub fn of(path: &str) -> Option<Target> {
        let mut parts = path.trim_matches('/').split('/');
        let (group, version) = match parts.next()? {
            "api" => (String::new(), parts.next()?.to_owned()),
            "apis" => (parts.next()?.to_owned(), parts.next()?.to_owned()),
            _ => return None,
        };
        let mut rest: Vec<String> = parts.map(decoded).collect();
        if rest.is_empty() || rest.iter().any(String::is_empty) {
            return None;
        }
        let mut target = Target { group, version, ..Target::default() };
        if rest[0] == "watch" && rest.len() > 1 {
            target.watch = true;
            rest.remove(0);
        }
        // `namespaces/NAME` alone, and its subresources, are about the namespace itself.
        let about_namespace =
            rest.len() == 2 || (rest.len() == 3 && matches!(&*rest[2], "status" | "finalize"));
        if rest[0] == "namespaces" && rest.len() > 1 && !about_namespace {
            target.namespace = Some(rest[1].clone());
            rest.drain(..2);
        }
        let mut rest = rest.into_iter();
        target.resource = rest.next()?;
        target.name = rest.next();
        target.subresource = rest.next();
        // Only proxies have paths of their own.
        match (target.subresource.as_deref(), rest.next()) {
            (Some("proxy"), _) | (_, None) => Some(target),
            _ => None,
        }
    }
}

/// A part of a path, or a parameter, without its percent signs.
pub(crate) fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while at < bytes.len() {
        let hex = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        match (bytes[at], bytes.get(at + 1).copied().and_then(hex), bytes.get(at + 2).copied().and_then(hex))
        {
            (b'%', Some(high), Some(low)) => {
                out.push(high << 4 | low);
                at += 3;
            }
            (byte, ..) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The longest name of a manager of fields.
const MOST_MANAGER: usize = 128;

/// One request.
#[derive(Debug, Clone)]
pub struct Call {
    /// The HTTP method.
    pub method: String,
    /// The path, as sent.
    pub path: String,
    /// What it is about.
    pub target: Target,
    /// The query's parameters.
    pub query: Vec<(String, String)>,
    /// `Content-Type`, without parameters; empty if there is none.
    pub content_type: String,
    /// Who asks.
    pub caller: Caller,
    /// Whether nothing is to be kept.
    pub dry_run: bool,
    /// What is done with fields the kind has not.
    pub unknown: Unknown,
    /// When it came.
    pub now: Timestamp,
    /// Whether the client wants to go on in another protocol, as for exec.
    pub upgrade: bool,
}

impl Call {
    /// A call of a method on a path and query.
    ///
    /// # Errors
    /// 404 where the path is none of an object or a resource; 422 where an option says what cannot be.
    pub fn new(
        method: &str,
        path: &str,
        query: &str,
        content_type: &str,
        caller: Caller,
        now: Timestamp,
    ) -> Result<Call> {
        let target = Target::of(path).ok_or_else(Status::no_such_path)?;
        let query = parameters(query);
        let mut call = Call {
            method: method.to_owned(),
            path: path.to_owned(),
            target,
            query,
            content_type: content_type.split(';').next().unwrap_or_default().trim().to_owned(),
            caller,
            dry_run: false,
            unknown: Unknown::default(),
            now,
            upgrade: false,
        };
        if call.writes() {
            call.options()?;
        }
        Ok(call)
    }

    /// Reads what all writes may be told.
    fn options(&mut self) -> Result<()> {
        use crate::field::FieldError;
        let mut errors = Vec::new();
        let dry: Vec<&str> = self.all("dryRun").collect();
        if !dry.is_empty() {
            if dry.iter().all(|word| *word == "All") {
                self.dry_run = true;
            } else {
                let value = serde_json::json!(dry);
                errors.push(FieldError::not_supported("dryRun", value, &["All"]));
            }
        }
        let manager = self.one("fieldManager").unwrap_or_default();
        if manager.len() > MOST_MANAGER {
            errors.push(FieldError::too_long("fieldManager", MOST_MANAGER));
        }
        let apply = self.content_type == "application/apply-patch+yaml";
        if &*self.method == "PATCH" {
            if apply && manager.is_empty() {
                errors.push(FieldError::required("fieldManager", "is required for apply patch"));
            }
            if !apply && self.one("force").is_some_and(|force| !force.is_empty()) {
                errors.push(FieldError::forbidden("force", "may not be specified for non-apply patch"));
            }
        }
        let unknown = match self.one("fieldValidation").unwrap_or_default() {
            "" => Unknown::Warn,
            "Warn" => Unknown::Warn,
            "Strict" => Unknown::Strict,
            "Ignore" => Unknown::Ignore,
            other => {
                errors.push(FieldError::not_supported(
                    "fieldValidation",
                    other,
                    &["", "Ignore", "Strict", "Warn"],
                ));
                Unknown::Warn
            }
        };
        self.unknown = unknown;
        if errors.is_empty() || matches!(&*self.method, "DELETE") {
            return Ok(());
        }
        let kind = match &*self.method {
            "POST" => "CreateOptions",
            "PUT" => "UpdateOptions",
            _ => "PatchOptions",
        };
        Err(Status::invalid(crate::status::Subject { group: "meta.k8s.io", kind }, "", &errors))
    }

    /// Whether it changes something.
    pub fn writes(&self) -> bool {
        !matches!(&*self.method, "GET" | "HEAD" | "OPTIONS")
    }

    /// A parameter's first value.
    pub fn one(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// All values of a parameter.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.query.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Whether a parameter is set, to anything but `false` or `0` (`k8s.io/apimachinery/pkg/runtime/conversion.go`).
    pub fn flag(&self, name: &str) -> bool {
        self.one(name).is_some_and(|value| !value.eq_ignore_ascii_case("false") && value != "0")
    }
}

/// The parameters of a query.
pub(super) fn parameters(query: &str) -> Vec<(String, String)> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(&key.replace('+', " ")), decoded(&value.replace('+', " ")))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_taken_apart() {
        let of = |path| {
            let target = Target::of(path)?;
            let parts = [target.namespace, Some(target.resource), target.name, target.subresource];
            Some(parts.map(Option::unwrap_or_default).join(" "))
        };
        assert_eq!(of("/api/v1/namespaces/a").as_deref(), Some(" namespaces a "));
        assert_eq!(of("/api/v1/namespaces/a/status").as_deref(), Some(" namespaces a status"));
        assert_eq!(of("/api/v1/namespaces/a/pods").as_deref(), Some("a pods  "));
        assert_eq!(
            of("/apis/apps/v1/namespaces/a/deployments/b/scale").as_deref(),
            Some("a deployments b scale")
        );
        assert_eq!(of("/apis/apps/v1/deployments").as_deref(), Some(" deployments  "));
        assert_eq!(
            of("/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Anode").as_deref(),
            Some(" clusterroles system:node ")
        );
        assert_eq!(of("/api/v1/namespaces/a/pods/b/status/more"), None);
        assert_eq!(of("/apis/apps"), None);
    }
}
