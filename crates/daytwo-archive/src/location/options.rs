//! What can be said about a location beside its URL. Values only: nothing here reads a file or the environment.

use jiff::Timestamp;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// Settings of a location; each default leaves the choice to the environment and then to the store.
#[derive(Clone, Default)]
pub struct LocationOptions {
    /// S3: URL of a store other than AWS. `http://` is taken as said. Default: `AWS_ENDPOINT_URL_S3`,
    /// `AWS_ENDPOINT_URL`, `endpoint_url` of the profile, AWS.
    pub endpoint: Option<String>,
    /// S3: default `AWS_REGION`, `AWS_DEFAULT_REGION`, `region` of the profile, `us-east-1`.
    pub region: Option<String>,
    /// S3: section of the AWS credentials and config files, before any other source of credentials.
    pub profile: Option<String>,
    /// S3: bucket in the path (`true`) or in the host name. Default: `addressing_style` of the profile; else in the path
    /// when an endpoint is given or the bucket's name holds a dot.
    pub path_style: Option<bool>,
    /// Credentials, before any other source of them.
    pub credentials: Option<Credentials>,
    /// PEM file of authorities to trust beside the system's. Default `AWS_CA_BUNDLE`, then none.
    pub ca_file: Option<PathBuf>,
    /// The same as bytes; both may be given.
    pub ca_pem: Option<Vec<u8>>,
    /// S3: how the store encrypts what it keeps. Default: as the bucket is set.
    pub server_side_encryption: Option<ServerSideEncryption>,
    /// S3: Object Lock on every file of a backup written.
    pub retention: Option<Retention>,
    /// S3: send a SHA-256 with every upload, which buckets with Object Lock ask for and some older stores refuse.
    /// Default off; `retention` switches it on.
    pub checksums: bool,
    /// How long to wait and how often to try again.
    pub patience: Patience,
    /// Environment variables to read settings from. Default: those of the process.
    pub environment: Option<BTreeMap<String, String>>,
}

/// Without the values of environment variables, which may be credentials.
impl fmt::Debug for LocationOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocationOptions")
            .field("endpoint", &self.endpoint)
            .field("region", &self.region)
            .field("profile", &self.profile)
            .field("path_style", &self.path_style)
            .field("credentials", &self.credentials)
            .field("ca_file", &self.ca_file)
            .field("ca_pem", &self.ca_pem.as_ref().map(Vec::len))
            .field("server_side_encryption", &self.server_side_encryption)
            .field("retention", &self.retention)
            .field("checksums", &self.checksums)
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}

impl LocationOptions {
    /// An environment variable that is set and not empty.
    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        let value = match &self.environment {
            Some(environment) => environment.get(name).cloned(),
            None => std::env::var(name).ok(),
        };
        value.filter(|value| !value.is_empty())
    }
}

/// Credentials handed over by the caller. Shown only as what kind they are.
#[derive(Clone, PartialEq, Eq)]
pub enum Credentials {
    /// S3 and compatible stores.
    Aws {
        /// Access key id.
        key_id: String,
        /// Secret access key.
        secret: String,
        /// Session token of temporary credentials.
        token: Option<String>,
    },
    /// Google Cloud Storage: the JSON of a service account's key.
    Google {
        /// The JSON text.
        service_account: String,
    },
    /// Azure Blob Storage.
    Azure {
        /// Storage account; default `AZURE_STORAGE_ACCOUNT_NAME`.
        account: Option<String>,
        /// Its access key.
        key: Option<String>,
    },
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Credentials::Aws { .. } => "Credentials::Aws(<redacted>)",
            Credentials::Google { .. } => "Credentials::Google(<redacted>)",
            Credentials::Azure { .. } => "Credentials::Azure(<redacted>)",
        })
    }
}

/// How an S3 store encrypts what it keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerSideEncryption {
    /// `AES256`: keys of the store.
    Aes256,
    /// `aws:kms`: a key of the key management service.
    Kms {
        /// Id or ARN of the key; default the account's key for S3.
        key: String,
    },
}

/// Object Lock of what is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retention {
    /// Who may lift it.
    pub mode: RetentionMode,
    /// Until when nothing can be deleted or replaced.
    pub until: Timestamp,
}

/// Who may lift a retention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetentionMode {
    /// Those with the right to bypass governance.
    Governance,
    /// Nobody, the account's root user neither.
    Compliance,
}

impl RetentionMode {
    /// As S3 spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            RetentionMode::Governance => "GOVERNANCE",
            RetentionMode::Compliance => "COMPLIANCE",
        }
    }
}

/// How long to wait for a store, and how often to try again. One act takes at most about
/// `retry_for + silence`, then ends in [`super::Error::Unavailable`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patience {
    /// For a connection. Default 10 s.
    pub connect: Duration,
    /// Longest time without a byte from the store, an upload of one part (5 MiB) included. Default 60 s.
    pub silence: Duration,
    /// Further tries after the first. Default 6.
    pub retries: usize,
    /// After this long no further try begins. Default 120 s.
    pub retry_for: Duration,
    /// Longest wait between two tries. Default 10 s.
    pub backoff: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Patience {
            connect: Duration::from_secs(10),
            silence: Duration::from_secs(60),
            retries: 6,
            retry_for: Duration::from_secs(120),
            backoff: Duration::from_secs(10),
        }
    }
}
