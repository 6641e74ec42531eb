//! `--location velero:NAME`: bucket and credentials come from the cluster.

use testbed::S3;

use crate::Operator;

const DEFINITION: &str = r#"
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: backupstoragelocations.velero.io}
spec:
  group: velero.io
  scope: Namespaced
  names: {plural: backupstoragelocations, singular: backupstoragelocation, kind: BackupStorageLocation}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
"#;

fn location(s3: &S3) -> String {
    format!(
        "apiVersion: velero.io/v1\nkind: BackupStorageLocation\nmetadata: {{name: main, namespace: velero}}\nspec:\n  \
         provider: aws\n  objectStorage: {{bucket: velero-location, prefix: lab}}\n  credential: {{name: keys, key: cloud}}\n  \
         config: {{region: {}, s3ForcePathStyle: \"true\", s3Url: \"{}\"}}\n",
        s3.region(),
        s3.endpoint()
    )
}

#[test]
fn bucket_and_credentials_come_from_the_storage_location() {
    let Some(operator) = Operator::new() else { return };
    let Some(s3) = testbed::shared::s3() else { return };
    s3.create_bucket("velero-location").unwrap();
    operator.kubectl("create namespace velero");
    operator.apply(DEFINITION);
    operator.kubectl("wait --for=condition=Established crd/backupstoragelocations.velero.io --timeout=60s");
    operator.run("backup list --location velero:main").exits(2).says("no BackupStorageLocation main");
    let keys = format!(
        "[default]\naws_access_key_id={}\naws_secret_access_key={}\n",
        s3.access_key(),
        s3.secret_key()
    );
    operator
        .plane
        .kubectl(&[
            "create",
            "secret",
            "generic",
            "keys",
            "-n",
            "velero",
            &format!("--from-literal=cloud={keys}"),
        ])
        .unwrap();
    operator.apply(&location(s3));

    operator.run("location check --location velero:main").exits(0).prints("conditional create");
    operator.run("backup create by-velero --location velero:main --include-namespaces default").exits(0);
    let list = operator.run("backup list --location velero:main -vvv").exits(0).prints("by-velero");
    assert!(!list.stderr.contains(s3.secret_key()), "a credential in the log: {}", list.stderr);
    operator.run("backup list --location velero:mian").exits(2).says("velero:NAME@velero, with one of main");
}
