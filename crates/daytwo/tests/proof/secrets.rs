//! Values of Secrets stay in the archive: planted ones are looked for in everything that is printed, at every
//! verbosity, and in every file that is written.

use std::io::Read as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use testbed::{Api, ControlPlane};

use crate::binary::{Daytwo, Run};
use crate::{say, site, stored};

const NAMESPACE: &str = "planted";
/// Long enough not to occur by chance, and of a length whose base64 has no padding in the middle.
const PLANTED: [&str; 4] =
    ["zebra-data-7f3a91c2", "zebra-string-5b1e08", "zebra-applied-99d1e4", "zebra-changed-40aa17"];

/// What to look for: the values as they are, and as Secrets carry them.
fn marks() -> Vec<(String, Vec<u8>)> {
    let plain = PLANTED.iter().map(|value| ((*value).to_owned(), value.as_bytes().to_vec()));
    let coded =
        PLANTED.iter().map(|value| (format!("base64 of {value}"), STANDARD.encode(value).into_bytes()));
    plain.chain(coded).collect()
}

fn shows(bytes: &[u8]) -> Option<String> {
    marks().into_iter().find(|(_, mark)| bytes.windows(mark.len()).any(|at| at == mark)).map(|(name, _)| name)
}

fn plant(site: &ControlPlane) {
    let mut api = Api::of(site).unwrap();
    site::namespace(&mut api, NAMESPACE);
    let secret = |name: &str, data: &str| {
        json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": { "name": name, "namespace": NAMESPACE },
            "stringData": { "word": data },
        })
        .to_string()
    };
    site::secret(&mut api, NAMESPACE, "data", &json!({ "word": PLANTED[0] }));
    // kubectl apply keeps what it was given, stringData too, in an annotation.
    site.kubectl_stdin(&["apply", "--filename=-"], &secret("string", PLANTED[1])).unwrap();
    let applied = secret("applied", &STANDARD.encode(PLANTED[2])).replace("stringData", "data");
    site.kubectl_stdin(&["apply", "--filename=-"], &applied).unwrap();
    let immutable = json!({
        "metadata": { "name": "immutable" }, "immutable": true, "stringData": { "word": PLANTED[0] },
    });
    api.create(&format!("/api/v1/namespaces/{NAMESPACE}/secrets"), &immutable).unwrap();
}

fn change(site: &ControlPlane) {
    let mut api = Api::of(site).unwrap();
    let patch = json!({ "stringData": { "word": PLANTED[3] } });
    api.patch(&format!("/api/v1/namespaces/{NAMESPACE}/secrets/data"), &patch).unwrap();
}

/// Fails if a run prints a planted value.
fn quiet(run: Run, what: &str) -> Run {
    for (stream, text) in [("stdout", &run.stdout), ("stderr", &run.stderr)] {
        if let Some(mark) = shows(text.as_bytes()) {
            panic!("{what}: {mark} is on {stream}: {run}");
        }
    }
    run
}

/// Fails if a file below `folder` holds a planted value, packed or not; `but` are excused.
fn hidden(folder: &Path, but: &dyn Fn(&str) -> bool) -> usize {
    let files = stored::files(folder);
    for (key, path) in &files {
        if but(key) {
            continue;
        }
        let bytes = std::fs::read(path).unwrap();
        assert_eq!(shows(&bytes), None, "{key} holds a planted value");
        let mut unpacked = Vec::new();
        // A file that is not packed has been looked at already.
        let _ = flate2::read::MultiGzDecoder::new(bytes.as_slice()).read_to_end(&mut unpacked);
        assert_eq!(shows(&unpacked), None, "{key} holds a planted value, packed");
    }
    files.len()
}

const SCOPE: &str = "--include-namespaces=planted";

/// Every verb that meets a Secret, in an order in which each has something to say.
fn verbs() -> Vec<Vec<&'static str>> {
    let diff = ["backup", "diff", "first", "second"];
    vec![
        vec!["backup", "list"],
        vec!["backup", "list", "-o", "wide"],
        vec!["backup", "describe", "first"],
        vec!["backup", "describe", "first", "-o", "json"],
        vec!["backup", "get", "first", "secrets", "-n", NAMESPACE],
        vec!["backup", "get", "first", "secrets", "-n", NAMESPACE, "-o", "wide"],
        vec!["backup", "get", "first", "secrets", "-n", NAMESPACE, "-o", "json"],
        vec!["backup", "get", "first", "secret/string", "-n", NAMESPACE, "-o", "yaml"],
        vec!["backup", "get", "first", "secret/applied", "-n", NAMESPACE, "-o", "yaml"],
        vec!["backup", "verify", "first"],
        vec!["backup", "verify", "first", "-o", "json"],
        diff.to_vec(),
        [&diff[..], &["-o", "json"]].concat(),
        [&diff[..], &["--noise", "-o", "yaml"]].concat(),
        vec!["backup", "diff", "first", "--live", SCOPE],
        vec!["backup", "diff", "first", "--live", SCOPE, "-o", "json"],
        vec!["restore", "plan", "--from", "first", SCOPE],
        vec!["restore", "plan", "--from", "first", SCOPE, "-o", "json"],
        vec!["restore", "create", "--from", "first", SCOPE, "--dry-run", "--show-diff"],
        vec!["restore", "create", "--from", "first", SCOPE, "--dry-run", "--show-diff", "-o", "json"],
        vec!["restore", "create", "--from", "first", SCOPE],
        vec![
            "restore",
            "create",
            "--from",
            "first",
            SCOPE,
            "--namespace-mapping=planted:replanted",
            "-o",
            "json",
        ],
        vec!["backup", "prune", "--keep-last=5"],
        vec!["backup", "prune", "--orphans"],
    ]
}

#[test]
fn planted_secrets_are_in_the_archive_and_nowhere_else() {
    let Some(site) = testbed::shared::control_plane() else { return };
    plant(site);
    let daytwo = Daytwo::on_folder().cluster(site.kubeconfig());
    let mut runs = 0;
    quiet(daytwo.run(&["backup", "create", "first", SCOPE, "-vvv"]).expect(0), "create");
    change(site);
    quiet(daytwo.run(&["backup", "create", "second", SCOPE, "-v", "-o", "json"]).expect(0), "create");
    for args in verbs() {
        for verbosity in [None, Some("-v"), Some("-vv"), Some("-vvv")] {
            let args: Vec<&str> = args.iter().copied().chain(verbosity).collect();
            let run = daytwo.run(&args).sound();
            assert!(matches!(run.code, Some(0 | 1)), "{run}");
            quiet(run, &args.join(" "));
            runs += 1;
        }
    }
    // The same words do show the values where they are asked for, so the verbs did meet them.
    let shown = ["backup", "get", "first", "secret/data", "-n", NAMESPACE, "-o", "json", "--show-secrets"];
    assert!(shows(daytwo.run(&shown).expect(0).stdout.as_bytes()).is_some());
    let objects = stored::objects(&daytwo.folder(), "first");
    assert!(
        objects.values().any(|object| shows(object).is_some()),
        "the archive does not hold what was planted"
    );

    let files = hidden(&daytwo.folder(), &|key| key.ends_with(".tar.gz"));
    let home = hidden(daytwo.home(), &|key| key.starts_with("location/"));
    let left = stored::files(&daytwo.temporary());
    assert!(left.is_empty(), "temporary files are left: {left:?}");

    // Into a namespace that is not there: every Secret is written anew.
    site.kubectl(&["delete", "namespace", NAMESPACE, "--timeout=120s"]).unwrap();
    quiet(daytwo.run(&["restore", "create", "--from", "first", SCOPE, "-vvv"]).expect(0), "restore");
    hidden(daytwo.home(), &|key| key.starts_with("location/"));
    hidden(&daytwo.folder(), &|key| key.ends_with(".tar.gz"));
    say(&format!("{runs} runs at four verbosities and {} files: no planted value", files + home));
    exported(&daytwo);
    sealed(&daytwo);
}

/// An export holds the values, in files that only their owner reads.
fn exported(daytwo: &Daytwo) {
    use std::os::unix::fs::PermissionsExt as _;
    let to = daytwo.home().join("exported");
    let run = daytwo.run(&["backup", "export", "first", "--to", to.to_str().unwrap(), "-vvv"]).expect(0);
    quiet(run, "export");
    let files = stored::files(&to);
    let holds = |path: &Path| shows(&std::fs::read(path).unwrap()).is_some();
    assert!(files.values().any(|path| holds(path)), "the export does not hold what was planted");
    for (key, path) in &files {
        let mode = std::fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{key} can be read by others: {mode:o}");
    }
    std::fs::remove_dir_all(&to).unwrap();
}

/// An encrypted backup holds them nowhere that can be read.
fn sealed(daytwo: &Daytwo) {
    let identity = daytwo.home().join("identity.txt");
    let made =
        daytwo.run(&["key", "generate", "--encrypt", "--to", identity.to_str().unwrap(), "-o", "json"]);
    let recipient = made.expect(0).json()["recipient"].as_str().unwrap().to_owned();
    let run =
        daytwo.run(&["backup", "create", "sealed", SCOPE, "--encrypt-to", &recipient, "-vvv"]).expect(0);
    quiet(run, "create, encrypted");
    let folder = daytwo.folder().join("backups/sealed");
    hidden(&folder, &|_| false);
    for (key, path) in stored::files(&folder) {
        let bytes = std::fs::read(path).unwrap();
        let names = [NAMESPACE, "ConfigMap", "immutable"];
        let leak = names.iter().find(|name| bytes.windows(name.len()).any(|at| at == name.as_bytes()));
        assert_eq!(leak, None, "{key} of an encrypted backup names an object");
    }
    let run = daytwo.run(&["backup", "verify", "sealed", "-vvv"]).sound();
    assert!(matches!(run.code, Some(0 | 1 | 3)), "{run}");
    let opened = ["--identity", identity.to_str().unwrap(), "-vvv"];
    for verb in [
        &["backup", "verify", "sealed"][..],
        &["backup", "get", "sealed", "secrets", "-n", NAMESPACE, "-o", "yaml"],
    ] {
        quiet(daytwo.run(&[verb, &opened[..]].concat()).expect(0), "sealed");
    }
    // Velero's files of a restore name each object: of this one there are none.
    let restore = ["restore", "create", "from-sealed", "--from", "sealed", "--no-color"];
    quiet(daytwo.run(&[&restore[..], &opened[..]].concat()).sound(), "restore of an encrypted backup");
    assert!(daytwo.folder().join("metadata/daytwo/runs/from-sealed").exists());
    assert!(!daytwo.folder().join("restores/from-sealed").exists());
    let (complete, _) = daytwo.listed();
    assert!(complete.contains(&"sealed".to_owned()));
}
