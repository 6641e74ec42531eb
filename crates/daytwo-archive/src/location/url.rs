//! Reading the URL of a location. Refuses credentials inside a URL, without repeating them.

use super::error::{Error, Result};
use std::path::PathBuf;

/// Where a URL points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    Folder(PathBuf),
    S3 { bucket: String, prefix: String },
    Google { bucket: String, prefix: String },
    Azure { account: Option<String>, container: String, prefix: String },
    Http { url: String },
}

const FORMS: &str = "give a folder (/dir, ./dir, file:///dir), s3://bucket/prefix, gs://bucket/prefix or az://container/prefix";

pub(super) fn parse(text: &str) -> Result<Target> {
    let Some((scheme, _)) = text.split_once("://") else {
        return folder(text);
    };
    let invalid = |why: &str| Error::Invalid(format!("{} is no location: {why}; {FORMS}", shown(text)));
    let url = url::Url::parse(text).map_err(|error| invalid(&error.to_string()))?;
    if url.password().is_some() || (!url.username().is_empty() && !scheme.starts_with("abfs")) {
        return Err(invalid("credentials do not belong into a URL"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(invalid("it holds '?' or '#'"));
    }
    if scheme == "file" {
        let path = url.to_file_path().map_err(|()| invalid("it names a host; write file:///dir"))?;
        return folder(path.to_str().ok_or_else(|| invalid("it is not UTF-8"))?);
    }
    if scheme == "https" || scheme == "http" {
        return Ok(Target::Http { url: text.trim_end_matches('/').to_owned() });
    }
    let (host, prefix) = authority(text).ok_or_else(|| invalid("it names no bucket"))?;
    let prefix = prefix.trim_matches('/').to_owned();
    if prefix.split('/').any(|part| part.is_empty() && !prefix.is_empty() || part == "." || part == "..") {
        return Err(invalid("a part of the prefix is empty, '.' or '..'"));
    }
    match scheme {
        "s3" | "s3a" => Ok(Target::S3 { bucket: host.to_owned(), prefix }),
        "gs" => Ok(Target::Google { bucket: host.to_owned(), prefix }),
        "az" | "azure" => Ok(Target::Azure { account: None, container: host.to_owned(), prefix }),
        "abfs" | "abfss" => {
            let (container, account) = match host.split_once('@') {
                Some((container, domain)) => (container, domain.split('.').next().map(str::to_owned)),
                None => (host, None),
            };
            Ok(Target::Azure { account, container: container.to_owned(), prefix })
        }
        _ => Err(invalid("its scheme is unknown")),
    }
}

/// Bucket and prefix as written: a URL parser would lower and decode them.
fn authority(text: &str) -> Option<(&str, &str)> {
    let rest = text.split_once("://")?.1;
    let (host, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    (!host.is_empty()).then_some((host, prefix))
}

fn folder(text: &str) -> Result<Target> {
    let local = text.starts_with('/')
        || text == "."
        || text == ".."
        || text.starts_with("./")
        || text.starts_with("../");
    if !local {
        return Err(Error::Invalid(format!("{text:?} is no location; {FORMS}")));
    }
    let absolute = std::path::absolute(text)
        .map_err(|error| Error::Invalid(format!("{text:?} is no folder: {error}")))?;
    // A link that is itself the location is the user's choice; links below it are not followed.
    let path = absolute.canonicalize().unwrap_or(absolute);
    if path.exists() && !path.is_dir() {
        return Err(Error::Invalid(format!("{} is not a folder", path.display())));
    }
    Ok(Target::Folder(path))
}

/// A URL as it may be shown: nothing before an '@', nothing after a '?'.
fn shown(text: &str) -> String {
    let text = text.split('?').next().unwrap_or_default();
    match (text.split_once("://"), text.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, rest))) => format!("{scheme}://…@{rest}"),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read() {
        let s3 = |bucket: &str, prefix: &str| Target::S3 { bucket: bucket.into(), prefix: prefix.into() };
        assert_eq!(parse("s3://velero").unwrap(), s3("velero", ""));
        assert_eq!(parse("s3://velero/").unwrap(), s3("velero", ""));
        assert_eq!(parse("s3://velero/a/b/").unwrap(), s3("velero", "a/b"));
        assert_eq!(parse("s3://velero//a").unwrap(), s3("velero", "a"));
        assert_eq!(parse("gs://b/p").unwrap(), Target::Google { bucket: "b".into(), prefix: "p".into() });
        let azure = Target::Azure { account: Some("acc".into()), container: "c".into(), prefix: "p".into() };
        assert_eq!(parse("abfss://c@acc.dfs.core.windows.net/p").unwrap(), azure);
        assert_eq!(parse("/no/such/dir").unwrap(), Target::Folder("/no/such/dir".into()));
        assert_eq!(parse("file:///no/such/dir").unwrap(), Target::Folder("/no/such/dir".into()));
        assert!(matches!(parse("./x").unwrap(), Target::Folder(path) if path.is_absolute()));
    }

    #[test]
    fn what_is_no_location_is_refused_with_the_forms_there_are() {
        for text in [
            "",
            "prod",
            "backups/x",
            "s3://",
            "s3:///p",
            "ftp://h/p",
            "s3://b/a//c",
            "s3://b/../c",
            "s3://b/p?x=1",
            "file://host/p",
        ] {
            let error = parse(text).unwrap_err();
            assert!(matches!(&error, Error::Invalid(_)), "{text:?}: {error:?}");
        }
    }

    #[test]
    fn credentials_in_a_url_are_refused_and_not_repeated() {
        let error = parse("s3://AKIA:sup3rsecret@bucket/p").unwrap_err().to_string();
        assert!(
            error.contains("credentials") && !error.contains("sup3rsecret") && !error.contains("AKIA"),
            "{error}"
        );
    }
}
