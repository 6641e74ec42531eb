//! The config file: named locations and which of them is the default.
//!
//! `$XDG_CONFIG_HOME/daytwo/config.yaml`, or `~/.config/daytwo/config.yaml`; written whole, mode 0600. It holds no
//! credentials, and nothing here reads any: they stay in the environment and the files where cloud tools keep them.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::{API_VERSION, yaml};

/// What the file holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Config {
    /// `daytwo.dev/v1alpha1`.
    pub api_version: String,
    /// `Config`.
    pub kind: String,
    /// The location that verbs use where none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_location: Option<String>,
    /// The kept locations by name.
    #[serde(default)]
    pub locations: BTreeMap<String, Kept>,
}

/// One kept location: the words are those of the flags of `location add`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Kept {
    /// The URL.
    pub url: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_style: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sse: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sse_kms_key_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention_mode: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retain_for: Option<String>,
}

/// The config file's path, from the environment.
///
/// # Errors
/// Exit 2 where neither `XDG_CONFIG_HOME` nor `HOME` is set.
pub fn path() -> Result<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let root = set("XDG_CONFIG_HOME").or_else(|| Some(set("HOME")?.join(".config")));
    let root = root
        .ok_or_else(|| Failure::usage("neither XDG_CONFIG_HOME nor HOME is set: there is no config file"))?;
    Ok(root.join("daytwo").join("config.yaml"))
}

/// Reads the file at `path`; an absent one is empty.
///
/// # Errors
/// Exit 2 where it cannot be read or is no config file of this version.
pub fn read(path: &Path) -> Result<Config> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(empty()),
        Err(error) => return Err(bad(path, &error.to_string())),
    };
    let config: Config = serde_saphyr::from_str(&text).map_err(|error| bad(path, &error.to_string()))?;
    if config.api_version != API_VERSION || config.kind != "Config" {
        let what = format!("it is {} {}, not {API_VERSION} Config", config.api_version, config.kind);
        return Err(bad(path, &what));
    }
    Ok(config)
}

/// Writes the file, readable by its owner only; readers see the old one or the new one.
///
/// # Errors
/// Those of the file system.
pub fn write(path: &Path, config: &Config) -> Result<()> {
    let doing = || format!("cannot write {}", path.display());
    let folder = path.parent().ok_or_else(|| Failure::usage(doing()))?;
    let text = yaml::of_json(&serde_json::to_vec(config)?)?;
    let write = || -> io::Result<()> {
        fs::create_dir_all(folder)?;
        let beside = path.with_extension(format!("yaml.{}", std::process::id()));
        let mut file = private_file(&beside)?;
        file.write_all(&text)?;
        file.sync_all()?;
        fs::rename(&beside, path)
    };
    write().map_err(|error| Failure::from(error).while_doing(doing()))
}

/// Creates a file that only its owner may read; fails where it exists.
///
/// # Errors
/// Those of the file system.
pub fn private_file(path: &Path) -> io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path)
}

fn empty() -> Config {
    Config { api_version: API_VERSION.to_owned(), kind: "Config".to_owned(), ..Config::default() }
}

fn bad(path: &Path, why: &str) -> Failure {
    Failure::new(Exit::Usage, format!("cannot use the config file {}: {why}", path.display()))
        .or_try("correct it, or move it away and add the locations again: daytwo location add NAME URL")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Config {
        let kept = Kept {
            url: "s3://b/p".into(),
            endpoint: Some("http://127.0.0.1:9000".into()),
            path_style: Some(true),
            retain_for: Some("30d".into()),
            ..Kept::default()
        };
        Config { default_location: Some("yes".into()), locations: [("yes".into(), kept)].into(), ..empty() }
    }

    #[test]
    fn what_is_written_reads_back_and_is_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/config.yaml");
        write(&path, &sample()).unwrap();
        write(&path, &sample()).unwrap();
        assert_eq!(read(&path).unwrap(), sample());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no file is left beside it");
    }

    #[test]
    fn an_absent_file_is_an_empty_config() {
        assert_eq!(read(Path::new("/nonexistent/config.yaml")).unwrap(), empty());
    }

    #[test]
    fn another_version_or_an_unknown_word_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.yaml");
        for text in [
            "apiVersion: daytwo.dev/v9\nkind: Config\n",
            "apiVersion: daytwo.dev/v1alpha1\nkind: Config\nlocation: x\n",
            "- a\n",
        ] {
            fs::write(&path, text).unwrap();
            assert_eq!(read(&path).unwrap_err().exit, Exit::Usage, "{text}");
        }
    }
}
