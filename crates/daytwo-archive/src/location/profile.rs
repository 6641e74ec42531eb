//! The settings AWS tools share: environment variables and the files `~/.aws/credentials` and `~/.aws/config`, which
//! object_store does not read. Decides where credentials come from, in the order the AWS SDKs use.
//!
//! Refuses to run other programs (`credential_process`, SSO, assumed roles): says which command turns those into
//! variables. Sources: AWS SDKs and Tools Reference Guide, "Shared config and credentials files".

use super::error::{Error, Result};
use super::ini::{Section, sections};
use super::options::{Credentials, LocationOptions};
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// Where S3 credentials come from.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Source {
    Keys {
        key_id: String,
        secret: String,
        token: Option<String>,
    },
    WebIdentity {
        token_file: String,
        role: String,
        session: Option<String>,
    },
    /// ECS or EKS Pod Identity: object_store's own names of the settings.
    Container(Vec<(&'static str, String)>),
    Instance {
        endpoint: Option<String>,
    },
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Source::Keys { .. } => "Keys(<redacted>)",
            Source::WebIdentity { .. } => "WebIdentity",
            Source::Container(_) => "Container",
            Source::Instance { .. } => "Instance",
        })
    }
}

/// What the environment and the files say.
#[derive(Debug)]
pub(super) struct Aws {
    pub(super) source: Source,
    /// For people: where the credentials come from.
    pub(super) from: String,
    pub(super) region: Option<String>,
    pub(super) endpoint: Option<String>,
    pub(super) path_style: Option<bool>,
    pub(super) ca_bundle: Option<String>,
}

pub(super) fn resolve(options: &LocationOptions) -> Result<Aws> {
    let named = options.profile.clone().or_else(|| options.variable("AWS_PROFILE"));
    let files = Files::read(options)?;
    let name = named.clone().unwrap_or_else(|| "default".into());
    let profile = files.profile(&name);
    if let (Some(name), None) = (&named, &profile) {
        return Err(Error::Invalid(format!(
            "there is no profile {name:?} in {} or {}",
            files.credentials.display(),
            files.config.display()
        )));
    }
    let profile = profile.unwrap_or_default();
    let setting = |key: &str| profile.get(key).cloned();
    let (source, from) = source(options, &files, &name, &profile)?;
    let ignore_endpoints = options
        .variable("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")
        .is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let configured = || {
        let service = setting("services")
            .and_then(|name| files.section(&format!("services {name}"))?.get("s3.endpoint_url").cloned());
        ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"]
            .into_iter()
            .find_map(|name| options.variable(name))
            .or(service)
            .or_else(|| setting("endpoint_url"))
    };
    Ok(Aws {
        source,
        from,
        region: options
            .region
            .clone()
            .or_else(|| options.variable("AWS_REGION"))
            .or_else(|| options.variable("AWS_DEFAULT_REGION"))
            .or_else(|| setting("region")),
        endpoint: options.endpoint.clone().or_else(|| if ignore_endpoints { None } else { configured() }),
        path_style: match setting("s3.addressing_style").as_deref() {
            Some("path") => Some(true),
            Some("virtual") => Some(false),
            _ => None,
        },
        ca_bundle: setting("ca_bundle"),
    })
}

fn source(
    options: &LocationOptions,
    files: &Files,
    name: &str,
    profile: &Section,
) -> Result<(Source, String)> {
    match &options.credentials {
        Some(Credentials::Aws { key_id, secret, token }) => {
            let keys = Source::Keys { key_id: key_id.clone(), secret: secret.clone(), token: token.clone() };
            return Ok((keys, "the credentials given".into()));
        }
        Some(_) => return Err(Error::Invalid("the credentials given are not for an s3:// location".into())),
        None => {}
    }
    let of_environment = || from_environment(options);
    let of_profile = || from_profile(files, name, profile);
    // A profile asked for by an option goes before the environment, as with the AWS command line.
    let found = if options.profile.is_some() {
        of_profile()?
    } else {
        of_environment()?.map_or_else(of_profile, |found| Ok(Some(found)))?
    };
    if let Some(found) = found {
        return Ok(found);
    }
    if let Some(found) = from_container(options) {
        return Ok(found);
    }
    if options.variable("AWS_EC2_METADATA_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        return Err(Error::Invalid(format!(
            "there are no S3 credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or write profile {name:?} into {}",
            files.credentials.display()
        )));
    }
    let endpoint = options
        .variable("AWS_EC2_METADATA_SERVICE_ENDPOINT")
        .or_else(|| options.variable("AWS_METADATA_ENDPOINT"));
    let from = format!(
        "the instance's metadata, since neither AWS_ACCESS_KEY_ID nor profile {name:?} of {} nor a web identity is set",
        files.credentials.display()
    );
    Ok((Source::Instance { endpoint }, from))
}

fn from_environment(options: &LocationOptions) -> Result<Option<(Source, String)>> {
    match (options.variable("AWS_ACCESS_KEY_ID"), options.variable("AWS_SECRET_ACCESS_KEY")) {
        (Some(key_id), Some(secret)) => {
            let keys = Source::Keys { key_id, secret, token: options.variable("AWS_SESSION_TOKEN") };
            return Ok(Some((keys, "the environment (AWS_ACCESS_KEY_ID)".into())));
        }
        (Some(_), None) => {
            return Err(Error::Invalid("AWS_ACCESS_KEY_ID is set and AWS_SECRET_ACCESS_KEY is not".into()));
        }
        (None, Some(_)) => {
            return Err(Error::Invalid("AWS_SECRET_ACCESS_KEY is set and AWS_ACCESS_KEY_ID is not".into()));
        }
        (None, None) => {}
    }
    let token_file = options.variable("AWS_WEB_IDENTITY_TOKEN_FILE");
    let role = options.variable("AWS_ROLE_ARN");
    Ok(token_file.zip(role).map(|(token_file, role)| {
        let from = format!("the web identity token {token_file}");
        (Source::WebIdentity { token_file, role, session: options.variable("AWS_ROLE_SESSION_NAME") }, from)
    }))
}

fn from_profile(files: &Files, name: &str, profile: &Section) -> Result<Option<(Source, String)>> {
    let setting = |key: &str| profile.get(key).cloned();
    let by_program = |what: &str| {
        Err(Error::Invalid(format!(
            "profile {name:?} takes its credentials from {what}, which daytwo does not run; put them into the environment first: eval \"$(aws configure export-credentials --profile {name} --format env)\""
        )))
    };
    if let Some(role) = setting("role_arn") {
        let Some(token_file) = setting("web_identity_token_file") else {
            return by_program("an assumed role (role_arn)");
        };
        let from = format!("the web identity token {token_file} of profile {name:?}");
        return Ok(Some((
            Source::WebIdentity { token_file, role, session: setting("role_session_name") },
            from,
        )));
    }
    if let (Some(key_id), Some(secret)) = (setting("aws_access_key_id"), setting("aws_secret_access_key")) {
        let from = format!("profile {name:?} of {}", files.credentials.display());
        return Ok(Some((Source::Keys { key_id, secret, token: setting("aws_session_token") }, from)));
    }
    if setting("credential_process").is_some() {
        return by_program("another program (credential_process)");
    }
    if profile.keys().any(|key| key.starts_with("sso_")) {
        return by_program("single sign-on (sso_)");
    }
    Ok(None)
}

fn from_container(options: &LocationOptions) -> Option<(Source, String)> {
    if let Some(uri) = options.variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") {
        return Some((
            Source::Container(vec![("aws_container_credentials_relative_uri", uri)]),
            "the container's task role".into(),
        ));
    }
    let uri = options.variable("AWS_CONTAINER_CREDENTIALS_FULL_URI")?;
    let token = options.variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")?;
    let settings =
        vec![("aws_container_credentials_full_uri", uri), ("aws_container_authorization_token_file", token)];
    Some((Source::Container(settings), "the pod's identity (AWS_CONTAINER_CREDENTIALS_FULL_URI)".into()))
}

struct Files {
    credentials: PathBuf,
    config: PathBuf,
    in_credentials: BTreeMap<String, Section>,
    in_config: BTreeMap<String, Section>,
}

impl Files {
    fn read(options: &LocationOptions) -> Result<Files> {
        let home = options.variable("HOME").map(PathBuf::from).unwrap_or_default();
        let path = |variable: &str, name: &str| match options.variable(variable) {
            Some(path) => match path.strip_prefix("~/") {
                Some(below) => home.join(below),
                None => PathBuf::from(path),
            },
            None => home.join(".aws").join(name),
        };
        let credentials = path("AWS_SHARED_CREDENTIALS_FILE", "credentials");
        let config = path("AWS_CONFIG_FILE", "config");
        let text = |path: &PathBuf| match std::fs::read_to_string(path) {
            Ok(text) => Ok(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
            Err(error) => Err(Error::Invalid(format!("cannot read {}: {error}", path.display()))),
        };
        let in_credentials = sections(&text(&credentials)?);
        let in_config = sections(&text(&config)?);
        Ok(Files { credentials, config, in_credentials, in_config })
    }

    fn section(&self, name: &str) -> Option<&Section> {
        self.in_config.get(name)
    }

    /// A profile: its section of the config file, overlaid by that of the credentials file.
    fn profile(&self, name: &str) -> Option<Section> {
        let prefixed = format!("profile {name}");
        let config =
            self.in_config.get(&prefixed).or_else(|| self.in_config.get(name).filter(|_| name == "default"));
        let credentials = self.in_credentials.get(name);
        if config.is_none() && credentials.is_none() {
            return None;
        }
        let mut merged = config.cloned().unwrap_or_default();
        merged.extend(credentials.cloned().unwrap_or_default());
        Some(merged)
    }
}

/// Keys of a profile in the text of a credentials file, as Velero keeps it in a Secret.
pub(super) fn keys_of(text: &str, profile: &str) -> Option<Credentials> {
    let sections = sections(text);
    let section = sections.get(profile).or_else(|| sections.get(&format!("profile {profile}")))?;
    Some(Credentials::Aws {
        key_id: section.get("aws_access_key_id")?.clone(),
        secret: section.get("aws_secret_access_key")?.clone(),
        token: section.get("aws_session_token").cloned(),
    })
}

#[cfg(test)]
mod tests;
