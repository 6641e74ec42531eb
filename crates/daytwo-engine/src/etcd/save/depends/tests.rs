use super::*;
use std::process::Command;

fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn openssl(args: &[&str]) -> Option<Vec<u8>> {
    let output = Command::new("openssl").args(args).output().ok()?;
    output.status.success().then_some(output.stdout)
}

const CONFIG: &str = r#"{"kind":"EncryptionConfiguration","apiVersion":"apiserver.config.k8s.io/v1","resources":[{"resources":["secrets"],
"providers":[{"aescbc":{"keys":[{"name":"aescbckey","secret":"c2VjcmV0LXZhbHVl"},{"name":"old","secret":"b2xk"}]}},{"identity":{}}]}]}"#;

#[test]
fn a_host_without_kubernetes_says_what_was_not_found() {
    let host = tempfile::tempdir().unwrap();
    let found = depends(host.path());
    let missing: Vec<&str> = found.missing.iter().map(|missing| missing.what.as_str()).collect();
    assert_eq!(missing, ["token", "encryption configuration", "authorities", "ServiceAccount keys"]);
}

#[test]
fn rke2_s_token_and_keys_are_recognized_and_not_kept() {
    let host = tempfile::tempdir().unwrap();
    let server = "var/lib/rancher/rke2/server";
    let passphrase = "5c1f:0f".to_owned();
    write(host.path(), &format!("{server}/token"), &format!("K10{}::server:{passphrase}\n", "ab".repeat(32)));
    write(host.path(), &format!("{server}/cred/encryption-config.json"), CONFIG);
    write(host.path(), &format!("{server}/tls/server-ca.crt"), "no certificate");
    let found = depends(host.path());
    assert_eq!(found.installed_by.as_deref(), Some("RKE2"));
    let digest = Digest::of(passphrase.as_bytes()).to_string();
    assert_eq!(found.token.as_ref().unwrap().bootstrap_key, format!("/bootstrap/{}", &digest[..12]));
    assert_eq!(found.encryption.as_ref().unwrap().keys, ["aescbc/aescbckey", "aescbc/old"]);
    let missing: Vec<&str> = found.missing.iter().map(|missing| missing.why.as_str()).collect();
    assert!(missing[0].ends_with("tls/server-ca.crt holds no certificate"), "{missing:?}");
    assert_eq!(missing.len(), 6, "five authorities and a key: {missing:?}");
    let json = serde_json::to_string(&found).unwrap();
    for secret in [passphrase.as_str(), "c2VjcmV0LXZhbHVl", "b2xk"] {
        assert!(!json.contains(secret), "{json}");
    }
    assert_eq!(serde_json::from_str::<Depends>(&json).unwrap(), found);
}

#[test]
fn kubeadm_s_configuration_is_found_by_the_manifest_that_names_it() {
    let host = tempfile::tempdir().unwrap();
    write(host.path(), "etc/kubernetes/pki/ca.crt", "");
    let manifest = "spec:\n  containers:\n  - command:\n    - kube-apiserver\n";
    write(host.path(), MANIFEST, manifest);
    let none = depends(host.path());
    assert!(none.encryption.is_none() && none.missing.iter().all(|missing| !missing.what.starts_with("enc")));
    let named = format!("{manifest}    - --encryption-provider-config=/etc/kubernetes/enc/config.yaml\n");
    write(host.path(), MANIFEST, &named);
    let missing = depends(host.path()).missing;
    assert!(missing.iter().any(|missing| missing.why.contains("enc/config.yaml")), "{missing:?}");
    write(
        host.path(),
        "etc/kubernetes/enc/config.yaml",
        "kind: EncryptionConfiguration\nresources:\n- providers:\n  - secretbox:\n      keys:\n      - name: k\n        secret: x\n  - kms:\n      name: vault\n      endpoint: unix:///x\n",
    );
    assert_eq!(depends(host.path()).encryption.unwrap().keys, ["secretbox/k", "kms/vault"]);
}

#[test]
fn a_configuration_that_cannot_be_read_is_not_quoted() {
    let host = tempfile::tempdir().unwrap();
    write(host.path(), "secret.yaml", "resources: [very-secret-value");
    let why = encryption(&host.path().join("secret.yaml")).unwrap_err();
    assert!(!why.contains("very-secret-value"), "{why}");
}

/// openssl makes the keys and says what their public part is.
#[test]
fn both_parts_of_a_key_have_the_name_that_tokens_give_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    for (name, args) in [
        ("rsa", vec!["genrsa", "-traditional", "2048"]),
        ("pkcs8", vec!["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]),
        ("ec", vec!["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]),
        ("ec384", vec!["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"]),
    ] {
        let Some(private) = openssl(&args) else {
            assert!(std::env::var_os("CI").is_none(), "no openssl to make a key with");
            continue;
        };
        std::fs::write(path(name), &private).unwrap();
        let public = openssl(&["pkey", "-in", &path(name), "-pubout"]).unwrap();
        let spki = openssl(&["pkey", "-in", &path(name), "-pubout", "-outform", "DER"]).unwrap();
        assert_eq!(key::ids(&private).unwrap(), [kid(&spki)], "{name}");
        assert_eq!(key::ids(&public).unwrap(), [kid(&spki)], "{name}");
    }
    assert!(key::ids(b"nothing").is_err());
}
