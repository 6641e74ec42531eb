//! A Velero BackupStorageLocation, read as a URL and options: the same bucket with the same credentials.
//!
//! Pure: the caller fetches the object and the Secret. Refuses `insecureSkipTLSVerify`: give the authority instead.
//! Sources: `velero.io/v1` BackupStorageLocation; README of velero-plugin-for-aws v1.14, -gcp v1.14, -microsoft-azure v1.14.

use super::error::{Error, Result};
use super::options::{Credentials, LocationOptions, ServerSideEncryption};
use super::profile;
use super::source::location_url;
use base64::Engine;
use serde_json::Value;

/// URL and options of a BackupStorageLocation. `credentials_file` is the text of the file its `spec.credential` (or the
/// server's default Secret) holds; without one the credentials are those of the environment.
///
/// [`Error::Invalid`] for providers and settings that cannot be taken over, naming them.
pub fn from_velero(bsl: &Value, credentials_file: Option<&str>) -> Result<(String, LocationOptions)> {
    let spec = &bsl["spec"];
    let name = bsl["metadata"]["name"].as_str().unwrap_or("?");
    let invalid = |what: String| Error::Invalid(format!("BackupStorageLocation {name}: {what}"));
    let store = &spec["objectStorage"];
    let bucket = store["bucket"].as_str().unwrap_or_default().trim_matches('/');
    if bucket.is_empty() || bucket.contains('/') {
        return Err(invalid(format!("{bucket:?} is no bucket")));
    }
    let prefix = store["prefix"].as_str().unwrap_or_default().trim_matches('/');
    let config = |key: &str| spec["config"][key].as_str().filter(|value| !value.is_empty());
    if config("insecureSkipTLSVerify").is_some_and(is_true) {
        return Err(invalid("insecureSkipTLSVerify is set, and daytwo does not speak to a store it cannot verify; put the store's authority into spec.objectStorage.caCert, or pass --ca-file with the location's URL".into()));
    }
    let mut options = LocationOptions::default();
    if let Some(encoded) = store["caCert"].as_str().filter(|text| !text.is_empty()) {
        let pem = base64::engine::general_purpose::STANDARD
            .decode(encoded)
            .map_err(|_| invalid("caCert is not base64".into()))?;
        options.ca_pem = Some(pem);
    }
    let provider = spec["provider"].as_str().unwrap_or_default();
    let scheme = match provider.strip_prefix("velero.io/").unwrap_or(provider) {
        "aws" => {
            aws(&config, credentials_file, &mut options).map_err(invalid)?;
            "s3"
        }
        "gcp" => {
            options.credentials =
                credentials_file.map(|text| Credentials::Google { service_account: text.to_owned() });
            "gs"
        }
        "azure" => {
            azure(&config, credentials_file, &mut options);
            "az"
        }
        other => {
            return Err(invalid(format!(
                "provider {other:?} is not aws, gcp or azure; pass the location's URL"
            )));
        }
    };
    Ok((location_url(scheme, bucket, prefix), options))
}

fn is_true(value: &str) -> bool {
    matches!(value, "1" | "t" | "T" | "true" | "TRUE" | "True")
}

fn aws<'a>(
    config: &impl Fn(&str) -> Option<&'a str>,
    credentials_file: Option<&str>,
    options: &mut LocationOptions,
) -> Result<(), String> {
    if let Some(setting) = ["customerKeyEncryptionFile", "customerKeyEncryptionSecret"]
        .into_iter()
        .find(|key| config(key).is_some())
    {
        return Err(format!("{setting} (keys handed to the store with each request) is not supported"));
    }
    options.region = config("region").map(str::to_owned);
    options.endpoint = config("s3Url").map(str::to_owned);
    // As the plugin: in the host name unless the location says otherwise.
    options.path_style = Some(config("s3ForcePathStyle").is_some_and(is_true));
    options.server_side_encryption = match (config("kmsKeyId"), config("serverSideEncryption")) {
        (Some(key), _) => Some(ServerSideEncryption::Kms { key: key.to_owned() }),
        (None, Some("AES256")) => Some(ServerSideEncryption::Aes256),
        (None, Some(other)) => return Err(format!("serverSideEncryption {other} needs kmsKeyId")),
        (None, None) => None,
    };
    let profile = config("profile");
    if let Some(text) = credentials_file {
        let section = profile.unwrap_or("default");
        let keys = profile::keys_of(text, section);
        options.credentials =
            Some(keys.ok_or_else(|| format!("its credentials hold no keys in section [{section}]"))?);
    } else {
        options.profile = profile.map(str::to_owned);
    }
    Ok(())
}

/// Azure's credentials file holds environment variables, one a line.
fn azure<'a>(
    config: &impl Fn(&str) -> Option<&'a str>,
    credentials_file: Option<&str>,
    options: &mut LocationOptions,
) {
    let variable = |name: &str| {
        let lines = credentials_file.unwrap_or_default().lines();
        let mut pairs = lines.filter_map(|line| line.split_once('='));
        pairs.find(|(key, _)| key.trim() == name).map(|(_, value)| value.trim().trim_matches('"').to_owned())
    };
    let account = config("storageAccount").map(str::to_owned);
    let key = variable(config("storageAccountKeyEnvVar").unwrap_or("AZURE_STORAGE_ACCOUNT_ACCESS_KEY"));
    options.endpoint = config("storageAccountURI").map(str::to_owned);
    if account.is_some() || key.is_some() {
        options.credentials = Some(Credentials::Azure { account, key });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const FILE: &str = "[default]\naws_access_key_id=AK\naws_secret_access_key=sk\n[b]\naws_access_key_id=BK\naws_secret_access_key=bk\n";

    fn key_id(options: &LocationOptions) -> &str {
        match &options.credentials {
            Some(Credentials::Aws { key_id, .. }) => key_id,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_store_on_premise_comes_with_url_style_authority_and_keys() {
        let bsl = json!({"metadata": {"name": "default"}, "spec": {
            "provider": "velero.io/aws",
            "objectStorage": {"bucket": "/velero/", "prefix": "/site-a/", "caCert": "LS0t"},
            "config": {"region": "minio", "s3Url": "https://s3.site.example:9000", "s3ForcePathStyle": "true", "kmsKeyId": "k"}}});
        let (url, options) = from_velero(&bsl, Some(FILE)).unwrap();
        assert_eq!(url, "s3://velero/site-a");
        assert_eq!(options.endpoint.as_deref(), Some("https://s3.site.example:9000"));
        assert_eq!((options.region.as_deref(), options.path_style), (Some("minio"), Some(true)));
        assert_eq!(options.ca_pem.as_deref(), Some(b"---".as_slice()));
        assert_eq!(options.server_side_encryption, Some(ServerSideEncryption::Kms { key: "k".into() }));
        assert_eq!(key_id(&options), "AK");
    }

    #[test]
    fn a_profile_picks_the_section_of_the_file() {
        let mut bsl = json!({"spec": {"provider": "aws", "objectStorage": {"bucket": "b"}, "config": {"profile": "b"}}});
        assert_eq!(key_id(&from_velero(&bsl, Some(FILE)).unwrap().1), "BK");
        bsl["spec"]["config"]["profile"] = json!("none");
        assert!(from_velero(&bsl, Some(FILE)).unwrap_err().to_string().contains("[none]"));
    }

    #[test]
    fn what_cannot_be_taken_over_is_named() {
        let cases = [
            (
                json!({"spec": {"provider": "aws", "objectStorage": {"bucket": "b"}, "config": {"insecureSkipTLSVerify": "true"}}}),
                "insecureSkipTLSVerify",
            ),
            (
                json!({"spec": {"provider": "aws", "objectStorage": {"bucket": "b"}, "config": {"customerKeyEncryptionFile": "/f"}}}),
                "customerKeyEncryptionFile",
            ),
            (json!({"spec": {"provider": "openstack", "objectStorage": {"bucket": "b"}}}), "openstack"),
            (json!({"spec": {"provider": "aws", "objectStorage": {"bucket": "a/b"}}}), "a/b"),
            (json!({"spec": {"provider": "aws"}}), "no bucket"),
        ];
        for (bsl, named) in cases {
            let error = from_velero(&bsl, None).unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        }
    }

    #[test]
    fn other_clouds_come_with_their_credentials() {
        let gcp = json!({"spec": {"provider": "gcp", "objectStorage": {"bucket": "b", "prefix": "p"}}});
        let (url, options) = from_velero(&gcp, Some("{}")).unwrap();
        assert_eq!(url, "gs://b/p");
        assert!(matches!(options.credentials, Some(Credentials::Google { .. })));
        let azure = json!({"spec": {"provider": "azure", "objectStorage": {"bucket": "c"}, "config": {"storageAccount": "acc"}}});
        let (url, options) = from_velero(&azure, Some("AZURE_STORAGE_ACCOUNT_ACCESS_KEY=\"k\"\n")).unwrap();
        assert_eq!(url, "az://c");
        assert_eq!(
            options.credentials,
            Some(Credentials::Azure { account: Some("acc".into()), key: Some("k".into()) })
        );
    }
}
