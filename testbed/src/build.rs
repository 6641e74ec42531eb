//! Builds the families with Go, once per machine, and finds them again.
//!
//! Binaries live outside the checkout, so that a fresh clone builds nothing: in
//! `$DAYTWO_TESTBED_CACHE`, else `$XDG_CACHE_HOME/daytwo/testbed`, else `~/.cache/daytwo/testbed`, as
//! `<family>-<hash>/bin/<program>`. The hash covers go.mod, go.sum, sources of our own, the flags
//! and the version of Go.

use std::collections::BTreeMap;
use std::env;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use sha2::{Digest as _, Sha256};

use crate::family::{Family, Recipe};
use crate::say;

/// Holds the hash of what was built, without the version of Go: how a machine without Go finds it.
const PINS_FILE: &str = "pins";

/// Where the programs of some families are.
#[derive(Debug, Clone)]
pub struct Parts {
    folders: BTreeMap<Family, PathBuf>,
}

impl Parts {
    /// The path of a program, such as `("kube", "kubectl")`.
    ///
    /// # Errors
    /// If its family was not asked for, or has no such program.
    pub fn program(&self, family: Family, name: &str) -> Result<PathBuf> {
        let path = self.bin(family)?.join(name);
        if !path.is_file() {
            bail!("the family {family} has no program {name}: {} does not exist", path.display());
        }
        Ok(path)
    }

    /// The folder of a family's programs.
    ///
    /// # Errors
    /// If the family was not asked for.
    pub fn bin(&self, family: Family) -> Result<PathBuf> {
        let folder = self.folders.get(&family).with_context(|| format!("{family} was not asked for"))?;
        Ok(folder.join("bin"))
    }
}

/// Where built programs and the state of `testbed up` are kept.
pub fn cache() -> PathBuf {
    let given = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    given("DAYTWO_TESTBED_CACHE").unwrap_or_else(|| {
        let base = given("XDG_CACHE_HOME")
            .or_else(|| env::home_dir().map(|home| home.join(".cache")))
            .unwrap_or_else(env::temp_dir);
        base.join("daytwo").join("testbed")
    })
}

/// Whether [`build`] can give this family: it is in the cache, or there is a Go to build it with.
pub fn can(family: Family) -> bool {
    go_version().is_ok()
        || family.recipe().is_ok_and(|recipe| kept(&cache(), family.name(), &recipe).is_some())
}

/// The programs of `families`, built now where the cache has them not. Two calls at once, from any
/// process, build once. Building shows Go's output on stderr; all of it takes about 20 minutes cold.
///
/// # Errors
/// If Go is missing and the cache has not what is asked for, or if a build fails.
pub fn build(families: &[Family]) -> Result<Parts> {
    let mut folders = BTreeMap::new();
    for family in families {
        let (folder, _) = ensure(&cache(), family.name(), &family.recipe()?)?;
        folders.insert(*family, folder);
    }
    Ok(Parts { folders })
}

/// Whether a build had to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    Kept,
    Built,
}

fn ensure(cache: &Path, name: &str, recipe: &Recipe) -> Result<(PathBuf, Found)> {
    let version = match go_version() {
        Ok(version) => version,
        Err(missing) => match kept(cache, name, recipe) {
            Some(folder) => return Ok((folder, Found::Kept)),
            None => return Err(missing),
        },
    };
    let hash = hex(&[&pins(recipe), &version]);
    let folder = cache.join(format!("{name}-{hash}"));
    if complete(&folder, recipe) {
        return Ok((folder, Found::Kept));
    }
    fs::create_dir_all(cache).with_context(|| format!("cannot create the cache {}", cache.display()))?;
    let _lock = lock(&cache.join(format!("{name}-{hash}.lock")), name)?;
    if complete(&folder, recipe) {
        return Ok((folder, Found::Kept)); // another one built it while we waited
    }
    let partial = cache.join(format!(".building-{name}-{hash}-{}", std::process::id()));
    let built = go_build(&partial, name, recipe).and_then(|()| {
        if folder.exists() {
            fs::remove_dir_all(&folder)?; // incomplete
        }
        fs::rename(&partial, &folder).with_context(|| format!("cannot move to {}", folder.display()))
    });
    if built.is_err() {
        // The failure of the build is what matters.
        let _ = fs::remove_dir_all(&partial);
    }
    built.with_context(|| format!("cannot build {name} with Go"))?;
    Ok((folder, Found::Built))
}

/// Taken until the returned file is dropped, or its process dies.
fn lock(path: &Path, name: &str) -> Result<File> {
    let file = File::create(path).with_context(|| format!("cannot create {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            say(&format!("waiting for another process to build {name}"));
            file.lock().with_context(|| format!("cannot lock {}", path.display()))?;
        }
        Err(TryLockError::Error(error)) => {
            return Err(error).with_context(|| format!("cannot lock {}", path.display()));
        }
    }
    Ok(file)
}

fn go_build(folder: &Path, name: &str, recipe: &Recipe) -> Result<()> {
    let began = Instant::now();
    let bin = folder.join("bin");
    fs::create_dir_all(&bin).with_context(|| format!("cannot create {}", bin.display()))?;
    fs::write(folder.join("go.mod"), &recipe.go_mod)?;
    fs::write(folder.join("go.sum"), &recipe.go_sum)?;
    for (name, text) in &recipe.sources {
        fs::write(folder.join(name), text)?;
    }
    say(&format!("building {name} with Go; this is done once per version"));
    let mut go = go();
    if recipe.cgo {
        go.env("CGO_ENABLED", "1");
    }
    go.current_dir(folder).arg("build").args(flags(recipe));
    if let Ok(jobs) = env::var("DAYTWO_TESTBED_JOBS") {
        go.args(["-p", &jobs]);
    }
    // Given a folder to write to, Go links one program while it compiles for another.
    go.arg("-o").arg(format!("{}/", bin.display()));
    go.args(recipe.programs.iter().map(|(package, _)| package));
    let status = go.stdin(Stdio::null()).status().context("cannot start go")?;
    if !status.success() {
        bail!("`go build` ended with {status}; is the Go module proxy within reach?");
    }
    for (package, program) in &recipe.programs {
        let named = bin.join(named_by_go(package));
        if named != bin.join(program) {
            fs::rename(&named, bin.join(program)).with_context(|| format!("no {}", named.display()))?;
        }
    }
    fs::write(folder.join(PINS_FILE), pins(recipe))?;
    say(&format!("built {name} in {} s", began.elapsed().as_secs()));
    Ok(())
}

/// Go names a program after the last part of its path that is no major version.
fn named_by_go(package: &str) -> &str {
    let version = |part: &str| {
        part.strip_prefix('v')
            .is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
    };
    package.rsplit('/').find(|part| !version(part)).unwrap_or(package)
}

/// What needs C takes Go's own resolver and user database all the same, so that it shares the compiled packages of the
/// families that do without C.
fn flags(recipe: &Recipe) -> Vec<&str> {
    let mut flags =
        vec!["-mod=readonly", "-trimpath", "-buildvcs=false", "-ldflags", recipe.ldflags.as_str()];
    if recipe.cgo {
        flags.extend(["-tags", "netgo,osusergo"]);
    }
    flags
}

/// The user's Go with the user's own module and build caches, and nothing else of the environment
/// that would change what is built.
fn go() -> Command {
    let mut go = Command::new("go");
    go.env("CGO_ENABLED", "0")
        .env("GOFLAGS", "")
        .env("GOWORK", "off")
        .env_remove("GOOS")
        .env_remove("GOARCH");
    go
}

fn go_version() -> Result<String> {
    let way_out =
        "install Go 1.26 or newer (https://go.dev/dl), or set DAYTWO_TESTBED=off to go without real parts";
    let output = go().arg("version").output().with_context(|| format!("cannot run go: {way_out}"))?;
    if !output.status.success() {
        bail!("`go version` ended with {}: {way_out}", output.status);
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// One built from these pins by any Go.
fn kept(cache: &Path, name: &str, recipe: &Recipe) -> Option<PathBuf> {
    let pins = pins(recipe);
    let of_family = |folder: &PathBuf| {
        folder
            .file_name()
            .and_then(|file| file.to_str())
            .is_some_and(|file| file.starts_with(&format!("{name}-")))
    };
    fs::read_dir(cache)
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(of_family)
        .find(|folder| fs::read_to_string(folder.join(PINS_FILE)).is_ok_and(|was| was == pins))
}

fn complete(folder: &Path, recipe: &Recipe) -> bool {
    recipe.programs.iter().all(|(_, program)| folder.join("bin").join(program).is_file())
}

fn pins(recipe: &Recipe) -> String {
    let programs: Vec<String> =
        recipe.programs.iter().map(|(package, name)| format!("{package}={name}")).collect();
    let (flags, programs) = (flags(recipe).join(" "), programs.join(" "));
    let mut parts = vec![recipe.go_mod.as_str(), &recipe.go_sum, &flags, &programs];
    // One that has none keeps the hash it had before there were any.
    parts.extend(recipe.sources.iter().flat_map(|(name, text)| [name.as_str(), text]));
    hex(&parts)
}

/// 16 hexadecimal digits of the SHA-256 over `texts`, each with its length.
fn hex(texts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for text in texts {
        hasher.update(text.len().to_le_bytes());
        hasher.update(text);
    }
    hasher.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A main package that comes with Go, so that nothing is fetched.
    fn small() -> Recipe {
        Recipe {
            go_mod: "module daytwo.dev/testbed/small\n\ngo 1.21\n".to_owned(),
            go_sum: String::new(),
            ldflags: "-s -w".to_owned(),
            cgo: false,
            programs: vec![("cmd/test2json".to_owned(), "small".to_owned())],
            sources: Vec::new(),
        }
    }

    #[test]
    fn two_at_once_build_once_and_a_third_finds_it() {
        if go_version().is_err() {
            say("skipped: two_at_once_build_once_and_a_third_finds_it: no Go");
            return;
        }
        let cache = tempfile::tempdir().unwrap();
        let build = || ensure(cache.path(), "small", &small()).unwrap();
        let (one, two) = std::thread::scope(|scope| {
            let other = scope.spawn(build);
            (build(), other.join().unwrap())
        });
        assert_eq!(one.0, two.0);
        assert_eq!([one.1, two.1].iter().filter(|found| **found == Found::Built).count(), 1);
        assert!(one.0.join("bin").join("small").is_file());
        assert_eq!(build().1, Found::Kept);
        assert_eq!(kept(cache.path(), "small", &small()), Some(one.0));
        let left: Vec<_> =
            fs::read_dir(cache.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left.len(), 2, "the folder and its lock: {left:?}");
    }

    #[test]
    fn what_cannot_be_built_leaves_nothing() {
        if go_version().is_err() {
            say("skipped: what_cannot_be_built_leaves_nothing: no Go");
            return;
        }
        let cache = tempfile::tempdir().unwrap();
        let recipe = Recipe { programs: vec![("cmd/nothing".to_owned(), "nothing".to_owned())], ..small() };
        assert!(ensure(cache.path(), "none", &recipe).is_err());
        let folders =
            fs::read_dir(cache.path()).unwrap().filter(|entry| entry.as_ref().unwrap().path().is_dir());
        assert_eq!(folders.count(), 0);
    }

    #[test]
    fn other_flags_are_another_build() {
        assert_ne!(pins(&small()), pins(&Recipe { ldflags: String::new(), ..small() }));
    }

    #[test]
    fn names_are_found_as_go_gives_them() {
        assert_eq!(named_by_go("go.etcd.io/etcd/server/v3"), "server");
        assert_eq!(named_by_go("github.com/k3s-io/kine"), "kine");
        assert_eq!(named_by_go("github.com/vmware-tanzu/velero/cmd/velero"), "velero");
    }
}
