//! Which location a command line means: a URL, a kept name, or a BackupStorageLocation of the cluster.
//!
//! Flags win over the config file, which wins over the environment. Credentials are never taken from flags or URLs.

use daytwo_archive::location::{Location, LocationOptions, Retention, RetentionMode, ServerSideEncryption};
use jiff::{SignedDuration, Timestamp};

use crate::cli::shared::{At, Places, Store};
use crate::config::{Config, Kept};
use crate::failure::{Failure, Result};
use crate::output::words;
use crate::settings::Session;
use crate::suggest;

/// Where a location is described.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// By a URL and options.
    Url(Kept),
    /// By a BackupStorageLocation in the cluster.
    Velero {
        /// Its name.
        name: String,
        /// Its namespace.
        namespace: String,
    },
}

/// The namespace Velero is installed to by default.
const VELERO_NAMESPACE: &str = "velero";

/// Opens the location that the flags name, or the default one.
///
/// # Errors
/// Exit 2 where no location is named or the name is unknown; those of opening it.
pub async fn open(session: &Session, at: &At) -> Result<Location> {
    let config = match &at.location {
        Some(word) if is_url(word) || word.starts_with("velero:") => Config::default(),
        _ => crate::config::read(&session.config_path()?)?,
    };
    match resolve(at.location.as_deref(), &at.store, &config)? {
        Place::Url(kept) => Ok(Location::open(&kept.url, &options(&kept, session.clock.now())?)?),
        Place::Velero { name, namespace } => {
            crate::commands::location::velero::open(session, &namespace, &name, &at.store).await
        }
    }
}

/// Opens the place of journals: what `--journal` names, else the location. The options of `--location` are not those of
/// another place: a store that needs some is named as a kept location.
///
/// # Errors
/// As [`open`].
pub async fn journals(session: &Session, places: &Places) -> Result<Location> {
    match &places.journals.journal {
        None => open(session, &places.at).await,
        Some(word) => {
            let at = At { location: Some(word.clone()), store: Store::default() };
            open(session, &at).await.map_err(|failure| failure.while_doing("cannot use what --journal names"))
        }
    }
}

/// The BackupStorageLocation that a backup there belongs to, as far as the flags say: Velero's own name for it.
pub fn storage_location(at: &At) -> &str {
    let named = at.location.as_deref().and_then(|word| word.strip_prefix("velero:"));
    named.map_or("default", |name| name.split('@').next().unwrap_or(name))
}

/// What the flags mean, without opening it.
///
/// # Errors
/// Exit 2 where no location is named or the name is unknown.
pub fn resolve(word: Option<&str>, flags: &Store, config: &Config) -> Result<Place> {
    let Some(word) = word.or(config.default_location.as_deref()) else {
        return Err(Failure::usage("no location is named, and there is no default one")
            .or_try("--location URL, for example s3://bucket/prefix or ./backups")
            .or_try("daytwo location add NAME URL --default"));
    };
    if let Some(name) = word.strip_prefix("velero:") {
        let (name, namespace) = name.split_once('@').unwrap_or((name, VELERO_NAMESPACE));
        if name.is_empty() || namespace.is_empty() {
            return Err(Failure::usage(format!("{word:?} names no BackupStorageLocation"))
                .or_try("--location velero:default, or velero:NAME@NAMESPACE"));
        }
        return Ok(Place::Velero { name: name.to_owned(), namespace: namespace.to_owned() });
    }
    if is_url(word) {
        return Ok(Place::Url(overlay(Kept { url: word.to_owned(), ..Kept::default() }, flags)));
    }
    match config.locations.get(word) {
        Some(kept) => Ok(Place::Url(overlay(kept.clone(), flags))),
        None => Err(unknown(word, config)),
    }
}

/// The failure for a name that no location is kept under.
pub fn unknown(word: &str, config: &Config) -> Failure {
    let mut failure = Failure::usage(format!("there is no location named {word:?}"));
    if let Some(hint) = suggest::did_you_mean(word, config.locations.keys().map(String::as_str)) {
        failure = failure.or_try(hint);
    }
    if config.locations.is_empty() {
        failure = failure.or_try("daytwo location add NAME URL");
    } else {
        failure = failure.or_try("daytwo location list");
    }
    failure.or_try(format!("--location ./{word}, if a folder is meant"))
}

/// Whether the word is a URL or a path, and so no name.
pub fn is_url(word: &str) -> bool {
    word.contains("://") || word.starts_with(['/', '.']) || word.starts_with("file:")
}

/// `kept` with the flags that were given on top.
pub fn overlay(mut kept: Kept, flags: &Store) -> Kept {
    fn set<T>(slot: &mut Option<T>, flag: Option<T>) {
        if flag.is_some() {
            *slot = flag;
        }
    }
    set(&mut kept.endpoint, flags.endpoint.clone());
    set(&mut kept.region, flags.region.clone());
    set(&mut kept.profile, flags.profile.clone());
    set(&mut kept.path_style, flags.path_style);
    set(&mut kept.ca_file, flags.ca_file.clone());
    set(&mut kept.sse, flags.sse.map(|kind| kind.word().to_owned()));
    set(&mut kept.sse_kms_key_id, flags.sse_kms_key_id.clone());
    set(&mut kept.retention_mode, flags.retention_mode.map(|mode| mode.word().to_owned()));
    set(&mut kept.retain_for, flags.retain_for.clone());
    kept
}

/// The options in the archive's terms; retention counts from `now`.
///
/// # Errors
/// Exit 2 where a word of the config file means nothing.
pub fn options(kept: &Kept, now: Timestamp) -> Result<LocationOptions> {
    let server_side_encryption = match kept.sse.as_deref() {
        None => None,
        Some("AES256") => Some(ServerSideEncryption::Aes256),
        Some("aws:kms") => {
            Some(ServerSideEncryption::Kms { key: kept.sse_kms_key_id.clone().unwrap_or_default() })
        }
        Some(other) => return Err(Failure::usage(format!("sse {other:?} is neither AES256 nor aws:kms"))),
    };
    Ok(LocationOptions {
        endpoint: kept.endpoint.clone(),
        region: kept.region.clone(),
        profile: kept.profile.clone(),
        path_style: kept.path_style,
        ca_file: kept.ca_file.clone(),
        server_side_encryption,
        retention: retention(kept, now)?,
        ..LocationOptions::default()
    })
}

fn retention(kept: &Kept, now: Timestamp) -> Result<Option<Retention>> {
    let mode = match kept.retention_mode.as_deref() {
        None => return Ok(None),
        Some("GOVERNANCE") => RetentionMode::Governance,
        Some("COMPLIANCE") => RetentionMode::Compliance,
        Some(other) => {
            return Err(Failure::usage(format!(
                "retentionMode {other:?} is neither GOVERNANCE nor COMPLIANCE"
            )));
        }
    };
    let Some(retain_for) = &kept.retain_for else {
        return Err(Failure::usage("a retention mode without --retain-for"));
    };
    let bad = || Failure::usage(format!("--retain-for {retain_for} is out of range"));
    let time = words::duration(retain_for).map_err(|error| Failure::usage(error.to_string()))?;
    let time = SignedDuration::try_from(time).map_err(|_| bad())?;
    Ok(Some(Retention { mode, until: now.checked_add(time).map_err(|_| bad())? }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;

    fn config() -> Config {
        let kept = Kept { url: "s3://b/p".into(), region: Some("r1".into()), ..Kept::default() };
        Config { locations: [("lab".into(), kept)].into(), ..Config::default() }
    }

    #[test]
    fn a_name_is_looked_up_and_flags_win() {
        let flags = Store { region: Some("r2".into()), ..Store::default() };
        let Place::Url(kept) = resolve(Some("lab"), &flags, &config()).unwrap() else { panic!() };
        assert_eq!((kept.url.as_str(), kept.region.as_deref()), ("s3://b/p", Some("r2")));
    }

    #[test]
    fn the_default_location_is_used_where_none_is_named() {
        let config = Config { default_location: Some("lab".into()), ..config() };
        assert!(resolve(None, &Store::default(), &config).is_ok());
        assert_eq!(resolve(None, &Store::default(), &Config::default()).unwrap_err().exit, Exit::Usage);
    }

    #[test]
    fn a_mistyped_name_suggests_the_right_one() {
        let failure = resolve(Some("lba"), &Store::default(), &config()).unwrap_err();
        let mut text = Vec::new();
        failure.print(&mut text, crate::output::paint::Paint(false)).unwrap();
        assert!(String::from_utf8(text).unwrap().contains("did you mean lab?"));
    }

    #[test]
    fn velero_names_carry_a_namespace() {
        let place = |word| resolve(Some(word), &Store::default(), &Config::default());
        assert_eq!(
            place("velero:default").unwrap(),
            Place::Velero { name: "default".into(), namespace: "velero".into() }
        );
        assert_eq!(place("velero:a@b").unwrap(), Place::Velero { name: "a".into(), namespace: "b".into() });
        assert!(place("velero:").is_err());
    }

    #[test]
    fn retention_counts_from_now() {
        let now: Timestamp = "2026-11-21T00:00:00Z".parse().unwrap();
        let kept = Kept {
            retention_mode: Some("COMPLIANCE".into()),
            retain_for: Some("2d".into()),
            ..Kept::default()
        };
        let retention = options(&kept, now).unwrap().retention.unwrap();
        assert_eq!(retention.until.to_string(), "2026-11-23T00:00:00Z");
    }
}
