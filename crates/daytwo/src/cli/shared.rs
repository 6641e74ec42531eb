//! Flags that several verbs take, with the same word and the same meaning in each.

use std::path::PathBuf;

use clap::{ArgAction, Args, ValueEnum, ValueHint};

/// Where backups live.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Location options")]
pub struct At {
    /// A URL (s3://bucket/prefix, gs://, az://, file:///dir, /dir, ./dir), the name of a kept location, or
    /// velero:NAME[@NAMESPACE] for a BackupStorageLocation of the cluster [default: the default location]
    #[arg(long, visible_alias = "storage-location", value_name = "LOCATION", env = "DAYTWO_LOCATION")]
    pub location: Option<String>,
    #[command(flatten)]
    pub store: Store,
}

/// Where journals of runs live.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Location options")]
pub struct Journals {
    /// Where the run's journal is kept, for locations that cannot be written: a URL, a folder, or the name of a kept
    /// location; to be named again by whoever goes on with the run or looks for it [default: the location]
    #[arg(long, value_name = "LOCATION", env = "DAYTWO_JOURNAL")]
    pub journal: Option<String>,
}

/// Where backups live, and the journals of runs.
#[derive(Debug, Clone, Default, Args)]
pub struct Places {
    #[command(flatten)]
    pub at: At,
    #[command(flatten)]
    pub journals: Journals,
}

impl Places {
    /// The flags that lead to the same places again, each behind a space.
    pub fn flags(&self) -> String {
        let named = [("--location", &self.at.location), ("--journal", &self.journals.journal)];
        let flag =
            |(flag, place): (&str, &Option<String>)| Some(format!(" {flag} {}", quoted(place.as_ref()?)));
        named.into_iter().filter_map(flag).collect()
    }
}

/// A word as a shell takes it.
pub fn quoted(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/:._-@+=,~".contains(&byte);
    match !word.is_empty() && word.bytes().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

/// A run, and where it is found.
#[derive(Debug, Clone, Args)]
pub struct OneRun {
    /// The run
    #[arg(value_name = "RUN")]
    pub run: String,
    #[command(flatten)]
    pub places: Places,
}

/// How an object store is reached. Credentials come from the usual variables and files, never from flags.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Location options")]
pub struct Store {
    /// S3: the endpoint's URL, for stores that are not AWS
    #[arg(long, value_name = "URL")]
    pub endpoint: Option<String>,
    /// S3: the region
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
    /// S3: the profile of the AWS credentials file
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// S3: put the bucket into the path instead of the host name [default: true with --endpoint]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub path_style: Option<bool>,
    /// CA certificates (PEM) to trust for the store
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub ca_file: Option<PathBuf>,
    /// S3: encryption by the store
    #[arg(long, value_name = "KIND", value_enum)]
    pub sse: Option<Sse>,
    /// S3: the KMS key, with --sse aws:kms
    #[arg(long, value_name = "KEY-ID", requires = "sse")]
    pub sse_kms_key_id: Option<String>,
    /// S3: Object Lock mode for what is written, with --retain-for
    #[arg(long, value_name = "MODE", value_enum, requires = "retain_for")]
    pub retention_mode: Option<RetentionMode>,
    /// S3: how long Object Lock keeps what is written (720h, 30d)
    #[arg(long, value_name = "DURATION", requires = "retention_mode")]
    pub retain_for: Option<String>,
}

/// Encryption by the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Sse {
    /// Keys of the store
    #[value(name = "AES256")]
    Aes256,
    /// A key of the key management service
    #[value(name = "aws:kms")]
    Kms,
}

impl Sse {
    /// The word of the S3 API, which is also the word of the flag and of the config file.
    pub fn word(self) -> &'static str {
        match self {
            Self::Aes256 => "AES256",
            Self::Kms => "aws:kms",
        }
    }
}

/// Object Lock modes of S3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RetentionMode {
    /// Those with the permission may delete earlier
    #[value(name = "GOVERNANCE", alias = "governance")]
    Governance,
    /// Nobody may delete earlier
    #[value(name = "COMPLIANCE", alias = "compliance")]
    Compliance,
}

impl RetentionMode {
    /// The word of the S3 API, which is also the word of the flag and of the config file.
    pub fn word(self) -> &'static str {
        match self {
            Self::Governance => "GOVERNANCE",
            Self::Compliance => "COMPLIANCE",
        }
    }
}

/// Which objects: the words and the meaning of Velero.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Filters")]
pub struct Filters {
    /// Namespaces to take, globs allowed [default: all]
    #[arg(long, value_name = "NAMESPACE", value_delimiter = ',', action = ArgAction::Append)]
    pub include_namespaces: Vec<String>,
    /// Namespaces to leave out, globs allowed
    #[arg(long, value_name = "NAMESPACE", value_delimiter = ',', action = ArgAction::Append)]
    pub exclude_namespaces: Vec<String>,
    /// Resources to take, such as deployments.apps; '*' takes those too that are left out by default
    #[arg(long, value_name = "RESOURCE", value_delimiter = ',', action = ArgAction::Append)]
    pub include_resources: Vec<String>,
    /// Resources to leave out
    #[arg(long, value_name = "RESOURCE", value_delimiter = ',', action = ArgAction::Append)]
    pub exclude_resources: Vec<String>,
    /// Only objects with these labels, such as app=web,tier!=cache
    #[arg(short = 'l', long, value_name = "SELECTOR")]
    pub selector: Option<String>,
    /// Cluster-scoped objects: true takes all, false none [default: all, or with --include-namespaces those that
    /// belong to what is taken]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub include_cluster_resources: Option<bool>,
}

/// How a backup is written.
#[derive(Debug, Clone, Default, Args)]
pub struct Writing {
    /// When Velero's garbage collection may delete the backup (720h, 30d) [default: never]
    #[arg(long, value_name = "DURATION")]
    pub ttl: Option<String>,
    /// Encrypt every file of the backup to this age recipient; may be repeated. Velero passes such backups over
    #[arg(long, value_name = "RECIPIENT")]
    pub encrypt_to: Vec<String>,
    /// Sign with this ed25519 private key (PEM)
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub sign_key: Option<PathBuf>,
}

/// Keys to read an encrypted backup with.
#[derive(Debug, Clone, Default, Args)]
pub struct Identities {
    /// File with age identities, to read an encrypted backup; may be repeated
    #[arg(long = "identity", value_name = "FILE", env = "DAYTWO_IDENTITY", value_hint = ValueHint::FilePath)]
    pub identities: Vec<PathBuf>,
}

/// One namespace or all of them.
#[derive(Debug, Clone, Default, Args)]
pub struct Scope {
    /// The namespace
    #[arg(short, long, value_name = "NAMESPACE", conflicts_with = "all_namespaces")]
    pub namespace: Option<String>,
    /// All namespaces
    #[arg(short = 'A', long)]
    pub all_namespaces: bool,
}
