use super::*;

fn options(files: &tempfile::TempDir, variables: &[(&str, &str)]) -> LocationOptions {
    let mut environment: BTreeMap<String, String> =
        variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    environment.insert("HOME".into(), files.path().to_str().unwrap().to_owned());
    LocationOptions { environment: Some(environment), ..LocationOptions::default() }
}

fn home(credentials: &str, config: &str) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join(".aws")).unwrap();
    std::fs::write(home.path().join(".aws/credentials"), credentials).unwrap();
    std::fs::write(home.path().join(".aws/config"), config).unwrap();
    home
}

const CREDENTIALS: &str = "
# keys
[default]
aws_access_key_id = AKDEFAULT
aws_secret_access_key = secret/with+signs==

[site]
aws_access_key_id=AKSITE
aws_secret_access_key=s2
aws_session_token = t
";

const CONFIG: &str = r#"
[default]
region = eu-central-1
[profile site]
region = garage ; inline
endpoint_url = https://s3.site.example:9000
ca_bundle = /etc/ca.pem
s3 =
  addressing_style = virtual
  max_concurrent_requests = 20
output = json
[profile "sso"]
sso_session = x
[profile process]
credential_process = /bin/keys
[profile role]
role_arn = arn:aws:iam::1:role/r
source_profile = default
[profile svc]
services = lab
[services lab]
s3 =
  endpoint_url = https://lab.example
[profile web]
role_arn = arn:aws:iam::1:role/w
web_identity_token_file = /token
"#;

#[test]
fn the_default_profile_is_read_where_nothing_else_is_set() {
    let home = home(CREDENTIALS, CONFIG);
    let aws = resolve(&options(&home, &[])).unwrap();
    assert_eq!(
        aws.source,
        Source::Keys { key_id: "AKDEFAULT".into(), secret: "secret/with+signs==".into(), token: None }
    );
    assert_eq!(aws.region.as_deref(), Some("eu-central-1"));
    assert!(aws.from.contains("default") && aws.from.contains("credentials"), "{}", aws.from);
}

#[test]
fn a_profile_brings_keys_token_region_endpoint_style_and_authority() {
    let home = home(CREDENTIALS, CONFIG);
    let aws = resolve(&options(&home, &[("AWS_PROFILE", "site")])).unwrap();
    assert_eq!(
        aws.source,
        Source::Keys { key_id: "AKSITE".into(), secret: "s2".into(), token: Some("t".into()) }
    );
    assert_eq!(aws.region.as_deref(), Some("garage"));
    assert_eq!(aws.endpoint.as_deref(), Some("https://s3.site.example:9000"));
    assert_eq!(aws.path_style, Some(false));
    assert_eq!(aws.ca_bundle.as_deref(), Some("/etc/ca.pem"));
}

#[test]
fn the_environment_goes_before_the_files_and_an_option_before_both() {
    let home = home(CREDENTIALS, CONFIG);
    let keys = [
        ("AWS_ACCESS_KEY_ID", "AKENV"),
        ("AWS_SECRET_ACCESS_KEY", "s"),
        ("AWS_PROFILE", "site"),
        ("AWS_REGION", "r"),
    ];
    let mut options = options(&home, &keys);
    let aws = resolve(&options).unwrap();
    assert!(matches!(&aws.source, Source::Keys { key_id, .. } if key_id == "AKENV"));
    assert_eq!(aws.region.as_deref(), Some("r"));
    options.profile = Some("default".into());
    options.region = Some("mine".into());
    options.endpoint = Some("http://e".into());
    let aws = resolve(&options).unwrap();
    assert!(matches!(&aws.source, Source::Keys { key_id, .. } if key_id == "AKDEFAULT"));
    assert_eq!((aws.region.as_deref(), aws.endpoint.as_deref()), (Some("mine"), Some("http://e")));
}

#[test]
fn files_named_by_variables_are_read_instead() {
    let home = home("", "");
    let other = home.path().join("other");
    std::fs::write(&other, CREDENTIALS).unwrap();
    let aws = resolve(&options(&home, &[("AWS_SHARED_CREDENTIALS_FILE", other.to_str().unwrap())])).unwrap();
    assert!(matches!(aws.source, Source::Keys { .. }));
}

#[test]
fn an_endpoint_of_the_service_section_is_found_and_can_be_ignored() {
    let home = home(CREDENTIALS, CONFIG);
    let aws =
        resolve(&options(&home, &[("AWS_PROFILE", "svc"), ("AWS_EC2_METADATA_DISABLED", "no")])).unwrap();
    assert_eq!(aws.endpoint.as_deref(), Some("https://lab.example"));
    let ignored =
        resolve(&options(&home, &[("AWS_PROFILE", "svc"), ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")]))
            .unwrap();
    assert_eq!(ignored.endpoint, None);
}

#[test]
fn web_identity_comes_from_the_environment_or_the_profile() {
    let home = home("", CONFIG);
    let variables = [("AWS_WEB_IDENTITY_TOKEN_FILE", "/t"), ("AWS_ROLE_ARN", "arn")];
    let expected = Source::WebIdentity { token_file: "/t".into(), role: "arn".into(), session: None };
    assert_eq!(resolve(&options(&home, &variables)).unwrap().source, expected);
    assert!(matches!(
        resolve(&options(&home, &[("AWS_PROFILE", "web")])).unwrap().source,
        Source::WebIdentity { .. }
    ));
}

#[test]
fn what_needs_another_program_is_refused_with_the_command_that_runs_it() {
    let home = home("", CONFIG);
    for profile in ["sso", "process", "role"] {
        let error = resolve(&options(&home, &[("AWS_PROFILE", profile)])).unwrap_err().to_string();
        assert!(error.contains(&format!("export-credentials --profile {profile}")), "{error}");
    }
}

#[test]
fn a_profile_that_is_not_there_is_an_error_that_names_the_files() {
    let home = home(CREDENTIALS, CONFIG);
    let error = resolve(&options(&home, &[("AWS_PROFILE", "tpyo")])).unwrap_err().to_string();
    assert!(error.contains("tpyo") && error.contains(".aws/credentials"), "{error}");
}

#[test]
fn half_a_pair_of_keys_is_an_error() {
    let home = home(CREDENTIALS, CONFIG);
    assert!(resolve(&options(&home, &[("AWS_ACCESS_KEY_ID", "AK")])).is_err());
}

#[test]
fn without_any_credentials_the_instance_is_asked_unless_that_is_switched_off() {
    let home = home("", "");
    assert!(matches!(resolve(&options(&home, &[])).unwrap().source, Source::Instance { .. }));
    let error = resolve(&options(&home, &[("AWS_EC2_METADATA_DISABLED", "true")])).unwrap_err().to_string();
    assert!(error.contains("AWS_ACCESS_KEY_ID"), "{error}");
}

#[test]
fn nothing_of_a_secret_is_shown_by_debug() {
    let home = home(CREDENTIALS, CONFIG);
    let mut options = options(&home, &[]);
    let shown = format!("{:?}", resolve(&options).unwrap());
    assert!(!shown.contains("secret/with") && !shown.contains("AKDEFAULT"), "{shown}");
    options.credentials =
        Some(Credentials::Aws { key_id: "AKX".into(), secret: "hidden".into(), token: None });
    options.environment.as_mut().unwrap().insert("AWS_SECRET_ACCESS_KEY".into(), "hidden".into());
    let shown = format!("{options:?}");
    assert!(!shown.contains("hidden") && !shown.contains("AKX"), "{shown}");
}
